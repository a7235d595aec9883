"""Journey 3: what was served is learned from, and the running worker takes the model up.

Played by the strangers of `loadtest` on a made-up market, through the demo's own stage.
"""

import asyncio
import io
import json
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from adserver import keyring, publication
from adserver.config import Settings
from adserver.demo import reconcile, shops
from adserver.demo.learning import MODELS, learn
from adserver.demo.lines_to_try import lines_to_try
from adserver.demo.money import spent_in_redis
from adserver.demo.phases import Played, Stage
from adserver.demo.system import make_system
from adserver.demo.world import advertiser_keys, app_keys, catalog_of, make_world
from adserver.eventlog.open_store import open_for_reading
from loadtest.conversions import ConversionDesk
from loadtest.http_client import HttpClient
from loadtest.phones import Phones
from loadtest.simulate import Crowd
from models.ctr.features import SERVING_SCHEMA
from tests.engines import free_port

SEED = 5
REQUESTS, WHILE_SWAPPING, RATE = 6_000, 1_500, 250.0


@asynccontextmanager
async def stage_in(directory: Path) -> AsyncIterator[Stage]:
    """A running system with the made-up market and its people."""
    settings = Settings(port=free_port(), console_port=free_port())
    system = make_system(settings, directory / "var")
    world = make_world(SEED, directory, "http://127.0.0.1:9", datetime.now(UTC))
    await system.run("catalog", "import", str(world.catalog_file))
    await system.run("users", "import", str(world.users_file))
    async with system.up():
        keys = keyring.load(system.settings)
        client = HttpClient(system.settings.host, system.settings.port)
        desk = ConversionDesk(client, advertiser_keys(world, keys))
        phones = Phones(world.people, world.market)
        crowd = Crowd(client, phones, world.truth, app_keys(world, keys), desk, SEED)
        shop_desk = shops.shop_desk(world, keys, client)
        yield Stage(world, system, crowd, shop_desk, datetime.now(UTC))
        client.close()


def models_that_served(stage: Stage, played: Played) -> dict[str, int]:
    """Ads served in a phase, by the model that picked them."""
    sql = """SELECT model_version, count() AS ads FROM ads_served
             WHERE served_ms >= %(since)s AND served_ms < %(until)s GROUP BY model_version"""
    with closing(open_for_reading(stage.system.settings)) as store:
        found = store.query(sql, played.span.parameters)
    return dict(zip(found["model_version"], map(int, found["ads"]), strict=True))


async def lines_work(stage: Stage) -> None:
    """The three curl lines of the demo: an ad, its impression counted once, its landing page."""
    printed = Console(record=True, width=80, file=io.StringIO())
    printed.print(await lines_to_try(stage), soft_wrap=True)
    lines = [line for line in printed.export_text().splitlines() if line.startswith("curl")]
    ask, impression, click = (shlex.split(line) for line in lines)
    body = json.loads(ask[-1])
    assert body["placement_id"] == stage.world.market.slots[0].placement_id
    first, again = [await stage.crowd.client.get(path_of(impression[-1])) for _ in range(2)]
    assert json.loads(first.body) == {"counted": True}
    assert json.loads(again.body) == {"counted": False, "reason": "duplicate"}
    landing = await stage.crowd.client.get(path_of(click[-1]))
    assert landing.status == 302
    assert b"/landing/cr_" in landing.header(b"location")


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def test_a_log_becomes_a_model_that_serves_without_a_restart(short_dir: Path) -> None:
    async with stage_in(short_dir) as stage:
        rate = min(RATE, await stage.bearable_rate())
        before = await stage.phase(("before", ""), REQUESTS, rate, lambda _done: None)
        await stage.logged()

        swapping = asyncio.create_task(
            stage.phase(("swapping", ""), WHILE_SWAPPING, rate / 2, lambda _done: None)
        )
        version = await learn(stage)
        await swapping  # a failed request would have ended the phase
        after = await stage.phase(("after", version), 500, rate, lambda _done: None)

        log = await stage.logged()
        models = stage.system.settings.data_dir / MODELS
        assert publication.current(models) == version
        files = publication.read(models, version)
        assert json.loads(files["manifest.json"])["body"]["schema_hash"] == SERVING_SCHEMA.hash
        assert any(name.endswith(".png") for name in files)
        assert set(models_that_served(stage, before)) == {"prior"}
        assert set(models_that_served(stage, after)) == {version}

        line_items = catalog_of(stage.world).line_items
        spent = await spent_in_redis(stage.system, line_items)
        owed = reconcile.invoice(log, line_items)
        found = reconcile.checks(stage.sent(), log, spent, owed)
        assert [check for check in found if not check.holds] == []
        await lines_work(stage)
