"""What CPS line items bid and where they lead, from the products of the day, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adserver import publication
from adserver.config import Settings
from adserver.marketplace import package
from adserver.stores import partners, products
from adserver.stores.catalog import SqlCatalog, open_catalog
from adserver.stores.catalog_publisher import CatalogPublisher
from adserver.stores.database import connect_url, writing
from adserver.stores.promotion import Promotion
from affiliate.merchandise import HotRate, Merchant, Product
from affiliate.partner import Rate
from models.domain.campaign import LandingKind, LineItem, PricingModel
from models.domain.ids import LineItemId, MerchantId, ProductRef, Sku
from models.domain.marketplace import Marketplace
from tests import builders
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

NOW = builders.NOW
SHOP = Merchant(
    MerchantId("shop"),
    "Shop",
    "https://shop.example/",
    default_rate=Rate(ppm=20_000),
    category_rates=(("phone", Rate(ppm=30_000)),),
    gift_categories=frozenset({"voucher"}),
)
PHONE = Product(
    SHOP.merchant_id, Sku("4711"), "Phone", "https://shop.example/p?id=4711", 269_900, "phone"
)
REF = ProductRef("shop/4711")
PAGE = PHONE.url
CPS_ITEM = LineItem(
    LineItemId("li1"),
    builders.campaign().campaign_id,
    "The phone",
    PricingModel.CPS,
    builders.line_item().starts_at,
    product=REF,
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = connect_url(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def catalog(database_url: str, engine: Engine) -> Iterator[SqlCatalog]:
    opened = open_catalog(Settings(database_url=database_url))
    market = builders.marketplace(
        line_items=(CPS_ITEM,),
        creatives=(builders.creative(landing_kind=LandingKind.DEEPLINK, landing_url="shop://p"),),
    )
    opened.replace(market, NOW)
    with writing(engine) as connection:
        partners.add_merchant(connection, SHOP, NOW)
        products.upsert(connection, [PHONE], NOW)
    yield opened
    opened.close()


def put(engine: Engine, product: Product, now: datetime = NOW) -> None:
    with writing(engine) as connection:
        products.upsert(connection, [product], now)


def test_a_promotion_pays_the_rate_in_force_of_the_price(catalog: SqlCatalog) -> None:
    assert catalog.promotions("CNY", NOW) == {REF: Promotion(80_970_000, PAGE)}


def test_a_hot_rate_counts_from_its_first_moment_to_its_last(
    catalog: SqlCatalog, engine: Engine
) -> None:
    begins, ends = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    with writing(engine) as connection:
        hot = HotRate(SHOP.merchant_id, PHONE.sku, Rate(flat_minor=5_000), begins, ends)
        products.add_hot_rate(connection, hot, NOW)
    hour = [begins - timedelta(microseconds=1), begins, ends - timedelta(microseconds=1), ends]
    paid = [catalog.promotions("CNY", at)[REF].commission_micros for at in hour]
    assert paid == [80_970_000, 50_000_000, 50_000_000, 80_970_000]


@pytest.mark.parametrize(
    ("changed", "obstacle"),
    [
        (replace(PHONE, in_stock=False), "It is out of stock."),
        (replace(PHONE, price_minor=0), "A sale of it pays no commission."),
        (replace(PHONE, rate=Rate(ppm=0)), "A sale of it pays no commission."),
        (replace(PHONE, category="voucher"), "A sale of it pays no commission."),
    ],
)
def test_what_cannot_be_sold_bids_nothing_and_still_has_its_page(
    catalog: SqlCatalog, engine: Engine, changed: Product, obstacle: str
) -> None:
    put(engine, changed)
    assert catalog.promotions("CNY", NOW) == {REF: Promotion(url=PAGE, obstacle=obstacle)}


def test_a_merchant_that_is_archived_or_counts_otherwise_promotes_nothing(
    catalog: SqlCatalog, engine: Engine
) -> None:
    shown = catalog.promotions("JPY", NOW)[REF]
    assert shown.obstacle == "It is priced in CNY, and this engine counts in JPY."
    with writing(engine) as connection:
        partners.put_merchant(connection, replace(SHOP, active=False), NOW)
    assert catalog.promotions("CNY", NOW)[REF].obstacle == "Its merchant is archived."


def test_an_unknown_product_or_merchant_is_said_to_be_unknown(catalog: SqlCatalog) -> None:
    others = (replace(CPS_ITEM, product="shop/none"), "There is no such product.")
    for item, obstacle in (
        others,
        (replace(CPS_ITEM, product="x/1"), "There is no such merchant."),
    ):
        catalog.put(item, NOW)
        assert catalog.promotions("CNY", NOW) == {item.product: Promotion(obstacle=obstacle)}


def published(publisher: CatalogPublisher) -> Marketplace:
    return package.read(publisher.root, publication.current(publisher.root) or "")


def test_workers_are_told_the_commission_and_the_page_again_when_they_change(
    catalog: SqlCatalog, engine: Engine, tmp_path: Path
) -> None:
    publisher = CatalogPublisher(catalog, Settings(data_dir=tmp_path))
    assert publisher.look(NOW)
    (item,), (creative,) = published(publisher).line_items, published(publisher).creatives
    assert item == replace(CPS_ITEM, bid_micros=80_970_000)
    assert (creative.landing_url, creative.landing_kind) == (PAGE, LandingKind.WEB)
    assert publisher.look(NOW + timedelta(seconds=2)) is None
    put(engine, replace(PHONE, in_stock=False))
    assert publisher.look(NOW + timedelta(seconds=2.5)) is None  # not looked at so soon again
    assert publisher.look(NOW + timedelta(seconds=4))
    assert published(publisher).line_items[0].bid_micros == 0
    assert catalog.load().line_items == (CPS_ITEM,)
