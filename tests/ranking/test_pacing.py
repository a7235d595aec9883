"""Whole days of spending in fast motion: budgets hold, and spend follows the plan."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from models.domain.campaign import Pacing, Rule, Targeting
from models.domain.user import UserState
from ranking.catalog import Catalog
from ranking.decision import decide
from ranking.pacing import SpendBoard, control
from ranking.slate import NoAdReason
from tests.builders import NOW, ad_request, advertiser, creative, line_item, marketplace
from tests.ranking.markets import Told, snapshot_of

PRICE = 20_000
STEP_S = 5
SHANGHAI = ZoneInfo("Asia/Shanghai")


def board_of(zone: str = "Asia/Shanghai", now: datetime = NOW, **item: object) -> SpendBoard:
    market = marketplace(advertisers=(advertiser(time_zone=zone),), line_items=(line_item(**item),))
    return SpendBoard.for_catalog(Catalog.build(market, now))


def midnight(zone: str, year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


class Day:
    """Runs a board through time: traffic is requests a second, each would cost `PRICE`.

    `spent` is a row for every step: the instant and what was spent in all.
    """

    def __init__(self, board: SpendBoard, start: datetime, *, rendered: float = 1.0) -> None:
        self.board, self.now, self.rendered = board, start, rendered
        self.rng = np.random.default_rng(5)
        self.spent: list[tuple[float, int]] = []
        self.lapsing: list[tuple[datetime, int]] = []
        control(board, start)

    def run(self, hours: float, traffic: object) -> "Day":
        flight = self.board.catalog.rules.items[0]
        end = self.now + timedelta(hours=hours)
        while self.now < end:
            wanted = traffic(self.now) if callable(traffic) else traffic
            on_air = flight["starts_ms"] <= self.now.timestamp() * 1000 < flight["ends_ms"]
            for _ in range(self.rng.poisson(wanted * STEP_S) if on_air else 0):
                if not self._serve():
                    break
            self._lapse()
            self.now += timedelta(seconds=STEP_S)
            control(self.board, self.now)
            self.spent.append((self.now.timestamp(), int(self.board.spent_total[0])))
        return self

    def _serve(self) -> bool:
        board, money = self.board, self.board.spending
        left = min(board.budgets.daily[0] - money.today[0], board.budgets.total[0] - money.total[0])
        if left - money.reserved[0] < PRICE or (board.budgets.paced[0] and money.allowance[0] <= 0):
            return False
        board.reserve(0, PRICE)
        if self.rng.random() < self.rendered:
            board.release(0, PRICE)
            board.charge(0, PRICE)
        else:
            self.lapsing.append((self.now + timedelta(minutes=30), PRICE))
        return True

    def _lapse(self) -> None:
        while self.lapsing and self.lapsing[0][0] <= self.now:
            self.board.release(0, self.lapsing.pop(0)[1])

    def by_hour(self) -> NDArray[np.float64]:
        """What was spent in each hour."""
        every = 3600 // STEP_S
        totals = np.array([0, *[total for _, total in self.spent][every - 1 :: every]])
        return np.diff(totals).astype(float)


def day_curve(now: datetime) -> float:
    """Requests a second: a deep night, two peaks."""
    hour = now.astimezone(SHANGHAI).hour
    return (0.05, 0.6, 3.0, 1.0)[(hour > 5) + (hour in (8, 9, 20, 21)) + (hour > 21)]


BUDGET = 100_000_000
START = midnight("Asia/Shanghai", 2026, 11, 18)


def test_steady_traffic_spends_the_budget_in_a_straight_line() -> None:
    day = Day(board_of(daily_budget_micros=BUDGET), START).run(24, 2.0)
    hours = day.by_hour() / BUDGET * 24
    assert hours == pytest.approx(np.ones(24), abs=0.12)
    assert 0.99 * BUDGET < day.board.spent_total[0] <= BUDGET


def test_uneven_traffic_spends_the_budget_without_a_dark_hour() -> None:
    day = Day(board_of(daily_budget_micros=BUDGET), START).run(24, day_curve)
    hours = day.by_hour()
    assert 0.98 * BUDGET < day.board.spent_total[0] <= BUDGET
    assert hours.min() >= 0.5 * min(BUDGET / 24, 0.05 * 3600 * PRICE)
    assert hours.max() <= 1.5 * BUDGET / 24


def test_a_sudden_crowd_does_not_empty_the_budget() -> None:
    def crowd(now: datetime) -> float:
        return 300.0 if now.astimezone(SHANGHAI).hour == 3 else 0.2

    day = Day(board_of(daily_budget_micros=BUDGET), START).run(6, crowd)
    hours = day.by_hour()
    assert hours[3] <= 1.35 * BUDGET / 24
    assert hours[4] > 0.5 * BUDGET / 24


def test_ads_that_never_appear_do_not_slow_the_plan_down() -> None:
    day = Day(board_of(daily_budget_micros=BUDGET), START, rendered=0.6).run(24, 3.0)
    by_noon = dict(day.spent)[(START + timedelta(hours=12)).timestamp()]
    assert by_noon == pytest.approx(BUDGET / 2, rel=0.06)
    assert day.board.spent_total[0] > 0.98 * BUDGET


def test_the_first_minutes_of_a_day_and_its_midnight_are_like_all_others() -> None:
    day = Day(board_of(daily_budget_micros=BUDGET), START).run(48, 5.0)
    totals = dict(day.spent)
    at_midnight = (START + timedelta(hours=24)).timestamp()
    last = totals[at_midnight] - totals[at_midnight - 600]
    first = totals[at_midnight + 600] - totals[at_midnight]
    plan = BUDGET / 144
    assert last == pytest.approx(plan, rel=0.3)
    assert first == pytest.approx(plan, rel=0.5)
    assert day.board.spent_total[0] == pytest.approx(2 * BUDGET, rel=0.02)


def test_a_start_at_noon_spends_the_budget_by_midnight_in_a_straight_line() -> None:
    noon = START + timedelta(hours=12)
    day = Day(board_of(now=noon, daily_budget_micros=BUDGET), noon).run(12, 5.0)
    assert day.by_hour() == pytest.approx(np.full(12, BUDGET / 12), rel=0.25)


def test_a_flight_that_ends_in_the_day_spends_its_budget_before_it_ends() -> None:
    ends = START + timedelta(hours=10)
    day = Day(board_of(now=START, daily_budget_micros=BUDGET, ends_at=ends), START).run(12, 5.0)
    assert day.by_hour()[:10] == pytest.approx(np.full(10, BUDGET / 10), rel=0.25)
    assert day.board.spent_total[0] == pytest.approx(BUDGET, rel=0.02)


def test_hours_that_are_not_targeted_are_no_part_of_the_plan() -> None:
    evening = frozenset(str(24 * day + hour) for day in range(7) for hour in (18, 19, 20, 21))
    targeting = Targeting(hour_of_week=Rule(include=evening))
    board = board_of(daily_budget_micros=BUDGET, targeting=targeting)

    def hours(now: datetime) -> float:
        return 5.0 if 18 <= now.astimezone(SHANGHAI).hour < 22 else 0.0

    day = Day(board, START).run(24, hours)
    assert day.by_hour()[18:22] == pytest.approx(np.full(4, BUDGET / 4), rel=0.2)
    assert day.board.spent_total[0] == pytest.approx(BUDGET, rel=0.03)


@pytest.mark.parametrize(("month", "date", "length_h"), [(3, 8, 23), (11, 1, 25)])
def test_a_day_with_a_clock_change_is_as_long_as_it_is(
    month: int, date: int, length_h: int
) -> None:
    start = midnight("America/New_York", 2026, month, date)
    board = board_of("America/New_York", start, daily_budget_micros=BUDGET)
    day = Day(board, start).run(length_h, 2.0)
    assert day.by_hour() == pytest.approx(np.full(length_h, BUDGET / length_h), rel=0.25)
    assert board.spent_total[0] == pytest.approx(BUDGET, rel=0.02)
    assert board.spent_today[0] == 0


def test_a_total_budget_without_a_daily_one_is_spread_over_the_flight() -> None:
    ends = START + timedelta(hours=48)
    board = board_of(now=START, total_budget_micros=2 * BUDGET, ends_at=ends)
    day = Day(board, START).run(48, 3.0)
    assert day.by_hour() == pytest.approx(np.full(48, BUDGET / 24), rel=0.3)


def test_a_tiny_budget_is_spent_one_ad_at_a_time() -> None:
    day = Day(board_of(daily_budget_micros=10 * PRICE), START).run(24, 1.0)
    assert day.board.spent_total[0] == 10 * PRICE
    assert (day.by_hour() > 0).sum() >= 9


def test_as_fast_as_possible_is_not_paced() -> None:
    board = board_of(daily_budget_micros=BUDGET, pacing=Pacing.ASAP)
    day = Day(board, START).run(1, 50.0)
    assert day.board.spent_total[0] == BUDGET


def refused(board_changes: object, **item: object) -> dict[str, int]:
    snapshot = snapshot_of(marketplace(line_items=(line_item(**item),)), pctr=Told(0.01))
    assert callable(board_changes)
    board_changes(snapshot.spend)
    decision = decide(ad_request(), UserState(), snapshot, NOW, np.random.default_rng(0))
    return dict(decision.rejected)


def test_a_budget_spent_for_today_is_told_apart_from_one_spent_for_good() -> None:
    def spent(board: SpendBoard) -> None:
        board.spent_today[0] = board.spent_total[0] = 500_000

    assert refused(spent, daily_budget_micros=500_000) == {NoAdReason.DAILY_BUDGET: 1}
    assert refused(spent, total_budget_micros=500_000) == {NoAdReason.TOTAL_BUDGET: 1}


def test_what_open_offers_reserve_is_not_promised_twice() -> None:
    def reserved(board: SpendBoard) -> None:
        board.reserve(0, 490_001)

    budget = {"total_budget_micros": 500_000}
    assert refused(reserved, **budget) == {NoAdReason.UNAFFORDABLE: 1}
    assert refused(lambda board: board.reserve(0, 480_000), **budget) == {}


def test_without_known_spend_only_budgets_are_withheld() -> None:
    def away(board: SpendBoard) -> None:
        board.trusted = False

    assert refused(away, daily_budget_micros=BUDGET) == {NoAdReason.SPEND_UNKNOWN: 1}
    assert refused(away) == {}


def test_an_overdrawn_allowance_pauses_a_paced_line_item() -> None:
    def ahead(board: SpendBoard) -> None:
        board.reserve(0, int(board.spending.allowance[0]) + 1)

    assert refused(ahead, daily_budget_micros=BUDGET) == {NoAdReason.PACING: 1}


def test_a_new_board_goes_on_where_the_old_one_was() -> None:
    before = board_of(daily_budget_micros=BUDGET)
    control(before, NOW)
    before.reserve(0, 1_000)
    before.charge(0, 70)
    before.trusted = False
    market = marketplace(
        line_items=(line_item(line_item_id="li0"), line_item(daily_budget_micros=BUDGET)),
        creatives=(creative(creative_id="cr0", line_item_id="li0"), creative()),
    )
    after = SpendBoard.for_catalog(Catalog.build(market, NOW))
    after.take_over(before)
    assert (after.spent_today[1], after.spent_total[1], after.reserved[1]) == (70, 70, 1_000)
    assert after.spending.allowance[1] == before.spending.allowance[0]
    assert after.spent_total[0] == 0
    assert not after.trusted
