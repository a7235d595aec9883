"""Holds the event log against Redis, to the event and to the micro."""

import asyncio
from contextlib import closing

from adserver.eventlog.open_store import open_for_reading
from adserver.eventlog.queries import delivery
from adserver.stores.redis_client import RedisLine
from adserver.stores.spend import RedisSpend
from models.domain.event import EventKind
from models.domain.ids import LineItemId
from tests.journeys.installation import Installation

FOREVER = 2**62


async def books_agree(house: Installation) -> None:
    """Log and Redis have the same counts and the same money, for every line item."""
    with closing(await asyncio.to_thread(open_for_reading, house.settings)) as store:
        log = await asyncio.to_thread(delivery, store, 0, FOREVER)
    line = RedisLine(house.settings.redis_url)
    items = [LineItemId(f"li{number}") for number in range(1, 7)]
    spend = RedisSpend(line)
    counts = await spend.counts(items)
    totals = [total for _, total in await spend.spent(items, [0] * len(items))]
    await line.close()
    for item, counted, charged in zip(items, counts, totals, strict=True):
        own = log.get(item)
        logged = (own.impressions, own.clicks, own.charged_micros) if own else (0, 0, 0)
        assert (counted[EventKind.IMPRESSION], counted[EventKind.CLICK], charged) == logged
