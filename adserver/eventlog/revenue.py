"""What the event log says of a day's revenue: by advertiser, line item, app, placement, partner.

Never here: who gets what of it (`affiliate.revenue_share`). The one surprising fact: an event
belongs to the day on which it *arrived*, in the house's time zone, while tables are partitioned by
the UTC day on which its ad was served. So a day is looked for in all partitions that may hold it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from adserver.ports import EventStore
from affiliate.ad_revenue import (
    NOTHING_INVALID,
    Cell,
    DayRevenue,
    Finding,
    Invalid,
    begin_of_day,
    end_of_day,
)
from models.domain.ids import AdvertiserId, AppId, LineItemId, PartnerId, PlacementId
from models.domain.money import NO_MONEY, Micros

BILLED_TABLES = ("impressions", "clicks", "conversions")
LONGEST_WINDOW = timedelta(days=400)
"""How long before its arrival an event's ad may have been served, whatever the settings were."""
CLOCKS_APART = timedelta(days=1)
IDS_AT_ONCE = 2_000  # a statement has at most 256 KiB on the oldest server

# A copy is the same to the byte, so any() of it is it.
_SUMS = """
SELECT advertiser, line_item, app, placement, partner,
       sum(charged > 0) AS events, sum(charged) AS revenue_micros, count() AS seen,
       sum(charged > 0 AND bad) AS invalid_events, sum(charged * bad) AS invalid_micros,
       sum(bad) AS invalid_seen
FROM (SELECT event_id, any(advertiser_id) AS advertiser, any(line_item_id) AS line_item,
             any(app_id) AS app, any(placement_id) AS placement, any(partner_id) AS partner,
             any(charged_micros) AS charged, any({bad}) AS bad
      FROM {table} WHERE {arrived} AND {wanted} GROUP BY event_id)
GROUP BY advertiser, line_item, app, placement, partner"""

_ARRIVED = """test = 0 AND received_ms >= %(since)s AND received_ms < %(until)s
      AND day_at >= toDateTime(%(oldest)s, 'UTC') AND day_at < toDateTime(%(newest)s, 'UTC')"""

_FIRST = "SELECT min(received_ms) AS first_ms, count() AS events FROM {table} WHERE test = 0"

_ARRIVALS = """
SELECT lower(toString(event_id)) AS id, any(received_ms) AS at FROM {table}
WHERE toString(event_id) IN %(ids)s GROUP BY id"""


def day_revenue(
    store: EventStore, day: date, zone: tzinfo, invalid: Invalid = NOTHING_INVALID
) -> DayRevenue:
    """The day's charged events and impressions, each once, tests excepted.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    span = _span(begin_of_day(day, zone), end_of_day(day, zone))
    bad, parameters = _fits(invalid.rules)
    cells: dict[tuple[str, ...], Cell] = {}
    for table in BILLED_TABLES:
        for found in _sums(store, table, span | parameters, bad=bad):
            _add(cells, found)
        for ids in _batches(sorted(invalid.event_ids)):
            named = f"toString(event_id) IN %(ids)s AND NOT ({bad})"
            for found in _sums(store, table, span | parameters | {"ids": ids}, wanted=named):
                _add(cells, _as_invalid(found))
    return DayRevenue(day, tuple(cells[key] for key in sorted(cells)))


def first_day(store: EventStore, zone: tzinfo) -> date | None:
    """The day of the first event that is not a test; None when there is none."""
    firsts = []
    for table in BILLED_TABLES:
        found = store.query(_FIRST.format(table=table))
        if found["events"] and found["events"][0]:
            firsts.append(int(found["first_ms"][0]))
    return datetime.fromtimestamp(min(firsts) / 1000, zone).date() if firsts else None


def arrivals(store: EventStore, event_ids: Collection[str], zone: tzinfo) -> dict[str, date]:
    """The days on which these events (lower-case UUIDs) arrived; unknown ones are not there."""
    found: dict[str, date] = {}
    for ids in _batches(sorted(event_ids)):
        for table in BILLED_TABLES:
            rows = store.query(_ARRIVALS.format(table=table), {"ids": ids})
            for event_id, at_ms in zip(rows["id"], rows["at"], strict=True):
                found[event_id] = datetime.fromtimestamp(at_ms / 1000, zone).date()
    return found


def _span(begin: datetime, end: datetime) -> dict[str, Any]:
    return {
        "since": int(begin.timestamp() * 1000),
        "until": int(end.timestamp() * 1000),
        "oldest": max(0, int((begin - LONGEST_WINDOW).timestamp())),
        "newest": int((end + CLOCKS_APART).timestamp()),
    }


def _fits(rules: Sequence[Finding]) -> tuple[str, dict[str, Any]]:
    """SQL that is 1 for events that fit a rule, with its parameters."""
    if not rules:
        return "0", {}
    parameters: dict[str, Any] = {}
    either = []
    for number, rule in enumerate(rules):
        parts = []
        for name in ("app_id", "placement_id", "line_item_id", "address_key"):
            if value := getattr(rule, name):
                parts.append(f"{name} = %({name}{number})s")
                parameters[f"{name}{number}"] = value
        either.append(f"({' AND '.join(parts or ['1'])})")
    return f"({' OR '.join(either)})", parameters


def _sums(
    store: EventStore, table: str, parameters: Mapping[str, Any], bad: str = "0", wanted: str = "1"
) -> Iterator[Cell]:
    sql = _SUMS.format(table=table, bad=bad, arrived=_ARRIVED, wanted=wanted)
    columns = store.query(sql, parameters)
    shown = table == "impressions"
    for names, sums in zip(
        zip(*list(columns.values())[:5], strict=True),
        zip(*list(columns.values())[5:], strict=True),
        strict=True,
    ):
        advertiser, line_item, app, placement, partner = names
        events, revenue, seen, invalid_events, invalid_micros, invalid_seen = map(int, sums)
        yield Cell(
            AdvertiserId(advertiser),
            LineItemId(line_item),
            AppId(app),
            PlacementId(placement),
            PartnerId(partner),
            events,
            Micros(revenue),
            seen if shown else 0,
            invalid_events,
            Micros(invalid_micros),
            invalid_seen if shown else 0,
        )


_COUNTED = [field.name for field in fields(Cell)][5:]


def _add(cells: dict[tuple[str, ...], Cell], more: Cell) -> None:
    """Adds a cell to the one of its key."""
    there = cells.get(more.key)
    if there is None:
        cells[more.key] = more
        return
    sums = {name: getattr(there, name) + getattr(more, name) for name in _COUNTED}
    cells[more.key] = replace(there, **sums)


def _as_invalid(found: Cell) -> Cell:
    """Events that are in the sums already, as what has to be taken off them."""
    return replace(
        found,
        events=0,
        revenue_micros=NO_MONEY,
        impressions=0,
        invalid_events=found.events,
        invalid_micros=found.revenue_micros,
        invalid_impressions=found.impressions,
    )


def _batches(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(ids), IDS_AT_ONCE):
        yield tuple(ids[start : start + IDS_AT_ONCE])
