"""Partners, contracts, merchants, funds: from an application to money, by page and by REST."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event

from adserver.console.operators.house import partners_of
from adserver.stores import audit, database
from adserver.stores.audit import Sought
from models.domain.ids import MerchantId, PartnerId
from tests.adserver.api.running import Reply
from tests.adserver.console.account.people import NOW, OPERATOR, House

ODD = "<script>alert('x')</script>\"'&{{ 7 * 7 }}"


def text(reply: Reply) -> str:
    return reply.body.decode()


def actions(house: House, kind: str, entity_id: str) -> list[str]:
    with database.reading(house.desk.engine) as connection:
        lines = audit.lines(connection, Sought(kind=kind, entity_id=entity_id), 20)
    return [one.action for one in lines][::-1]


def test_a_partner_applies_is_approved_and_suspended_with_a_reason(house: House) -> None:
    browser = house.browser(OPERATOR)
    form = {"name": "Reader", "email": "money@reader.example", "sites": "https://reader.example"}
    reply = browser.submit("/house/partners", form, on="/house/partners")
    assert reply.status == 303
    path = reply.headers["Location"]
    assert "Waits for a decision" in browser.get("/house/partners?standing=applied")
    assert browser.submit(f"{path}/approve", {}, on=path).status == 303
    assert "It earns nothing yet: it has no contract." in browser.get(path)
    refused = browser.submit(f"{path}/suspend", {"reason": " "}, on=path)
    assert refused.status == 422
    assert "say why" in text(refused)
    assert browser.submit(f"{path}/suspend", {"reason": "fraud"}, on=path).status == 303
    assert "fraud" in browser.get(path)
    assert browser.submit(f"{path}/restore", {}, on=path).status == 303
    partner_id = path.rpartition("/")[2]
    steps = ["apply", "approve", "suspend", "restore"]
    assert actions(house, "partner", partner_id) == steps


def test_a_step_that_makes_no_sense_is_refused_in_words(house: House) -> None:
    path = "/house/partners/p_clio"
    browser = house.browser(OPERATOR)
    reply = browser.submit(f"{path}/restore", {}, on=path)
    assert reply.status == 422
    assert browser.submit(f"{path}/dance", {}, on=path).status == 404
    assert house.call(OPERATOR, "POST", "/house/partners/p_clio/dance", {}).status == 404
    assert house.call(OPERATOR, "POST", "/house/partners/p_nobody/approve", {}).status == 404


def test_odd_words_are_shown_as_words(house: House) -> None:
    browser = house.browser(OPERATOR)
    form = {"name": ODD, "email": "", "sites": "", "reason": ODD}
    reply = browser.submit("/house/partners", form, on="/house/partners")
    assert reply.status == 303
    for path in ("/house/partners", reply.headers["Location"]):
        assert "<script>alert" not in browser.get(path)
        assert "&lt;script&gt;" in browser.get(path)


def approved(house: House) -> None:
    assert house.call(OPERATOR, "POST", "/house/partners/p_clio/approve", {}).status == 200


def test_a_contract_is_agreed_extended_and_ended(house: House) -> None:
    approved(house)
    browser = house.browser(OPERATOR)
    form = {"partner_id": "p_clio", "commission_share": "90%", "ad_share": "70%", "tiers": ""}
    reply = browser.submit("/house/contracts", form, on="/house/contracts/new?partner=p_clio")
    assert reply.status == 303, text(reply)
    path = reply.headers["Location"]
    page = browser.get(path)
    assert "90%" in page
    assert "Version 1" in page
    changed = form | {"ad_share": "75%", "subsidy": "support:30%", "rates": "12%\nshop=8%"}
    reply = browser.submit(f"{path}/versions", changed, on=path)
    assert reply.status == 303, text(reply)
    assert "Version 2" in browser.get(path)
    assert "support:30%" in browser.get("/house/contracts")
    wrong = browser.submit(f"{path}/end", {"at": "2020-01-01", "why": "x"}, on=path)
    assert wrong.status == 422
    assert browser.submit(f"{path}/end", {"at": "", "why": "over"}, on=path).status == 303
    contract_id = path.rpartition("/")[2]
    assert actions(house, "contract", contract_id)[:2] == ["agree", "extend"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("commission_share", "ninety", "ninety"),
        ("tiers", "100:5%\n50:4%", "must rise"),
        ("partner_id", "p_nobody", "there is no such partner"),
        ("starts_at", "soon", "soon"),
    ],
)
def test_a_term_that_will_not_do_is_said_at_its_field(
    house: House, field: str, value: str, words: str
) -> None:
    approved(house)
    form = {"partner_id": "p_clio", "ad_share": "70%", field: value}
    browser = house.browser(OPERATOR)
    reply = browser.submit("/house/contracts", form, on="/house/contracts/new")
    assert reply.status == 422
    assert words in text(reply)
    refused = house.call(OPERATOR, "POST", "/house/contracts", {"terms": form})
    assert refused.status == 422


def test_contracts_are_agreed_by_programs_too(house: House) -> None:
    approved(house)
    terms = {"partner_id": "p_clio", "ad_share": "70%", "tiers": ["1000:5%", "2000:6%"]}
    made = house.call(OPERATOR, "POST", "/house/contracts", {"terms": terms})
    assert made.status == 201, made
    contract = made.json["contract_id"]
    further = {"terms": {"ad_share": "80%"}}
    path = f"/house/contracts/{contract}/versions"
    second = house.call(OPERATOR, "POST", path, further)
    assert (second.status, second.json["version"]) == (201, 2)
    assert second.json["terms"]["ad_share"] == "80%"
    assert second.json["terms"]["tiers"] == []
    items = house.call(OPERATOR, "GET", "/house/contracts?limit=1")
    assert len(items.json["items"]) == 1
    cursor = items.json["next_cursor"]
    rest = house.call(OPERATOR, "GET", f"/house/contracts?limit=1&cursor={cursor}")
    assert rest.json["items"][0]["version"] == 2


SHOP = {
    "name": "Shop", "merchant_id": "m_shop", "home_url": "https://shop.example/",
    "currency": "CNY", "default_rate": "8%", "trusted": "false",
}  # fmt: skip
FEED = b"""sku,title,url,price
A-1,Tea,https://shop.example/p/1,12.00 CNY
A-2,Cups,https://shop.example/p/2,cheap
A-3,Pot,https://shop.example/p/3,30.00 CNY
"""


def test_a_merchant_and_its_feed_with_an_error_for_each_bad_row(house: House) -> None:
    browser = house.browser(OPERATOR)
    reply = browser.submit("/house/merchants", SHOP, on="/house/merchants")
    assert reply.status == 303, text(reply)
    path = "/house/merchants/m_shop"
    reply = browser.upload(f"{path}/feed", {}, [("feed", "shop.csv", FEED)], on=path)
    page = text(reply)
    assert reply.status == 200
    assert "What the feed did" in page
    assert "A-2" in page
    assert "cheap" in page
    none = browser.upload(f"{path}/feed", {}, [("feed", "shop.csv", b"")], on=path)
    assert none.status == 422
    assert house.call(OPERATOR, "GET", path).json["products"] == 2
    assert actions(house, "merchant", "m_shop") == ["add", "import_feed"]


def test_a_merchant_is_changed_paid_for_archived_and_restored(house: House) -> None:
    browser = house.browser(OPERATOR)
    browser.submit("/house/merchants", SHOP, on="/house/merchants")
    path = "/house/merchants/m_shop"
    changed = SHOP | {"default_rate": "9%", "gift_categories": "gift-card\nvoucher"}
    assert browser.submit(path, changed, on=path).status == 303
    fields = house.call(OPERATOR, "GET", path).json["fields"]
    assert (fields["default_rate"], fields["gift_categories"]) == ("9%", ["gift-card", "voucher"])
    wrong = browser.submit(path, SHOP | {"default_rate": "much"}, on=path)
    assert wrong.status == 422
    form = {"amount": "1,000.00", "reference": "B1"}
    assert browser.submit(f"{path}/deposit", form, on=path).status == 422
    form["amount"] = "1000.00"
    for _ in range(2):
        assert browser.submit(f"{path}/deposit", form, on=path).status == 303
    assert house.call(OPERATOR, "GET", path).json["balance_micros"] == 1_000_000_000
    assert browser.submit(f"{path}/archive", {}, on=path).status == 303
    assert not house.call(OPERATOR, "GET", path).json["active"]
    assert browser.submit(f"{path}/restore", {}, on=path).status == 303
    assert house.call(OPERATOR, "GET", path).json["active"]


def test_a_fund_is_made_filled_and_drawn_on_by_those_enrolled(house: House) -> None:
    browser = house.browser(OPERATOR)
    form = {"pool_id": "support", "name": "Support", "enrolment_limit": "1"}
    assert browser.submit("/house/funds", form, on="/house/funds").status == 303
    path = "/house/funds/support"
    paid = {"amount": "5000", "reference": "B7"}
    assert browser.submit(f"{path}/deposit", paid, on=path).status == 303
    assert browser.submit(f"{path}/deposit", paid | {"amount": "6000"}, on=path).status == 422
    assert browser.submit(f"{path}/enrol", {"partner_id": "p_clio"}, on=path).status == 303
    nobody = browser.submit(f"{path}/enrol", {"partner_id": "p_nobody"}, on=path)
    assert nobody.status == 422
    page = browser.get(path)
    assert "5,000.00" in page
    assert "<svg" in page
    (fund,) = house.call(OPERATOR, "GET", "/house/funds").json["items"]
    assert (fund["left_micros"], fund["enrolled"]) == (5_000_000_000, ["p_clio"])
    assert house.call(OPERATOR, "DELETE", f"{path}/enrolments/p_clio").status == 204
    assert house.call(OPERATOR, "DELETE", f"{path}/enrolments/p_clio").status == 404
    assert actions(house, "fund", "support") == ["add", "enrol", "leave"]
    (once,) = house.call(OPERATOR, "GET", f"{path}/enrolments").json["items"]
    assert (once["partner_id"], once["left_at"] is None) == ("p_clio", False)
    sheet = text(browser.call("GET", f"{path}/enrolments.csv")).splitlines()
    assert sheet[0] == "partner_id,enrolled_at,left_at"
    assert sheet[1].startswith("p_clio,")
    assert f"{path}/enrolments.csv" in browser.get(path)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"pool_id": "no good"}, "no good"),
        ({"pool_id": "x", "enrolment_limit": "many"}, "a whole number"),
        ({"pool_id": "x", "enrolment_limit": "1000001"}, "a whole number up to 1,000,000"),
        ({"pool_id": "x", "enrolment_limit": "9" * 5_000}, "a whole number up to 1,000,000"),
    ],
)
def test_a_fund_that_cannot_be_is_refused(house: House, form: dict[str, str], field: str) -> None:
    reply = house.browser(OPERATOR).submit("/house/funds", form, on="/house/funds")
    assert reply.status == 422
    assert field in text(reply)


@pytest.mark.parametrize("limit", [-1, 2**31, 2**63])
def test_a_fund_takes_no_limit_that_no_database_can_hold(house: House, limit: int) -> None:
    body = {"pool_id": "x", "enrolment_limit": limit}
    reply = house.call(OPERATOR, "POST", "/house/funds", body)
    assert (reply.status, reply.json["field"]) == (422, "/enrolment_limit")


@contextmanager
def overtaken(house: House, change: Callable[[], object]) -> Iterator[None]:
    """Somebody else's change comes just before the first write transaction begins."""
    waiting = [change]

    def meanwhile(_c: object, _k: object, statement: str, *_: object) -> None:
        if statement == "BEGIN IMMEDIATE" and waiting:
            waiting.pop()()

    event.listen(house.desk.engine, "before_cursor_execute", meanwhile)
    try:
        yield
    finally:
        event.remove(house.desk.engine, "before_cursor_execute", meanwhile)


