"""The simulator's own books: what it asked for, saw, and reported back.

Never here: sending. The surprising fact: `events` counts each distinct beacon the server accepted
once, which is exactly what its event log must hold as counted or suspect.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Books:
    """One phase. `true_clicks` sums hidden probabilities over honest impressions, by format.

    That is the click count without its luck. Latencies are in ms; those of ads are measured from
    the scheduled instant, so they hold the queueing of an overloaded server too.
    """

    requests: int = 0
    filled: int = 0
    ads: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    recounted: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    impressions: Counter[str] = field(default_factory=Counter)
    clicks: Counter[str] = field(default_factory=Counter)
    true_clicks: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    latency_ms: list[float] = field(default_factory=list)
    beacon_ms: list[float] = field(default_factory=list)

    def percentiles(self) -> dict[str, float]:
        """p50, p90, p99 of ad answers and p99 of beacons, in ms (0 when there were none)."""
        ads = self.latency_ms or [0.0]
        beacons = self.beacon_ms or [0.0]
        p50, p90, p99 = (float(value) for value in np.percentile(ads, (50, 90, 99)))
        return {"p50": p50, "p90": p90, "p99": p99, "beacon_p99": float(np.percentile(beacons, 99))}
