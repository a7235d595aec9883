"""What a line item means to spend by when: the even plan of a day, and of a whole flight.

Never here: how ads are held back to keep to it (`ranking.pacing`). The one surprising fact: hours
that are not targeted, or outside the flight, have no share of a day's plan, as in the engine.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from models.domain.campaign import LineItem
from models.domain.money import Micros

HOURS = 24
MOST_POINTS = 120
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Planned:
    """Micros that should be spent by the end of the hour (or day) that begins at `at`."""

    at: datetime
    micros: Micros


def day_plan(item: LineItem, day: date, zone: ZoneInfo) -> list[Planned]:
    """The daily budget spread over the day's hours that may run; nothing without a budget."""
    if not item.daily_budget_micros:
        return []
    begin = datetime.combine(day, time(), zone)
    hours = _hours_of(begin, datetime.combine(day + _DAY, time(), zone))
    shares = [_seconds(item, hour, zone) for hour in hours]
    whole = sum(shares)
    if not whole:
        return []
    budget = item.daily_budget_micros
    return [
        Planned(hour, Micros(budget * done // whole))
        for hour, done in zip(hours, accumulate(shares), strict=True)
    ]


def flight_plan(item: LineItem, zone: ZoneInfo) -> list[Planned]:
    """The total budget spread evenly from first to last day; nothing without budget or end.

    Of a long flight some `MOST_POINTS` days, always the first and the last: it is a straight line.
    """
    if not item.total_budget_micros or item.ends_at is None:
        return []
    whole = max(1, _whole_seconds(item.ends_at - item.starts_at))
    first = item.starts_at.astimezone(zone).date()
    last = (item.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    days = (last - first).days
    found = []
    for number in (*range(0, days, 1 + days // MOST_POINTS), days):
        day = first + number * _DAY
        end = min(datetime.combine(day + _DAY, time(), zone), item.ends_at)
        micros = item.total_budget_micros * _whole_seconds(end - item.starts_at) // whole
        found.append(Planned(datetime.combine(day, time(), zone), Micros(micros)))
    return found


def planned_by(item: LineItem, now: datetime, zone: ZoneInfo) -> Micros | None:
    """What the day's plan wants spent by now; None without a daily budget to spread."""
    plan = day_plan(item, now.astimezone(zone).date(), zone)
    if not plan:
        return None
    before = Micros(0)
    for hour in plan:
        passed = (now - hour.at).total_seconds()
        if passed < 3600:
            part = max(0, int(passed))
            return Micros(before + (hour.micros - before) * part // 3600)
        before = hour.micros
    return before


def _hours_of(begin: datetime, end: datetime) -> list[datetime]:
    """The hours that begin in a day; 23 or 25 of them where clocks are changed."""
    zone = begin.tzinfo
    first, last = int(begin.timestamp()), int(end.timestamp())
    return [datetime.fromtimestamp(at, zone) for at in range(first, last, 3600)]


def _seconds(item: LineItem, hour: datetime, zone: ZoneInfo) -> int:
    """For how long of an hour the line item may run."""
    local = hour.astimezone(zone)
    slot = str(local.weekday() * HOURS + local.hour)
    rule = item.targeting.hour_of_week
    if slot in rule.exclude or (rule.include and slot not in rule.include):
        return 0
    begin = max(hour.timestamp(), item.starts_at.timestamp())
    end = hour.timestamp() + 3600
    if item.ends_at is not None:
        end = min(end, item.ends_at.timestamp())
    return max(0, int(end - begin))


def _whole_seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)
