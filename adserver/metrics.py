"""Everything the house counts about itself, in Prometheus' words, on one page.

Never here: business figures; those are asked of the event log. The one surprising fact: counting is
a dictionary increment, not a prometheus_client call, because it happens several times per ad
request; the library only writes the page when somebody asks for it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
BOUNDS_S = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0)


class Tally(Collector):
    """A counter with one label. `tally.add("reason")`."""

    def __init__(self, name: str, explanation: str, label: str) -> None:
        self.name, self.explanation, self.label = name, explanation, label
        self.counts: Counter[str] = Counter()
        REGISTRY.register(self)

    def add(self, value: str, by: int = 1) -> None:
        """Counts `by` more under this label value; values must come from a closed set."""
        self.counts[value] += by

    def add_all(self, pairs: Iterable[tuple[str, int]]) -> None:
        """Counts several label values at once."""
        counts = self.counts
        for value, by in pairs:
            counts[value] += by

    def collect(self) -> Iterator[Metric]:
        """The family as prometheus_client writes it."""
        family = CounterMetricFamily(self.name, self.explanation, labels=[self.label])
        for value, count in sorted(self.counts.items()):
            family.add_metric([value], count)
        yield family


class Timing(Collector):
    """A histogram of seconds with one label."""

    def __init__(self, name: str, explanation: str, label: str) -> None:
        self.name, self.explanation, self.label = name, explanation, label
        self.buckets: dict[str, list[int]] = {}
        self.sums: dict[str, float] = {}
        REGISTRY.register(self)

    def observe(self, value: str, seconds: float) -> None:
        """Adds one measurement under this label value."""
        buckets = self.buckets.get(value)
        if buckets is None:
            buckets = self.buckets[value] = [0] * (len(BOUNDS_S) + 1)
        buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self.sums[value] = self.sums.get(value, 0.0) + seconds

    def collect(self) -> Iterator[Metric]:
        """The family as prometheus_client writes it, buckets cumulated."""
        family = HistogramMetricFamily(self.name, self.explanation, labels=[self.label])
        for value, buckets in sorted(self.buckets.items()):
            reached, rows = 0, []
            for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), buckets, strict=True):
                reached += count
                rows.append((bound, reached))
            family.add_metric([value], rows, self.sums[value])
        yield family


class Level(Collector):
    """A gauge that is read when the page is written."""

    def __init__(self, name: str, explanation: str) -> None:
        self.name, self.explanation = name, explanation
        self.read: Callable[[], float] = float
        REGISTRY.register(self)

    def collect(self) -> Iterator[Metric]:
        """The value of this moment."""
        yield GaugeMetricFamily(self.name, self.explanation, value=self.read())


REQUESTS = Tally("adunion_requests", "Answers of the serving plane by status.", "status")
NO_ADS = Tally("adunion_no_ads", "Ad requests answered with no ad, by reason.", "reason")
REJECTED = Tally("adunion_rejected", "Ads that left a slate, by reason.", "reason")
RELOADS = Tally("adunion_reloads", "Publications taken up or refused.", "outcome")
DROPPED = Tally("adunion_dropped", "Records that were not kept, by what they were.", "what")
STAGES = Timing("adunion_stage_seconds", "Where the time of an ad request goes.", "stage")
CONNECTIONS = Level("adunion_connections", "Open connections of this worker.")
SNAPSHOT_AGE = Level("adunion_snapshot_age_seconds", "Time since the snapshot was swapped in.")


def page() -> bytes:
    """The text that `GET /metrics` answers."""
    return generate_latest(REGISTRY)
