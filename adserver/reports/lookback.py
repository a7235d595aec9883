"""Where a forecast reads: the decisions themselves while there are few, else some of the users.

    look_back(store, since_ms, until_ms) -> Source | None

Never here: what is asked of the requests. The one surprising fact: users are sampled and not
requests, by the buckets of `requests_by_user`; so frequency caps see whole users, and the same
sample serves every question.
"""

from dataclasses import dataclass

from adserver.ports import EventStore, StatementRefusedError
from adserver.reports.by_user import BUCKET, BUCKETS, HOUR_MS, TABLE

DAY_MS = 86_400_000
SAMPLE_REQUESTS = 150_000
FEW_REQUESTS = 100_000
"""Below it the decisions are read themselves, all of them, up to this second."""
_PROBE = 8
"""Buckets that tell how many requests there are in all."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table, the buckets of it to be read, and what of [since, until) it knows, in ms."""

    table: str
    buckets: int
    since_ms: int
    until_ms: int

    @property
    def one_in(self) -> float:
        """How many requests each one that is read stands for."""
        return BUCKETS / self.buckets

    @property
    def days(self) -> float:
        """How long the log was looked back on."""
        return (self.until_ms - self.since_ms) / DAY_MS

    @property
    def bucket(self) -> str:
        """What tells the bucket of a row."""
        return "bucket" if self.table == TABLE.name else BUCKET

    @property
    def in_time(self) -> str:
        """The condition for all rows that the source could read; test requests are none."""
        return _IN_TIME if self.table == TABLE.name else f"{_IN_TIME} AND test = 0"

    @property
    def sql(self) -> str:
        """The condition for the rows to be read."""
        chosen = f"{self.bucket} < %(buckets)s AND " if self.buckets < BUCKETS else ""
        return f"{chosen}{self.in_time}"

    @property
    def parameters(self) -> dict[str, int]:
        """What `sql` names."""
        return {"since": self.since_ms, "until": self.until_ms, "buckets": self.buckets}


def look_back(store: EventStore, since_ms: int, until_ms: int) -> Source | None:
    """Where to read the requests of [since, until); None when there are none.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    span = {"since": since_ms, "until": until_ms, "buckets": _PROBE}
    try:
        probed = store.query(_PROBED, span)
    except StatementRefusedError:  # no console of this release has run here yet
        probed = {"requests": [0]}
    estimate = int(probed["requests"][0]) * BUCKETS // _PROBE
    if estimate < FEW_REQUESTS:
        return _decisions(store, since_ms, until_ms)
    first, last = (int(probed[name][0]) // HOUR_MS * HOUR_MS for name in ("first", "last"))
    until_ms = min(last + HOUR_MS, until_ms)
    return Source(TABLE.name, _buckets(estimate), _begun(since_ms, first), until_ms)


def _decisions(store: EventStore, since_ms: int, until_ms: int) -> Source | None:
    found = store.query(_BOUNDS, {"since": since_ms, "until": until_ms})
    requests = int(found["requests"][0])
    if not requests:
        return None
    began = _begun(since_ms, int(found["first"][0]))
    return Source("decisions", _buckets(requests), began, until_ms)


def _buckets(requests: int) -> int:
    """As many as hold `SAMPLE_REQUESTS`, all of them where there are not so many."""
    return max(1, min(BUCKETS, SAMPLE_REQUESTS * BUCKETS // requests))


def _begun(since_ms: int, first_ms: int) -> int:
    """A log that is older than the window knows all of it, however quiet its first hour is."""
    return since_ms if first_ms - since_ms <= HOUR_MS else first_ms


_IN_TIME = "occurred_ms >= %(since)s AND occurred_ms < %(until)s"

_PROBED = """
SELECT count() AS requests, min(occurred_ms) AS first, max(occurred_ms) AS last
FROM requests_by_user
WHERE bucket < %(buckets)s AND occurred_ms >= %(since)s AND occurred_ms < %(until)s"""

_BOUNDS = """
SELECT min(occurred_ms) AS first, count() AS requests FROM decisions
WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s AND test = 0"""
