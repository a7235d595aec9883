"""Days of ad revenue: their cells, and where they begin and end when clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from affiliate.ad_revenue import (
    EVERY_ADDRESS,
    EVERY_APP,
    EVERY_LINE_ITEM,
    EVERY_PLACEMENT,
    Cell,
    DayRevenue,
    begin_of_day,
    day_of,
    days_between,
    end_of_day,
)
from models.domain.ids import AdvertiserId, AppId, LineItemId, PartnerId, PlacementId
from models.domain.money import Micros

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def hours(day: date, zone: ZoneInfo) -> float:
    length = end_of_day(day, zone).astimezone(UTC) - begin_of_day(day, zone).astimezone(UTC)
    return length / timedelta(hours=1)


def test_a_day_begins_at_the_houses_midnight() -> None:
    begin = begin_of_day(date(2026, 10, 31), SHANGHAI)
    assert begin.astimezone(UTC) == datetime(2026, 10, 30, 16, tzinfo=UTC)
    assert day_of(begin, SHANGHAI) == date(2026, 10, 31)
    assert day_of(begin - timedelta(microseconds=1), SHANGHAI) == date(2026, 10, 30)


def test_days_on_which_clocks_change_are_shorter_and_longer() -> None:
    assert hours(date(2026, 3, 28), BERLIN) == 24
    assert hours(date(2026, 3, 29), BERLIN) == 23
    assert hours(date(2026, 10, 25), BERLIN) == 25


def test_days_whose_midnight_does_not_exist_have_no_gap_before_them() -> None:
    assert hours(date(2018, 11, 3), SAO_PAULO) == 24
    assert hours(date(2018, 11, 4), SAO_PAULO) == 23
    assert hours(date(2018, 2, 17), SAO_PAULO) == 25


def test_days_between_are_all_from_the_first_to_the_last() -> None:
    days = list(days_between(date(2026, 10, 30), date(2026, 11, 1)))
    assert days == [date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1)]
    assert list(days_between(date(2026, 11, 1), date(2026, 10, 30))) == []


def test_a_day_counts_billed_events_and_impressions() -> None:
    cell = Cell(
        AdvertiserId("adv1"), LineItemId("li1"), AppId("app1"), PlacementId("pl1"),
        PartnerId("p1"), events=3, revenue_micros=Micros(60_000), impressions=5,
    )  # fmt: skip
    assert cell.key == ("adv1", "li1", "app1", "pl1", "p1")
    assert DayRevenue(date(2026, 10, 31), (cell, cell)).size == 16


def test_a_cell_of_which_nothing_was_told_has_nothing() -> None:
    ids = (AdvertiserId("a"), LineItemId("l"), AppId("p"), PlacementId("s"), PartnerId(""))
    nothing = Cell(*ids, 0, Micros(0), 0, 0, Micros(0), 0)
    assert Cell(*ids) == nothing


def test_what_holds_for_every_place_names_none() -> None:
    assert (EVERY_APP, EVERY_PLACEMENT, EVERY_LINE_ITEM, EVERY_ADDRESS) == ("", "", "", 0)
