"""What still has money this minute: budgets, and even spending over the advertiser's day.

What is controlled is an allowance for each evenly paced line item: the spend it may still expect to
cause, in micros. `control` lets it out at the rate that would use up the money left today in the
time left today (hours that are not targeted do not count, a flight that ends earlier ends the day);
every ad served takes its expected cost from it. The rate is positive as long as money and time are
left, so no line item goes dark; at most `AHEAD_S` of unused allowance is kept, so none makes up
for a quiet night in one burst. The one surprising fact: an allowance may be overdrawn by one ad,
or else a budget smaller than its ads' price times `AHEAD_S` would never be spent.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.domain.campaign import Pacing
from ranking.catalog import Catalog
from ranking.eligibility import Flights
from ranking.local_time import (
    DAY_S,
    HOUR_S,
    WEEK_HOURS,
    day_end_s,
    day_number,
    hour_of_week,
    offset_at,
)
from ranking.slate import CODES, STAYS, Exits, Floats, NoAdReason, Rows, Slate, leave

STAGE = "pacing"
UNLIMITED = 2**62
AHEAD_S = 600.0
LEAST_S = 60.0
"""The shortest time that is planned for: the first minute of a board, the last one of a day."""
YIELD_MEMORY_S = 3_600.0
YIELD_BOUNDS = (0.5, 2.0)

Ints = NDArray[np.int64]
_UNKNOWN = CODES[NoAdReason.SPEND_UNKNOWN]
_DAILY = CODES[NoAdReason.DAILY_BUDGET]
_TOTAL = CODES[NoAdReason.TOTAL_BUDGET]
_PACED = CODES[NoAdReason.PACING]


class Budgets(NamedTuple):
    """What line items may spend, in micros (`UNLIMITED` where nothing is said)."""

    daily: Ints
    total: Ints
    paced: NDArray[np.bool_]


class Spending(NamedTuple):
    """What line items did spend, in micros, for their advertiser's `day`.

    `expected` and `booked` are the spend that was promised and that came of it, over the last hour
    or so; `anchor` is `total` when they were last brought up to date.
    """

    today: Ints
    total: Ints
    reserved: Ints
    day: Ints
    allowance: Floats
    offered: Floats
    expected: Floats
    booked: Floats
    anchor: Ints


Purse = tuple[Ints, Ints, NDArray[np.bool_], Ints, Ints, Ints, Floats]
"""Daily and total budget, whether paced; spent today and in all, reserved, allowance."""


@dataclass(slots=True)
class SpendBoard:
    """Spend as one worker knows it, an entry for each line item row of the catalog.

    Arrays are changed in place, by one thread. `trusted` is False while the store of spend is
    away: then line items with a budget are withheld.
    """

    catalog: Catalog
    budgets: Budgets
    spending: Spending
    purse: Purse
    trusted: bool = True
    controlled_s: float = field(default=0.0)

    @staticmethod
    def for_catalog(catalog: Catalog) -> "SpendBoard":
        """A board for this catalog on which nothing is spent yet."""
        budgets, spending = _budgets(catalog), _nothing_spent(catalog)
        now = (spending.today, spending.total, spending.reserved, spending.allowance)
        board = SpendBoard(catalog, budgets, spending, (*budgets, *now))
        board.spending.allowance[:] = _first_allowance(board.budgets)
        return board

    def take_over(self, before: "SpendBoard") -> None:
        """Continues an earlier board: all it knows of line items that are still in the catalog.

        To be called when the snapshot is swapped, on the thread that reserves: until then the
        earlier board goes on changing.
        """
        rows = before.catalog.line_item_row
        known = self.catalog.line_item_row.items()
        pairs = [(rows[name], row) for name, row in known if name in rows]
        old, new = np.array(pairs, np.int64).reshape(-1, 2).T
        for there, here in zip(before.spending, self.spending, strict=True):
            here[new] = there[old]
        self.trusted, self.controlled_s = before.trusted, before.controlled_s

    @property
    def spent_today(self) -> Ints:
        """Micros spent on the advertiser's day; written by whoever reads the store of spend."""
        return self.spending.today

    @property
    def spent_total(self) -> Ints:
        """Micros spent since the line item began."""
        return self.spending.total

    @property
    def reserved(self) -> Ints:
        """Micros that open offers may still cost. Change it by `reserve` and `release`."""
        return self.spending.reserved

    def reserve(self, row: int, micros: int) -> None:
        """An ad was offered: sets its expected cost aside, and takes it from the allowance."""
        self.spending.reserved[row] += micros
        self.spending.allowance[row] -= micros
        self.spending.offered[row] += micros

    def release(self, row: int, micros: int) -> None:
        """An offer was charged or has lapsed: its money is no longer set aside."""
        self.spending.reserved[row] -= micros

    def charge(self, row: int, micros: int) -> None:
        """A charge was booked, before the store of spend is read again."""
        self.spending.today[row] += micros
        self.spending.total[row] += micros


