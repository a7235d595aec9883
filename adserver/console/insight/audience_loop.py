"""Counts the users of every app again and again, so that no page has to.

Never here: how they are counted (`reports.portrait`). The one surprising fact: how long it rests
follows from how long it worked, a hundred times as long, so that a small log is fresh within a
minute and a large one costs a hundredth of a core.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Engine

from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.ports import EventStore
from adserver.reports.portrait import count_users
from adserver.stores import audiences, database

log = logging.getLogger(__name__)

DAYS = 30
LOOK_S = 5.0
BREATH_S = 0.2
LEAST_REST_S, MOST_REST_S = 20.0, 3_600.0
REST_SHARE = 100


class AudienceCounts:
    """Counts, and knows when to count again; one per console."""

    def __init__(self, engine: Engine, store: EventStore) -> None:
        self._engine = engine
        self._store = store
        self._due_at = 0.0

    def look(self, now: datetime) -> bool:
        """Counts if it is time to; answers whether it did.

        Raises:
            StoreAwayError: the event log does not answer; the last counting stays.
        """
        begun = time.monotonic()
        if begun < self._due_at:
            return False
        count(self._engine, self._store, now, partial(time.sleep, BREATH_S))
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
async def counting_audiences(
    settings: Settings, store: EventStore, is_ready: Callable[[], bool]
) -> AsyncIterator[None]:
    """Keeps the counts fresh while the context is open."""
    engine = database.connect(settings)
    counts = AudienceCounts(engine, store)

    async def look() -> None:
        if is_ready():
            await asyncio.to_thread(counts.look, datetime.now(UTC))

    try:
        async with repeating("audiences", LOOK_S, look):
            yield
    finally:
        engine.dispose()
