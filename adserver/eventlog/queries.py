"""What the house asks the event log: delivery, history, census, and whether the books agree.

Every query drops copies by event id, and every range of time is a range of `served_ms` (for
decisions and census: `occurred_ms`), the partition's own column. Never here: SQL that only one of
the engines understands. The one surprising fact: the inner SELECT of each query looks useless and
is the point, for it makes copies one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adserver.ports import EventStore
from models.domain.ids import LineItemId, PlacementId

HOUR_MS = 3_600_000
HISTORY_TABLES = ("impressions", "clicks", "conversions")
CHARGED_TABLES = ("impressions", "clicks", "conversions")
TRACKED_TABLES = ("impressions", "viewables", "clicks", "conversions")

_EVENTS_BY_LINE_ITEM = """
SELECT line_item_id, count() AS events, sum(charged) AS charged
FROM (SELECT event_id, line_item_id, any(charged_micros) AS charged FROM {table}
      WHERE served_ms >= %(since)s AND served_ms < %(until)s GROUP BY event_id, line_item_id)
GROUP BY line_item_id"""

_SERVED_BY_LINE_ITEM = """
SELECT line_item_id, count() AS events
FROM (SELECT event_id, line_item_id FROM ads_served
      WHERE served_ms >= %(since)s AND served_ms < %(until)s GROUP BY event_id, line_item_id)
GROUP BY line_item_id"""

_CELLS = """
SELECT creative_id, placement_id, count() AS events
FROM (SELECT event_id, creative_id, placement_id FROM {table}
      WHERE served_ms >= %(since)s AND served_ms < %(until)s AND test = 0
      GROUP BY event_id, creative_id, placement_id)
GROUP BY creative_id, placement_id"""

# A charge belongs to the day, in the advertiser's zone, on which its event arrived.
_CHARGES = """
SELECT line_item_id, day, sum(charged) AS micros
FROM (SELECT event_id, line_item_id, any(charged_micros) AS charged,
             any(intDiv(toInt64(intDiv(received_ms, 1000)) + utc_offset_s, 86400)) AS day
      FROM {table}
      WHERE served_ms >= %(since)s AND served_ms < %(until)s AND charged_micros > 0
      GROUP BY event_id, line_item_id)
GROUP BY line_item_id, day"""

_CENSUS = """
SELECT placement_id, reason, sum(sampled) AS requests
FROM (SELECT event_id, placement_id, reason, any(requests) AS sampled FROM census
      WHERE line_item_id = %(line_item_id)s AND occurred_ms >= %(since)s AND occurred_ms < %(until)s
      GROUP BY event_id, placement_id, reason)
GROUP BY placement_id, reason ORDER BY requests DESC, placement_id, reason"""

_REQUESTS = """
SELECT count() AS requests, sum(answered > 0) AS filled, sum(answered) AS ads
FROM (SELECT event_id, any(ads) AS answered FROM decisions
      WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s AND test = 0 GROUP BY event_id)"""

_NO_AD_REASONS = """
SELECT no_ad_reason, count() AS requests
FROM (SELECT event_id, no_ad_reason FROM decisions
      WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s AND test = 0 AND ads = 0
      GROUP BY event_id, no_ad_reason)
GROUP BY no_ad_reason ORDER BY requests DESC"""

_IDS = """
SELECT toString(event_id) AS id FROM {table}
WHERE served_ms >= %(since)s AND served_ms < %(until)s"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one line item got: counts, and what its advertiser is charged."""

    served: int = 0
    impressions: int = 0
    viewables: int = 0
    clicks: int = 0
    conversions: int = 0
    charged_micros: int = 0


@dataclass(frozen=True, slots=True)
class Requests:
    """Ad requests, those answered with at least one ad, and the ads in all answers."""

    requests: int
    filled: int
    ads: int


@dataclass(frozen=True, slots=True)
class CensusCount:
    """In how many sampled requests a line item met one reason (or won) in one placement."""

    placement_id: PlacementId
    reason: str
    requests: int


