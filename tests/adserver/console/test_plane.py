"""The control plane as a whole: a real console over real engines."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from adserver import publication
from adserver.config import Settings
from adserver.console.plane import control_plane
from adserver.eventlog.liveness import HeldError
from adserver.eventlog.open_store import open_for_reading
from adserver.eventlog.outbox import WorkerOutbox
from adserver.eventlog.store_chdb import ChdbStore
from adserver.eventlog.store_console import ConsoleStore
from adserver.history_package import DIRECTORY as HISTORY
from adserver.ports import StoreAwayError
from adserver.stores.catalog import open_catalog
from adserver.stores.catalog_publisher import DIRECTORY as CATALOG
from adserver.stores.redis_client import RedisLine
from adserver.stores.spend import RedisSpend
from models.domain.ids import LineItemId
from tests.adserver.eventlog.happenings import COUNTED, happening
from tests.builders import NOW, small_marketplace
from tests.engines import free_port


async def until(holds: Callable[[], bool]) -> None:
    """Waits for something that the console does by itself."""
    for _ in range(600):
        if await asyncio.to_thread(holds):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


async def get(settings: Settings, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session:
        url = f"http://{settings.host}:{settings.console_port}{path}"
        async with session.get(url) as answer:
            return answer.status, await answer.text()


async def until_ready(settings: Settings) -> None:
    for _ in range(600):
        if (await get(settings, "/readyz"))[0] == 200:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the console did not become ready")


def impressions(settings: Settings) -> int:
    with closing(open_for_reading(settings)) as store:
        return int(store.query("SELECT uniqExact(event_id) AS n FROM impressions")["n"][0])


async def test_a_console_becomes_ready_and_shows_its_metrics(settings: Settings) -> None:
    async with control_plane(settings):
        assert await get(settings, "/healthz") == (200, '{"status":"ok"}')
        await until_ready(settings)
        _, page = await get(settings, "/metrics")
    assert "adunion_shipped_rows_total" in page
    assert "adunion_event_store_away_seconds 0.0" in page


async def test_what_a_worker_settled_is_shipped_published_and_known_to_redis_again(
    settings: Settings,
) -> None:
    outbox = WorkerOutbox(settings.data_dir / "outbox", "w0", 1000)
    item = LineItemId(f"li_{uuid.uuid4().hex}")  # of which this Redis has forgotten everything
    for number in range(10):
        event = happening(number, line_item_id=item)
        await outbox.append(event)
        outbox.settle(event, COUNTED)
    async with control_plane(settings):
        await until_ready(settings)
        await until(lambda: impressions(settings) == 10)
        await until(lambda: publication.current(settings.data_dir / HISTORY) is not None)
        await until(lambda: spent(settings, item) == 10 * COUNTED.charged_micros)
    outbox.close()
    assert impressions(settings) == 10  # now read without the console


def spent(settings: Settings, item: LineItemId) -> int:
    """What Redis says a line item has spent in total."""

    async def ask() -> int:
        line = RedisLine(settings.redis_url)
        [(_, in_total)] = await RedisSpend(line).spent([item], [0])
        await line.close()
        return in_total

    return asyncio.run(ask())


async def test_a_catalog_change_is_published_within_two_seconds(settings: Settings) -> None:
    root = settings.data_dir / CATALOG
    async with control_plane(settings):
        with closing(await asyncio.to_thread(open_catalog, settings)) as catalog:
            catalog.replace(small_marketplace(), NOW)
            async with asyncio.timeout(2):
                await until(lambda: publication.current(root) is not None)


async def test_what_a_dead_worker_left_without_a_verdict_is_counted_and_shipped(
    settings: Settings,
) -> None:
    with closing(await asyncio.to_thread(open_catalog, settings)) as catalog:
        catalog.replace(small_marketplace(), NOW)
    outbox = WorkerOutbox(settings.data_dir / "outbox", "gone", 1000)
    fresh = [happening(number, line_item_id="li1") for number in range(3)]
    for event in fresh:
        await outbox.append(event)
    outbox.close()
    async with control_plane(settings):
        await until_ready(settings)
        await until(lambda: arrived(settings, fresh))


def arrived(settings: Settings, events: list[object]) -> bool:
    """Whether each event has a row; which table depends on the day these tests are run."""
    with closing(open_for_reading(settings)) as store:
        found: set[str] = set()
        for table in ("impressions", "suspects"):
            found |= set(store.query(f"SELECT toString(event_id) AS id FROM {table}")["id"])
    return {str(event.event_id) for event in events} <= found


async def test_a_second_console_of_a_data_directory_is_told_who_runs(settings: Settings) -> None:
    async with control_plane(settings):
        with pytest.raises(HeldError, match=f"adunion console \\(process {os.getpid()}\\)"):
            async with control_plane(replace(settings, console_port=free_port())):
                raise AssertionError("there must be one console only")


async def test_the_console_starts_and_publishes_while_clickhouse_is_away(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    away = replace(settings, clickhouse_url=f"clickhouse://127.0.0.1:{free_port()}/default")
    async with control_plane(away):
        with closing(await asyncio.to_thread(open_catalog, away)) as catalog:
            catalog.replace(small_marketplace(), NOW)
        await until(lambda: publication.current(away.data_dir / CATALOG) is not None)
        status, problem = await get(away, "/readyz")
        assert status == 503
        assert "the event store" in problem
    assert "ClickHouse is away" in caplog.text


def test_readers_open_chdb_themselves_or_say_who_is_in_the_way(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adserver.eventlog.open_store.PATIENCE_S", 0.2)
    with closing(open_for_reading(settings)) as store:
        assert isinstance(store, ChdbStore)
        with pytest.raises(
            StoreAwayError, match=r"no console answers.* held by an adunion command that reads"
        ):
            open_for_reading(settings)


async def test_while_the_console_runs_readers_go_through_it(settings: Settings) -> None:
    async with control_plane(settings):
        store = await asyncio.to_thread(open_for_reading, settings)
        assert isinstance(store, ConsoleStore)


def start(settings: Settings) -> "subprocess.Popen[str]":
    environment = os.environ | {
        "ADUNION_DATA_DIR": str(settings.data_dir),
        "ADUNION_REDIS_URL": settings.redis_url,
        "ADUNION_CONSOLE_PORT": str(settings.console_port),
        "ADUNION_SHIP_INTERVAL_MS": "20",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "adserver", "console"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_tells_what_it_does_and_stops_on_a_signal(
    settings: Settings, number: signal.Signals
) -> None:
    console = start(settings)
    assert console.stderr is not None
    lines = []
    while not lines or "is ready" not in lines[-1]:
        lines.append(await asyncio.to_thread(console.stderr.readline))
        assert lines[-1], "".join(lines)
    console.send_signal(number)
    _, rest = await asyncio.to_thread(console.communicate)
    assert console.returncode == 0
    assert "console on http://" in "".join(lines)
    assert "stopping" in rest


async def test_a_console_killed_at_any_moment_loses_nothing(settings: Settings) -> None:
    outbox = WorkerOutbox(settings.data_dir / "outbox", "w0", 100_000)
    sent = 0
    for _ in range(3):
        console = start(settings)
        await until(lambda: (settings.data_dir / "console.sock").is_socket())
        for _ in range(300):
            event = happening(sent)
            await outbox.append(event)
            outbox.settle(event, COUNTED)
            sent += 1
        console.kill()
        console.communicate()
        (settings.data_dir / "console.sock").unlink(missing_ok=True)
    async with control_plane(settings):
        await until_ready(settings)
        await until(lambda: impressions(settings) == sent)
    outbox.close()
