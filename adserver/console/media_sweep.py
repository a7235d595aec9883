"""The loop that removes uploaded files nobody made a creative of.

Never here: which those are (`adserver.stores.media_files`). The one surprising fact: rows go first
and files after, under the lock of those who take files in, so a crash in between leaves a file
without a row, which the next round finds.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine

from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.media.shelf import Shelf, shelf_of
from adserver.stores import database, media_files

log = logging.getLogger(__name__)

EVERY_S = 3_600.0


@asynccontextmanager
async def sweeping_media(settings: Settings) -> AsyncIterator[None]:
    """Sweeps once an hour for as long as the context is open."""
    engine = database.connect(settings)
    shelf = shelf_of(settings.data_dir)

    async def look() -> None:
        removed = await asyncio.to_thread(sweep, engine, shelf, datetime.now(UTC))
        if removed:
            log.info("%d uploaded files were removed that no creative uses", removed)

    try:
        async with repeating("media sweep", EVERY_S, look):
            yield
    finally:
        engine.dispose()


def sweep(engine: Engine, shelf: Shelf, now: datetime) -> int:
    """Removes what has been unused for long; answers how many files."""
    shelf.sweep_aside(now)
    with shelf.lock:
        with database.writing(engine) as connection:
            gone = media_files.sweep(connection, now)
        with database.reading(engine) as connection:
            known = media_files.known(connection)
        for sha256, extension in gone:
            shelf.remove(sha256, extension)
        until = (now - media_files.UNUSED_FOR).timestamp()
        strays = [
            (sha256, extension)
            for sha256, extension, changed_at in shelf.names()
            if sha256 not in known and changed_at < until
        ]
        for sha256, extension in strays:
            shelf.remove(sha256, extension)
    return len({sha256 for sha256, _ in (*gone, *strays)})
