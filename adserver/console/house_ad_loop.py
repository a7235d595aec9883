"""Keeps apps' own ads published, and their pictures on the shelf.

Never here: which are approved (`stores.house_ads`). The one surprising fact: pictures of house ads
are no creative's, so this loop says once a day that they are in use; else they would be swept.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.stores import database, house_ads, house_package, media_files

log = logging.getLogger(__name__)

LOOK_S = 0.5
REMIND_EVERY = timedelta(days=1)


@asynccontextmanager
async def publishing_house_ads(settings: Settings) -> AsyncIterator[None]:
    """Publishes for as long as the context is open; the schema is there already."""
    engine = database.connect(settings)
    seen: tuple[int, datetime | None] | None = None
    reminded: datetime | None = None

    def look(now: datetime) -> None:
        nonlocal seen, reminded
        with database.reading(engine) as connection:
            mark = house_ads.mark(connection)
            is_due = reminded is None or now - reminded >= REMIND_EVERY
            if mark == seen and not is_due:
                return
            ads = house_ads.travelling(connection)
        version = house_package.publish(settings.data_dir, ads)
        if mark != seen:
            log.info("house ads %s are published", version)
        if ads:
            with database.writing(engine) as connection:
                pictures = (one.asset_sha256 for one in ads if one.asset_sha256)
                media_files.mark_referenced(connection, pictures, now)
        seen, reminded = mark, now

    async def work() -> None:
        await asyncio.to_thread(look, datetime.now(UTC))

    try:
        async with repeating("house ads", LOOK_S, work):
            yield
    finally:
        await asyncio.to_thread(engine.dispose)
