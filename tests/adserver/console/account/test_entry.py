"""Signing in and out over real HTTP: no fixed sessions, no way out of the house, used links."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from adserver.accounts import invitations, users
from adserver.accounts.attempts import ON_ACCOUNT_FROM_ADDRESS
from adserver.accounts.identity import COMMAND
from adserver.stores import database
from tests.adserver.api.running import Reply
from tests.adserver.console.account.people import ANN, NOW, OPERATOR, PASSWORD, House
from tests.adserver.console.web.running import Browser

SESSION = "adunion_session"


def text(reply: Reply) -> str:
    return reply.body.decode()


def test_a_stranger_is_sent_to_sign_in_and_on_to_where_they_wanted_to_go(house: House) -> None:
    browser = house.browser()
    reply = browser.call("GET", "/account/keys?x=1")
    assert (reply.status, reply.headers["Location"]) == (303, "/sign-in?next=/account/keys%3Fx%3D1")
    on = reply.headers["Location"]
    assert 'value="/account/keys?x=1"' in browser.get(on)
    form = {"email": ANN, "password": PASSWORD, "next": "/account/keys?x=1"}
    reply = browser.submit("/sign-in", form, on=on)
    assert (reply.status, reply.headers["Location"]) == (303, "/account/keys?x=1")
    assert ANN in browser.get("/account")


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    reply = house.browser().submit("/sign-in", {"email": ANN, "password": PASSWORD})
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith(f"{SESSION}=")
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "evil.example",
        "/ok\r\nSet-Cookie: x=y",
        "",
    ],
)
def test_no_next_leads_out_of_the_house(house: House, wanted: str) -> None:
    browser = house.browser()
    form = {"email": ANN, "password": PASSWORD, "next": wanted}
    reply = browser.submit("/sign-in", form, on=f"/sign-in?next={quote(wanted.strip())}")
    assert reply.status in {303, 400}
    if reply.status == 303:
        assert reply.headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_address_are_answered_in_the_same_words(
    house: House,
) -> None:
    browser = house.browser()
    wrong = browser.submit("/sign-in", {"email": ANN, "password": "not the right one"})
    unknown = browser.submit("/sign-in", {"email": "no@one.example", "password": "x"})
    assert wrong.status == unknown.status == 422
    said = "The e-mail address or the password is wrong."
    assert said in text(wrong)
    assert said in text(unknown)
    assert f'value="{ANN}"' in text(wrong)
    assert SESSION not in browser.cookies


def test_after_too_many_wrong_passwords_the_right_one_is_not_listened_to(house: House) -> None:
    browser = house.browser()
    for _ in range(ON_ACCOUNT_FROM_ADDRESS.attempts):
        assert browser.submit("/sign-in", {"email": ANN, "password": "wrong"}).status == 422
    reply = browser.submit("/sign-in", {"email": ANN, "password": PASSWORD})
    assert reply.status == 429
    assert "Too many wrong passwords. Try again in 15 minutes." in text(reply)
    assert house.browser(OPERATOR).get("/account")


def test_signing_in_never_takes_over_a_token_that_was_there_before(house: House) -> None:
    browser = house.browser()
    browser.cookies[SESSION] = "planted-by-somebody-else"
    browser.sign_in(ANN, PASSWORD)
    assert browser.cookies[SESSION] != "planted-by-somebody-else"
    planted = Browser(house.port, {SESSION: "planted-by-somebody-else"})
    assert planted.call("GET", "/account").status == 303


def test_signing_in_anew_ends_the_session_that_the_browser_held(house: House) -> None:
    browser = house.browser(ANN)
    old = dict(browser.cookies)
    on = browser.token("/account")
    form = f"csrf={on}&email={quote(OPERATOR)}&password={quote(PASSWORD)}".encode()
    kind = "application/x-www-form-urlencoded"
    assert browser.call("POST", "/sign-in", form, Content_Type=kind).status == 303
    assert browser.cookies[SESSION] != old[SESSION]
    assert Browser(house.port, old).call("GET", "/account").status == 303
    assert OPERATOR in browser.get("/account")


def test_signing_out_ends_the_session_on_the_server_too(house: House) -> None:
    browser = house.browser(ANN)
    kept = dict(browser.cookies)
    reply = browser.submit("/sign-out", {}, on="/account")
    assert (reply.status, reply.headers["Location"]) == (303, "/sign-in")
    assert SESSION not in browser.cookies
    assert Browser(house.port, kept).call("GET", "/account").status == 303


def test_a_form_without_its_token_signs_nobody_in_or_out(house: House) -> None:
    browser = house.browser(ANN)
    kind = "application/x-www-form-urlencoded"
    assert browser.call("POST", "/sign-out", b"", Content_Type=kind).status == 403
    assert browser.get("/account")
    form = f"email={ANN}&password={PASSWORD}".encode()
    assert house.browser().call("POST", "/sign-in", form, Content_Type=kind).status == 403


def test_whoever_is_disabled_is_out_at_once_and_is_told_why(house: House) -> None:
    browser = house.browser(ANN)
    with database.writing(house.desk.engine) as connection:
        found = users.by_email(connection, ANN)
        assert found is not None
        other = users.add(connection, found[0].organisation_id, "z@one.example", found[1], NOW)
        users.set_disabled(connection, found[0], True, COMMAND, NOW)
    assert other.disabled is False
    assert browser.call("GET", "/account").status == 303
    reply = house.browser().submit("/sign-in", {"email": ANN, "password": PASSWORD})
    assert reply.status == 422
    assert "This account is disabled." in text(reply)


def invited(house: House, email: str) -> str:
    now = datetime.now(UTC)
    with database.writing(house.desk.engine) as connection:
        organisation_id = house.who[ANN].organisation_id
        return invitations.invite(connection, organisation_id, email, COMMAND, now)[1]


def test_an_invited_person_chooses_a_password_and_is_in(house: House) -> None:
    path = f"/invitations/{invited(house, 'new@one.example')}"
    browser = house.browser()
    assert "new@one.example" in browser.get(path)
    short = browser.submit(path, {"password": "short"})
    assert short.status == 422
    assert "a password has at least 10 characters" in text(short)
    reply = browser.submit(path, {"password": "a long enough one"})
    assert (reply.status, reply.headers["Location"]) == (303, "/")
    assert "new@one.example" in browser.get("/account")
    again = house.browser().call("GET", path)
    assert again.status == 404
    assert "This link cannot be used" in text(again)


def test_a_link_that_nobody_made_is_answered_like_a_used_one(house: House) -> None:
    for token in ("nonsense", "x" * 5_000, "%00", "..%2f..%2fetc"):
        assert house.browser().call("GET", f"/invitations/{token}").status in {404, 400}


def test_home_leads_to_where_somebody_works(house: House) -> None:
    assert house.browser(ANN).call("GET", "/").headers["Location"] == "/advertisers/adv1"
    assert house.browser(OPERATOR).call("GET", "/").headers["Location"] == "/house"
    assert house.browser().call("GET", "/").headers["Location"] == "/sign-in?next=/"


def test_who_is_signed_in_already_does_not_see_the_form(house: House) -> None:
    reply = house.browser(ANN).call("GET", "/sign-in?next=/account")
    assert (reply.status, reply.headers["Location"]) == (303, "/account")
