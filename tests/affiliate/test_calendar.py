"""Months of the organisation's own time zone: their borders, when they close, when they pay."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from affiliate.calendar import (
    ExtensionError,
    Period,
    begin_of,
    closes_at,
    end_of,
    parse_period,
    pays_at,
    period_of,
    shifted,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
APIA = ZoneInfo("Pacific/Apia")  # skipped the 30th of December 2011
SANTIAGO = ZoneInfo("America/Santiago")
ZONES = [UTC, SHANGHAI, NEW_YORK, BERLIN, APIA, SANTIAGO]
US = timedelta(microseconds=1)
OCTOBER = Period("2026-10")


def test_a_month_begins_at_midnight_of_the_house_and_not_of_greenwich() -> None:
    midnight = datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert period_of(midnight, SHANGHAI) == "2026-10"
    assert period_of(midnight - US, SHANGHAI) == "2026-09"
    assert period_of(midnight, UTC) == "2026-09"
    assert begin_of(OCTOBER, SHANGHAI) == midnight


@pytest.mark.parametrize(
    ("zone", "begin", "end"),
    [
        (NEW_YORK, datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 12, 1, 5, tzinfo=UTC)),
        (NEW_YORK, datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 4, 1, 4, tzinfo=UTC)),
        (BERLIN, datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)),
        (BERLIN, datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)),
    ],
)
def test_a_month_in_which_the_clocks_change_is_an_hour_longer_or_shorter(
    zone: ZoneInfo, begin: datetime, end: datetime
) -> None:
    month = period_of(begin, zone)
    assert (begin_of(month, zone), end_of(month, zone)) == (begin, end)
    assert period_of(end - US, zone) == month
    assert period_of(begin - US, zone) == shifted(month, -1)
    assert period_of(end, zone) == shifted(month, 1)


def test_an_hour_that_comes_twice_lies_in_one_month() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=0)
    second = first.replace(fold=1)
    assert first.astimezone(UTC) != second.astimezone(UTC)
    assert period_of(first, BERLIN) == period_of(second, BERLIN) == "2026-10"


def test_months_are_written_so_that_they_sort() -> None:
    assert parse_period("2026-10") == "2026-10"
    assert parse_period("2026-1") == "2026-01"
    assert parse_period("0999-12") == "0999-12"


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "2026-10-01", "10-2026", "x"])
def test_what_is_no_month_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not a month: write it as 2026-10"):
        parse_period(text)


@pytest.mark.parametrize(
    ("months", "there"),
    [(0, "2026-10"), (1, "2026-11"), (2, "2026-12"), (3, "2027-01"), (14, "2027-12"),
     (15, "2028-01"), (-9, "2026-01"), (-10, "2025-12"), (-22, "2024-12")],
)  # fmt: skip
def test_months_follow_each_other_over_the_year(months: int, there: str) -> None:
    assert shifted(OCTOBER, months) == there


def test_a_period_closes_on_the_tenth_and_pays_on_the_twentieth_of_the_next_month() -> None:
    closing = datetime(2026, 11, 10, tzinfo=SHANGHAI)
    assert closes_at(OCTOBER, 0, SHANGHAI) == closing
    assert pays_at(OCTOBER, 0, SHANGHAI) == datetime(2026, 11, 20, tzinfo=SHANGHAI)
    assert closes_at(OCTOBER, 1, SHANGHAI) == datetime(2026, 12, 10, tzinfo=SHANGHAI)
    assert pays_at(OCTOBER, 1, SHANGHAI) == datetime(2026, 12, 20, tzinfo=SHANGHAI)
    assert closes_at(Period("2026-12"), 0, SHANGHAI) == datetime(2027, 1, 10, tzinfo=SHANGHAI)


def test_a_period_is_extended_once() -> None:
    for call in (closes_at, pays_at):
        with pytest.raises(ExtensionError, match="2026-10 was extended already"):
            call(OCTOBER, 2, SHANGHAI)


def test_it_closes_at_midnight_of_the_house_after_the_clocks_have_changed() -> None:
    assert closes_at(OCTOBER, 0, NEW_YORK) == datetime(2026, 11, 10, 5, tzinfo=UTC)
    assert pays_at(OCTOBER, 0, NEW_YORK) == datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert closes_at(Period("2026-02"), 0, NEW_YORK) == datetime(2026, 3, 10, 4, tzinfo=UTC)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
    st.sampled_from(ZONES),
)
def test_every_instant_lies_in_its_month(naive: datetime, zone: ZoneInfo) -> None:
    moment = naive.replace(tzinfo=UTC)
    month = period_of(moment, zone)
    assert begin_of(month, zone) <= moment < end_of(month, zone)
    assert end_of(month, zone) == begin_of(shifted(month, 1), zone)


@given(st.integers(1, 9_000), st.integers(1, 12), st.integers(-500, 500))
def test_so_many_months_there_and_back_is_no_way(year: int, month: int, months: int) -> None:
    start = Period(f"{year + 500:04}-{month:02}")
    there = shifted(start, months)
    assert shifted(there, -months) == start
    assert (there > start) == (months > 0)
    assert date.fromisoformat(f"{there}-01")


@given(st.integers(1990, 2100), st.integers(1, 12), st.integers(0, 1), st.sampled_from(ZONES))
def test_it_locks_after_its_end_and_pays_ten_days_on(
    year: int, month: int, extensions: int, zone: ZoneInfo
) -> None:
    period = Period(f"{year:04}-{month:02}")
    closing = closes_at(period, extensions, zone)
    assert closing >= end_of(period, zone)
    assert (closing.day, closing.hour) == (10, 0)
    assert pays_at(period, extensions, zone).date() == closing.date() + timedelta(days=10)
