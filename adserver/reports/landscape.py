"""What the requests that a line item could answer would have cost it: how many, at which bid.

Read from `decisions`: each request tells its floor and the eCPM that won it, so the bid that would
have won instead is known; where the line item won itself, the price it paid tells who came second.
Never here: what is made of it (`reports.forecast`). The one surprising fact: above
`SAMPLE_REQUESTS` only every n-th request is read, by a hash of its id; copies of a request share
the id, so what is counted twice is as rare in the sample as it is in the log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from adserver.ports import EventStore
from adserver.reports.click_rates import Rates
from adserver.reports.targeting_sql import Condition
from models.domain.ids import LineItemId
from models.domain.placement import AuctionType, Placement

SAMPLE_REQUESTS = 200_000
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Unix milliseconds [since, until)."""

    since_ms: int
    until_ms: int

    @property
    def days(self) -> float:
        """How long it is."""
        return (self.until_ms - self.since_ms) / DAY_MS


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
    """Requests that passed the targeting, as steps; `one_in` says how they were sampled.

    `fitting` counts all requests of the placements in question, `by_day` the sampled ones that
    passed, for each UTC day.
    """

    fitting: int
    one_in: int
    by_day: Mapping[int, int] = field(default_factory=dict)
    steps: Sequence[Step] = ()

    @property
    def eligible(self) -> int:
        """How many requests passed, estimated where they were sampled."""
        return self.one_in * sum(self.by_day.values())

    @property
    def looked_at(self) -> int:
        """How many of them were read."""
        return sum(self.by_day.values())


def span_of_log(store: EventStore, since_ms: int, until_ms: int) -> Stretch | None:
    """The part of [since, until) that the log knows; None when it holds no request.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    found = store.query(_BOUNDS, {"since": since_ms, "until": until_ms})
    if not found["requests"][0]:
        return None
    first = int(found["first"][0])
    # A log that was begun before the window knows the whole window, whatever hour it is quiet.
    began = since_ms if first - since_ms < DAY_MS // 24 else first
    return Stretch(began, until_ms)


def survey(
    store: EventStore,
    slots: Sequence[Slot],
    where: Condition,
    line_item_id: LineItemId,
    span: Stretch,
) -> Landscape:
    """Counts the requests of these placements and what each would have taken to win.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    known: dict[str, Any] = {
        "since": span.since_ms,
        "until": span.until_ms,
        "places": tuple(slot.placement.placement_id for slot in slots),
    }
    if not slots:
        return Landscape(0, 1)
    fitting = int(store.query(_FITTING, known)["requests"][0])
    if not fitting:
        return Landscape(0, 1)
    one_in = max(1, -(-fitting // SAMPLE_REQUESTS))
    asked = {**known, **where.parameters, "one_in": one_in, "item": line_item_id}
    selected = _SELECTED.format(where=where.sql)
    days = store.query(_BY_DAY.format(selected=selected), asked)
    by_day = dict(zip(map(int, days["day"]), map(int, days["requests"]), strict=True))
    if not by_day:
        return Landscape(fitting, one_in)
    own = bool(line_item_id) and bool(store.query(_OWN, asked)["ads"][0])
    statement = _STEPS.format(
        selected=selected,
        rival=_RIVAL if own else "greatest(floor_micros, top_ecpm_micros)",
        joined=_JOINED if own else "",
    )
    found = store.query(statement, {**asked, **_arrays(slots)})
    steps = [_step(values) for values in zip(*found.values(), strict=True)]
    return Landscape(fitting, one_in, by_day, steps)


def _arrays(slots: Sequence[Slot]) -> dict[str, Any]:
    return {
        "names": [slot.placement.placement_id for slot in slots],
        "qualities": [float(slot.quality) for slot in slots],
        "ctrs": [float(slot.rates.ctr) for slot in slots],
        "shown": [float(slot.rates.shown) for slot in slots],
        "firsts": [int(slot.placement.auction is AuctionType.FIRST_PRICE) for slot in slots],
    }


def _step(values: tuple[Any, ...]) -> Step:
    floor, first, _, requests, least, most, *sums = values
    return Step(
        bool(floor), bool(first), int(requests), float(least), float(most), *map(float, sums)
    )


_BOUNDS = """
SELECT min(occurred_ms) AS first, count() AS requests FROM decisions
WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s AND test = 0"""

_FITTING = """
SELECT count() AS requests FROM decisions
WHERE placement_id IN %(places)s AND occurred_ms >= %(since)s AND occurred_ms < %(until)s
  AND test = 0"""

_SELECTED = """placement_id IN %(places)s AND occurred_ms >= %(since)s AND occurred_ms < %(until)s
  AND test = 0 AND cityHash64(request_id) %% %(one_in)s = 0 AND ({where})"""

_BY_DAY = """
SELECT intDiv(occurred_ms, 86400000) AS day, count() AS requests FROM decisions
WHERE {selected} GROUP BY day ORDER BY day"""

_OWN = """
SELECT count() AS ads FROM ads_served
WHERE line_item_id = %(item)s AND served_ms >= %(since)s AND served_ms < %(until)s"""

# The price of an own ad is the eCPM of the best rival or the floor, whichever was higher.
_RIVAL = "if(paid > 0, greatest(floor_micros, paid), greatest(floor_micros, top_ecpm_micros))"

_JOINED = """
GLOBAL ANY LEFT JOIN (
  SELECT app_id, request_id, max(reserved_micros) * 1000 AS paid FROM ads_served
  WHERE line_item_id = %(item)s AND served_ms >= %(since)s AND served_ms < %(until)s
    AND position = 0 AND cityHash64(request_id) %% %(one_in)s = 0
  GROUP BY app_id, request_id) USING app_id, request_id"""

# Inside out: the requests, with the winner's eCPM; what each takes to win; steps of like bids.
_STEPS = """
SELECT by_floor, first, step, count() AS requests, min(need) AS least, max(need) AS most,
       sum(seen) AS shown, sum(seen * ctr) AS clicks, sum(seen * rival) AS priced,
       sum(seen * quality) AS events
FROM (SELECT rival, rival <= floor_micros AS by_floor, rival / quality AS need,
             floor(log(greatest(rival / quality, 0.000001)) / log(1.05)) AS step,
             quality, ctr, seen, first
      FROM (SELECT floor_micros, {rival} AS rival,
                   transform(placement_id, %(names)s, %(qualities)s, toFloat64(0)) AS quality,
                   transform(placement_id, %(names)s, %(ctrs)s, toFloat64(0)) AS ctr,
                   transform(placement_id, %(names)s, %(shown)s, toFloat64(0)) AS seen,
                   transform(placement_id, %(names)s, %(firsts)s, 0) AS first
            FROM (SELECT app_id, request_id, placement_id, floor_micros, top_ecpm_micros
                  FROM decisions WHERE {selected})
            {joined}))
GROUP BY by_floor, first, step ORDER BY by_floor, first, step"""
