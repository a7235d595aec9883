"""What the requests that a line item could answer would have cost it: how many, at which bid.

Read from `decisions`: each request tells its floor and the eCPM that won it, so the bid that would
have won instead is known; where the line item won itself, the price it paid tells who came second.
Never here: which requests are read (`lookback`), or what is made of it (`forecast`). The one
surprising fact: copies of a request are not dropped. They are rare, and dropping them would take
most of the time that a page has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from adserver.ports import EventStore
from adserver.reports.by_user import BUCKET, BUCKETS
from adserver.reports.click_rates import Rates
from adserver.reports.lookback import Source
from adserver.reports.targeting_sql import Condition
from models.domain.ids import LineItemId
from models.domain.placement import AuctionType, Placement


@dataclass(frozen=True, slots=True)
class Slot:
    """A placement, what to expect there, and the billable events of a thousand ads served.

    Ranking counts `quality` per thousand impressions, and takes every ad served for one.
    """

    placement: Placement
    rates: Rates
    quality: float


class Step(NamedTuple):
    """Requests that need about the same bid for one billable event.

    `floor` says that only the floor stands in the way, which a bid that equals it passes. `first`
    that winners pay their own bid. Sums over the requests: `shown` ads that would be displayed,
    `clicks` on them, `priced` micros a thousand shown would cost in a second-price auction,
    `quality` events of a thousand, weighted by `shown`.
    """

    floor: bool
    first: bool
    requests: int
    least: float
    most: float
    shown: float
    clicks: float
    priced: float
    quality: float


@dataclass(frozen=True, slots=True)
class Landscape:
    """Requests that passed the targeting, as steps; each stands for `one_in`.

    `fitting` counts those of the placements in question that were read, `by_day` those of them that
    passed, for each UTC day.
    """

    fitting: int
    one_in: float
    by_day: Mapping[int, int] = field(default_factory=dict)
    steps: Sequence[Step] = ()

    @property
    def looked_at(self) -> int:
        """How many that were read passed."""
        return sum(self.by_day.values())


def survey(
    store: EventStore,
    slots: Sequence[Slot],
    where: Condition,
    line_item_id: LineItemId,
    source: Source,
) -> Landscape:
    """Counts the requests of these placements and what each would have taken to win.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    asked: dict[str, Any] = {
        **where.parameters,
        **source.parameters,
        **_arrays(slots),
        "within": tuple(slot.placement.placement_id for slot in slots),
        "item": line_item_id,
    }
    table = {"table": source.table, "rows": source.sql, "where": where.sql}
    days = store.query(_BY_DAY.format(**table), asked)
    fitting = sum(map(int, days["fitting"]))
    by_day = dict(zip(map(int, days["day"]), map(int, days["requests"]), strict=True))
    if not any(by_day.values()):
        return Landscape(fitting, source.one_in)
    own = bool(line_item_id) and bool(store.query(_OWN, asked)["ads"][0])
    joined = _JOINED.format(rows=_OWN_ROWS if source.buckets < BUCKETS else "") if own else ""
    rival = _RIVAL if own else "greatest(floor_micros, top_ecpm_micros)"
    found = store.query(_STEPS.format(**table, rival=rival, joined=joined), asked)
    steps = [_step(values) for values in zip(*found.values(), strict=True)]
    return Landscape(fitting, source.one_in, by_day, steps)


def _arrays(slots: Sequence[Slot]) -> dict[str, Any]:
    """Columns over slots, the first of which is of all other placements and worth nothing."""
    return {
        "places": [slot.placement.placement_id for slot in slots],
        "numbers": list(range(2, len(slots) + 2)),
        "qualities": [0.0, *(_brief(slot.quality) for slot in slots)],
        "ctrs": [0.0, *(_brief(slot.rates.ctr) for slot in slots)],
        "shown": [0.0, *(_brief(slot.rates.shown) for slot in slots)],
        "firsts": [0, *(int(slot.placement.auction is AuctionType.FIRST_PRICE) for slot in slots)],
    }


def _brief(value: float) -> float:
    """Six digits: a statement may not be longer than 256 KiB."""
    return float(f"{value:.6g}")


def _step(values: tuple[Any, ...]) -> Step:
    floor, first, _, requests, least, most, *sums = values
    return Step(
        bool(floor), bool(first), int(requests), float(least), float(most), *map(float, sums)
    )


_BY_DAY = """
SELECT intDiv(occurred_ms, 86400000) AS day, count() AS fitting, sum({where}) AS requests
FROM {table} WHERE {rows} AND placement_id IN %(within)s
GROUP BY day ORDER BY day"""

_OWN = """
SELECT count() AS ads FROM ads_served
WHERE line_item_id = %(item)s AND served_ms >= %(since)s AND served_ms < %(until)s"""

# The price of an own ad is the eCPM of the best rival or the floor, whichever was higher.
_RIVAL = "if(paid > 0, greatest(floor_micros, paid), greatest(floor_micros, top_ecpm_micros))"

_JOINED = """
GLOBAL ANY LEFT JOIN (
  SELECT app_id, request_id, max(reserved_micros) * 1000 AS paid FROM ads_served
  WHERE line_item_id = %(item)s AND served_ms >= %(since)s AND served_ms < %(until)s
    AND position = 0{rows}
  GROUP BY app_id, request_id) USING app_id, request_id"""

_OWN_ROWS = f" AND {BUCKET} < %(buckets)s"

# Inside out: the requests, with the winner's eCPM; what each takes to win; steps of like bids.
_STEPS = """
SELECT by_floor, first, step, count() AS requests, min(need) AS least, max(need) AS most,
       sum(seen) AS shown, sum(seen * ctr) AS clicks, sum(seen * rival) AS priced,
       sum(seen * quality) AS events
FROM (SELECT rival, rival <= floor_micros AS by_floor, rival / quality AS need,
             floor(log(greatest(rival / quality, 0.000001)) / log(1.05)) AS step,
             quality, ctr, seen, first
      FROM (SELECT floor_micros, {rival} AS rival,
                   transform(placement_id, %(places)s, %(numbers)s, 1) AS slot,
                   %(qualities)s[slot] AS quality, %(ctrs)s[slot] AS ctr,
                   %(shown)s[slot] AS seen, %(firsts)s[slot] AS first
            FROM (SELECT app_id, request_id, placement_id, floor_micros, top_ecpm_micros
                  FROM {table} WHERE {rows} AND {where})
            {joined})
      WHERE quality > 0)
GROUP BY by_floor, first, step ORDER BY by_floor, first, step"""
