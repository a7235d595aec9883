"""When requests come and who sends them: an open loop with a day curve, bursts and Zipf users.

Never here: sending. The one surprising fact: the schedule is made before the first request leaves
and nobody waits for answers, so a slow server meets a queue, as it would in life.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtest.marketplace import Market
from loadtest.population import Population
from loadtest.themes import TRAFFIC_SHARE

STEPS = 2_000
DAY_SWING = 0.4
BURSTS = 3
BURST_FACTOR = 1.8
BURST_SHARE = 0.02


@dataclass(frozen=True)
class Schedule:
    """Request i leaves `at_s[i]` seconds after the start, from user row i in placement row i."""

    at_s: NDArray[np.float64]
    users: NDArray[np.int64]
    placements: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at_s)


def day_curve(rng: np.random.Generator) -> NDArray[np.float64]:
    """The relative rate in each of STEPS equal steps of a day, squeezed into the run; mean 1.

    Quiet at its ends, busy at three quarters, with a few short bursts.
    """
    time = np.arange(STEPS) / STEPS
    rate = 1 + DAY_SWING * np.sin((time - 0.5) * 2 * np.pi)
    for start in rng.uniform(0.1, 0.9, BURSTS):
        rate[(time >= start) & (time < start + BURST_SHARE)] *= BURST_FACTOR
    return np.asarray(rate / rate.mean())


def make_schedule(
    people: Population, market: Market, requests: int, duration_s: float, rng: np.random.Generator
) -> Schedule:
    """Exactly `requests` arrivals at random instants that follow the day curve."""
    share = np.concatenate([[0], np.cumsum(day_curve(rng))]) / STEPS
    instants = np.sort(rng.random(requests))
    formats = [slot.format for slot in market.slots]
    weights = np.array([TRAFFIC_SHARE[name] / formats.count(name) for name in formats])
    return Schedule(
        at_s=np.interp(instants, share, np.linspace(0, duration_s, STEPS + 1)),
        users=rng.choice(len(people), size=requests, p=people.weights),
        placements=rng.choice(len(formats), size=requests, p=weights / weights.sum()),
    )
