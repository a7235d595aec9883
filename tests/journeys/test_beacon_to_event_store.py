"""Journey 2: impression, click and conversion become rows, once each, with their money.

Doubtful calls are answered as usual and end in `suspects`, never in the tables that are billed.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adserver import keyring
from adserver.api.signing import signature
from adserver.eventlog.open_store import open_for_reading
from adserver.stores.catalog import open_catalog
from models.domain.campaign import LineItem, PricingModel, Rule, Targeting
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from tests.builders import creative, line_item, marketplace, placement
from tests.journeys.installation import Installation, installation, open_now
from tests.journeys.test_request_to_answer import Phone

BID = Micros(500_000)
PRICED = (
    (PricingModel.CPM, "impressions"),
    (PricingModel.CPC, "clicks"),
    (PricingModel.CPA, "conversions"),
)


def market() -> Marketplace:
    """A placement, an advertiser's line item and a creative for each way to pay."""
    kinds = [kind for kind, _ in PRICED]
    return marketplace(
        line_items=tuple(map(sold_by, kinds)),
        creatives=tuple(creative(creative_id=f"cr_{kind}", line_item_id=kind) for kind in kinds),
        placements=tuple(placement(placement_id=f"pl_{kind}") for kind in kinds),
    )


def sold_by(kind: PricingModel) -> LineItem:
    here = Targeting(placement=Rule(include=frozenset({f"pl_{kind}"})))
    return line_item(line_item_id=str(kind), pricing=kind, bid_micros=BID, targeting=here)


@pytest.fixture(scope="module")
def house(redis_embedded_url: str) -> Iterator[Installation]:
    """One installation for all tests of the module: starting one takes seconds."""
    with (
        tempfile.TemporaryDirectory(prefix="ad-") as name,
        installation(Path(name) / "var", redis_embedded_url) as made,
    ):
        with closing(open_catalog(made.settings)) as catalog:
            catalog.replace(open_now(market()), datetime.now(UTC))
        asyncio.run(made.started())
        yield made


async def rows(
    house: Installation, table: str, placement_id: str, at_least: int = 1
) -> dict[str, list[Any]]:
    """The rows of a placement in a table, once there are so many."""
    sql, deadline = f"SELECT * FROM {table} WHERE placement_id = %(at)s", time.monotonic() + 30
    while True:
        with closing(open_for_reading(house.settings)) as store:
            found = await asyncio.to_thread(store.query, sql, {"at": placement_id})
        if len(found["event_id"]) >= at_least:
            return found
        assert time.monotonic() < deadline, f"{table}: {found}"
        await asyncio.sleep(0.1)


async def convert(phone: Phone, click_id: str, conversion_id: str) -> Any:
    """Reports a conversion as the advertiser's server does."""
    house = phone.house
    body = json.dumps(
        {
            "conversions": [
                {
                    "conversion_id": conversion_id,
                    "click_id": click_id,
                    "event": "purchase",
                    "value_minor": 12_345,
                    "currency": "CNY",
                }
            ]
        }
    ).encode()
    keys = keyring.load(house.settings)
    secret = keys.signing_secret("advertiser", "adv1", 1)
    headers = {
        "Authorization": f"Bearer {keys.api_key('advertiser', 'adv1', 1)}",
        "X-Signature": signature(secret, int(datetime.now(UTC).timestamp()), body),
        "Content-Type": "application/json",
    }
    url = f"http://127.0.0.1:{house.settings.port}/v1/conversions"
    async with phone.session.post(url, data=body, headers=headers) as answer:
        return (await answer.json())["results"][0]


@pytest.mark.parametrize(("pricing", "billed"), PRICED)
async def test_each_event_is_one_row_and_the_billable_one_costs(
    house: Installation, pricing: PricingModel, billed: str
) -> None:
    at = f"pl_{pricing}"
    async with aiohttp.ClientSession() as session:
        phone = Phone(house, session)
        _, answer = await phone.ask(placement_id=at, user={"id": f"buyer-{pricing}"})
        (ad,) = answer["ads"]
        for _ in range(3):
            for kind in ("impression", "viewable", "click"):
                await phone.verdict(ad["trackers"][kind][0])
        click_id = ad["trackers"]["click_through"].rpartition("/")[2]
        assert (await convert(phone, click_id, f"order-{pricing}"))["counted"]
        assert (await convert(phone, click_id, f"order-{pricing}"))["reason"] == "duplicate"
    for table in ("impressions", "viewables", "clicks", "conversions"):
        found = await rows(house, table, at)
        assert len(found["event_id"]) == 1, table
        assert found["line_item_id"] == [pricing]
        charged = found["charged_micros"][0]
        assert (charged > 0) == (table == billed), f"{table} was charged {charged}"
        assert charged <= BID
    assert (await rows(house, "conversions", at))["value_micros"] == [123_450_000]


async def test_doubtful_calls_end_among_the_suspects(house: Installation) -> None:
    async with aiohttp.ClientSession() as session:
        phone, crawler = Phone(house, session), Phone(house, session)
        crawler.headers["User-Agent"] = "Mozilla/5.0 (compatible; Googlebot/2.1)"
        _, answer = await phone.ask(placement_id="pl_cpm", request_id="doubtful")
        trackers = answer["ads"][0]["trackers"]
        assert await phone.verdict(trackers["click"][0]) == "no_impression"
        assert await phone.verdict(trackers["impression"][0] + "A") == "bad_signature"
        assert await crawler.verdict(trackers["impression"][0]) == "invalid_traffic"
        _, test = await phone.ask(placement_id="pl_cpm", test=1)
        assert await phone.verdict(test["ads"][0]["trackers"]["impression"][0]) == "test"
    forged = await rows(house, "suspects", "")
    assert forged["verdict"] == ["bad_signature"]
    found = await rows(house, "suspects", "pl_cpm", at_least=2)
    assert sorted(found["verdict"]) == ["invalid_traffic", "no_impression"]