def _budgets(catalog: Catalog) -> Budgets:
    daily = [_or_unlimited(item.daily_budget_micros) for item in catalog.line_items]
    total = [_or_unlimited(item.total_budget_micros) for item in catalog.line_items]
    paced = [
        item.pacing is Pacing.EVEN
        and (
            item.daily_budget_micros is not None
            or (item.total_budget_micros is not None and item.ends_at is not None)
        )
        for item in catalog.line_items
    ]
    return Budgets(np.array(daily, np.int64), np.array(total, np.int64), np.array(paced, bool))


def _or_unlimited(micros: int | None) -> int:
    return UNLIMITED if micros is None else micros


def _nothing_spent(catalog: Catalog) -> Spending:
    n = len(catalog.line_items)
    return Spending(
        today=np.zeros(n, np.int64),
        total=np.zeros(n, np.int64),
        reserved=np.zeros(n, np.int64),
        day=np.full(n, -1),
        allowance=np.zeros(n),
        offered=np.zeros(n),
        expected=np.zeros(n),
        booked=np.zeros(n),
        anchor=np.full(n, -1),
    )


def _first_allowance(budgets: Budgets) -> Floats:
    """Before the controller first runs: a day's share of `LEAST_S`, at least a micro."""
    return np.maximum(np.minimum(budgets.daily, budgets.total) * (LEAST_S / DAY_S), 1.0)


def screen(slate: Slate, board: SpendBoard) -> Slate:
    """Takes out what has no money left, or is ahead of its plan; notes what the others have."""
    line_item = board.catalog.ad_line_item
    ads, slate.left = _solvent(slate.ads, line_item, board.purse, board.trusted, slate.exits)
    return slate.passed(STAGE, ads)


@njit(cache=True)
def _solvent(
    ads: Rows, line_item: Rows, purse: Purse, trusted: bool, exits: Exits
) -> tuple[Rows, Ints]:
    """The ads that may still promise something, and how many micros each."""
    daily, total, paced, today, ever, reserved, allowance = purse
    kept, left, n = np.empty_like(ads), np.empty(ads.shape[0], np.int64), 0
    for ad in ads:
        row, code = line_item[ad], STAYS
        of_day = daily[row] - today[row] - reserved[row]
        of_total = total[row] - ever[row] - reserved[row]
        if daily[row] != UNLIMITED or total[row] != UNLIMITED:
            code = _verdict(trusted, of_day, of_total)
        if code == STAYS and paced[row] and allowance[row] <= 0.0:
            code = _PACED
        if code == STAYS:
            kept[n], left[n] = ad, min(of_day, of_total)
            n += 1
        else:
            leave(ad, code, exits)
    return kept[:n], left[:n]


@njit(cache=True)
def _verdict(trusted: bool, of_day: int, of_total: int) -> int:
    if not trusted:
        return _UNKNOWN
    if of_total <= 0:
        return _TOTAL
    return STAYS if of_day > 0 else _DAILY


