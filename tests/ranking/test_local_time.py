"""Offsets looked up ahead agree with zoneinfo at every instant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from ranking.local_time import day_end_s, day_number, hour_of_week, offset_at, zones
from tests.builders import NOW

NAMES = (
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "America/Santiago",
    "UTC",
)
NEW_YORK = ZoneInfo("America/New_York")
TABLE = zones(NAMES, NOW)
AHEAD = st.integers(0, 700 * 86_400).map(lambda s: int(NOW.timestamp()) + s)


@settings(deadline=None)
@given(st.sampled_from(range(len(NAMES))), AHEAD)
def test_offset_day_and_hour_are_those_of_the_zone(zone: int, at_s: int) -> None:
    local = datetime.fromtimestamp(at_s, UTC).astimezone(ZoneInfo(NAMES[zone]))
    offset = local.utcoffset()
    assert offset is not None
    assert offset_at(TABLE, zone, at_s) == offset.total_seconds()
    assert day_number(TABLE, zone, at_s) == local.date().toordinal() - 719_163
    assert hour_of_week(TABLE, zone, at_s) == local.weekday() * 24 + local.hour


@settings(deadline=None)
@given(st.sampled_from(range(len(NAMES))), AHEAD)
def test_a_day_ends_where_the_next_begins(zone: int, at_s: int) -> None:
    end = day_end_s(TABLE, zone, at_s)
    today = day_number(TABLE, zone, at_s)
    assert at_s < end <= at_s + 25 * 3600
    assert day_number(TABLE, zone, end - 1) == today
    assert day_number(TABLE, zone, end) == today + 1


@pytest.mark.parametrize(
    ("midnight", "hours"),
    [
        (datetime(2026, 3, 8, tzinfo=NEW_YORK), 23),
        (datetime(2026, 11, 1, tzinfo=NEW_YORK), 25),
    ],
)
def test_a_day_with_a_switch_is_shorter_or_longer(midnight: datetime, hours: int) -> None:
    table = zones(("America/New_York",), midnight.astimezone(UTC) - timedelta(hours=2))
    start = int(midnight.timestamp())
    assert day_end_s(table, 0, start) - start == hours * 3600
