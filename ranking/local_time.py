"""Days and hours where the advertiser lives: offsets of every zone, with the switches to come.

No clock is read here. The one surprising fact: offsets are looked up once, when a catalog is built,
for `HORIZON_DAYS` ahead; a catalog older than that would miss a daylight-saving switch.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numba import njit
from numpy.typing import NDArray

HORIZON_DAYS = 800
DAY_S = 86_400
HOUR_S = 3_600
WEEK_HOURS = 168
EPOCH_HOUR_OF_WEEK = 72
"""1970-01-01 was a Thursday, and weeks begin on Monday."""
NEVER_S = 2**62


Zones = tuple[NDArray[np.int64], NDArray[np.int64]]
"""`until_s` and `offset_s`: `offset_s[zone, n]` east of UTC holds until `until_s[zone, n]`."""


def zones(names: Sequence[str], now: datetime) -> Zones:
    """The offsets of these IANA zones from a day before `now` on, one row a zone."""
    periods = [_periods(ZoneInfo(name), now - timedelta(days=1)) for name in names]
    width = max((len(zone) for zone in periods), default=1)
    padded = [[*zone, *[zone[-1]] * (width - len(zone))] for zone in periods]
    table = np.array(padded, np.int64).reshape(len(names), width, 2)
    return np.ascontiguousarray(table[:, :, 0]), np.ascontiguousarray(table[:, :, 1])


def _periods(zone: ZoneInfo, start: datetime) -> list[tuple[int, int]]:
    """(until, offset) pairs: looks every day, then halves the day in which the offset changed."""
    first = int(start.timestamp()) // HOUR_S * HOUR_S
    found: list[tuple[int, int]] = []
    before = _offset(zone, first)
    for low in range(first, first + HORIZON_DAYS * DAY_S, DAY_S):
        after = _offset(zone, low + DAY_S)
        if after != before:
            found.append((_switch(zone, low, low + DAY_S), before))
            before = after
    return [*found, (NEVER_S, before)]


def _switch(zone: ZoneInfo, low: int, high: int) -> int:
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: ZoneInfo, at_s: int) -> int:
    offset = datetime.fromtimestamp(at_s, UTC).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


@njit(cache=True)
def offset_at(zones: Zones, zone: int, at_s: int) -> int:
    """Seconds east of UTC in a zone at an instant."""
    until_s, offset_s = zones
    n = 0
    while until_s[zone, n] <= at_s:
        n += 1
    return int(offset_s[zone, n])


@njit(cache=True)
def day_number(zones: Zones, zone: int, at_s: int) -> int:
    """The local date as days since 1970-01-01."""
    return (at_s + offset_at(zones, zone, at_s)) // DAY_S


@njit(cache=True)
def hour_of_week(zones: Zones, zone: int, at_s: int) -> int:
    """The local hour, 0..167 from Monday 00:00."""
    local_hour = (at_s + offset_at(zones, zone, at_s)) // HOUR_S
    return (local_hour + EPOCH_HOUR_OF_WEEK) % WEEK_HOURS


@njit(cache=True)
def local_days(zones: Zones, at_s: int) -> NDArray[np.int64]:
    """`day_number` of every zone. Kernels take these before they loop over ads."""
    days = np.empty(zones[0].shape[0], np.int64)
    for zone in range(days.shape[0]):
        days[zone] = day_number(zones, zone, at_s)
    return days


@njit(cache=True)
def local_hours(zones: Zones, at_s: int) -> NDArray[np.int64]:
    """`hour_of_week` of every zone."""
    hours = np.empty(zones[0].shape[0], np.int64)
    for zone in range(hours.shape[0]):
        hours[zone] = hour_of_week(zones, zone, at_s)
    return hours


@njit(cache=True)
def day_end_s(zones: Zones, zone: int, at_s: int) -> int:
    """The instant of the next local midnight, found with the offset that will hold by then."""
    midnight = (day_number(zones, zone, at_s) + 1) * DAY_S
    end = midnight - offset_at(zones, zone, at_s)
    return midnight - offset_at(zones, zone, end)
