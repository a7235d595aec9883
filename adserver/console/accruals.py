"""Takes each day of ad revenue into the books soon after it has ended, and again for late events.

Never here: what is posted (`accounting.advertising`). The one surprising fact: it remembers
nothing. Days that nobody accrued are found by asking for the first event and for the days in the
books, so a console that was away for a week catches up.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from prometheus_client import Counter
from sqlalchemy import Engine

from adserver.accounting.advertising import Accrual, AdDesk, DayRefusedError, accrue_day
from adserver.config import Settings
from adserver.console.charge_watch import watching_charges
from adserver.console.loops import repeating
from adserver.eventlog.revenue import first_day
from adserver.ports import EventStore
from adserver.stores import database, revenue
from affiliate.ad_revenue import day_of, days_between

log = logging.getLogger(__name__)

LOOK_S = 60.0
SHIPPED_BY = timedelta(minutes=10)
"""So long after midnight most of a day's events have come from the workers' outboxes."""
RECOUNT_EVERY = timedelta(hours=1)
RECOUNT_DAYS = 3
REFUSED = Counter("adunion_accruals_refused_total", "Days of ad revenue that were not accrued")


class Accruals:
    """Which days are due, and their accrual; one per console. `look` is called by one thread."""

    def __init__(self, engine: Engine, events: EventStore, zone: ZoneInfo, currency: str) -> None:
        self._desk = AdDesk(engine, zone, currency)
        self._events = events
        self._first: date | None = None
        self._recounted_at: datetime | None = None
        self._at_work = threading.Lock()
        self._stopped = threading.Event()

    def look(self, now: datetime) -> list[Accrual]:
        """Accrues what is due; answers the days of which anything was posted.

        Raises:
            StoreAwayError: the event store does not answer; the next look goes on.
        """
        done = []
        with self._at_work:
            for day in self._due(now):
                if self._stopped.is_set():
                    break
                accrual = self._accrued(day, now)
                if accrual and accrual.transactions:
                    done.append(accrual)
        return done

    def stop(self) -> None:
        """Returns when no day is at work, and none will be."""
        self._stopped.set()
        with self._at_work:
            pass

    def _due(self, now: datetime) -> list[date]:
        """Days that nobody accrued; and once an hour the last few days again."""
        self._first = self._first or first_day(self._events, self._desk.zone)
        last = day_of(now - SHIPPED_BY, self._desk.zone) - timedelta(days=1)
        if self._first is None or last < self._first:
            return []
        with database.reading(self._desk.engine) as connection:
            known = revenue.days_posted(connection)
        due = {day for day in days_between(self._first, last) if day not in known}
        if self._recounted_at is None or now - self._recounted_at >= RECOUNT_EVERY:
            self._recounted_at = now
            recent = last - timedelta(days=RECOUNT_DAYS - 1)
            due |= set(days_between(max(recent, self._first), last))
        return sorted(due)

    def _accrued(self, day: date, now: datetime) -> Accrual | None:
        try:
            return accrue_day(self._desk, self._events, day, now)
        except DayRefusedError as refused:
            REFUSED.inc()
            log.error("%s is not accrued: %s; see `adunion reconcile --day %s`", day, refused, day)  # noqa: TRY400 - no traceback: nothing broke
            return None


@asynccontextmanager
async def accruing(
    settings: Settings, events: EventStore, is_ready: Callable[[], bool]
) -> AsyncIterator[None]:
    """Accrues for as long as the context is open, once `is_ready`; the schema is there already.

    And watches what is charged on the days that are not accrued yet.
    """
    engine = database.connect(settings)
    accruals = Accruals(engine, events, ZoneInfo(settings.time_zone), settings.currency)

    async def look() -> None:
        if not is_ready():
            return
        for done in await asyncio.to_thread(accruals.look, datetime.now(UTC)):
            day, transactions = done.revenue.day, done.transactions
            log.info("%s: %d transactions of ad revenue are posted", day, transactions)

    try:
        async with (
            repeating("ad revenue", LOOK_S, look),
            watching_charges(settings, engine, events, is_ready),
        ):
            yield
    finally:
        await asyncio.to_thread(accruals.stop)
        await asyncio.to_thread(engine.dispose)
