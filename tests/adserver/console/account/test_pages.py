"""The pages of accounts over real HTTP: own account, people, keys, the audit log."""

import re
from dataclasses import replace

import pytest

from models.domain.campaign import Campaign
from tests import builders
from tests.adserver.api.running import Reply
from tests.adserver.console.account.people import (
    ANN,
    BOB,
    CLIO,
    NOW,
    OPERATOR,
    PASSWORD,
    House,
)
from tests.adserver.console.web.running import Browser

PATHS = ("/account", "/account/organisation", "/account/keys", "/account/audit")
ODD = "<script>alert('x')</script>\"'&{{ 7 * 7 }}"


def text(reply: Reply) -> str:
    return reply.body.decode()


def link_in(page: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8081(/invitations/[\w-]+)", page)
    assert found, page
    return found[1]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("email", [ANN, CLIO, OPERATOR])
def test_everybody_has_these_pages_in_both_languages(house: House, path: str, email: str) -> None:
    browser = house.browser(email)
    assert "<h1>" in browser.get(path)
    browser.cookies["adunion_language"] = "zh"
    assert "<h1>" in browser.get(path)


@pytest.mark.parametrize("path", ["/house/organisations", "/house/organisations/org_x"])
def test_pages_of_the_house_are_not_there_for_others(house: House, path: str) -> None:
    for email in (ANN, CLIO):
        assert house.browser(email).call("GET", path).status == 404


def test_another_password_signs_out_everywhere_else(house: House) -> None:
    here, there = house.browser(ANN), house.browser(ANN)
    form = {"old_password": PASSWORD, "password": "another long one"}
    reply = here.submit("/account/password", form, on="/account")
    assert (reply.status, reply.headers["Location"]) == (303, "/account")
    assert "You are signed out everywhere else." in here.get("/account")
    assert there.call("GET", "/account").status == 303


def test_a_wrong_old_password_is_said_at_its_field(house: House) -> None:
    form = {"old_password": "wrong", "password": "another long one"}
    reply = house.browser(ANN).submit("/account/password", form, on="/account")
    assert reply.status == 422
    assert "this is not your password" in text(reply)
    assert "wrong" not in re.findall(r'value="([^"]*)"', text(reply))


def test_language_and_theme_are_kept_for_the_next_browser(house: House) -> None:
    browser = house.browser(ANN)
    browser.submit("/account", {"language": "zh", "theme": "dark"}, on="/account")
    assert (browser.cookies["adunion_language"], browser.cookies["adunion_theme"]) == ("zh", "dark")
    other = Browser(house.port)
    other.sign_in(ANN, PASSWORD)
    assert other.cookies["adunion_language"] == "zh"
    assert 'lang="zh-CN" data-theme="dark"' in other.get("/account")


def test_other_sessions_are_ended_by_a_button(house: House) -> None:
    here, there = house.browser(ANN), house.browser(ANN)
    assert "one other browser" in here.get("/account")
    here.submit("/account/sessions/end", {}, on="/account")
    assert there.call("GET", "/account").status == 303
    assert "signed in here only" in here.get("/account")


def test_an_organisation_invites_and_withdraws_and_others_do_not_see_it(house: House) -> None:
    browser, path = house.browser(ANN), "/account/organisation"
    reply = browser.submit(f"{path}/invitations", {"email": "new@one.example"}, on=path)
    assert reply.status == 200
    link = link_in(text(reply))
    assert "new@one.example" in browser.get(path)
    assert link not in browser.get(path)
    assert "new@one.example" not in house.browser(BOB).get(path)
    withdraw = re.search(rf"{path}/invitations/\w+/withdraw", browser.get(path))
    assert withdraw
    assert house.browser(BOB).submit(withdraw[0], {}, on=path).status == 404
    assert browser.submit(withdraw[0], {}, on=path).status == 303
    assert house.browser().call("GET", link).status == 404


def test_an_address_that_is_taken_is_said_at_its_field_and_kept(house: House) -> None:
    browser, path = house.browser(ANN), "/account/organisation"
    reply = browser.submit(f"{path}/invitations", {"email": BOB}, on=path)
    assert reply.status == 422
    assert "has an account already" in text(reply)
    assert f'value="{BOB}"' in text(reply)


def test_name_zone_and_language_are_changed_or_refused_at_their_fields(house: House) -> None:
    browser, path = house.browser(ANN), "/account/organisation"
    form = {"name": "Tea House", "time_zone": "Europe/Berlin", "language": "en"}
    assert browser.submit(path, form).status == 303
    assert "<h1>Tea House</h1>" in browser.get(path)
    refused = browser.submit(path, form | {"time_zone": "Mars/Olympus", "name": "Kept"})
    assert refused.status == 422
    assert "no time zone" in text(refused)
    assert 'value="Kept"' in text(refused)


def test_people_are_disabled_by_their_own_and_by_operators_only(house: House) -> None:
    operator, one = house.browser(OPERATOR), house.who[ANN].organisation_id
    path, user = f"/house/organisations/{one}", house.who[ANN].user_id
    last = operator.submit(f"{path}/users/{user}/disable", {}, on=path)
    assert last.status == 422
    assert "without anybody" in text(last)
    foreign = f"/account/organisation/users/{user}/disable"
    assert house.browser(BOB).submit(foreign, {}, on="/account/organisation").status == 404
    wrong = f"/house/organisations/{house.who[BOB].organisation_id}"
    assert operator.submit(f"{wrong}/users/{user}/disable", {}, on=wrong).status == 404
    own = house.browser(ANN).submit(foreign, {}, on="/account/organisation")
    assert own.status == 422
    assert "your own account" in text(own)


def test_an_operator_lets_the_first_person_of_an_owner_in(house: House) -> None:
    browser, path = house.browser(OPERATOR), "/house/organisations"
    form = {"role": "partner", "owner": "p_clio", "email": "second@p.example"}
    link = link_in(text(browser.submit(path, form)))
    guest = house.browser()
    assert guest.submit(link, {"password": "a long enough one"}).status == 303
    assert guest.call("GET", "/").headers["Location"] == "/partners/p_clio"
    refused = browser.submit(path, form | {"owner": "nobody", "email": "x@p.example"})
    assert refused.status == 422
    assert "there is nobody of this id" in text(refused)
    assert "x@p.example" in text(refused)


def test_an_operator_makes_a_link_for_a_forgotten_password(house: House) -> None:
    one, user = house.who[ANN].organisation_id, house.who[ANN].user_id
    path = f"/house/organisations/{one}"
    reply = house.browser(OPERATOR).submit(f"{path}/users/{user}/reset", {}, on=path)
    link = link_in(text(reply))
    guest = house.browser()
    assert "Choose a password" in guest.get(link)
    assert guest.submit(link, {"password": "another long one"}).status == 303
    assert guest.call("GET", "/").headers["Location"] == "/advertisers/adv1"


def test_a_key_is_shown_once_and_then_only_by_name(house: House) -> None:
    browser, path = house.browser(ANN), "/account/keys"
    assert "No keys yet" in browser.get(path)
    made = text(browser.submit(path, {"name": "Nightly report"}))
    found = re.search(r"adu_\w+_[\w-]+", made)
    assert found
    again = browser.get(path)
    assert "Nightly report" in again
    assert found[0] not in again
    revoke = re.search(rf"{path}/\w+/revoke", again)
    assert revoke
    assert house.browser(BOB).submit(revoke[0], {}, on=path).status == 404
    assert browser.submit(revoke[0], {}, on=path).status == 303
    assert "Revoked" in browser.get(path)


def test_a_key_without_a_purpose_is_refused_at_its_field(house: House) -> None:
    reply = house.browser(ANN).submit("/account/keys", {"name": " "})
    assert reply.status == 422
    assert "what the key is for" in text(reply)


def test_everybody_reads_their_own_part_of_the_log_and_operators_all(house: House) -> None:
    house.browser(ANN).submit("/account/keys", {"name": "of one"})
    house.browser(BOB).submit("/account/keys", {"name": "of two"})
    own = house.browser(ANN).get("/account/audit")
    assert "of one" in own
    assert "of two" not in own
    assert "of two" not in house.browser(ANN).get(f"/account/audit?actor={BOB}")
    everything = house.browser(OPERATOR).get("/account/audit")
    assert "of one" in everything
    assert "of two" in everything
    only = house.browser(OPERATOR).get(f"/account/audit?actor={BOB}&kind=api_key")
    assert "of two" in only
    assert "of one" not in only


def test_an_owner_reads_what_the_house_did_to_its_things_and_not_who_it_was(house: House) -> None:
    catalog = house.desk.catalog
    mine = builders.campaign(campaign_id="c_one", advertiser_id="adv1", name="Of one")
    other = builders.campaign(campaign_id="c_two", advertiser_id="adv2", name="Of two")
    for campaign, who in ((mine, ANN), (other, BOB)):
        catalog.acting_for(house.who[who]).add(campaign, NOW)
    for one in ("c_one", "c_two"):
        stopped = catalog.acting_for(house.who[OPERATOR])
        stopped.edit(Campaign, one, lambda held: replace(held, paused=True), NOW)
    catalog.edit(Campaign, "c_one", lambda held: replace(held, advertiser_id="adv2"), NOW)
    catalog.acting_for(house.who[BOB]).archive(Campaign, "c_one", NOW)
    catalog.edit(Campaign, "c_one", lambda held: replace(held, advertiser_id="adv1"), NOW)

    told = [
        (line["actor"], line["action"], line["id"])
        for line in house.call(ANN, "GET", "/audit?kind=campaign").json["items"]
    ]
    assert told == [("house", "edit", "c_one"), (ANN, "add", "c_one")]
    by_house = house.call(ANN, "GET", "/audit?kind=campaign&actor=house").json["items"]
    assert [line["action"] for line in by_house] == ["edit"]
    assert not house.call(ANN, "GET", f"/audit?kind=campaign&actor={OPERATOR}").json["items"]
    page = house.browser(ANN).get("/account/audit?kind=campaign")
    assert "paused" in page
    assert "c_two" not in page
    assert OPERATOR not in page
    assert BOB not in page
    assert OPERATOR in house.browser(OPERATOR).get("/account/audit?kind=campaign")


@pytest.mark.parametrize("before", ["1", "x", "-1", "9" * 40, "0", "²"])
def test_any_place_to_go_on_from_is_answered(house: House, before: str) -> None:
    assert "<h1>" in house.browser(OPERATOR).get(f"/account/audit?before={quoted(before)}")


def quoted(value: str) -> str:
    return value if value.isascii() else "%C2%B2"


def test_the_log_goes_on_on_a_next_page(house: House) -> None:
    browser = house.browser(ANN)
    for number in range(60):
        organisation = {"name": f"Name {number}", "time_zone": "UTC", "language": "en"}
        browser.submit("/account/organisation", organisation)
    first = browser.get("/account/audit")
    more = re.search(r'href="(/account/audit\?before=\d+)"', first)
    assert more
    assert "Name 59" in first
    assert "Name 5<" not in first
    assert "Name 5<" in browser.get(more[1])


def test_strange_text_is_shown_as_text_everywhere(house: House) -> None:
    browser = house.browser(ANN)
    organisation = {"name": ODD, "time_zone": "UTC", "language": "en"}
    assert browser.submit("/account/organisation", organisation).status == 303
    assert browser.submit("/account/keys", {"name": ODD}).status == 200
    browser.submit("/account/organisation/invitations", {"email": "<b>x</b>@one.example"},
                   on="/account/organisation")  # fmt: skip
    operator = house.browser(OPERATOR)
    pages = [browser.get(path) for path in PATHS]
    pages += [operator.get("/house/organisations"), operator.get("/account/audit")]
    for page in pages:
        assert "<script>alert" not in page
        assert "<b>x</b>" not in page
    assert "&lt;script&gt;alert" in pages[2]
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", pages[1])[0]
