"""Sums over the event log that stay true at little cost.

Counted by the hour, and again where rows came.

Never here: what is counted. The one surprising fact: nothing is ever added to a sum. An hour whose
ads had rows shipped is counted again as a whole, so copies and late rows cannot make it drift; only
hours that lie two days back are folded into their day.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key")

HOUR_MS = 3_600_000
HOURS_A_DAY = 24
RECENT_DAYS = 2


@dataclass
class Rollup(Generic[Key]):
    """Counts of [since_ms, until_ms) by `count`, for the last `days` days (None: all).

    Hours and days are numbers since 1970, UTC, of when the ad was served.
    """

    count: Callable[[int, int], Counter[Key]]
    known_hours: Callable[[], Iterable[int]]
    days: int | None = None
    _hours: dict[int, Counter[Key]] = field(default_factory=dict)
    _days: dict[int, Counter[Key]] = field(default_factory=dict)
    _stale: set[int] | None = None  # None: nothing has been counted yet

    def touch(self, hours: Iterable[int]) -> None:
        """Notes that rows have come for ads of these hours."""
        if self._stale is not None:
            self._stale.update(hours)

    def refresh(self, now_ms: int) -> Counter[Key]:
        """Counts what is stale; answers the sums.

        Raises:
            StoreAwayError: what has not been counted stays stale.
        """
        if self._stale is None:
            self._stale = set(self.known_hours())
        today = now_ms // HOUR_MS // HOURS_A_DAY
        self._fold(today - RECENT_DAYS)
        for hour in sorted(self._stale):
            self._recount(hour, today)
        if self.days is not None:
            for day in [day for day in self._days if day <= today - self.days]:
                del self._days[day]
        total: Counter[Key] = Counter()
        for counts in (*self._days.values(), *self._hours.values()):
            total.update(counts)
        return total

    def _recount(self, hour: int, today: int) -> None:
        """Counts an hour, or the day of an older one, with all its other stale hours."""
        assert self._stale is not None
        day = hour // HOURS_A_DAY
        done = {hour}
        if hour not in self._stale:
            return
        if self.days is not None and day <= today - self.days:
            pass
        elif day > today - RECENT_DAYS:
            self._hours[hour] = self.count(hour * HOUR_MS, (hour + 1) * HOUR_MS)
        else:
            first = day * HOURS_A_DAY
            self._days[day] = self.count(first * HOUR_MS, (first + HOURS_A_DAY) * HOUR_MS)
            done = set(range(first, first + HOURS_A_DAY))
        self._stale -= done

    def _fold(self, last_day: int) -> None:
        """Hours up to `last_day` become part of their day."""
        for hour in [hour for hour in self._hours if hour // HOURS_A_DAY <= last_day]:
            day = self._days.setdefault(hour // HOURS_A_DAY, Counter())
            day.update(self._hours.pop(hour))
