"""What still has money this minute: budgets, and even spending over the advertiser's day.

What is controlled is an allowance for each evenly paced line item: the spend it may still expect to
cause, in micros. `control` lets it out at the rate that would use up the money left today in the
time left today (hours that are not targeted do not count, a flight that ends earlier ends the day);
every ad served takes its expected cost from it. The rate is positive as long as money and time are
left, so no line item goes dark; at most `AHEAD_S` of unused allowance is kept, so none makes up
for a quiet night in one burst. The one surprising fact: an allowance may be overdrawn by one ad,
or else a budget smaller than its ads' price times `AHEAD_S` would never be spent.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranking.catalog import Catalog
from ranking.local_time import (
    DAY_S,
    HOUR_S,
    WEEK_HOURS,
    Zones,
    day_end_s,
    hour_of_week,
    local_days,
    offset_at,
)
from ranking.records import UNLIMITED, Record, Records
from ranking.slate import CODES, STAYS, Exits, Floats, NoAdReason, Rows, Slate, leave

STAGE = "pacing"
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


PURSE = np.dtype(
    [
        ("today", np.int64),
        ("total", np.int64),
        ("reserved", np.int64),
        ("allowance", np.float64),
    ]
)
"""What every request asks of a line item: micros spent today and in all, reserved, allowed."""


class Budgets(NamedTuple):
    """What line items may spend, in micros (`UNLIMITED` where nothing is said)."""

    daily: Ints
    total: Ints
    paced: NDArray[np.bool_]


class Spending(NamedTuple):
    """What line items did spend, in micros, for their advertiser's `day`.

    `offered` was promised since the controller last looked; `expected` and `booked` are the spend
    that was promised and that came of it, over the last hour or so; `anchor` is `total` when they
    were last brought up to date. The first four lie together in `PURSE` records.
    """

    today: Ints
    total: Ints
    reserved: Ints
    allowance: Floats
    day: Ints
    offered: Floats
    expected: Floats
    booked: Floats
    anchor: Ints


@dataclass(slots=True)
class SpendBoard:
    """Spend as one worker knows it, an entry for each line item row of the catalog.

    Arrays are changed in place, by one thread. `trusted` is False while the store of spend is
    away: then line items with a budget are withheld.
    """

    catalog: Catalog
    purses: Records
    budgets: Budgets
    spending: Spending
    trusted: bool = True
    controlled_s: float = 0.0

    @staticmethod
    def for_catalog(catalog: Catalog) -> "SpendBoard":
        """A board for this catalog on which nothing is spent yet."""
        items = catalog.rules.items
        purses = np.zeros(len(items), PURSE)
        budgets = Budgets(items["daily"], items["total"], items["paced"])
        purses["allowance"] = _first_allowance(budgets)
        return SpendBoard(catalog, purses, budgets, _spending(purses))

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


def _spending(purses: Records) -> Spending:
    n = len(purses)
    return Spending(
        today=purses["today"],
        total=purses["total"],
        reserved=purses["reserved"],
        allowance=purses["allowance"],
        day=np.full(n, -1),
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
    rules = board.catalog.rules
    columns = (rules.ads, rules.items, board.purses)
    ads, slate.left = _solvent(slate.ads, columns, board.trusted, slate.exits)
    return slate.passed(STAGE, ads)


@njit(cache=True)
def _solvent(
    ads: Rows, columns: tuple[Records, Records, Records], trusted: bool, exits: Exits
) -> tuple[Rows, Ints]:
    """The ads that may still promise something, and how many micros each."""
    of_ad, items, purses = columns
    kept, left, n = np.empty_like(ads), np.empty(ads.shape[0], np.int64), 0
    for ad in ads:
        row, code = of_ad[ad].line_item, STAYS
        item, purse = items[row], purses[row]
        of_day = item.daily - purse.today - purse.reserved
        of_total = item.total - purse.total - purse.reserved
        if item.daily != UNLIMITED or item.total != UNLIMITED:
            code = _verdict(trusted, of_day, of_total)
        if code == STAYS and item.paced and purse.allowance <= 0.0:
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
    rules = board.catalog.rules
    _new_days(board.spending, rules.items, rules.zones, int(now_s))
    if board.trusted:
        _let_out(board.spending, rules.items, rules.zones, int(now_s), passed_s)


@njit(cache=True)
def _new_days(spending: Spending, items: Records, zones: Zones, now_s: int) -> None:
    days = local_days(zones, now_s)
    for row in range(items.shape[0]):
        today = days[items[row].zone]
        if spending.day[row] != today:
            if spending.day[row] >= 0:
                spending.today[row] = 0
            spending.day[row] = today


@njit(cache=True)
def _let_out(spending: Spending, items: Records, zones: Zones, now_s: int, passed_s: float) -> None:
    kept = np.exp(-passed_s / YIELD_MEMORY_S)
    for row in range(items.shape[0]):
        item = items[row]
        if not item.paced:
            continue
        _remember_yield(spending, row, kept)
        left = item.total - spending.total[row]
        if item.daily != UNLIMITED:
            left = min(left, item.daily - spending.today[row])
        rate = max(left, 0) / max(_time_left_s(item, zones, now_s), LEAST_S)
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
def _time_left_s(item: Record, zones: Zones, now_s: int) -> float:
    """Seconds in which the money may be spent: today, or without a daily budget the flight."""
    ends_s = item.ends_ms // 1000
    if item.daily == UNLIMITED:
        return float((ends_s - now_s) * _share_of_week(item))
    return float(_on_air_s(item, zones, now_s, min(ends_s, day_end_s(zones, item.zone, now_s))))


@njit(cache=True)
def _on_air_s(item: Record, zones: Zones, from_s: int, until_s: int) -> int:
    """Seconds of [from, until), at most a day or so, in the local hours of the line item."""
    seconds, at = 0, max(from_s, item.starts_ms // 1000)
    while at < until_s:
        local = at + offset_at(zones, item.zone, at)
        step = min(HOUR_S - local % HOUR_S, until_s - at)
        if _on(item, hour_of_week(zones, item.zone, at)):
            seconds += step
        at += step
    return seconds


@njit(cache=True)
def _share_of_week(item: Record) -> float:
    hours = 0
    for hour in range(WEEK_HOURS):
        hours += _on(item, hour)
    return hours / WEEK_HOURS


@njit(cache=True)
def _on(item: Record, hour: int) -> bool:
    return bool((item.hours[hour >> 6] >> np.uint64(hour & 63)) & np.uint64(1))