def control(board: SpendBoard, now: datetime) -> None:
    """Lets out allowance for the time since the last call; to be called about once a second.

    While spend is unknown nothing is let out. At an advertiser's midnight its spend of the day
    begins again at 0, without waiting for the store of spend to say so.
    """
    now_s = now.timestamp()
    passed_s = min(max(now_s - board.controlled_s, 0.0), AHEAD_S) if board.controlled_s else 0.0
    board.controlled_s = now_s
    flights = board.catalog.rules.flights
    _new_days(board.spending, flights, int(now_s))
    if board.trusted:
        _let_out(board.budgets, board.spending, flights, int(now_s), passed_s)


@njit(cache=True)
def _new_days(spending: Spending, flights: Flights, now_s: int) -> None:
    for row in range(spending.day.shape[0]):
        today = day_number(flights.zones, flights.zone[row], now_s)
        if spending.day[row] != today:
            if spending.day[row] >= 0:
                spending.today[row] = 0
            spending.day[row] = today


@njit(cache=True)
def _let_out(
    budgets: Budgets, spending: Spending, flights: Flights, now_s: int, passed_s: float
) -> None:
    kept = np.exp(-passed_s / YIELD_MEMORY_S)
    for row in range(spending.day.shape[0]):
        if not budgets.paced[row]:
            continue
        _remember_yield(spending, row, kept)
        rate = _rate(budgets, spending, flights, row, now_s)
        rate /= _yield(spending, row, rate * AHEAD_S)
        allowance = spending.allowance[row] + rate * passed_s
        spending.allowance[row] = min(allowance, max(rate * AHEAD_S, 1.0))


@njit(cache=True)
def _remember_yield(spending: Spending, row: int, kept: float) -> None:
    total = spending.total[row]
    if spending.anchor[row] >= 0:
        spending.booked[row] = spending.booked[row] * kept + total - spending.anchor[row]
    spending.anchor[row] = total
    spending.expected[row] = spending.expected[row] * kept + spending.offered[row]
    spending.offered[row] = 0.0


@njit(cache=True)
def _yield(spending: Spending, row: int, doubt: float) -> float:
    """Micros spent for each one promised: ads that never appear, a model that hopes too much.

    `doubt` micros of either speak for 1; within `YIELD_BOUNDS`.
    """
    ratio = (spending.booked[row] + doubt + 1.0) / (spending.expected[row] + doubt + 1.0)
    return float(min(max(ratio, YIELD_BOUNDS[0]), YIELD_BOUNDS[1]))


@njit(cache=True)
def _rate(budgets: Budgets, spending: Spending, flights: Flights, row: int, now_s: int) -> float:
    """Micros a second that spend the money in the time it is for; 0 when none is left.

    A daily budget is for today; without one, the total budget is for the rest of the flight.
    """
    ends_s = flights.ends_ms[row] // 1000
    left = budgets.total[row] - spending.total[row]
    if budgets.daily[row] != UNLIMITED:
        left = min(left, budgets.daily[row] - spending.today[row])
        zone = flights.zone[row]
        seconds = _on_air_s(flights, row, now_s, min(ends_s, day_end_s(flights.zones, zone, now_s)))
    else:
        seconds = (ends_s - now_s) * _share_of_week(flights, row)
    return float(max(left, 0) / max(seconds, LEAST_S))


@njit(cache=True)
def _on_air_s(flights: Flights, row: int, from_s: int, until_s: int) -> int:
    """Seconds of [from, until), at most a day or so, in the local hours of the line item."""
    seconds, at = 0, max(from_s, flights.starts_ms[row] // 1000)
    zone = flights.zone[row]
    while at < until_s:
        local = at + offset_at(flights.zones, zone, at)
        step = min(HOUR_S - local % HOUR_S, until_s - at)
        if _on(flights, row, hour_of_week(flights.zones, zone, at)):
            seconds += step
        at += step
    return seconds


@njit(cache=True)
def _share_of_week(flights: Flights, row: int) -> float:
    hours = 0
    for hour in range(WEEK_HOURS):
        hours += _on(flights, row, hour)
    return hours / WEEK_HOURS


@njit(cache=True)
def _on(flights: Flights, row: int, hour: int) -> bool:
    word = flights.hours[row, hour >> 6]
    return bool((word >> np.uint64(hour & 63)) & np.uint64(1))
