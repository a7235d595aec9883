"""From when to when a report looks, and in whose days.

Never here: figures. The one surprising fact: an hour is a UTC hour and belongs to the day in which
it begins. Where the clock is half an hour off (India, Adelaide), the UTC hour that holds midnight
counts whole for the day before it; every hour counts for exactly one day, so days add up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

HOUR_S = 3600
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any ad of anybody; a flight may have been moved, what it spent stays spent."""


def first_moment(zone: tzinfo, at: datetime) -> time:
    """When a day of reports begins on a zone's clocks, around `at`: with its first UTC hour.

    At midnight, but for zones that are off by a part of an hour; pages of those should say so.
    """
    offset = at.astimezone(zone).utcoffset() or timedelta()
    return time(minute=offset // timedelta(minutes=1) % 60)


@dataclass(frozen=True, slots=True)
class Span:
    """The hours that begin in [since, until), shown in the days and hours of `zone`.

    Both instants are aware.
    """

    since: datetime
    until: datetime
    zone: tzinfo = UTC

    @staticmethod
    def of_days(first: date, last: date, zone: tzinfo) -> "Span":
        """The days `first` to `last` of a zone, both included."""
        return Span(
            datetime.combine(first, time(), zone),
            datetime.combine(last + timedelta(days=1), time(), zone),
            zone,
        )

    @staticmethod
    def last_days(days: int, now: datetime, zone: tzinfo) -> "Span":
        """The last `days` days of a zone, of which the last is today."""
        today = now.astimezone(zone).date()
        return Span.of_days(today - timedelta(days=days - 1), today, zone)

    @property
    def first_hour(self) -> int:
        """The first UTC hour, counted from 1970."""
        return -int(-self.since.timestamp() // HOUR_S)

    @property
    def end_hour(self) -> int:
        """The hour after the last."""
        return max(self.first_hour, -int(-self.until.timestamp() // HOUR_S))

    def local(self, hour: int) -> datetime:
        """When an hour begins, in the zone."""
        return datetime.fromtimestamp(hour * HOUR_S, self.zone)

    def days(self) -> Iterator[date]:
        """The days in which hours of the span begin, in order."""
        if self.first_hour < self.end_hour:
            day, last = self.local(self.first_hour).date(), self.local(self.end_hour - 1).date()
            while day <= last:
                yield day
                day += timedelta(days=1)
