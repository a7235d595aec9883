"""Journey 2 under fire: processes are killed at random moments, and every beacon counts once."""

import asyncio
import random
import signal
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from adserver.eventlog.open_store import open_for_reading
from adserver.eventlog.queries import delivery
from adserver.stores.redis_client import RedisLine
from adserver.stores.spend import RedisSpend
from models.domain.event import EventKind
from models.domain.ids import LineItemId
from tests import engines
from tests.journeys.installation import Crowd, Installation, installation

KILLS = 20
CONSOLE_KILLS = 4
PHONES = 8
FOREVER = 2**62


@pytest.fixture(params=["chdb", "clickhouse"])
def clickhouse(request: pytest.FixtureRequest, short_dir: Path) -> str:
    """The URL of a server, or none for chDB."""
    if request.param == "chdb":
        return ""
    directory = short_dir / "clickhouse"
    directory.mkdir()
    running = request.getfixturevalue("stack").enter_context(engines.clickhouse_server(directory))
    return str(running.url)


@pytest.mark.timeout(600)
async def test_every_beacon_counts_once_through_twenty_kills_of_the_worker(
    short_dir: Path, own_redis: str, clickhouse: str
) -> None:
    chance = random.Random(20)
    with installation(short_dir / "var", own_redis, clickhouse_url=clickhouse) as house:
        await house.started()
        crowd = Crowd(f"http://127.0.0.1:{house.settings.port}", house.app_key(), seed=1)
        living = asyncio.create_task(crowd.live(PHONES))
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 0.6))
            house.worker.end(signal.SIGKILL)
            house.worker.start()
            await house.worker.until_ready()
        await end(crowd, living)
        found = await house.drained(crowd.expected())
        assert Counter(found).most_common(1)[0][1] == 1, "a row came twice"
        assert set(found) == crowd.expected()
        assert set(crowd.told.values()) <= {"counted", "duplicate"}
        await books_agree(house)


@pytest.mark.timeout(600)
async def test_every_beacon_counts_once_while_the_console_is_killed(
    short_dir: Path, own_redis: str
) -> None:
    chance = random.Random(4)
    with installation(short_dir / "var", own_redis) as house:
        await house.started()
        crowd = Crowd(f"http://127.0.0.1:{house.settings.port}", house.app_key(), seed=2)
        living = asyncio.create_task(crowd.live(PHONES))
        for _ in range(CONSOLE_KILLS):
            await asyncio.sleep(chance.uniform(0.3, 1.5))
            house.console.end(signal.SIGKILL)
            house.console.start()
            await house.console.until_ready()
        await end(crowd, living)
        found = await house.drained(crowd.expected())
        assert set(found) == crowd.expected()  # copies may be there; readers drop them
        assert set(crowd.told.values()) == {"counted"}
        assert crowd.unanswered == 0
        await books_agree(house)


async def end(crowd: Crowd, living: "asyncio.Task[None]") -> None:
    """Lets the crowd finish; nobody may have failed."""
    await asyncio.sleep(0.5)
    crowd.stop()
    await living
    assert len(crowd.told) > 200
    assert crowd.answers.keys() <= {200, 204, 503}  # 503: a worker that is just starting


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
