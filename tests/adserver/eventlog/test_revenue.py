"""A day's revenue out of the log, on both engines, with every row inserted twice."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adserver.eventlog.revenue import arrivals, day_revenue, first_day
from adserver.eventlog.rows import Row
from adserver.ports import EventStore
from affiliate.ad_revenue import Cell, Finding, Invalid
from models.domain.event import EventKind
from models.domain.ids import AppId, LineItemId, PlacementId
from tests.adserver.eventlog.billed import PRICE, billed as billed_event, id_of, put as put_twice

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 18)
NOON_MS = int(datetime(2026, 11, 18, 12, tzinfo=SHANGHAI).timestamp() * 1000)
HOUR_MS = 3_600_000
IMPRESSION, CLICK, CONVERSION = EventKind.IMPRESSION, EventKind.CLICK, EventKind.CONVERSION

Put = Callable[[str, Sequence[Row]], None]


@pytest.fixture
def put(store: EventStore) -> Put:
    """Inserts rows twice, as after a lost answer."""
    return partial(put_twice, store)


row = partial(billed_event, at_ms=NOON_MS)


def only(store: EventStore, invalid: Invalid | None = None, **wanted: Any) -> Cell:
    found = day_revenue(store, wanted.get("day", DAY), SHANGHAI, invalid or Invalid())
    [cell] = found.cells
    return cell


def billed(store: EventStore, day: date, zone: ZoneInfo) -> int:
    return sum(cell.events for cell in day_revenue(store, day, zone).cells)


def test_copies_count_once(store: EventStore, put: Put) -> None:
    put("impressions", [row(number) for number in range(5)])
    put("clicks", [row(1, CLICK, charged=0)])
    cell = only(store)
    assert cell.key == ("adv1", "li1", "app1", "pl1", "")
    assert (cell.events, cell.revenue_micros, cell.impressions) == (5, 5 * PRICE, 5)
    assert (cell.invalid_events, cell.invalid_micros, cell.invalid_impressions) == (0, 0, 0)


def test_revenue_is_told_by_advertiser_line_item_app_placement_and_partner(
    store: EventStore, put: Put
) -> None:
    put("impressions", [row(1, partner_id="p1"), row(2, partner_id="p1", charged=0)])
    put("clicks", [row(2, CLICK, partner_id="p1", charged=300_000)])
    put("conversions", [row(3, CONVERSION, line_item_id="li2", charged=5_000_000)])
    put("impressions", [row(4, placement_id="pl2"), row(5, app_id="app2")])
    found = day_revenue(store, DAY, SHANGHAI)
    told = [(*one.key, one.events, one.revenue_micros, one.impressions) for one in found.cells]
    assert told == [
        ("adv1", "li1", "app1", "pl1", "p1", 2, 320_000, 2),
        ("adv1", "li1", "app1", "pl2", "", 1, PRICE, 1),
        ("adv1", "li1", "app2", "pl1", "", 1, PRICE, 1),
        ("adv1", "li2", "app1", "pl1", "", 1, 5_000_000, 0),
    ]  # fmt: skip
    assert found.size == 9


def test_tests_viewables_and_empty_days_bring_nothing(store: EventStore, put: Put) -> None:
    assert day_revenue(store, DAY, SHANGHAI).cells == ()
    put("impressions", [row(1, test=True)])
    put("viewables", [row(2, EventKind.VIEWABLE)])
    assert day_revenue(store, DAY, SHANGHAI).cells == ()
    assert first_day(store, SHANGHAI) is None


def test_an_event_belongs_to_the_houses_day_on_which_it_arrived(
    store: EventStore, put: Put
) -> None:
    begin = int(datetime(2026, 11, 18, tzinfo=SHANGHAI).timestamp() * 1000)
    put("impressions", [row(1, at_ms=begin - 1), row(2, at_ms=begin)])
    put("impressions", [row(3, at_ms=begin + 24 * HOUR_MS - 1), row(4, at_ms=begin + 24 * HOUR_MS)])
    put("conversions", [row(5, CONVERSION, at_ms=begin + HOUR_MS, served_ms=begin - 700 * HOUR_MS)])
    events = {by: billed(store, DAY + timedelta(days=by), SHANGHAI) for by in (-1, 0, 1)}
    assert events == {-1: 1, 0: 3, 1: 1}
    assert first_day(store, SHANGHAI) == date(2026, 11, 17)


def test_days_on_which_clocks_change_lose_and_double_nothing(store: EventStore, put: Put) -> None:
    """In Berlin 29 March 2026 has 23 hours and 25 October has 25: an event in each hour."""
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        begin = datetime(day.year, day.month, day.day, tzinfo=BERLIN)
        first = int(begin.astimezone(UTC).timestamp() * 1000)
        rows = [
            row(number + 100 * day.month, at_ms=first + number * HOUR_MS)
            for number in range(-24, 49)
        ]
        put("impressions", rows)
        around = [billed(store, day + timedelta(days=by), BERLIN) for by in (-1, 0, 1)]
        assert around == [24, hours, 24]


def test_findings_by_rule_take_every_event_that_fits_all_they_name(
    store: EventStore, put: Put
) -> None:
    put("impressions", [row(number, address_key=number % 2 + 1) for number in range(6)])
    put("clicks", [row(0, CLICK, address_key=1, charged=500_000)])

    def invalid(**names: Any) -> tuple[int, int, int]:
        cell = only(store, Invalid([Finding("f1", "bots", DAY, DAY, **names)]))
        assert (cell.events, cell.impressions) == (7, 6)
        return cell.invalid_events, cell.invalid_micros, cell.invalid_impressions

    assert invalid(address_key=1) == (4, 3 * PRICE + 500_000, 3)
    assert invalid(address_key=2, app_id=AppId("app1")) == (3, 3 * PRICE, 3)
    assert invalid(address_key=2, app_id=AppId("app2")) == (0, 0, 0)
    assert invalid(placement_id=PlacementId("pl1")) == (7, 6 * PRICE + 500_000, 6)
    assert invalid(line_item_id=LineItemId("li2")) == (0, 0, 0)
    assert invalid() == (7, 6 * PRICE + 500_000, 6)


def test_an_event_that_several_findings_name_is_invalid_once(store: EventStore, put: Put) -> None:
    put("impressions", [row(number, address_key=number % 2 + 1) for number in range(6)])
    rules = [
        Finding("f1", "a", DAY, DAY, address_key=1),
        Finding("f2", "b", DAY, DAY, address_key=1),
    ]
    cell = only(store, Invalid(rules, {id_of(0), id_of(1), id_of(2), id_of(77)}))
    assert (cell.invalid_events, cell.invalid_micros) == (4, 4 * PRICE)
    assert cell.invalid_impressions == 4


def test_many_events_may_be_named_one_by_one(store: EventStore, put: Put) -> None:
    put("impressions", [row(number) for number in range(5)])
    ids = {id_of(number) for number in range(4_500)}
    assert only(store, Invalid((), ids)).invalid_events == 5


def test_arrivals_tell_the_day_of_each_event_that_is_known(store: EventStore, put: Put) -> None:
    put("impressions", [row(1), row(2, at_ms=NOON_MS + 12 * HOUR_MS)])
    put("clicks", [row(1, CLICK)])
    asked = {id_of(1), id_of(2), id_of(1, CLICK), id_of(3)}
    assert arrivals(store, asked, SHANGHAI) == {
        id_of(1): DAY,
        id_of(2): DAY + timedelta(days=1),
        id_of(1, CLICK): DAY,
    }
