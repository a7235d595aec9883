"""The serving plane, wired: the only place where a worker's parts meet, one context per resource.

Never here: what any part does. The one surprising fact: resources close in the opposite order they
opened, and that order matters: the server drains before the recorder flushes, and the recorder
before the outbox it writes to.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import numpy as np

from adserver import embedded, keyring as secrets, metrics
from adserver.api import order_wire
from adserver.api.console_relay import ConsoleRelay
from adserver.api.endpoints import routes
from adserver.api.link_book import LinkBook
from adserver.api.receipts import ReceiptSigner
from adserver.api.sampling import Sampler
from adserver.api.server import Server
from adserver.api.serving import Serving
from adserver.api.signing import TokenSigner
from adserver.api.suspicion import Allowance
from adserver.api.traffic import load_networks
from adserver.config import Settings
from adserver.eventlog.counting import Counting
from adserver.eventlog.outbox import WorkerOutbox
from adserver.eventlog.recorder import OutboxRecorder
from adserver.reload import Builder, Current, Reloader
from adserver.stores.bookkeeper import RedisBookkeeper
from adserver.stores.redis_client import RedisLine
from adserver.stores.spend import RedisSpend
from adserver.stores.spend_book import WorkerSpendBook
from adserver.stores.users import RedisUsers
from adserver.switchboard import Switchboard

DRAIN_S = 10.0
BACKLOG = 1_024
SUSPECTS_PER_SECOND = 50.0
SUSPECTS_AT_ONCE = 500.0
PICTURES_PER_SECOND = 20.0
PICTURES_AT_ONCE = 100.0
LOOK_AGAIN_S = 0.1

log = logging.getLogger(__name__)


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Serving]:
    """One serving worker, listening while the context is open; it drains when that closes.

    Raises:
        HeldError: another process runs under the same worker id.
        OSError: the port is taken.
    """
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(
            redis_line(stack.enter_context(embedded.redis_running(settings)))
        )
        outbox = stack.enter_context(open_outbox(settings))
        recorder = stack.enter_context(open_recorder(settings, outbox))
        spend = WorkerSpendBook(RedisSpend(line), settings)
        current = Current()
        switchboard = Switchboard(settings, current)
        switchboard.begin()
        counting = Counting(outbox, RedisBookkeeper(line, current.budget, settings))
        keyring = secrets.load(settings)
        relay = ConsoleRelay(settings.data_dir)
        stack.push_async_callback(relay.close)
        links = LinkBook(settings.data_dir, settings.snapshot_poll_ms / 1000)
        stack.callback(links.close)
        serving = Serving(
            settings=settings,
            keyring=keyring,
            signer=TokenSigner.of(keyring),
            receipts=ReceiptSigner.of(keyring),
            traffic=load_networks(settings.datacenter_cidrs_file),
            current=current,
            users=RedisUsers(line, settings.user_timeout_ms),
            counting=counting,
            links=links,
            clicks=outbox,
            recorder=recorder,
            spend=spend,
            relay=relay,
            rng=np.random.default_rng(settings.seed or None),
            suspects=Allowance(SUSPECTS_PER_SECOND, SUSPECTS_AT_ONCE),
            pictures=Allowance(PICTURES_PER_SECOND, PICTURES_AT_ONCE),
            sampler=Sampler(recorder),
        )
        for loop in (
            Reloader(settings, Builder(settings, keyring), current, spend).run(),
            switchboard.run(),
            spend.run(),
            links.run(),
            serving.house.run(settings.data_dir),
            serving.refusals.run(line),
            recount(current, counting),
            reach(serving, line),
        ):
            await stack.enter_async_context(background(loop))
        stack.callback(serving.sampler.flush)
        await stack.enter_async_context(listening(serving))
        yield serving


@asynccontextmanager
async def redis_line(url: str) -> AsyncIterator[RedisLine]:
    """The line to Redis, which need not be there yet."""
    line = RedisLine(url)
    try:
        yield line
    finally:
        await line.close()


@contextmanager
def open_outbox(settings: Settings) -> Iterator[WorkerOutbox]:
    """This worker's outbox. Raises HeldError when another process has it."""
    outbox = WorkerOutbox(
        settings.data_dir / "outbox", settings.worker_id, settings.outbox_max_rows
    )
    try:
        yield outbox
    finally:
        outbox.close()


@contextmanager
def open_recorder(settings: Settings, outbox: WorkerOutbox) -> Iterator[OutboxRecorder]:
    """The recorder over the outbox; closing hands over what is noted."""
    recorder = OutboxRecorder(outbox.keep, settings.recorder_max_events, settings.worker_id)
    try:
        yield recorder
    finally:
        recorder.close()


@asynccontextmanager
async def background(loop: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """A loop beside the requests. One that ends by itself has failed, and that is an alarm."""
    task = asyncio.create_task(loop)
    task.add_done_callback(_alarm)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


def _alarm(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (failure := task.exception()):
        log.critical("a background loop died", exc_info=failure)
        metrics.DROPPED.add("background_loop")


async def recount(current: Current, counting: Counting) -> None:
    """Counts what crashes and outages left, once budgets are known: before, they would all be 0."""
    await current.loaded.wait()
    await counting.keep_recounting()


async def reach(serving: Serving, line: RedisLine) -> None:
    """Notes that Redis has been reached, which is one condition of being ready."""
    while True:
        if await line.ping():
            break
        await asyncio.sleep(LOOK_AGAIN_S)
    serving.redis_reached = True
    await asyncio.Event().wait()


@asynccontextmanager
async def listening(serving: Serving) -> AsyncIterator[None]:
    """The socket. On leaving: no new connections, requests in flight are answered, then silence."""
    settings = serving.settings
    larger = {order_wire.PATH: max(settings.max_orders_bytes, settings.max_body_bytes)}
    server = Server(routes(serving).answer, settings.max_body_bytes, larger)
    metrics.CONNECTIONS.read = lambda: len(server.connections)
    listener = await asyncio.get_running_loop().create_server(
        server, settings.host, settings.port, backlog=BACKLOG
    )
    port = listener.sockets[0].getsockname()[1]
    serving.base_url = settings.public_url.rstrip("/") or f"http://{settings.host}:{port}"
    log.info("worker %s listens on http://%s:%d", settings.worker_id, settings.host, port)
    async with background(server.sweep()):
        try:
            yield
        finally:
            serving.stopping = True
            listener.close()
            await server.drain(DRAIN_S)
