"""Whose day an hour belongs to, in zones with half hours and on days with 23 or 25."""

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

import pytest

from adserver.eventlog.rows import served_row
from adserver.eventlog.sums import HOUR_MS, Grain, Part, sum_hours
from adserver.ports import EventStore
from adserver.reports.delivery import Dimension, Scope, by, by_day, by_hour, daily, grain_of
from adserver.reports.span import Span, first_moment
from models.domain.ids import LineItemId
from tests.adserver.eventlog.billed import put
from tests.adserver.eventlog.happenings import served

SHANGHAI, KOLKATA, BERLIN = (
    ZoneInfo(f"{z}") for z in ("Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin")
)
DAY = date(2026, 11, 18)


def hours(span: Span) -> int:
    return span.end_hour - span.first_hour


def test_a_day_of_shanghai_is_its_24_hours() -> None:
    span = Span.of_days(DAY, DAY, SHANGHAI)
    assert hours(span) == 24
    assert span.local(span.first_hour) == datetime(2026, 11, 18, tzinfo=SHANGHAI)
    assert [*span.days()] == [DAY]


@pytest.mark.parametrize(("day", "long"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_on_which_clocks_change_has_the_hours_it_has(day: date, long: int) -> None:
    assert hours(Span.of_days(day, day, BERLIN)) == long


def test_where_clocks_are_half_an_hour_off_an_hour_belongs_to_the_day_it_begins_in() -> None:
    span = Span.of_days(DAY, DAY, KOLKATA)
    assert hours(span) == 24
    assert span.local(span.first_hour) == datetime(2026, 11, 18, 0, 30, tzinfo=KOLKATA)
    assert [*span.days()] == [DAY]
    before = Span.of_days(date(2026, 11, 17), date(2026, 11, 17), KOLKATA)
    assert before.end_hour == span.first_hour  # none twice, none left out


@pytest.mark.parametrize(
    ("zone", "at", "begin"),
    [
        (UTC, datetime(2026, 11, 18, tzinfo=UTC), time()),
        (SHANGHAI, datetime(2026, 11, 18, tzinfo=UTC), time()),
        (KOLKATA, datetime(2026, 11, 18, tzinfo=UTC), time(0, 30)),
        (ZoneInfo("Asia/Kathmandu"), datetime(2026, 11, 18, tzinfo=UTC), time(0, 45)),
        (ZoneInfo("America/St_Johns"), datetime(2026, 11, 18, tzinfo=UTC), time(0, 30)),
        # Half an hour of summer time: 11 hours in January, 10:30 in July.
        (ZoneInfo("Australia/Lord_Howe"), datetime(2026, 1, 18, tzinfo=UTC), time()),
        (ZoneInfo("Australia/Lord_Howe"), datetime(2026, 7, 18, tzinfo=UTC), time(0, 30)),
    ],
)
def test_a_day_of_reports_begins_with_its_first_hour(
    zone: tzinfo, at: datetime, begin: time
) -> None:
    assert first_moment(zone, at) == begin
    day = at.astimezone(zone).date()
    span = Span.of_days(day, day, zone)
    assert span.local(span.first_hour).time() == begin


def test_the_last_days_end_with_today_wherever_that_is() -> None:
    now = datetime(2026, 11, 18, 20, tzinfo=UTC)  # already the 19th in Shanghai
    assert [*Span.last_days(2, now, SHANGHAI).days()] == [DAY, date(2026, 11, 19)]
    assert [*Span.last_days(2, now, UTC).days()] == [date(2026, 11, 17), DAY]


def test_a_span_that_ends_before_it_begins_is_empty() -> None:
    span = Span(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    assert hours(span) == 0
    assert [*span.days()] == []


def test_an_hour_counts_when_it_begins_within() -> None:
    span = Span(datetime(2026, 1, 1, 0, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, 1, tzinfo=UTC))
    assert [span.local(hour).hour for hour in range(span.first_hour, span.end_hour)] == [1, 2]


@pytest.fixture
def around_midnight(store: EventStore) -> EventStore:
    """An ad at 18:10 and one at 19:10 UTC of the 17th: 23:40 and 00:40 in Kolkata."""
    at = int(datetime(2026, 11, 17, 18, 10, tzinfo=UTC).timestamp() * 1000)
    put(store, "ads_served", [served_row(served(n, served_ms=at + n * HOUR_MS)) for n in (0, 1)])
    sum_hours(store, at // HOUR_MS, 2, [*Part], at)
    return store


def test_reports_are_told_in_the_days_and_hours_of_their_zone(around_midnight: EventStore) -> None:
    span, item = (
        Span.of_days(date(2026, 11, 17), DAY, KOLKATA),
        Scope(line_item_id=LineItemId("li1")),
    )
    assert [on.figures.served for on in by_day(around_midnight, item, span)] == [1, 1]
    assert {
        of.key: of.figures.served for of in by(around_midnight, Dimension.HOUR_OF_DAY, item, span)
    } == {"23": 1, "00": 1}
    days = daily(around_midnight, Dimension.CREATIVE, item, span)
    assert [(on.day.day, on.figures.served) for on in days["cr1"]] == [(17, 1), (18, 1)]
    shown = [at for at in by_hour(around_midnight, item, span) if at.figures.served]
    assert [(at.at.hour, at.at.minute) for at in shown] == [(23, 30), (0, 30)]


def test_the_smallest_grain_that_tells_all_is_read() -> None:
    assert grain_of(set()) is Grain.LINE_ITEM
    assert grain_of({"app_id"}) is Grain.PLACEMENT
    assert grain_of({"app_id", "region"}) is Grain.APP_REGION
    assert grain_of({"line_item_id", "app_id"}) is Grain.CREATIVE
