"""The house as it is right now: requests a second, how fast, how many filled, what waits where.

    live(store, data_dir, now) -> Live       the last few minutes in one value

From the newest decisions, the outboxes' locks, the publications on disk, and what the shipper of
this process says of itself. Never here: history (`requests`, `delivery`). The one surprising fact:
decisions reach the event log about a second after they were made, so the last seconds before `now`
look emptier than they were; rates leave them out.

Raises `StoreAwayError`, and `StatementRefusedError` while the tables are not there yet.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client import Gauge

from adserver import history_package, publication
from adserver.eventlog.liveness import is_held
from adserver.eventlog.outbox import lock_path
from adserver.eventlog.shipper import AWAY, BACKLOG, LAG
from adserver.ports import EventStore
from adserver.reports.delivery import PPM
from adserver.stores.catalog_publisher import DIRECTORY as CATALOG

WINDOW = timedelta(minutes=5)
ON_THE_WAY = timedelta(seconds=3)  # decisions that young may not be in the log yet
STEP_S = 10
NOTHING = "none"  # what a worker calls a publication that is not there
PERCENTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Latency:
    """From the parsed request to the decision, microseconds; None without requests."""

    p50_us: int | None = None
    p90_us: int | None = None
    p99_us: int | None = None


class Moment(NamedTuple):
    """`STEP_S` seconds from `at` on."""

    at: datetime
    requests: int
    filled: int
    p99_us: int | None


class NoAds(NamedTuple):
    """Requests without an ad for one reason."""

    reason: str
    requests: int


@dataclass(frozen=True, slots=True)
class Worker:
    """One serving worker. `is_alive` of this machine's: whether its process runs.

    `published_at` is when the catalog or history that it last decided with was published; None when
    that is gone or it decided nothing. `is_current`: that catalog is the newest there is.
    """

    name: str
    is_alive: bool
    requests: int
    requests_per_s: float
    filled: int
    latency: Latency
    last_decided_at: datetime | None
    snapshot_version: str
    published_at: datetime | None
    is_current: bool
    waiting_rows: int


@dataclass(frozen=True, slots=True)
class Live:
    """All workers together from `since` to `until`, and one by one.

    `waiting_rows` is what lies in outboxes, `lag_s` how old the last row was when it arrived,
    `away_s` how long the event store has not answered (0: it does). `snapshot_age_s` is the time
    since the newest publication of catalog or history.
    """

    since: datetime
    until: datetime
    requests: int
    requests_per_s: float
    filled: int
    latency: Latency
    no_ads: list[NoAds]
    moments: list[Moment]
    workers: list[Worker]
    waiting_rows: int
    lag_s: float
    away_s: float
    snapshot_version: str
    snapshot_age_s: float | None

    @property
    def fill_ppm(self) -> int | None:
        """Filled requests of a million; None without any request."""
        return self.filled * PPM // self.requests if self.requests else None


def live(store: EventStore, data_dir: Path, now: datetime, window: timedelta = WINDOW) -> Live:
    """The last `window` before `now`, test requests left out."""
    until = now - ON_THE_WAY
    since = until - window
    span = _bounds(since, until)
    [total] = _rows(store.query(_TOTAL.format(percentiles=_QUANTILES), span))
    newest, published_at = _in_force(data_dir)
    workers = _workers(store, data_dir, span, window, newest)
    return Live(
        since=since,
        until=until,
        requests=int(total["requests"]),
        requests_per_s=int(total["requests"]) / window.total_seconds(),
        filled=int(total["filled"] or 0),
        latency=_latency(total),
        no_ads=[NoAds(r["reason"], int(r["requests"])) for r in _rows(store.query(_REASONS, span))],
        moments=_moments(store, span, since, until),
        workers=workers,
        waiting_rows=sum(worker.waiting_rows for worker in workers),
        lag_s=_value(LAG),
        away_s=_value(AWAY),
        snapshot_version=newest,
        snapshot_age_s=(now - published_at).total_seconds() if published_at else None,
    )


_QUANTILES = f"quantilesExact({', '.join(map(str, PERCENTILES))})(took)"
_DECIDED = """
FROM (SELECT any(occurred_ms) AS at, any(ads) AS answered, any(no_ad_reason) AS why,
             any(latency_us) AS took, any(worker) AS by_whom, any(snapshot_version) AS made_with
      FROM decisions
      WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s AND test = 0
        AND day_at >= toDateTime(%(since_s)s, 'UTC') AND day_at <= toDateTime(%(until_s)s, 'UTC')
      GROUP BY event_id)"""
_TOTAL = (
    "SELECT count() AS requests, sum(answered > 0) AS filled, {percentiles} AS percentiles"
    + _DECIDED
)
_REASONS = (
    "SELECT why AS reason, count() AS requests"
    + _DECIDED
    + "\nWHERE answered = 0 GROUP BY why ORDER BY requests DESC, why"
)
_WORKERS = (
    "SELECT by_whom AS name, count() AS requests, sum(answered > 0) AS filled, max(at) AS last_ms,"
    " argMax(made_with, at) AS version, {percentiles} AS percentiles"
    + _DECIDED
    + "\nGROUP BY by_whom"
)
_MOMENTS = (
    f"SELECT intDiv(at, {STEP_S * 1000}) AS step, count() AS requests,"
    " sum(answered > 0) AS filled, quantileExact(0.99)(took) AS p99"
    + _DECIDED
    + "\nGROUP BY step ORDER BY step"
)


def _bounds(since: datetime, until: datetime) -> dict[str, int]:
    since_ms, until_ms = int(since.timestamp() * 1000), int(until.timestamp() * 1000)
    return {
        "since": since_ms,
        "until": until_ms,
        "since_s": since_ms // 1000,
        "until_s": until_ms // 1000,
    }


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _latency(row: dict[str, Any]) -> Latency:
    return Latency(*map(int, row["percentiles"])) if int(row["requests"]) else Latency()


def _moments(
    store: EventStore, span: dict[str, int], since: datetime, until: datetime
) -> list[Moment]:
    """Every step of the window, empty ones too; the first and last may be shorter."""
    found = {int(row["step"]): row for row in _rows(store.query(_MOMENTS, span))}
    first, last = int(since.timestamp()) // STEP_S, int(until.timestamp()) // STEP_S
    moments = []
    for step in range(first, last + 1):
        row = found.get(step)
        at = datetime.fromtimestamp(step * STEP_S, UTC)
        counts = (
            (int(row["requests"]), int(row["filled"]), int(row["p99"])) if row else (0, 0, None)
        )
        moments.append(Moment(at, *counts))
    return moments


def _workers(
    store: EventStore, data_dir: Path, span: dict[str, int], window: timedelta, newest: str
) -> list[Worker]:
    """Those that decided something, and those with an outbox here."""
    outbox = data_dir / "outbox"
    decided = {
        r["name"]: r for r in _rows(store.query(_WORKERS.format(percentiles=_QUANTILES), span))
    }
    here = {path.stem for path in outbox.glob("*.lock")}
    waiting = _waiting()
    workers = []
    for name in sorted(here | {*decided}):
        row = decided.get(name)
        version = row["version"] if row else ""
        workers.append(
            Worker(
                name=name,
                is_alive=name in here and is_held(lock_path(outbox, name)),
                requests=int(row["requests"]) if row else 0,
                requests_per_s=int(row["requests"]) / window.total_seconds() if row else 0.0,
                filled=int(row["filled"]) if row else 0,
                latency=_latency(row) if row else Latency(),
                last_decided_at=_instant(row["last_ms"]) if row else None,
                snapshot_version=version,
                published_at=_published_at(data_dir, version),
                is_current=bool(version) and _catalog_of(version) == _catalog_of(newest),
                waiting_rows=waiting.get(name, 0),
            )
        )
    return workers


def _instant(ms: Any) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def _in_force(data_dir: Path) -> tuple[str, datetime | None]:
    """The version that a worker would decide with now, and since when."""
    catalog = publication.current(data_dir / CATALOG) or NOTHING
    history = publication.current(data_dir / history_package.DIRECTORY) or NOTHING
    version = f"{catalog}+{history}"
    return version, _published_at(data_dir, version)


def _catalog_of(version: str) -> str:
    return version.partition("+")[0]


def _published_at(data_dir: Path, version: str) -> datetime | None:
    """When the younger half of "catalog+history" was published."""
    catalog, _, history = version.partition("+")
    roots = ((data_dir / CATALOG, catalog), (data_dir / history_package.DIRECTORY, history))
    times = []
    for root, part in roots:
        if part not in ("", NOTHING) and (root / part).is_dir():
            times.append((root / part).stat().st_mtime)
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _waiting() -> dict[str, int]:
    """Rows in each outbox, as the shipper last saw."""
    samples = [sample for family in BACKLOG.collect() for sample in family.samples]
    return {sample.labels["worker"]: int(sample.value) for sample in samples}


def _value(gauge: Gauge) -> float:
    return sum(sample.value for family in gauge.collect() for sample in family.samples)
