"""A form that stayed open while somebody else worked changes what its person changed, no more."""

import re
from html import unescape

import pytest

from adserver.console.operators.house import partners_of
from adserver.stores import database, partners
from affiliate.merchandise import Merchant
from affiliate.partner import Rate
from models.domain.campaign import Advertiser
from models.domain.ids import MerchantId
from tests.adserver.console.account.people import NOW, OPERATOR, House

ADVERTISER = "/house/advertisers/adv1"
MERCHANT = "/house/merchants/shop"


def form_of(page: str, path: str) -> dict[str, str]:
    """What a browser sends of a form that nobody touched; without the token."""
    form = page.partition(f'<form method="post" action="{path}"')[2].partition("</form>")[0]
    sent = {}
    for tag in re.findall(r"<input[^>]*>", form):
        told = {name: unescape(value) for name, value in re.findall(r'([a-z]+)="([^"]*)"', tag)}
        if told.get("type") != "checkbox" or " checked" in tag:
            sent[told["name"]] = told.get("value", "")
    for name, inside in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>([^<]*)<', form):
        sent[name] = unescape(inside).replace("\n", "\r\n")
    for name, inside in re.findall(
        r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        (sent[name],) = re.findall(r'value="([^"]*)" selected', inside)
    return {name: value for name, value in sent.items() if name != "csrf"}


def advertiser(house: House) -> Advertiser:
    return house.desk.catalog.get(Advertiser, "adv1")


@pytest.mark.parametrize("prepaid", [True, False])
def test_a_stale_form_leaves_the_prepaid_gate_as_it_is_by_now(house: House, prepaid: bool) -> None:
    house.call(OPERATOR, "PATCH", ADVERTISER, {"prepaid": not prepaid})
    browser = house.browser(OPERATOR)
    form = form_of(browser.get(ADVERTISER), ADVERTISER)
    house.call(OPERATOR, "PATCH", ADVERTISER, {"prepaid": prepaid, "categories": ["IAB3"]})
    assert browser.submit(ADVERTISER, form | {"name": "New"}, on=ADVERTISER).status == 303
    found = advertiser(house)
    assert (found.name, found.prepaid, found.categories) == ("New", prepaid, frozenset({"IAB3"}))


def test_two_who_change_the_same_are_told_and_the_second_may_insist(house: House) -> None:
    browser = house.browser(OPERATOR)
    form = form_of(browser.get(ADVERTISER), ADVERTISER)
    house.call(OPERATOR, "PATCH", ADVERTISER, {"name": "Theirs", "domain": "new.example"})
    reply = browser.submit(ADVERTISER, form | {"name": "Mine"}, on=ADVERTISER)
    page = reply.body.decode()
    assert reply.status == 422
    assert "somebody has made this “Theirs” meanwhile" in page
    assert advertiser(house).name == "Theirs"
    form = form_of(page, ADVERTISER)
    assert (form["name"], form["domain"]) == ("Mine", "new.example")
    assert browser.submit(ADVERTISER, form, on=ADVERTISER).status == 303
    assert (advertiser(house).name, advertiser(house).domain) == ("Mine", "new.example")


def test_two_who_change_it_to_the_same_agree(house: House) -> None:
    browser = house.browser(OPERATOR)
    form = form_of(browser.get(ADVERTISER), ADVERTISER)
    house.call(OPERATOR, "PATCH", ADVERTISER, {"name": "Ours"})
    assert browser.submit(ADVERTISER, form | {"name": "Ours"}, on=ADVERTISER).status == 303


def test_what_was_emptied_meanwhile_is_said_in_the_readers_language(house: House) -> None:
    house.call(OPERATOR, "PATCH", ADVERTISER, {"domain": "old.example"})
    browser = house.browser(OPERATOR)
    browser.cookies["adunion_language"] = "zh"
    form = form_of(browser.get(ADVERTISER), ADVERTISER)
    house.call(OPERATOR, "PATCH", ADVERTISER, {"domain": ""})
    reply = browser.submit(ADVERTISER, form | {"domain": "mine.example"}, on=ADVERTISER)
    assert (reply.status, "已被他人清空" in reply.body.decode()) == (422, True)


def test_a_stale_form_leaves_a_merchants_trust_as_it_is_by_now(house: House) -> None:
    shop = Merchant(
        MerchantId("shop"),
        "Shop",
        "https://shop.example/",
        default_rate=Rate(ppm=100_000),
        category_rates=(("phone", Rate(ppm=50_000)), ("tea", Rate(ppm=20_000))),
        trusted=True,
    )
    with partners_of(house.desk).changing(NOW, OPERATOR) as changes:
        changes.add_merchant(shop, "")
    browser = house.browser(OPERATOR)
    form = form_of(browser.get(MERCHANT), MERCHANT)
    told = house.call(OPERATOR, "PATCH", MERCHANT, {"fields": {"trusted": "false"}})
    assert told.json["fields"].get("trusted", False) is False
    assert browser.submit(MERCHANT, form | {"name": "New"}, on=MERCHANT).status == 303
    with database.reading(house.desk.engine) as connection:
        found = partners.merchant_of(connection, shop.merchant_id)
    assert found is not None
    assert (found.name, found.trusted) == ("New", False)
    assert found.category_rates == shop.category_rates
