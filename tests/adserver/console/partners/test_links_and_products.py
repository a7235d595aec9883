"""Links are made, counted and drawn; products are found by words and by how hot they are."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from adserver.api.problems import NotFoundError, UnprocessableError
from adserver.console.partners import link_endpoints, link_pages, links, products
from adserver.console.partners.link_endpoints import LinkWanted
from adserver.console.web.exchange import Download, See
from adserver.console.web.language import say
from adserver.stores import audit, database, partners, products as stored
from affiliate.link import URL_FAULTS
from affiliate.merchandise import HotRate, Product
from affiliate.partner import Rate
from models.domain.ids import MerchantId, Sku
from tests.adserver.accounting.till import P1, SHOP, at
from tests.adserver.console.partners.office import NOW, Office


def stocked(office: Office) -> Office:
    with database.writing(office.desk.engine) as connection:
        merchant = partners.merchant_of(connection, SHOP)
        assert merchant is not None
        changed = type(merchant)(
            **{name: getattr(merchant, name) for name in merchant.__slots__}
            | {"default_rate": Rate(ppm=100_000)}
        )
        partners.put_merchant(connection, changed, NOW)
        some = [
            Product(SHOP, Sku(f"s{n}"), f"Kettle 水壶 {n}", f"https://shop.example/{n}", 1_000 * n)
            for n in range(1, 5)
        ]
        gone = Product(SHOP, Sku("gone"), "Kettle old", "https://shop.example/g", 9_000_000)
        stored.upsert(connection, [*some, gone.__class__(*_fields(gone, in_stock=False))], NOW)
        hot = HotRate(SHOP, Sku("s1"), Rate(ppm=900_000), NOW, NOW + timedelta(days=1))
        stored.add_hot_rate(connection, hot, NOW)
    return office


def _fields(product: Product, **changes: object) -> list[object]:
    return [changes.get(name, getattr(product, name)) for name in Product.__slots__]


def test_a_search_puts_what_is_in_stock_and_pays_best_first(office: Office) -> None:
    offers = products.found(stocked(office).desk, P1, "kettle", "", NOW)
    assert [one.product.sku for one in offers] == ["s1", "s4", "s3", "s2", "gone"]
    assert (offers[0].yours_minor, offers[0].is_hot) == (900, True)


def test_hot_products_are_in_stock_and_the_best_paying_first_while_nobody_clicks(
    office: Office,
) -> None:
    offers = products.hot(stocked(office).desk, P1, "", NOW)
    assert [one.product.sku for one in offers] == ["s1", "s4", "s3", "s2"]
    assert products.hot(office.desk, P1, "other", NOW) == []


def test_the_contracts_part_of_the_commission_is_what_is_promised(small: Office) -> None:
    stocked(small)
    (offer,) = products.found(small.desk, P1, "s4", "", NOW)
    assert (offer.commission_minor, offer.yours_minor) == (400, 400)


def test_a_link_is_made_once_and_audited_once(office: Office) -> None:
    stocked(office)
    form = {"merchant": SHOP, "sku": "s2", "name": "mail", "sub1": "x"}
    first = link_pages.make(office.desk, office.call(form=form))
    again = link_pages.make(office.desk, office.call(form=form))
    assert isinstance(first, See)
    assert isinstance(again, See)
    assert first.path == again.path
    with database.reading(office.desk.engine) as connection:
        (line,) = audit.lines(connection, audit.Sought(kind="link"), 10)
    assert line.after is not None
    assert (line.actor, line.after["sku"]) == ("li@p.example", "s2")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"merchant": "nobody"}, "there is no merchant nobody"),
        ({"merchant": "shop", "sku": "s99"}, "has no product s99"),
        ({"merchant": "shop", "url": "https://evil.example/"}, "does not lie under"),
        ({"merchant": "shop", "url": "javascript:alert(1)"}, "is not an http"),
        ({"merchant": "shop", "sub1": "x" * 129}, "sub-ids"),
        ({"merchant": "shop", "name": "n" * 101}, "a name has at most"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused_in_words(
    small: Office, form: dict[str, str], words: str
) -> None:
    call = small.call(form=form)
    page = link_pages.make(stocked(small).desk, call)
    assert getattr(page, "status", 0) == 422
    assert words in small.page(page, call)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"merchant": "nobody"}, "没有商家 nobody"),
        ({"merchant": "shop", "url": "https://evil.example/"}, "不在商家的主机 shop.example 之下"),
        ({"merchant": "shop", "name": "n" * 101}, "名称最多 100 个字符"),
    ],
)
def test_who_reads_chinese_is_refused_in_chinese(
    small: Office, form: dict[str, str], words: str
) -> None:
    call = replace(small.call(form=form), language="zh", _=partial(say, "zh"))
    assert words in small.page(link_pages.make(stocked(small).desk, call), call)


@pytest.mark.parametrize("fault", URL_FAULTS)
def test_every_fault_of_an_address_has_chinese(fault: str) -> None:
    assert say("zh", fault) != fault


def test_a_link_shows_its_address_and_its_qr_code(small: Office) -> None:
    stocked(small)
    reply = link_pages.make(small.desk, small.call(form={"merchant": SHOP, "sku": "s2"}))
    assert isinstance(reply, See)
    code = reply.path.partition("code=")[2]
    call = small.call({"code": code})
    text = small.page(link_pages.one(small.desk, call), call)
    assert f"/r/{code}" in text
    assert "https://shop.example/2" in text
    picture = link_pages.picture(small.desk, call)
    assert isinstance(picture, Download)
    assert picture.body.startswith(b"<svg")


def test_plain_links_need_no_making_and_others_links_do_not_exist(small: Office) -> None:
    stocked(small)
    used = links.one_link(small.desk, P1, "p1~shop~s1", NOW)
    assert (used.made, used.code) == (None, "p1~shop~s1")
    small.till.partner("p2")
    for code in ("p2~shop~s1", "nothing", "", "~", "p1"):
        with pytest.raises(NotFoundError):
            link_pages.one(small.desk, small.call({"code": code}))
        with pytest.raises(NotFoundError):
            link_pages.picture(small.desk, small.call({"code": code}))


def test_orders_of_a_link_stand_beside_it(office: Office) -> None:
    office.till.sell("r1", at("2026-10-05"), earns=500, link_code="p1~shop~s1")
    office.till.sell("r2", at("2026-10-06"), earns=300, link_code="p1~shop~s1")
    (used,), away = links.all_links(office.desk, P1, NOW)
    assert (used.orders, used.sales["CNY"].earned, away) == (2, 8_000_000, True)
    assert used.target is not None
    assert used.target.merchant_id == MerchantId("shop")


def test_rest_makes_and_lists_links_and_products(small: Office) -> None:
    stocked(small)
    made = link_endpoints.make(small.desk, small.api(data=LinkWanted("shop", "s3", subs=["a"])))
    assert (made.sku, made.subs[0], made.plain) == ("s3", "a", False)
    assert [one.code for one in link_endpoints.listed(small.desk, small.api()).items] == [made.code]
    with pytest.raises(UnprocessableError):
        link_endpoints.make(small.desk, small.api(data=LinkWanted("nobody")))
    found = link_endpoints.searched(small.desk, small.api({"q": "水壶"})).items
    assert len(found) == 4
    assert len(link_endpoints.hot(small.desk, small.api()).items) == 4
