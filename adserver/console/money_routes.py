"""Where orders come in, over one database.

Never here: what they answer. The one surprising fact: orders come over the unix socket only, from
this machine's workers; what became of them is asked over the port (`console.partners`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web

from adserver import keyring as secrets
from adserver.accounting.orders import OrderDesk
from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.console.order_desk import desk_of
from adserver.console.order_door import OrderDoor, taking_orders
from adserver.ports import EventStore
from adserver.stores import database

LOOK_AGAIN_S = 60.0
Route = web.RouteDef


@asynccontextmanager
async def money_routes(
    settings: Settings, store: EventStore, is_ready: Callable[[], bool]
) -> AsyncIterator[list[Route]]:
    """The routes of the unix socket, while the context is open."""
    engine = database.connect(settings)
    try:
        keyring = secrets.load(settings)
        desk = desk_of(settings, engine, keyring, store, is_ready)
        async with (
            taking_orders(OrderDoor(desk, engine, keyring)) as orders,
            _looking_again(desk, is_ready),
        ):
            yield [orders]
    finally:
        engine.dispose()


@asynccontextmanager
async def _looking_again(desk: OrderDesk, is_ready: Callable[[], bool]) -> AsyncIterator[None]:
    async def look() -> None:
        if is_ready():
            await asyncio.to_thread(desk.look_again, datetime.now(UTC))

    async with repeating("late clicks", LOOK_AGAIN_S, look):
        yield
