"""The plan of a day and of a flight, and how sure a click rate is."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adserver.console.advertisers.interval import wilson
from adserver.console.advertisers.plan import day_plan, flight_plan, planned_by
from models.domain.campaign import Rule, Targeting
from models.domain.money import Micros
from tests.builders import line_item

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 18)
BUDGET = Micros(240_000_000)


def test_the_days_budget_is_spread_evenly_over_the_advertisers_day() -> None:
    plan = day_plan(line_item(daily_budget_micros=BUDGET), DAY, SHANGHAI)
    assert len(plan) == 24
    assert plan[0].at == datetime(2026, 11, 18, tzinfo=SHANGHAI)
    assert [one.micros for one in plan[:3]] == [10_000_000, 20_000_000, 30_000_000]
    assert plan[-1].micros == BUDGET


def test_hours_that_are_not_targeted_get_nothing() -> None:
    wednesday_noon = frozenset({str(2 * 24 + 12), str(2 * 24 + 13)})
    item = line_item(
        daily_budget_micros=BUDGET, targeting=Targeting(hour_of_week=Rule(wednesday_noon))
    )
    plan = day_plan(item, DAY, SHANGHAI)
    assert [one.micros for one in plan[11:14]] == [0, BUDGET // 2, BUDGET]
    assert day_plan(item, DAY + timedelta(days=1), SHANGHAI) == []
    left_out = Targeting(hour_of_week=Rule(exclude=wednesday_noon))
    spared = line_item(daily_budget_micros=BUDGET, targeting=left_out)
    assert day_plan(spared, DAY, SHANGHAI)[11].micros == day_plan(spared, DAY, SHANGHAI)[13].micros


def test_a_flight_that_ends_at_noon_spends_the_budget_by_noon() -> None:
    noon = datetime(2026, 11, 18, 12, tzinfo=SHANGHAI)
    plan = day_plan(line_item(daily_budget_micros=BUDGET, ends_at=noon), DAY, SHANGHAI)
    assert plan[5].micros == BUDGET // 2
    assert plan[11].micros == BUDGET


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_days_on_which_clocks_change_have_their_own_length(day: date, hours: int) -> None:
    plan = day_plan(line_item(daily_budget_micros=BUDGET), day, BERLIN)
    assert len(plan) == hours
    assert plan[-1].micros == BUDGET


def test_what_should_be_spent_by_now_grows_by_the_second() -> None:
    item = line_item(daily_budget_micros=BUDGET)
    half_past_nine = datetime(2026, 11, 18, 9, 30, tzinfo=SHANGHAI)
    assert planned_by(item, half_past_nine, SHANGHAI) == 95_000_000
    assert planned_by(line_item(), half_past_nine, SHANGHAI) is None


def test_a_flight_ends_at_its_total_budget() -> None:
    begin = datetime(2026, 11, 1, tzinfo=SHANGHAI)
    item = line_item(
        starts_at=begin, ends_at=begin + timedelta(days=10), total_budget_micros=Micros(1_000)
    )
    plan = flight_plan(item, SHANGHAI)
    assert [one.micros for one in plan] == [100 * day for day in range(1, 11)]
    assert flight_plan(line_item(total_budget_micros=Micros(1)), SHANGHAI) == []
    moment = line_item(
        starts_at=begin,
        ends_at=begin + timedelta(microseconds=1),
        total_budget_micros=Micros(7),
    )
    assert len(flight_plan(moment, SHANGHAI)) == 1


def test_a_flight_of_a_century_is_drawn_with_as_few_points_as_one_of_months() -> None:
    begin = datetime(2000, 1, 1, tzinfo=SHANGHAI)
    item = line_item(
        starts_at=begin,
        ends_at=begin + timedelta(days=36_525),
        total_budget_micros=Micros(36_525_000),
    )
    plan = flight_plan(item, SHANGHAI)
    assert len(plan) <= 122
    assert (plan[0].at, plan[0].micros) == (begin, 1_000)
    assert (plan[-1].at.date(), plan[-1].micros) == (date(2099, 12, 31), 36_525_000)
    assert all(one.micros == 1_000 * ((one.at - begin).days + 1) for one in plan)


def test_an_interval_holds_what_was_seen_and_narrows_with_more_of_it() -> None:
    few, many = wilson(2, 100), wilson(200, 10_000)
    assert few is not None
    assert many is not None
    assert few.low < few.seen == 20_000 < few.high
    assert many.high - many.low < few.high - few.low


def test_an_interval_as_statisticians_print_it() -> None:
    # Wilson's interval of 15 of 50 (Agresti & Coull 1998, table of examples): 0.191 to 0.438.
    found = wilson(15, 50)
    assert found is not None
    assert (round(found.low / 1000), round(found.high / 1000)) == (191, 438)


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (10, 10), (11, 10), (0, 1)])
def test_at_the_ends_it_stays_inside_and_keeps_a_width(hits: int, trials: int) -> None:
    found = wilson(hits, trials)
    assert found is not None
    assert 0 <= found.low <= found.seen <= found.high <= 1_000_000
    assert found.high > found.low


def test_without_impressions_there_is_no_rate() -> None:
    assert wilson(0, 0) is None


def test_utc_days_are_days_too() -> None:
    assert day_plan(line_item(daily_budget_micros=BUDGET), DAY, ZoneInfo("UTC"))[0].at == datetime(
        2026, 11, 18, tzinfo=UTC
    )
