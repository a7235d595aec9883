"""Work in the background, so that no page waits: requests sorted by user, users of every app.

Never here: how it is done (`reports.by_user`, `reports.portrait`). The one surprising fact: how
long the counting rests follows from how long it worked, a hundred times as long, so that a small
log is fresh within a minute and a large one costs a hundredth of a core.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.ports import EventStore
from adserver.reports import by_user
from adserver.reports.by_user import HOUR_MS, TABLE
from adserver.reports.portrait import count_users
from adserver.stores import audiences, database

log = logging.getLogger(__name__)

DAYS = 30
LOOK_S = 5.0
BREATH_S = 0.2
LEAST_REST_S, MOST_REST_S = 20.0, 3_600.0
REST_SHARE = 100
HOURS_AT_ONCE = 10


class StoppedError(Exception):
    """The console stops; what was being counted is counted at the next start."""


class SortedRequests:
    """Copies hours into `requests_by_user`, and knows which it has; one per console."""

    def __init__(self, store: EventStore, cluster: str = "", retention_days: int = 0) -> None:
        self._store = store
        self._dialect = (cluster, retention_days)
        self._done: set[int] | None = None
        self._looked_at = 0

    def look(self, now: datetime, pause: Callable[[], None] = lambda: None) -> int:
        """Copies up to `HOURS_AT_ONCE` hours that are over, the newest first; answers how many.

        Raises:
            StoreAwayError, StatementRefusedError: the rest is copied the next time.
        """
        now_ms = int(now.timestamp() * 1000)
        window = (now_ms - DAYS * 24 * HOUR_MS, now_ms)
        last = by_user.complete_hours(range(window[0] // HOUR_MS, now_ms // HOUR_MS), now_ms)[-1]
        if self._done is None:
            by_user.prepare(self._store, *self._dialect)
            self._done = set(by_user.hours_in(self._store, TABLE.name, *window))
        if self._looked_at == last:
            return 0
        known = by_user.hours_in(self._store, "decisions", *window)
        waiting = [one for one in by_user.complete_hours(known, now_ms) if one not in self._done]
        for hour in waiting[:HOURS_AT_ONCE]:
            by_user.fill(self._store, hour)
            self._done.add(hour)
            pause()
        if len(waiting) <= HOURS_AT_ONCE:
            self._looked_at = last
        return len(waiting[:HOURS_AT_ONCE])


class AudienceCounts:
    """Counts, and knows when to count again; one per console."""

    def __init__(self, engine: Engine, store: EventStore) -> None:
        self._engine = engine
        self._store = store
        self._due_at = 0.0

    def look(self, now: datetime, pause: Callable[[], None] = lambda: None) -> bool:
        """Counts if it is time to; answers whether it did.

        Raises:
            StoreAwayError: the event log does not answer; the last counting stays.
        """
        begun = time.monotonic()
        if begun < self._due_at:
            return False
        count(self._engine, self._store, now, pause)
        took_s = time.monotonic() - begun
        self._due_at = begun + min(max(REST_SHARE * took_s, LEAST_REST_S), MOST_REST_S)
        log.debug("users of all apps counted in %.1f s", took_s)
        return True


def count(
    engine: Engine, store: EventStore, now: datetime, pause: Callable[[], None] = lambda: None
) -> None:
    """Counts the users of the last `DAYS` days and keeps the counts.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    since = now - timedelta(days=DAYS)
    bounds = [int(at.timestamp() * 1000) for at in (since, now)]
    census = count_users(store, bounds[0], bounds[1], pause)
    requests = {app: (n, census.opted_out[app]) for app, n in census.requests.items()}
    audiences.replace_all(engine, census.users, requests, (since, now))


@asynccontextmanager
async def preparing_insight(
    settings: Settings, store: EventStore, is_ready: Callable[[], bool]
) -> AsyncIterator[None]:
    """Keeps both fresh while the context is open."""
    engine = database.connect(settings)
    requests = SortedRequests(store, settings.clickhouse_cluster, settings.log_retention_days)
    counts = AudienceCounts(engine, store)
    stopping = threading.Event()

    def pause() -> None:
        if stopping.wait(BREATH_S):
            raise StoppedError("the console is stopping")

    def work() -> None:
        now = datetime.now(UTC)
        if not requests.look(now, pause):
            counts.look(now, pause)

    async def look() -> None:
        if is_ready():
            await asyncio.to_thread(work)

    try:
        async with repeating("insight", LOOK_S, look):
            yield
            stopping.set()
    finally:
        stopping.set()
        engine.dispose()
