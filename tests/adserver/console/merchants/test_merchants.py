"""A merchant sees its own orders, products, key and account, and no partner's name."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adserver.accounts.identity import Identity, Role
from adserver.api.problems import BadRequestError, NotFoundError
from adserver.console.merchants import endpoints, pages
from adserver.console.web.exchange import See
from adserver.stores import audit, database, products
from affiliate.chart_of_accounts import merchant_receivable
from affiliate.merchandise import Product
from models.domain.ids import MerchantId, Sku
from tests.adserver.accounting.shop import Shop
from tests.adserver.accounting.till import SHOP, at
from tests.adserver.console.partners.office import NOW, Office, opened_office
from tests.adserver.stores.sql_databases import database_url
from tests.affiliate.sales import fact

__all__ = ["database_url"]

MERCHANT = Identity(Role.MERCHANT, "shop", "mei@shop.example", "org2", "Shop")


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    with opened_office(database_url, tmp_path) as opened:
        opened.who = MERCHANT
        yield opened


def call(office: Office, query: Any = None, merchant_id: str = SHOP, **params: str) -> Any:
    return office.api(query, merchant_id=merchant_id, **params)


def test_orders_stand_with_their_verdict_and_name_no_partner(office: Office) -> None:
    office.till.partner("p_secret")
    office.till.sell("r1", at("2026-10-05"), earns=900, fee=100, partner_id="p_secret")
    office.till.sell("r2", at("2026-10-06"), earns=0, partner_id=None, reason="no_touch")
    text = office.page(pages.orders(office.desk, call(office)), call(office))
    assert "Commission" in text
    assert "No click and no coupon led to it." in text
    assert "p_secret" not in text
    shown = call(office, row_id="r1")
    one = office.page(pages.order(office.desk, shown), shown)
    assert "10.00" in one
    assert "p_secret" not in one.replace("contract c-p1", "")


def test_another_merchants_order_does_not_exist(office: Office) -> None:
    office.till.merchant("other")
    office.till.sell("theirs", at("2026-10-05"), earns=900, merchant_id="other")
    with pytest.raises(NotFoundError):
        pages.order(office.desk, call(office, row_id="theirs"))
    assert endpoints.orders(office.desk, call(office)).items == []
    with pytest.raises(NotFoundError):
        pages.home(office.desk, call(office, merchant_id="nobody"))


def test_what_is_owed_and_what_is_prepaid(office: Office) -> None:
    office.till.sell("r1", at("2026-10-05"), earns=900, fee=100)
    assert endpoints.account(office.desk, call(office)).balance_micros == -10_000_000
    home = office.page(pages.home(office.desk, call(office)), call(office))
    assert "You owe" in home
    office.till.pay_in(merchant_receivable(SHOP), 5_000, "k1", NOW)
    told = endpoints.account(office.desk, call(office))
    assert (told.balance_micros, told.commission_minor) == (40_000_000, 1_000)
    assert "Prepaid" in office.page(pages.home(office.desk, call(office)), call(office))


def test_orders_are_paged_by_their_last_change(office: Office) -> None:
    shop = Shop(office.desk.engine).furnish()
    for number in range(5):
        shop.tell(fact(order_id=f"o{number}"))
    seen: list[str] = []
    cursor = ""
    for _ in range(9):
        asked = replace(call(office, {"cursor": cursor}, "m1"), limit=2)
        page = endpoints.orders(office.desk, asked)
        seen += [one.order_id for one in page.items]
        if not (cursor := page.next_cursor):
            break
    assert seen == ["o4", "o3", "o2", "o1", "o0"]
    with pytest.raises(BadRequestError):
        endpoints.orders(office.desk, call(office, {"cursor": "x"}))


def test_products_are_found_and_the_key_is_rotated_with_a_line_in_the_log(office: Office) -> None:
    with database.writing(office.desk.engine) as connection:
        kettle = Product(MerchantId(SHOP), Sku("k1"), "水壶 kettle", "https://shop.example/k", 900)
        products.upsert(connection, [kettle], NOW)
    (found,) = endpoints.products(office.desk, call(office, {"q": "水壶"})).items
    assert (found.sku, found.price_minor) == ("k1", 900)
    before = endpoints.key(office.desk, call(office))
    assert isinstance(pages.rotate(office.desk, call(office)), See)
    after = endpoints.key(office.desk, call(office))
    assert (after.key_generation, after.key != before.key) == (2, True)
    assert after.signing_secret != before.signing_secret
    with database.reading(office.desk.engine) as connection:
        (line,) = audit.lines(connection, audit.Sought(kind="merchant"), 5)
    assert (line.actor, line.after) == ("mei@shop.example", {"key_generation": 2})
    text = office.page(pages.key(office.desk, call(office)), call(office))
    assert after.key in text


def test_an_empty_shop_says_what_to_do(office: Office) -> None:
    assert "No order has been reported yet" in office.page(
        pages.home(office.desk, call(office)), call(office)
    )