def last_line(house: House, kind: str, entity_id: str) -> audit.Line:
    with database.reading(house.desk.engine) as connection:
        return audit.lines(connection, Sought(kind=kind, entity_id=entity_id), 1)[0]


def test_the_audit_log_says_what_a_partner_was_when_it_was_changed(house: House) -> None:
    def other_mail() -> None:
        with partners_of(house.desk).changing(NOW) as changes:
            changes.edit(PartnerId("p_clio"), lambda one: replace(one, email="new@clio.example"))

    house.key(OPERATOR)
    with overtaken(house, other_mail):
        approved(house)
    line = last_line(house, "partner", "p_clio")
    assert line.before is not None
    assert (line.action, line.before["email"]) == ("approve", "new@clio.example")
    assert "email" not in {name for name, _, _ in audit.changes(line)}


def test_the_audit_log_says_what_a_merchant_was_when_it_was_changed(house: House) -> None:
    fields = {"name": "Shop", "home_url": "https://shop.example/", "default_rate": "5%"}
    body = {"fields": fields | {"merchant_id": "shop"}}
    assert house.call(OPERATOR, "POST", "/house/merchants", body).status == 201

    def other_name() -> None:
        with partners_of(house.desk).changing(NOW) as changes:
            changes.edit_merchant(MerchantId("shop"), lambda one: replace(one, name="Other"))

    with overtaken(house, other_name):
        changed = {"fields": {"default_rate": "6%"}}
        assert house.call(OPERATOR, "PATCH", "/house/merchants/shop", changed).status == 200
    found = {
        name: before for name, before, _ in audit.changes(last_line(house, "merchant", "shop"))
    }
    assert set(found) == {"default_rate"}
