"""Keeps what links lead to published, in step with partners, merchants, products and links.

Never here: what is published (`stores.link_publisher`). The one surprising fact: a look that finds
nothing new reads four numbers and no more, so it may come four times a second.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.stores import database
from adserver.stores.link_publisher import LinkPublisher

log = logging.getLogger(__name__)

LOOK_S = 0.25


@asynccontextmanager
async def publishing_links(settings: Settings) -> AsyncIterator[None]:
    """Publishes for as long as the context is open; the schema is there already."""
    engine = database.connect(settings)
    publisher = LinkPublisher(engine, settings.data_dir)

    async def look() -> None:
        for version in await asyncio.to_thread(publisher.look):
            log.info("links %s are published", version)

    try:
        async with repeating("link publisher", LOOK_S, look):
            yield
    finally:
        await asyncio.to_thread(engine.dispose)
