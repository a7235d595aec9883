"""A product in an ad slot: from the merchant's feed to a click whose receipt an order may bring.

Two real processes and the commands that people use. The product is worth what a sale of it pays:
dear, it wins over a paid click; cheap, it loses; sold out, it is gone.
"""

import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import aiohttp
import pytest
from click.testing import CliRunner

from adserver import keyring
from adserver.__main__ import main
from adserver.api.receipts import ReceiptSigner
from adserver.eventlog.open_store import open_for_reading
from adserver.stores.catalog import open_catalog
from affiliate.order import TouchKind
from models.domain.campaign import PricingModel
from models.domain.event import EventKind, event_id, offer_id
from models.domain.ids import AppId, PartnerId, ProductRef
from models.domain.money import NO_MONEY, Micros
from tests import builders
from tests.journeys.installation import Installation, installation, open_now

PAGE = "https://kettles.example/k?id=1"
TAKEN_UP_LIMIT_S = 10.0
_numbers = itertools.count(1)


def market() -> Any:
    """A click for 0.05 against a kettle, in the app of the partner "blog"."""
    kettle = builders.line_item(
        line_item_id="li_kettle",
        campaign_id="cmp2",
        pricing=PricingModel.CPS,
        bid_micros=NO_MONEY,
        product=ProductRef("kettles/K-1"),
    )
    paid = builders.line_item(pricing=PricingModel.CPC, bid_micros=Micros(50_000))
    return open_now(
        builders.marketplace(
            advertisers=(builders.advertiser(), builders.advertiser(advertiser_id="adv2")),
            campaigns=(
                builders.campaign(),
                builders.campaign(campaign_id="cmp2", advertiser_id="adv2"),
            ),
            line_items=(paid, kettle),
            creatives=(
                builders.creative(),
                builders.creative(creative_id="cr2", line_item_id="li_kettle"),
            ),
            apps=(replace(builders.app(), partner_id=PartnerId("blog")),),
        )
    )


@dataclass
class Phone:
    house: Installation
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.headers = {
            "X-App-Key": self.house.app_key(),
            "X-Forwarded-For": f"10.7.{next(_numbers)}.1",
            "User-Agent": "okhttp/4.12.0",
        }

    async def ad(self) -> tuple[str, Any]:
        """The request's id and its ad."""
        request_id = f"cps-{next(_numbers)}"
        asked = {"request_id": request_id, "placement_id": "pl1"}
        url = f"http://127.0.0.1:{self.house.settings.port}/v1/ads"
        async with self.session.post(url, json=asked, headers=self.headers) as answer:
            found = (await answer.json())["ads"][0] if answer.status == 200 else None
            return request_id, found

    async def until_shown(self, line_item_id: str) -> tuple[str, Any]:
        """Asks until this line item is the answer, ten times in a row."""
        deadline, in_a_row = time.monotonic() + TAKEN_UP_LIMIT_S, 0
        while True:
            request_id, ad = await self.ad()
            in_a_row = in_a_row + 1 if ad and ad["line_item_id"] == line_item_id else 0
            if in_a_row == 10:
                return request_id, ad
            assert time.monotonic() < deadline, ad
            await asyncio.sleep(0.02)

    async def calls(self, url: str) -> tuple[int, str]:
        """The status and where it leads."""
        async with self.session.get(url, headers=self.headers, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", "")


@pytest.fixture(scope="module")
def house(redis_embedded_url: str) -> Iterator[Installation]:
    with (
        tempfile.TemporaryDirectory(prefix="ad-") as name,
        installation(Path(name) / "var", redis_embedded_url, explore_epsilon_ppm=0) as made,
    ):
        with closing(open_catalog(made.settings)) as catalog:
            catalog.replace(market(), datetime.now(UTC))
        asyncio.run(made.started())
        yield made


@pytest.fixture
async def phone(house: Installation) -> AsyncIterator[Phone]:
    async with aiohttp.ClientSession() as session:
        yield Phone(house, session)


def adunion(house: Installation, *arguments: str) -> str:
    environment = {"ADUNION_DATA_DIR": str(house.settings.data_dir)}
    result = CliRunner().invoke(main, arguments, env=environment, prog_name="adunion")
    assert result.exit_code == 0, result.output
    return result.output


def bring_in(house: Installation, tmp_path: Path, **changes: str) -> None:
    """The merchant's feed of one kettle, as its shop writes it."""
    kettle = {
        "id": "K-1", "title": "A kettle", "link": PAGE, "price": "500.00 CNY",
        "availability": "in_stock", "rate": "20%",
    } | changes  # fmt: skip
    feed = tmp_path / "feed.jsonl"
    feed.write_text(json.dumps(kettle) + "\n")
    adunion(house, "product", "import", str(feed), "--merchant", "kettles")


async def test_a_product_wins_over_a_paid_click_while_its_sale_pays_more(
    house: Installation, phone: Phone, tmp_path: Path
) -> None:
    await phone.until_shown("li1")  # the kettle is not known yet
    explained = adunion(house, "explain", "--line-item", "li_kettle")
    assert "Its product is kettles/K-1: There is no such merchant." in explained
    adunion(
        house, "merchant", "add", "--id", "kettles", "--name", "Kettles",
        "--home-url", "https://kettles.example/",
    )  # fmt: skip
    bring_in(house, tmp_path)
    request_id, ad = await phone.until_shown("li_kettle")
    assert "a sale is expected to pay 100.00" in adunion(
        house, "explain", "--line-item", "li_kettle"
    )
    assert (await phone.calls(ad["trackers"]["impression"][0]))[0] == 204
    status, location = await phone.calls(ad["trackers"]["click_through"])
    assert status == 302
    assert location.startswith(f"{PAGE}&click_id=")
    (click_id,) = parse_qs(urlsplit(location).query)["click_id"]
    touch = ReceiptSigner.of(keyring.load(house.settings)).read(click_id)
    click = event_id(offer_id(AppId("app1"), request_id, 0), EventKind.CLICK)
    assert (touch.touch_id, touch.kind, touch.invalid) == (click.hex, TouchKind.AD, "")
    assert (touch.partner_id, touch.merchant_id, touch.sku) == ("blog", "kettles", "K-1")
    await nothing_was_charged(house, click)
    bring_in(house, tmp_path, rate="0.01%")
    await phone.until_shown("li1")
    bring_in(house, tmp_path)
    await phone.until_shown("li_kettle")
    bring_in(house, tmp_path, availability="out of stock")
    await phone.until_shown("li1")
    assert (await phone.calls(ad["trackers"]["click_through"]))[1].startswith(PAGE)


async def nothing_was_charged(house: Installation, click: UUID) -> None:
    """The click is in the log, at no cost."""
    deadline = time.monotonic() + 30
    sql = (
        "SELECT pricing, price_micros, charged_micros FROM clicks "
        f"WHERE toString(event_id) = '{click}'"
    )
    while True:
        with closing(open_for_reading(house.settings)) as store:
            columns = store.query(sql)
        if any(columns.values()):
            break
        assert time.monotonic() < deadline, "the click was not shipped"
        await asyncio.sleep(0.1)
    assert {name: values[0] for name, values in columns.items()} == {
        "pricing": "cps", "price_micros": 0, "charged_micros": 0,
    }  # fmt: skip
