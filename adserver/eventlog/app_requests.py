"""The last ad requests of an app and what came of them, for who integrates it.

Never here: refused ones, which are no requests yet (`stores.refusals`). The one surprising fact:
requests are found by their placements, the order in which the log lies, so the question costs the
same on ten thousand rows and on ten million.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adserver.ports import EventStore
from models.domain.ids import PlacementId

_LAST = """
SELECT occurred_ms, placement_id, request_id, ads, no_ad_reason, latency_us, user_known, test
FROM decisions
WHERE placement_id IN %(placements)s AND occurred_ms >= %(since)s
ORDER BY occurred_ms DESC LIMIT 1 BY event_id LIMIT %(most)s"""

_SUMS = """
SELECT count() AS requests, countIf(ads > 0) AS filled, countIf(test = 1) AS tests,
       countIf(user_known = 1) AS known, max(occurred_ms) AS latest
FROM decisions WHERE placement_id IN %(placements)s AND occurred_ms >= %(since)s"""

_SHOWN = """
SELECT count() AS shown, max(received_ms) AS latest FROM impressions
WHERE placement_id IN %(placements)s AND received_ms >= %(since)s AND test = 0
  AND day_at >= toDateTime(%(since_s)s, 'UTC')"""

_ANY_REQUEST = """
SELECT 1 AS found FROM decisions
WHERE placement_id IN %(placements)s AND occurred_ms >= %(since)s LIMIT 1"""

_ANY_SHOWN = """
SELECT 1 AS found FROM impressions
WHERE placement_id IN %(placements)s AND received_ms >= %(since)s AND test = 0
  AND day_at >= toDateTime(%(since_s)s, 'UTC') LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One ad request. `reason` says why there was no ad; "" when there was one."""

    at: datetime
    placement_id: str
    request_id: str
    ads: int
    reason: str
    latency_us: int
    user_known: bool
    test: bool


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came of an app's requests since an instant. Copies of a row may be counted twice."""

    requests: int = 0
    filled: int = 0
    tests: int = 0
    user_known: int = 0
    impressions: int = 0
    last_request: datetime | None = None
    last_impression: datetime | None = None


def last_requests(
    store: EventStore, placements: Collection[PlacementId], since: datetime, most: int
) -> list[Asked]:
    """The last requests of these placements, newest first.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    if not placements:
        return []
    given = {"placements": tuple(sorted(placements)), "since": _ms(since), "most": most}
    rows = store.query(_LAST, given)
    return [
        Asked(_moment(at), slot, request, int(ads), reason, int(took), bool(known), bool(test))
        for at, slot, request, ads, reason, took, known, test in zip(*rows.values(), strict=True)
    ]


def traffic(store: EventStore, placements: Collection[PlacementId], since: datetime) -> Traffic:
    """Counts of requests and impressions of these placements since an instant.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    if not placements:
        return Traffic()
    given = _since(placements, since)
    ((requests, filled, tests, known, latest),) = zip(
        *store.query(_SUMS, given).values(), strict=True
    )
    ((shown, last_shown),) = zip(*store.query(_SHOWN, given).values(), strict=True)
    return Traffic(
        *(int(requests), int(filled), int(tests), int(known), int(shown)),
        last_request=_moment(latest) if requests else None,
        last_impression=_moment(last_shown) if shown else None,
    )


def has_begun(
    store: EventStore, placements: Collection[PlacementId], since: datetime
) -> tuple[bool, bool]:
    """Whether any request, and any impression, of these placements has arrived since an instant.

    The first row found is enough, so a month is asked as quickly as a day.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    if not placements:
        return False, False
    given = _since(placements, since)
    asked, shown = (store.query(sql, given)["found"] for sql in (_ANY_REQUEST, _ANY_SHOWN))
    return bool(asked), bool(shown)


def _since(placements: Collection[PlacementId], since: datetime) -> dict[str, Any]:
    at_ms = _ms(since)
    return {"placements": tuple(sorted(placements)), "since": at_ms, "since_s": at_ms // 1000}


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(int(at_ms) / 1000, UTC)
