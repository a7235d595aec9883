"""Pages and REST of webhooks over real HTTP, and a console that really tells one."""

import re
import time
from dataclasses import replace
from typing import Any

import pytest

from adserver.accounts import keys, organisations
from adserver.accounts.identity import COMMAND, Role
from adserver.config import Settings
from adserver.stores import database
from adserver.stores.partner_changes import open_partners
from affiliate.partner import Partner
from models.domain.ids import PartnerId
from tests.adserver.api.running import Reply
from tests.adserver.console.account.people import ANN, BOB, CLIO, NOW, OPERATOR, House
from tests.adserver.console.running import running_console
from tests.adserver.console.web.running import Browser
from tests.adserver.webhooks.ears import listening as hearing

PATH, OTHERS = "/partners/p_clio/webhooks", "/advertisers/adv1/webhooks"
URL = "https://example.com/hook"


def made(house: House, email: str = CLIO, path: str = PATH) -> str:
    """The path of a webhook that somebody made on the page."""
    kinds = ["payout.paid"] if "partners" in path else ["line_item.ended"]
    reply = house.browser(email).submit(path, {"url": URL, "kinds": kinds})
    assert reply.status == 303, reply.body
    return reply.headers["Location"]


def text(reply: Reply) -> str:
    return reply.body.decode()


@pytest.mark.parametrize(("email", "path"), [(CLIO, PATH), (ANN, OTHERS), (OPERATOR, PATH)])
def test_owners_and_operators_make_webhooks_in_both_languages(
    house: House, email: str, path: str
) -> None:
    browser = house.browser(email)
    assert "No webhooks yet" in browser.get(path)
    page = made(house, email, path)
    assert "Nothing was sent yet" in browser.get(page)
    assert URL in browser.get(path)
    browser.cookies["adunion_language"] = "zh"
    assert "签名密钥" in browser.get(page)


def test_nobody_else_sees_or_touches_them(house: House) -> None:
    page = made(house)
    for email in (ANN, BOB):
        browser = house.browser(email)
        assert browser.call("GET", PATH).status == 404
        assert browser.call("GET", page).status == 404
        foreign = page.replace("/partners/p_clio", "/advertisers/adv1")
        assert browser.call("GET", foreign).status == 404
        for verb in ("", "/remove", "/rotate", "/test"):
            assert browser.submit(page + verb, {}, on="/account").status == 404
    operator = house.browser(OPERATOR)
    assert operator.call("GET", page.replace("p_clio", "p_other")).status == 404


def test_an_address_that_cannot_be_is_refused_at_its_field_and_kept(house: House) -> None:
    form = {"url": "https://127.0.0.1/x", "kinds": ["payout.paid"]}
    reply = house.browser(CLIO).submit(PATH, form)
    assert reply.status == 422
    assert "not of the public internet" in text(reply)
    assert 'value="https://127.0.0.1/x"' in text(reply)
    none = house.browser(CLIO).submit(PATH, {"url": URL})
    assert none.status == 422
    assert "choose at least one" in text(none)


def test_a_webhook_is_changed_switched_off_and_removed(house: House) -> None:
    browser, page = house.browser(CLIO), made(house)
    secret = re.findall(r"<code>([0-9a-f]{64})</code>", browser.get(page))
    assert browser.submit(f"{page}/rotate", {}, on=page).status == 303
    assert re.findall(r"<code>([0-9a-f]{64})</code>", browser.get(page)) != secret
    off = {"url": f"{URL}/2", "kinds": ["payout.failed", "payout.paid"]}
    assert browser.submit(page, off).status == 303
    assert "This webhook is switched off." in browser.get(page)
    refused = browser.submit(f"{page}/test", {}, on=page)
    assert refused.status == 422
    assert "switch it on first" in text(refused)
    assert browser.submit(page, off | {"active": "1"}).status == 303
    assert browser.submit(f"{page}/test", {}, on=page).status == 303
    assert "Waiting" in browser.get(page)
    replay = re.search(rf"{page}/deliveries/\w+/replay", browser.get(page))
    assert replay
    assert browser.submit(replay[0], {}, on=page).status == 303
    assert browser.submit(f"{page}/remove", {}, on=page).status == 303
    assert browser.call("GET", page).status == 404


def ok(reply: Reply, status: int = 200) -> Any:
    assert reply.status == status, reply.body
    return reply.json


def test_programs_do_the_same_by_rest(house: House) -> None:
    body = {"url": URL, "kinds": ["payout.paid"]}
    one = ok(house.call(CLIO, "POST", PATH, body), 201)
    path = f"{PATH}/{one['webhook_id']}"
    assert len(one["signing_secret"]) == 64
    assert ok(house.call(CLIO, "GET", PATH))["items"] == [one]
    assert ok(house.call(CLIO, "PATCH", path, {"active": False}))["active"] is False
    assert house.call(CLIO, "POST", f"{path}/test").status == 422
    assert ok(house.call(CLIO, "PATCH", path, {"active": True}))["url"] == URL
    assert house.call(CLIO, "POST", f"{path}/test").status == 204
    (sent,) = ok(house.call(CLIO, "GET", f"{path}/deliveries"))["items"]
    assert (sent["kind"], sent["state"]) == ("test", "waiting")
    again = ok(house.call(CLIO, "POST", f"{path}/deliveries/{sent['event_id']}/replay"))
    assert again["event_id"] == sent["event_id"]
    assert house.call(CLIO, "POST", f"{path}/deliveries/evt_none/replay").status == 404
    other = ok(house.call(CLIO, "POST", f"{path}/rotate"))["signing_secret"]
    assert other != one["signing_secret"]
    for email in (ANN, BOB):
        assert house.call(email, "GET", path).status == 404
        assert house.call(email, "DELETE", path).status == 404
    bad = house.call(CLIO, "PATCH", path, {"url": "http://example.com/"})
    assert (bad.status, bad.json["field"]) == (422, "/url")
    assert house.call(CLIO, "DELETE", path).status == 204
    assert house.call(CLIO, "GET", path).status == 404


def test_a_console_tells_a_webhook_within_seconds(settings: Settings) -> None:
    settings = replace(settings, webhook_private_addresses=1)
    partners = open_partners(settings)
    with partners.changing(NOW) as changes:
        changes.apply(Partner(PartnerId("p_clio"), "Clio"))
    engine = database.connect(settings)
    with database.writing(engine) as connection:
        own = organisations.ensure(connection, Role.PARTNER, "p_clio", COMMAND, NOW)
    _, key = keys.make(engine, own.organisation_id, "test", COMMAND, NOW)
    engine.dispose()
    partners.close()
    with hearing() as ear, running_console(settings) as client:
        browser = Browser(client.port, headers={"Authorization": f"Bearer {key}"})
        body = f'{{"url": "{ear.url}", "kinds": ["payout.paid"]}}'.encode()
        kind = "application/json"
        one = ok(browser.call("POST", f"/api/v1{PATH}", body, Content_Type=kind), 201)
        path = f"/api/v1{PATH}/{one['webhook_id']}"
        assert browser.call("POST", f"{path}/test").status == 204
        until = time.monotonic() + 10
        while not ear.heard and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        (sent,) = ok(browser.call("GET", f"{path}/deliveries"))["items"]
        assert (sent["state"], sent["status"]) == ("delivered", 200)
    assert ear.bodies()[0]["kind"] == "test"
