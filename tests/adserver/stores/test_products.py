"""Products and hot rates: the same contract on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from adserver.stores import migrations, products
from adserver.stores.database import connect_url, reading, writing
from adserver.stores.products import HotRateOverlapError, Upserted
from affiliate.merchandise import HotRate, Product
from affiliate.partner import Rate
from models.domain.ids import MerchantId, Sku
from tests import builders
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

NOW = builders.NOW
LATER = NOW + timedelta(days=1)
SHOP = MerchantId("shop")
PHONE = Product(
    SHOP,
    Sku("4711"),
    "A phone",
    "https://shop.example/4711",
    269_900,
    "phone",
    "https://shop.example/4711.png",
    rate=Rate(ppm=50_000),
)
CASE = Product(SHOP, Sku("case/ 1%"), "保护壳", "https://shop.example/c", 1_990)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = connect_url(database_url)
    migrations.upgrade(opened)
    yield opened
    opened.dispose()


def test_products_come_back_by_sku_as_they_went_in(engine: Engine) -> None:
    with writing(engine) as connection:
        assert products.upsert(connection, [PHONE, CASE], NOW) == Upserted(added=2)
    with reading(engine) as connection:
        found = products.products_of(connection, SHOP, [PHONE.sku, CASE.sku, Sku("none")])
        assert found == {PHONE.sku: PHONE, CASE.sku: CASE}
        assert products.products_of(connection, MerchantId("other"), [PHONE.sku]) == {}
        assert products.products_of(connection, SHOP, []) == {}


def test_a_product_takes_the_place_of_the_one_with_its_sku(engine: Engine) -> None:
    flat = replace(PHONE, price_minor=1, rate=Rate(flat_minor=500))
    with writing(engine) as connection:
        products.upsert(connection, [PHONE, CASE], NOW)
        assert products.upsert(connection, [flat, CASE], LATER) == Upserted(changed=1, same=1)
        assert products.products_of(connection, SHOP, [PHONE.sku]) == {PHONE.sku: flat}


def test_of_a_sku_told_twice_in_one_feed_the_last_counts(engine: Engine) -> None:
    with writing(engine) as connection:
        products.upsert(connection, [PHONE, replace(PHONE, title="Newer")], NOW)
        assert products.products_of(connection, SHOP, [PHONE.sku])[PHONE.sku].title == "Newer"


def test_products_of_many_merchants_are_counted_at_once(engine: Engine) -> None:
    other = replace(CASE, merchant_id=MerchantId("other"), in_stock=False)
    with writing(engine) as connection:
        products.upsert(connection, [PHONE, CASE, other, replace(other, sku=Sku("two"))], NOW)
        counts = products.counts_of(connection, [SHOP, other.merchant_id, MerchantId("none")])
        assert counts == {SHOP: (2, 2), other.merchant_id: (2, 0)}
        for one, count in counts.items():
            assert products.count_products(connection, one) == count
        assert products.counts_of(connection, []) == {}


def test_more_products_than_a_statement_may_name_are_found(engine: Engine) -> None:
    many = [replace(CASE, sku=Sku(f"s{n}")) for n in range(12_000)]
    with writing(engine) as connection:
        assert products.upsert(connection, many, NOW).added == 12_000
        assert len(products.products_of(connection, SHOP, [one.sku for one in many])) == 12_000
        assert products.count_products(connection, SHOP) == (12_000, 12_000)


def test_what_left_the_feed_is_out_of_stock_and_still_found(engine: Engine) -> None:
    with writing(engine) as connection:
        products.upsert(connection, [PHONE, CASE], NOW)
        products.upsert(connection, [PHONE], LATER)
        assert products.prune(connection, SHOP, LATER) == 1
        assert products.prune(connection, SHOP, LATER) == 0
        found = products.products_of(connection, SHOP, [PHONE.sku, CASE.sku])
        assert found == {PHONE.sku: PHONE, CASE.sku: replace(CASE, in_stock=False)}


def test_all_products_are_paged_by_sku(engine: Engine) -> None:
    many = [replace(CASE, sku=Sku(f"s{n}")) for n in range(5)]
    with writing(engine) as connection:
        products.upsert(connection, many, NOW)
    with reading(engine) as connection:
        found = [one.sku for one in products.all_products(connection, SHOP, after="s1", limit=2)]
        assert found == ["s2", "s3"]
        assert products.count_products(connection, SHOP) == (5, 5)


def test_hot_rates_come_oldest_first_and_for_their_sku_only(engine: Engine) -> None:
    second = HotRate(SHOP, PHONE.sku, Rate(ppm=200_000), LATER, LATER + timedelta(days=1))
    first = HotRate(SHOP, PHONE.sku, Rate(flat_minor=900), NOW, LATER)
    with writing(engine) as connection:
        products.add_hot_rate(connection, second, NOW)
        products.add_hot_rate(connection, first, NOW)
        found = products.hot_rates_of(connection, SHOP, [PHONE.sku, CASE.sku])
        assert found == {PHONE.sku: [first, second]}
        assert products.hot_rates(connection, since=NOW) == [first, second]
        assert products.hot_rates(connection, SHOP, since=LATER) == [second]
        assert products.hot_rates(connection, MerchantId("other"), since=NOW) == []


def test_two_hot_rates_of_one_product_are_never_in_force_together(engine: Engine) -> None:
    first = HotRate(SHOP, PHONE.sku, Rate(ppm=1), NOW, LATER)
    with writing(engine) as connection:
        products.add_hot_rate(connection, first, NOW)
        products.add_hot_rate(connection, replace(first, sku=CASE.sku), NOW)
        inside = replace(first, starts_at=NOW + timedelta(hours=1))
        with pytest.raises(HotRateOverlapError, match="has a hot rate already from 2026-11-18"):
            products.add_hot_rate(connection, inside, NOW)
        products.add_hot_rate(
            connection, replace(first, starts_at=LATER, ends_at=LATER + timedelta(days=1)), NOW
        )
