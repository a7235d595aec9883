"""The control plane, wired.

One context per resource, opened in the order in which they need each other.

Never here: what any part does. The one surprising fact: what must reach the workers soon (catalogs)
needs neither Redis nor the event store, and goes on while both are away.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial

from adserver import embedded, keyring
from adserver.config import Settings
from adserver.console import query_socket
from adserver.console.accruals import accruing
from adserver.console.areas import AREAS
from adserver.console.budgets import CatalogBudgets
from adserver.console.desk import Desk
from adserver.console.health import Readiness, health_routes, listening
from adserver.console.history import DAYS, HistoryPublisher
from adserver.console.house_ad_loop import publishing_house_ads
from adserver.console.insight.insight_loop import preparing_insight
from adserver.console.link_loop import publishing_links
from adserver.console.loops import repeating
from adserver.console.media_route import media_routes
from adserver.console.media_sweep import sweeping_media
from adserver.console.money_routes import money_routes
from adserver.console.product_conversions import ProductConversions
from adserver.console.rollup import Rollup
from adserver.console.shipping import TELL_EVERY_S, Shipping
from adserver.console.spend_memory import SpendMemory
from adserver.console.summing import summing
from adserver.console.switch_loop import publishing_switches
from adserver.console.web.app import make_app
from adserver.console.webhook_loops import webhooks_running
from adserver.eventlog.leftovers import count_leftovers
from adserver.eventlog.liveness import Held, HeldError
from adserver.eventlog.open_store import open_for_writing
from adserver.eventlog.queries import charges, history_counts, hours_with_impressions
from adserver.ports import EventStore
from adserver.stores import database, refusals
from adserver.stores.bookkeeper import RedisBookkeeper
from adserver.stores.catalog import SqlCatalog, open_catalog
from adserver.stores.catalog_publisher import CatalogPublisher
from adserver.stores.redis_client import RedisLine
from adserver.stores.spend import RedisSpend

log = logging.getLogger(__name__)

CATALOG_LOOK_S = 0.25
LEFTOVERS_LOOK_S = 1.0
LOCK_PATIENCE_S = 30.0


@asynccontextmanager
async def control_plane(settings: Settings) -> AsyncIterator[int]:
    """The console, at work while the context is open; yields the port it listens on.

    Raises:
        HeldError: another console runs with this data directory, or a command holds chDB for long.
        OSError: the port is taken, or the data directory's path is too long for a socket.
    """
    async with AsyncExitStack() as stack:
        lock = Held(settings.data_dir / "console.lock", "adunion console")
        stack.callback(lock.release)
        catalog = stack.enter_context(closing(await asyncio.to_thread(open_catalog, settings)))
        store = stack.enter_context(closing(await _event_store(settings)))
        await stack.enter_async_context(_publishing(catalog, settings))
        shipping = Shipping(settings, store)
        await stack.enter_async_context(shipping.running())
        await stack.enter_async_context(repeating("status", TELL_EVERY_S, shipping.tell))
        redis = embedded.redis_running(settings)
        line = RedisLine(await asyncio.to_thread(stack.enter_context, redis))
        stack.push_async_callback(line.close)
        await stack.enter_async_context(_counting_leftovers(settings, catalog, line))
        await stack.enter_async_context(_learning_from_the_log(settings, store, shipping, line))
        is_ready = shipping.prepared.is_set
        await stack.enter_async_context(_summing_up(settings, store, shipping))
        await stack.enter_async_context(preparing_insight(settings, store, is_ready))
        passed_on = await stack.enter_async_context(money_routes(settings, store, is_ready))
        await stack.enter_async_context(
            query_socket.listening(
                store, settings.data_dir, is_ready, passed_on, settings.max_orders_bytes
            )
        )
        engine, secrets = database.connect(settings), keyring.load(settings)
        stack.callback(engine.dispose)
        readiness = Readiness({"the event store": is_ready})
        refused = refusals.reader(line, asyncio.get_running_loop())
        desk = Desk(settings, engine, SqlCatalog(engine), store, secrets, is_ready, refused)
        app = make_app(desk, AREAS, [*health_routes(readiness), *media_routes(settings)])
        port = await stack.enter_async_context(listening(settings, app))
        log.info("console on http://%s:%d, data in %s", settings.host, port, settings.data_dir)
        yield port
        log.info("console is stopping")


async def _event_store(settings: Settings) -> EventStore:
    """The store; waits a while for a command that is reading chDB itself."""
    until = asyncio.get_running_loop().time() + LOCK_PATIENCE_S
    told = False
    while True:
        try:
            return await asyncio.to_thread(open_for_writing, settings)
        except HeldError as held:
            if asyncio.get_running_loop().time() > until:
                raise
            if not told:
                log.warning("waiting for the event store: %s", held)
                told = True
            await asyncio.sleep(CATALOG_LOOK_S)


@asynccontextmanager
async def _publishing(catalog: SqlCatalog, settings: Settings) -> AsyncIterator[None]:
    """What needs neither Redis nor the event store."""
    async with (
        _publishing_catalogs(catalog, settings),
        publishing_links(settings),
        publishing_switches(settings),
        publishing_house_ads(settings),
        sweeping_media(settings),
    ):
        yield


@asynccontextmanager
async def _publishing_catalogs(catalog: SqlCatalog, settings: Settings) -> AsyncIterator[None]:
    publisher = CatalogPublisher(catalog, settings)

    async def look() -> None:
        version = await asyncio.to_thread(publisher.look, datetime.now(UTC))
        if version is not None:
            log.info("catalog %s is published", version)

    async with repeating("catalog publisher", CATALOG_LOOK_S, look):
        yield


@asynccontextmanager
async def _summing_up(
    settings: Settings, store: EventStore, shipping: Shipping
) -> AsyncIterator[None]:
    """Keeps the sums that reports read and the days of ad revenue in the books, and tells it."""
    is_ready = shipping.prepared.is_set
    async with (
        summing(settings, store, shipping),
        accruing(settings, store, is_ready),
        webhooks_running(settings, store, is_ready),
    ):
        yield


@asynccontextmanager
async def _learning_from_the_log(
    settings: Settings, store: EventStore, shipping: Shipping, line: RedisLine
) -> AsyncIterator[None]:
    """Keeps the history published, and Redis reminded of what the log knows."""
    hours = partial(hours_with_impressions, store)
    history = Rollup(partial(history_counts, store), hours, DAYS)
    charged = Rollup(partial(charges, store), hours)
    publisher = HistoryPublisher(settings.data_dir)
    memory = SpendMemory(RedisSpend(line))
    engine = database.connect(settings)
    sales = ProductConversions(engine, store, DAYS)

    async def look() -> None:
        if not shipping.prepared.is_set():
            return
        now = datetime.now(UTC)
        touched = shipping.take_touched_hours()
        history.touch(touched)
        charged.touch(touched)
        now_ms = int(now.timestamp() * 1000)
        counts = await asyncio.to_thread(history.refresh, now_ms)
        counts.update(await asyncio.to_thread(sales.refresh, now))
        await asyncio.to_thread(publisher.publish, counts, now)
        await memory.remind(await asyncio.to_thread(charged.refresh, now_ms))

    try:
        async with repeating("history", settings.history_interval_s, look):
            yield
    finally:
        engine.dispose()


@asynccontextmanager
async def _counting_leftovers(
    settings: Settings, catalog: SqlCatalog, line: RedisLine
) -> AsyncIterator[None]:
    budgets = CatalogBudgets(catalog)
    bookkeeper = RedisBookkeeper(line, budgets, settings)

    async def look() -> None:
        await asyncio.to_thread(budgets.refresh)
        while await count_leftovers(settings.data_dir / "outbox", bookkeeper):
            pass

    async with repeating("leftovers", LEFTOVERS_LOOK_S, look):
        yield
