"""`adunion product`: feeds in, products out, hot rates and what is hot."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adserver.config import Settings
from adserver.eventlog.link_clicks import TABLE, link_click_row
from adserver.eventlog.open_store import open_for_reading
from adserver.eventlog.rows import pack_rows, settled_row, unpack_columns
from adserver.stores import database
from adserver.stores.catalog import open_catalog
from affiliate.order import Touch, TouchKind
from models.domain.campaign import PricingModel
from models.domain.event import Booked, EventKind, Verdict
from models.domain.ids import LineItemId, MerchantId, PartnerId, ProductRef, Sku
from models.domain.money import NO_MONEY
from tests import builders
from tests.adserver.commands.conftest import Run
from tests.adserver.eventlog.happenings import happening
from tests.adserver.stores.made_orders import put_row

HEAD = "id,title,link,price,category,availability,rate\n"


def row(sku: str, title: str = "T", price: str = "100.00", rate: str = "10%") -> str:
    return f"{sku},{title},https://shop.example/{sku},{price},pots,in_stock,{rate}\n"


@pytest.fixture
def shop(adunion: Run) -> Run:
    adunion("merchant", "add", "--id", "shop", "--name", "S", "--home-url", "https://shop.example/")
    return adunion


def feed(*rows: str, name: str = "feed.csv") -> str:
    content = (HEAD + "".join(rows)).encode()
    Path(name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return name


def listed(run: Run, *options: str) -> Any:
    return json.loads(run("product", "list", "--merchant", "shop", "--json", *options).output)


def test_a_feed_goes_in_and_again_changes_nothing(shop: Run) -> None:
    name = feed(row("a"), row("b"), name="feed.csv.gz")
    assert (
        "2 products: 2 new, 0 changed, 0 as they were."
        in shop("product", "import", name, "--merchant", "shop").output
    )
    assert (
        "2 products: 0 new, 0 changed, 2 as they were."
        in shop("product", "import", name, "--merchant", "shop").output
    )
    assert [one["sku"] for one in listed(shop)] == ["a", "b"]
    assert listed(shop, "--after", "a")[0] == {
        "sku": "b",
        "title": "T",
        "price": "100.00 CNY",
        "category": "pots",
        "in_stock": True,
        "rate": "10%",
        "url": "https://shop.example/b",
        "image_url": "",
    }


def test_bad_rows_are_listed_with_their_line_and_the_rest_goes_in(shop: Run) -> None:
    name = feed(row("a"), row("b", price="x"), row("c", title=""), row("d"))
    result = shop("product", "import", name, "--merchant", "shop", fails=True)
    assert "2 products: 2 new" in result.output
    assert "feed.csv:3: price: 'x' is not a price" in result.output
    assert "feed.csv:4: title is missing" in result.output
    assert "2 rows were left out" in result.output
    assert [one["sku"] for one in listed(shop)] == ["a", "d"]


def test_pruning_takes_what_left_the_feed_out_of_stock_and_nothing_else(shop: Run) -> None:
    shop("product", "import", feed(row("a"), row("b"), row("c")), "--merchant", "shop")
    name = feed(row("a"), row("b", price="x"))
    result = shop("product", "import", name, "--merchant", "shop", "--prune", fails=True)
    assert "1 that this feed no longer names are out of stock." in result.output
    stock = {one["sku"]: one["in_stock"] for one in listed(shop)}
    assert stock == {"a": True, "b": True, "c": False}  # b is in the feed, though it cannot be read


def test_a_feed_that_breaks_off_keeps_what_came_before_and_prunes_nothing(shop: Run) -> None:
    shop("product", "import", feed(row("old")), "--merchant", "shop")
    name = Path(feed(*(row(f"s{n * 7919}") for n in range(20_000)), name="f.gz"))
    name.write_bytes(name.read_bytes()[:-1_000])
    result = shop("product", "import", "f.gz", "--merchant", "shop", "--prune", fails=True)
    assert "ends in the middle. What came before is in" in result.output
    assert len(listed(shop, "--limit", "1000")) == 1_000
    assert listed(shop)[0] | {"in_stock": True} == listed(shop)[0]


def test_a_feed_of_nothing_prunes_nothing(shop: Run) -> None:
    shop("product", "import", feed(row("a")), "--merchant", "shop")
    result = shop("product", "import", feed(), "--merchant", "shop", "--prune", fails=True)
    assert "nothing is taken out of stock" in result.output
    assert listed(shop)[0]["in_stock"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "feed.csv", "--merchant", "none"), "there is no merchant 'none'"),
        (("list", "--merchant", "none"), "there is no merchant 'none'"),
        (("show", "shop"), "a product is written MERCHANT/SKU"),
        (("show", "shop/none"), "there is no product 'shop/none'"),
        (("hot-rate", "add", "shop/a", "much", "--until", "2099-01-01"), "RATE: a rate is 12%"),
        (("hot-rate", "add", "shop/a", "101%", "--until", "2099-01-01"), "at most 100%"),
        (("hot-rate", "add", "shop/a", "20%", "--until", "2020-01-01"), "must be later than"),
        (("hot-rate", "add", "shop/a", "20%", "--until", "soon"), "a time such as"),
        (
            ("hot-rate", "add", "shop/a", "2%", "--from", "2020-01-01", "--until", "2099-01-01"),
            "cannot begin in the past",
        ),
        (("hot", "--merchant", "none"), "there is no merchant 'none'"),
        (("import", "feed.csv", "--merchant", "shop", "--encoding", "x"), "no encoding 'x'"),
        (("import", "feed.csv", "--merchant", "shop", "--format", "xml"), "not well-formed"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    shop: Run, arguments: tuple[str, ...], words: str
) -> None:
    shop("product", "import", feed(row("a")), "--merchant", "shop")
    assert words in shop("product", *arguments, fails=True).output


def test_a_hot_rate_is_shown_and_is_the_rate_in_force(shop: Run) -> None:
    shop("product", "import", feed(row("a")), "--merchant", "shop")
    shown = json.loads(shop("product", "show", "shop/a", "--json").output)
    assert (shown["rate_now"], shown["commission"], shown["hot_rates"]) == ("10%", "10.00 CNY", [])
    said = shop("product", "hot-rate", "add", "shop/a", "20%", "--until", "2099-01-01").output
    assert "Hot: shop/a 20% from" in said
    assert "until 2099-01-01 00:00." in said
    shown = json.loads(shop("product", "show", "shop/a", "--json").output)
    assert (shown["rate_now"], shown["commission"]) == ("20%", "20.00 CNY")
    (one,) = json.loads(shop("product", "hot-rate", "list", "--merchant", "shop", "--json").output)
    assert (one["product"], one["rate"], one["ends_at"]) == ("shop/a", "20%", "2099-01-01 00:00")
    again = shop(
        "product", "hot-rate", "add", "shop/a", "5.00", "--until", "2098-01-01", fails=True
    )
    assert "has a hot rate already" in again.output


def test_the_ranking_reads_ads_links_and_orders_where_they_are(shop: Run, tmp_path: Path) -> None:
    rows = (row("seen"), row("new"), row("dear", price="101.00"), row("free", rate="0%"))
    shop("product", "import", feed(*rows), "--merchant", "shop")
    fill_the_books(Settings(data_dir=tmp_path / "var"))
    ranked = json.loads(shop("product", "hot", "--json").output)
    assert [one["product"] for one in ranked] == ["shop/seen", "shop/dear", "shop/new"]
    assert ranked[0]["seen"] == "200 / 25 / 3"
    assert ranked[1]["seen"] == "0 / 0 / 0"
    assert float(ranked[0]["ecpm"]) > float(ranked[1]["ecpm"]) > float(ranked[2]["ecpm"])
    table = shop("product", "hot", "--merchant", "shop", "--limit", "1").output
    assert "shop/seen" in table
    assert "shop/new" not in table


def fill_the_books(settings: Settings) -> None:
    """200 impressions and 20 clicks of an ad, 5 clicks on links and one by a bot, 3 orders."""
    now = datetime.now(UTC)
    promoting = builders.line_item(
        line_item_id=LineItemId("li9"),
        pricing=PricingModel.CPS,
        bid_micros=NO_MONEY,
        product=ProductRef("shop/seen"),
    )
    catalog = open_catalog(settings)
    catalog.replace(builders.marketplace(line_items=(promoting,), creatives=()), now)
    catalog.close()
    store = open_for_reading(settings)
    now_ms = int(now.timestamp() * 1000) - 60_000
    booked = Booked(Verdict.COUNTED)
    for kind, count in ((EventKind.IMPRESSION, 200), (EventKind.CLICK, 20)):
        events = [happening(n, kind, line_item_id="li9", served_ms=now_ms) for n in range(count)]
        rows = [found for event in events if (found := settled_row(event, booked))]
        table = rows[0][0]
        store.insert(table, unpack_columns(table, [pack_rows([row for _, row in rows])]))
    clicks = [link_click_row(touch(now, "bot" if n == 5 else ""), now_ms) for n in range(6)]
    store.insert(TABLE, unpack_columns(TABLE, [pack_rows(clicks)]))
    store.close()
    engine = database.connect(settings)
    ways = [("direct", "paid"), ("direct", "received"), ("direct", "refunded")]
    others = [("direct", "cancelled"), ("same_merchant", "paid")]
    with database.writing(engine) as connection:
        for number, (relation, status) in enumerate(ways + others):
            put_row(connection, number, now, relation=relation, status=status)
    engine.dispose()


def touch(now: datetime, invalid: str) -> Touch:
    merchant, sku = MerchantId("shop"), Sku("seen")
    one = Touch(uuid4().hex, TouchKind.LINK, now, PartnerId("blog"), merchant, sku)
    return replace(one, invalid=invalid)
