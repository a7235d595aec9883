"""Journey 2 for links: a click is durable before the shopper is sent on, and stored once.

With real processes, killed the hard way, on chDB and on Debian's ClickHouse server.
"""

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from adserver import keyring
from adserver.api.receipts import ReceiptSigner
from adserver.eventlog.link_clicks import touches_of
from adserver.eventlog.open_store import open_for_reading
from adserver.stores import database
from adserver.stores.links import make_link
from affiliate.order import Touch
from tests.adserver.eventlog.conftest import clickhouse_database
from tests.affiliates import LONG_AGO, SHOP, fill, wanted
from tests.journeys.installation import IN_FLIGHT, Installation, installation

__all__ = ["clickhouse_database"]
FOR_EVER_MS = 10**15
PATIENCE_S = 60.0


@pytest.fixture(params=["chdb", "clickhouse"])
def house(request: pytest.FixtureRequest, redis_embedded_url: str) -> Iterator[Installation]:
    changes = {}
    if request.param == "clickhouse":
        changes["clickhouse_url"] = request.getfixturevalue("clickhouse_database")
    with (
        tempfile.TemporaryDirectory(prefix="ad-") as name,
        installation(Path(name) / "var", redis_embedded_url, **changes) as made,
    ):
        engine = database.connect(made.settings)
        fill(engine)
        engine.dispose()
        asyncio.run(made.started())
        yield made


@dataclass
class Shoppers:
    """People who follow links and remember the click ids they were given."""

    house: Installation
    session: aiohttp.ClientSession
    touches: list[Touch] = field(default_factory=list)

    async def follow(self, code: str) -> int:
        """Follows a link once; the answer's status, 0 when nobody answered."""
        url = f"http://127.0.0.1:{self.house.settings.port}/r/{code}?customer_ref=c1"
        try:
            async with self.session.get(url, allow_redirects=False) as answer:
                if answer.status == 302:
                    self.remember(answer.headers["Location"])
                return answer.status
        except IN_FLIGHT:
            return 0

    def remember(self, location: str) -> None:
        (click_id,) = parse_qs(urlsplit(location).query)["click_id"]
        signer = ReceiptSigner.of(keyring.load(self.house.settings))
        self.touches.append(signer.read(click_id))

    async def until_it_works(self, code: str) -> float:
        """Follows a link until it leads somewhere; how many seconds that took."""
        began = time.monotonic()
        while await self.follow(code) != 302:
            assert time.monotonic() - began < PATIENCE_S
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def stored(self) -> list[Touch]:
        """The touches in the event store, once all that were answered are there.

        Others may be, too: a killed worker had kept them and could not say so any more.
        """
        deadline = time.monotonic() + PATIENCE_S
        answered = {touch.touch_id for touch in self.touches}
        while True:
            found = await asyncio.to_thread(self._stored)
            missing = answered - {touch.touch_id for touch in found}
            if not missing:
                return found
            assert time.monotonic() < deadline, f"{len(missing)} of {len(answered)} missing"
            await asyncio.sleep(0.2)

    def _stored(self) -> list[Touch]:
        with closing(open_for_reading(self.house.settings)) as store:
            return touches_of(store, [SHOP], ["c1"], 0, FOR_EVER_MS)


@pytest.fixture
async def shoppers(house: Installation) -> AsyncIterator[Shoppers]:
    async with aiohttp.ClientSession(headers={"User-Agent": "okhttp/4.12.0"}) as session:
        yield Shoppers(house, session)


def by_id(touches: list[Touch]) -> dict[str, Touch]:
    found = {touch.touch_id: touch for touch in touches}
    assert len(found) == len(touches)
    return found


async def test_a_click_is_stored_once_and_reads_back_as_its_receipt(
    house: Installation, shoppers: Shoppers
) -> None:
    await shoppers.until_it_works("p_blog~m_shop~A-1")
    engine = database.connect(house.settings)
    with database.writing(engine) as connection:
        made = make_link(connection, wanted("A-1", name="x", subs=("a",) * 5), LONG_AGO)
    engine.dispose()
    assert await shoppers.until_it_works(made.code) < 2.0
    assert await shoppers.follow("p_blog~m_shop") == 302
    assert by_id(await shoppers.stored()) == by_id(shoppers.touches)


async def test_a_worker_killed_right_after_the_answer_loses_no_click(
    house: Installation, shoppers: Shoppers
) -> None:
    await shoppers.until_it_works("p_blog~m_shop")
    for _ in range(3):
        crowd = [asyncio.create_task(follow_on(shoppers)) for _ in range(8)]
        await asyncio.sleep(0.3)
        house.worker.end(signal.SIGKILL)
        for one in crowd:
            one.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        house.worker.start()
        await house.worker.until_ready()
        await shoppers.until_it_works("p_blog~m_shop")
    assert len(shoppers.touches) > 30
    found = by_id(await shoppers.stored())
    assert {i: found.get(i) for i in by_id(shoppers.touches)} == by_id(shoppers.touches)


async def test_a_console_killed_while_it_ships_stores_each_click_once(
    house: Installation, shoppers: Shoppers
) -> None:
    await shoppers.until_it_works("p_blog~m_shop")
    for _ in range(2):
        crowd = [asyncio.create_task(follow_on(shoppers)) for _ in range(4)]
        await asyncio.sleep(0.5)
        house.console.end(signal.SIGKILL)
        await asyncio.sleep(0.2)
        for one in crowd:
            one.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        house.console.start()
        await house.console.until_ready()
    found = by_id(await shoppers.stored())
    assert {i: found.get(i) for i in by_id(shoppers.touches)} == by_id(shoppers.touches)


async def follow_on(shoppers: Shoppers) -> None:
    while True:
        await shoppers.follow("p_blog~m_shop~A-1")
