"""Kill switches on pages and in REST: thrown, refused in words, and seen by nobody else."""

import pytest

from adserver.stores import audit, database
from adserver.stores.audit import Sought
from tests.adserver.console.account.people import ANN, CLIO, OPERATOR, House

PATH = "/house/switches"


def test_an_advertiser_is_switched_off_and_on_by_hand(house: House) -> None:
    browser = house.browser(OPERATOR)
    form = {"what": "advertiser", "entity_id": "adv1", "reason": "does not pay"}
    reply = browser.submit(f"{PATH}/off", form, on=PATH)
    assert (reply.status, reply.headers["Location"]) == (303, PATH)
    page = browser.get(PATH)
    assert "does not pay" in page
    assert "Workers follow within two seconds." in page
    form = {"what": "advertiser", "entity_id": "adv1"}
    assert browser.submit(f"{PATH}/on", form, on=PATH).status == 303
    assert "Nothing is switched off." in browser.get(PATH)
    with database.reading(house.desk.engine) as connection:
        lines = audit.lines(connection, Sought(kind="advertiser", entity_id="adv1"), 10)
    assert [one.action for one in lines][:2] == ["switch_on", "switch_off"]
    assert {one.actor for one in lines[:2]} == {OPERATOR}


def test_everything_asks_twice(house: House) -> None:
    browser = house.browser(OPERATOR)
    form = {"what": "everything", "reason": "wrong prices"}
    reply = browser.submit(f"{PATH}/off", form, on=PATH)
    assert reply.status == 422
    assert "Tick this to stop all ads." in reply.body.decode()
    assert 'value="wrong prices"' in reply.body.decode()
    assert browser.submit(f"{PATH}/off", form | {"sure": "1"}, on=PATH).status == 303
    assert "All ads are switched off." in browser.get(PATH)
    assert "Switched off" in browser.get("/house")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"what": "creative", "entity_id": "nobody", "reason": "x"}, "there is no creative"),
        ({"what": "advertiser", "entity_id": "adv1", "reason": ""}, "say why"),
        ({"what": "placement", "entity_id": "pl1", "reason": "x"}, "one of everything"),
    ],
)
def test_a_refused_switch_keeps_what_was_typed(
    house: House, form: dict[str, str], words: str
) -> None:
    reply = house.browser(OPERATOR).submit(f"{PATH}/off", form, on=PATH)
    assert reply.status == 422
    assert words in reply.body.decode()


def test_a_link_of_a_list_fills_the_form(house: House) -> None:
    page = house.browser(OPERATOR).get(f"{PATH}?what=advertiser&entity_id=adv1")
    assert 'value="adv1"' in page
    assert '<option value="advertiser" selected>' in page


def test_programs_switch_as_persons_do(house: House) -> None:
    body = {"kind": "advertiser", "entity_id": "adv2", "reason": "fraud"}
    made = house.call(OPERATOR, "POST", "/house/switches/off", body)
    assert (made.status, made.json["switched_by"][:4]) == (200, "key:")
    (found,) = house.call(OPERATOR, "GET", "/house/switches").json["items"]
    assert (found["kind"], found["entity_id"], found["reason"]) == ("advertiser", "adv2", "fraud")
    body = {"kind": "advertiser", "entity_id": "adv2"}
    assert house.call(OPERATOR, "POST", "/house/switches/on", body).status == 204
    assert house.call(OPERATOR, "POST", "/house/switches/on", body).status == 404
    wrong = {"kind": "creative", "entity_id": "nobody", "reason": "x"}
    refused = house.call(OPERATOR, "POST", "/house/switches/off", wrong)
    assert (refused.status, refused.json["field"]) == (422, "/entity_id")


@pytest.mark.parametrize("email", [ANN, CLIO])
def test_nobody_else_can_switch(house: House, email: str) -> None:
    body = {"kind": "everything", "reason": "x"}
    assert house.call(email, "POST", "/house/switches/off", body).status == 404
    browser = house.browser(email)
    reply = browser.submit(f"{PATH}/off", {"what": "everything", "sure": "1"}, on="/account")
    assert reply.status == 404
