"""Where money comes in and is asked about: the routes of orders and commissions, over one database.

Never here: what they answer. The one surprising fact: orders come over the unix socket only, from
this machine's workers, and commissions over the port only.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version

from aiohttp import web

from adserver import keyring as secrets
from adserver.accounting.orders import OrderDesk
from adserver.api.openapi import Operation, document
from adserver.config import Settings
from adserver.console import commissions
from adserver.console.commissions import CommissionPages, Commissions
from adserver.console.loops import repeating
from adserver.console.order_desk import desk_of
from adserver.console.order_door import OrderDoor, taking_orders
from adserver.ports import EventStore
from adserver.stores import database

LOOK_AGAIN_S = 60.0
Route = web.RouteDef
MODIFIED_SINCE = {
    "name": "modified_since",
    "in": "query",
    "description": "Only rows that changed then or later.",
    "schema": {"type": "string", "format": "date-time"},
}
CURSOR = {
    "name": "cursor",
    "in": "query",
    "description": "The next_cursor of the page before; opaque.",
    "schema": {"type": "string", "maxLength": 64},
}
LIMIT = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": commissions.MOST_ROWS},
}
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", commissions.PATH): Operation(
        "A partner's sales by when they changed; CSV with Accept: text/csv",
        "partners",
        answers={200: Commissions},
        problems=(400, 401),
        parameters=(MODIFIED_SINCE, CURSOR, LIMIT),
        security=("partner_key",),
    ),
    ("GET", "/healthz"): Operation("Alive", "health", answers={200: None}),
    ("GET", "/readyz"): Operation("Warm", "health", answers={200: None}, problems=(503,)),
    ("GET", "/metrics"): Operation(
        "Prometheus text", "health", answers={200: None}, media_type="text/plain"
    ),
    ("GET", "/openapi.json"): Operation("This document", "health", answers={200: None}),
}
DOCUMENT = document(OPERATIONS, version("adunion"), "adunion control plane")


@asynccontextmanager
async def money_routes(
    settings: Settings, store: EventStore, is_ready: Callable[[], bool]
) -> AsyncIterator[tuple[list[Route], list[Route]]]:
    """The routes of the unix socket and those of the port, while the context is open."""
    engine = database.connect(settings)
    try:
        keyring = secrets.load(settings)
        desk = desk_of(settings, engine, keyring, store, is_ready)
        pages = CommissionPages(engine, keyring)
        async with (
            taking_orders(OrderDoor(desk, engine, keyring)) as orders,
            _looking_again(desk, is_ready),
        ):
            described = web.get("/openapi.json", _describe)
            yield [orders], [web.get(commissions.PATH, pages.answer), described]
    finally:
        engine.dispose()


@asynccontextmanager
async def _looking_again(desk: OrderDesk, is_ready: Callable[[], bool]) -> AsyncIterator[None]:
    async def look() -> None:
        if is_ready():
            await asyncio.to_thread(desk.look_again, datetime.now(UTC))

    async with repeating("late clicks", LOOK_AGAIN_S, look):
        yield


async def _describe(_: web.Request) -> web.Response:
    return web.Response(body=DOCUMENT, content_type="application/json")
