"""Journey 1: an ad request becomes an answer, a line in the log, and an explanation.

Two real processes over one data directory; what changes in the catalog or the user store while
requests flow is seen within its time, and no request fails for it.
"""

import asyncio
import itertools
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adserver import keyring
from adserver.eventlog.open_store import open_for_reading
from adserver.stores.catalog import open_catalog
from adserver.stores.redis_client import RedisLine
from adserver.stores.users import RedisUsers
from models.ctr.features import SERVING_SCHEMA
from models.domain.campaign import CapPeriod, FrequencyCap, Rule, Targeting
from models.domain.marketplace import Marketplace
from models.domain.user import UserProfile
from tests.builders import creative, line_item, marketplace
from tests.journeys.installation import Installation, installation, open_now

CATALOG_LIMIT_S = 2.0
SERVED = "line_item_id, creative_id, snapshot_version, schema_hash, propensity, pctr"
REQUESTS_A_SECOND = 50
_numbers = itertools.count(1)


@dataclass
class Phone:
    """Somebody's app, with an address of its own."""

    house: Installation
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.headers = {
            "X-App-Key": self.house.app_key(),
            "X-Forwarded-For": f"10.1.{next(_numbers)}.1",
            "User-Agent": "okhttp/4.12.0",
        }

    async def ask(self, **fields: Any) -> tuple[int, Any]:
        asked = {"request_id": f"j1-{next(_numbers)}", "placement_id": "pl1"} | fields
        url = f"http://127.0.0.1:{self.house.settings.port}/v1/ads"
        async with self.session.post(url, json=asked, headers=self.headers) as answer:
            return answer.status, await answer.json() if answer.status == 200 else None

    async def snapshot(self) -> str:
        """The version of the snapshot that answers now."""
        asked = {"request_id": f"j1-{next(_numbers)}", "placement_id": "pl1", "debug": 1}
        url = f"http://127.0.0.1:{self.house.settings.port}/v1/ads"
        async with self.session.post(url, json=asked, headers=self.headers) as answer:
            if answer.status == 200:
                return str((await answer.json())["debug"]["snapshot"])
            return str(json.loads(answer.headers["X-Debug"])["snapshot"])

    async def verdict(self, url: str) -> Any:
        async with self.session.get(f"{url}?f=j", headers=self.headers) as answer:
            told = await answer.json()
            return True if told["counted"] else told["reason"]


@pytest.fixture(scope="module")
def house(redis_embedded_url: str) -> Iterator[Installation]:
    """One installation for all tests of the module: starting one takes seconds."""
    with (
        tempfile.TemporaryDirectory(prefix="ad-") as name,
        installation(Path(name) / "var", redis_embedded_url) as made,
    ):
        asyncio.run(made.started())
        yield made


@pytest.fixture
async def phone(house: Installation) -> AsyncIterator[Phone]:
    async with aiohttp.ClientSession() as session:
        yield Phone(house, session)


async def put(phone: Phone, market: Marketplace) -> float:
    """Stores a catalog as a command would; answers the seconds until it was served."""
    with closing(open_catalog(phone.house.settings)) as catalog:
        revision = catalog.replace(open_now(market), datetime.now(UTC))
    began = time.monotonic()
    while not (await phone.snapshot()).startswith(f"{revision:08d}-"):
        assert time.monotonic() - began < 10, "the catalog was not taken up"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_what_was_answered_is_what_the_log_says(house: Installation, phone: Phone) -> None:
    status, answer = await phone.ask(request_id="logged", user={"id": "u1"}, debug=1)
    assert status == 200
    (ad,) = answer["ads"]
    row = await logged(house, f"SELECT {SERVED} FROM ads_served WHERE request_id = 'logged'")
    assert row["line_item_id"] == ad["line_item_id"]
    assert row["creative_id"] == ad["creative_id"]
    assert row["snapshot_version"] == answer["debug"]["snapshot"]
    assert row["schema_hash"] == SERVING_SCHEMA.hash
    assert 0 < row["propensity"] <= 1
    assert 0 < row["pctr"] < 1
    decision = await logged(house, "SELECT * FROM decisions WHERE request_id = 'logged'")
    funnel = dict(zip(decision["funnel_stages"], decision["funnel_counts"], strict=True))
    assert funnel == answer["debug"]["funnel"]
    assert decision["user_known"] == 1


async def logged(house: Installation, sql: str) -> dict[str, Any]:
    """The one row that a query finds, once it has been shipped."""
    deadline = time.monotonic() + 30
    while True:
        with closing(open_for_reading(house.settings)) as store:
            columns = store.query(sql)
        if any(columns.values()):
            return {name: values[0] for name, values in columns.items()}
        assert time.monotonic() < deadline, "nothing was shipped"
        await asyncio.sleep(0.1)


async def test_a_catalog_change_is_served_in_two_seconds_while_requests_flow(
    phone: Phone,
) -> None:
    statuses: Counter[int] = Counter()

    async def flow() -> None:
        for _ in range(REQUESTS_A_SECOND * 6):
            status, _ = await phone.ask(user={"id": f"u{next(_numbers)}"})
            statuses[status] += 1
            await asyncio.sleep(1 / REQUESTS_A_SECOND)

    flowing = asyncio.create_task(flow())
    for number in range(3):
        market = marketplace(creatives=(creative(title=f"Title {number}"),))
        assert await put(phone, market) < CATALOG_LIMIT_S
        _, answer = await phone.ask()
        assert answer["ads"][0]["title"] == f"Title {number}"
    await flowing
    assert statuses.keys() == {200}


async def test_what_is_switched_off_is_gone_in_two_seconds(phone: Phone) -> None:
    assert await put(phone, marketplace(creatives=(creative(active=False),))) < CATALOG_LIMIT_S
    assert (await phone.ask())[0] == 204


async def test_a_profile_is_seen_by_the_next_request(house: Installation, phone: Phone) -> None:
    women = Targeting(gender=Rule(include=frozenset({"F"})))
    await put(phone, marketplace(line_items=(line_item(targeting=women),)))
    asked = {"user": {"id": "somebody"}}
    assert (await phone.ask(**asked))[0] == 204
    line = RedisLine(house.settings.redis_url)
    key = keyring.load(house.settings).user_key("somebody")
    await RedisUsers(line, 1_000).save_profiles([(key, UserProfile(gender="F", birth_year=1990))])
    await line.close()
    assert (await phone.ask(**asked))[0] == 200
    assert (await phone.ask(user={"id": "somebody", "ext": {"personalized": 0}}))[0] == 204


async def test_a_capped_ad_is_shown_so_often_and_no_more(phone: Phone) -> None:
    capped = line_item(caps=(FrequencyCap(2, CapPeriod.DAY),))
    await put(phone, marketplace(line_items=(capped,)))
    asked = {"user": {"id": "tired"}}
    assert (await phone.ask())[0] == 204  # nobody's caps can be known without a user id
    for _ in range(2):
        status, answer = await phone.ask(**asked)
        assert status == 200
        assert await phone.verdict(answer["ads"][0]["trackers"]["impression"][0]) is True
    assert (await phone.ask(**asked))[0] == 204
    assert (await phone.ask(user={"id": "rested"}))[0] == 200


async def test_a_worker_restarts_with_the_last_catalog_even_without_a_console(
    house: Installation, phone: Phone
) -> None:
    await put(phone, marketplace(creatives=(creative(title="kept"),)))
    house.console.end()
    house.worker.end()
    house.worker.start()
    await house.worker.until_ready()
    _, answer = await phone.ask()
    assert answer["ads"][0]["title"] == "kept"