def delivery(store: EventStore, since_ms: int, until_ms: int) -> dict[LineItemId, Delivery]:
    """Delivery of every line item with ads served in [since_ms, until_ms)."""
    span = {"since": since_ms, "until": until_ms}
    counts: dict[str, dict[str, int]] = {}
    served = store.query(_SERVED_BY_LINE_ITEM, span)
    for line_item, events in zip(served["line_item_id"], served["events"], strict=True):
        counts.setdefault(line_item, {})["served"] = events
    for table in TRACKED_TABLES:
        found = store.query(_EVENTS_BY_LINE_ITEM.format(table=table), span)
        for line_item, events, charged in zip(*found.values(), strict=True):
            own = counts.setdefault(line_item, {})
            own[table] = events
            own["charged_micros"] = own.get("charged_micros", 0) + charged
    return {LineItemId(line_item): Delivery(**own) for line_item, own in counts.items()}


def history_counts(
    store: EventStore, since_ms: int, until_ms: int
) -> Counter[tuple[str, str, str]]:
    """Events of ads served in [since_ms, until_ms) by (creative, placement, table); no tests."""
    span = {"since": since_ms, "until": until_ms}
    counts: Counter[tuple[str, str, str]] = Counter()
    for table in HISTORY_TABLES:
        found = store.query(_CELLS.format(table=table), span)
        for creative, placement, events in zip(*found.values(), strict=True):
            counts[creative, placement, table] = events
    return counts


def charges(store: EventStore, since_ms: int, until_ms: int) -> Counter[tuple[str, int]]:
    """Micros charged for ads served in [since_ms, until_ms), by (line item, local day)."""
    span = {"since": since_ms, "until": until_ms}
    sums: Counter[tuple[str, int]] = Counter()
    for table in CHARGED_TABLES:
        found = store.query(_CHARGES.format(table=table), span)
        for line_item, day, charged in zip(*found.values(), strict=True):
            sums[line_item, day] += charged
    return sums


def hours_with_impressions(store: EventStore) -> list[int]:
    """The hours (since 1970) whose ads have impressions in the log, in order."""
    found = store.query(
        "SELECT DISTINCT intDiv(served_ms, %(hour_ms)s) AS hour FROM impressions ORDER BY hour",
        {"hour_ms": HOUR_MS},
    )
    return [int(hour) for hour in found["hour"]]


def census_of(
    store: EventStore, line_item_id: LineItemId, since_ms: int, until_ms: int
) -> list[CensusCount]:
    """Why a line item left the slate of the sampled requests, the most frequent reason first."""
    span = {"line_item_id": line_item_id, "since": since_ms, "until": until_ms}
    found = store.query(_CENSUS, span)
    return [
        CensusCount(PlacementId(placement), reason, int(requests))
        for placement, reason, requests in zip(*found.values(), strict=True)
    ]


def requests(store: EventStore, since_ms: int, until_ms: int) -> Requests:
    """Ad requests of [since_ms, until_ms), tests excepted.

    Decisions that were dropped are not in it.
    """
    found = store.query(_REQUESTS, {"since": since_ms, "until": until_ms})
    return Requests(*(int(values[0] or 0) for values in found.values()))


def no_ad_reasons(store: EventStore, since_ms: int, until_ms: int) -> Mapping[str, int]:
    """Requests of [since_ms, until_ms) without an ad, by reason, most frequent first."""
    found = store.query(_NO_AD_REASONS, {"since": since_ms, "until": until_ms})
    return dict(zip(found["no_ad_reason"], map(int, found["requests"]), strict=True))


def event_ids(store: EventStore, table: str, since_ms: int, until_ms: int) -> list[str]:
    """The ids of all rows of a table, copies *included*: what audits and tests count."""
    found: dict[str, list[Any]] = store.query(
        _IDS.format(table=table), {"since": since_ms, "until": until_ms}
    )
    return found["id"]
