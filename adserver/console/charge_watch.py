"""Keeps what advertisers were charged on days that the ledger lacks, fresh within seconds.

So a prepaid advertiser stops when its money is used up and not the day after. Never here: who stops
(`stores.advertiser_money`, `stores.catalog_publisher`). The one surprising fact: only the last
quarters of an hour are counted each time; rows that come later than that are found by the count of
everything, once an hour, and by the books in any case.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.eventlog.advertiser_charges import QUARTER_MS, charges_by_quarter
from adserver.ports import EventStore
from adserver.stores import advertiser_money, database, revenue
from affiliate.ad_revenue import begin_of_day, day_of, days_between

LOOK_S = 1.0
STILL_COMING = timedelta(minutes=20)
WHOLE_EVERY = timedelta(hours=1)
MOST_DAYS = 8
AHEAD = timedelta(minutes=10)


class ChargeWatch:
    """What was counted so far, by quarter of an hour; one per console, used by one thread."""

    def __init__(
        self, engine: Engine, events: EventStore, zone: ZoneInfo, window: timedelta
    ) -> None:
        self._engine = engine
        self._events = events
        self._zone = zone
        self._window = window
        self._quarters: Counter[tuple[str, int]] = Counter()
        self._kept: Counter[advertiser_money.Charge] | None = None
        self._whole_at: datetime | None = None

    def look(self, now: datetime) -> None:
        """Counts what may have changed, and keeps it.

        Raises:
            StoreAwayError: what was kept stays as it was.
        """
        first = self._first_day(now)
        if self._whole_at is None or now - self._whole_at >= WHOLE_EVERY:
            self._count(begin_of_day(first, self._zone), now)
            self._whole_at = now
        else:
            self._count(now - STILL_COMING, now)
        charged = self._by_day(first)
        if charged == self._kept:
            return
        with database.writing(self._engine) as connection:
            advertiser_money.put_charges(connection, charged, now)
            advertiser_money.drop_charges_before(connection, first.isoformat())
        self._kept = charged

    def _first_day(self, now: datetime) -> date:
        """The first of the last days that nobody accrued, yesterday at the latest."""
        today = day_of(now, self._zone)
        with database.reading(self._engine) as connection:
            known = revenue.days_posted(connection)
        recent = days_between(today - timedelta(days=MOST_DAYS - 1), today - timedelta(days=1))
        return next((day for day in recent if day not in known), today - timedelta(days=1))

    def _count(self, since: datetime, now: datetime) -> None:
        first = int(since.timestamp() * 1000) // QUARTER_MS
        until = int((now + AHEAD).timestamp() * 1000)
        found = charges_by_quarter(self._events, first * QUARTER_MS, until, self._window)
        kept = {key: micros for key, micros in self._quarters.items() if key[1] < first}
        self._quarters = Counter(kept)
        self._quarters.update(found)

    def _by_day(self, first: date) -> Counter[advertiser_money.Charge]:
        sums: Counter[advertiser_money.Charge] = Counter()
        for (advertiser, quarter), micros in self._quarters.items():
            at = datetime.fromtimestamp(quarter * QUARTER_MS / 1000, UTC)
            day = day_of(at, self._zone)
            if day >= first:
                sums[advertiser, day.isoformat()] += micros
        return sums


@asynccontextmanager
async def watching_charges(
    settings: Settings, engine: Engine, events: EventStore, is_ready: Callable[[], bool]
) -> AsyncIterator[None]:
    """Watches for as long as the context is open, once `is_ready`."""
    window_s = settings.ad_expires_s + settings.click_window_s + settings.conversion_window_s
    zone = ZoneInfo(settings.time_zone)
    watch = ChargeWatch(engine, events, zone, timedelta(seconds=window_s))

    async def look() -> None:
        if is_ready():
            await asyncio.to_thread(watch.look, datetime.now(UTC))

    async with repeating("advertisers' charges", LOOK_S, look):
        yield
