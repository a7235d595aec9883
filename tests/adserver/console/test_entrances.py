"""Doors as an attacker tries them: forged forms, planted sessions, ways out, cookies, echoes.

Never here: what `test_every_route`, `web/test_doors` and `account/test_entry` prove. The one
surprising fact: the forms are all pages of all areas, so one that is added is tried the same day.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
from sqlalchemy import func, select

from adserver.accounts.identity import Role
from adserver.console.areas import AREAS
from adserver.console.desk import Desk
from adserver.console.web.page_door import is_local
from adserver.console.web.routes import Page
from adserver.stores.tables import METADATA
from tests.adserver.api.running import Reply
from tests.adserver.console.routed import MINE, routed_desk
from tests.adserver.console.test_every_route import FOREIGN, filled
from tests.adserver.console.web.people import browser_of
from tests.adserver.console.web.running import MULTIPART, Browser, listening, multipart

FORM = "application/x-www-form-urlencoded"
ALL = [page for area in AREAS for page in area.pages]
FORMS = [page for page in ALL if page.method != "GET"]
READ = [page for page in ALL if page.method == "GET"]
MARK = "<script>alert(1)</script>"
SECRET = (
    "/.env",
    "/.git/config",
    "/static/../adunion.db",
    "/static/%2e%2e/app.py",
    "/static//etc/passwd",
    "/media/../../adunion.db",
    "/media/%2e%2e%2fadunion.db",
)
WAYS_OUT = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "/\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    " //evil.example",
    "/account/../../\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "https:evil.example",
    "/ok\r\nSet-Cookie: adunion_session=planted",
    "/\u2028/evil.example",
    "evil.example",
    "?next=//evil.example",
]


def name_of(page: Page) -> str:
    return f"{page.method} {page.path}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with routed_desk(tmp_path_factory.mktemp("entrances")) as desk:
        yield desk


@pytest.fixture(scope="module")
def port(desk: Desk) -> Iterator[int]:
    with listening(desk) as port:
        yield port


@pytest.fixture(scope="module")
def operator(desk: Desk, port: int) -> Browser:
    return browser_of(desk, port, Role.OPERATOR)


@pytest.fixture(scope="module")
def other(desk: Desk, port: int) -> Browser:
    """Another session of the same person."""
    return browser_of(desk, port, Role.OPERATOR)


def written(desk: Desk) -> dict[str, int]:
    """What there is: the rows of every table, and the revision of the catalog."""
    with desk.engine.connect() as connection:
        rows = {
            name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
            for name, table in METADATA.tables.items()
        }
    return {**rows, "revision": desk.catalog.revision()}


def token_of(browser: Browser, page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.call("GET", page).body.decode())
    assert found
    return found[1]


def sent(browser: Browser, page: Page, token: str, **headers: str) -> Reply:
    """A form as a page would send it, with this token."""
    path = filled(page.path, {**FOREIGN, **MINE})
    fields = {"csrf": token, "name": "forged", "email": "evil@evil.example", "verb": "approve"}
    if page.upload_bytes:
        body = multipart(fields, [("file", "a.png", b"x")])
        return browser.call("POST", path, body, Content_Type=MULTIPART, **headers)
    return browser.call("POST", path, urlencode(fields).encode(), Content_Type=FORM, **headers)


@pytest.mark.parametrize("page", FORMS, ids=name_of)
def test_a_forged_form_is_refused_and_nothing_is_written(
    desk: Desk, port: int, operator: Browser, other: Browser, page: Page
) -> None:
    before = written(desk)
    stranger = Browser(port)
    of_stranger = token_of(stranger, "/sign-in")
    both = replace(operator, cookies={**stranger.cookies, **operator.cookies})
    own = token_of(operator, "/account")
    tokens = ("", "0" * 64, token_of(other, "/account"), of_stranger, own[:-1], own.upper())
    for token in tokens:
        assert sent(both, page, token).status == 403, token
    for site in ("cross-site", "same-site", "SAME-ORIGIN", "nonsense"):
        assert sent(operator, page, own, Sec_Fetch_Site=site).status == 403, site
    query = f"{filled(page.path, {**FOREIGN, **MINE})}?csrf={own}"
    assert operator.call("POST", query, b"a=b", Content_Type=FORM).status == 403
    assert written(desk) == before


@pytest.mark.parametrize("page", READ, ids=name_of)
def test_looking_changes_nothing_whoever_looks_however(
    desk: Desk, operator: Browser, page: Page
) -> None:
    before = written(desk)
    path = filled(page.path, {**FOREIGN, **MINE})
    got = operator.call("GET", path)
    head = operator.call("HEAD", path)
    assert (head.status, head.body) == (got.status, b"")
    for method in ("OPTIONS", "TRACE", "PUT", "DELETE"):
        assert operator.call(method, path, X_Mark=MARK).status in {404, 405}, method
    for name in ("_method", "csrf", "X-HTTP-Method-Override"):
        assert operator.call("GET", f"{path}?{name}=POST").status == got.status, name
    assert operator.call("GET", path, X_HTTP_Method_Override="POST").status == got.status
    assert written(desk) == before


def leads(reply: Reply) -> str:
    """Where a browser goes: it drops tabs and line ends, and takes a backslash for a slash."""
    location = reply.headers.get("Location", "/")
    return re.sub(r"[\t\r\n]", "", location).strip().replace("\\", "/")


@pytest.mark.parametrize("wanted", WAYS_OUT)
def test_nothing_that_is_sent_leads_out_of_the_house(operator: Browser, wanted: str) -> None:
    replies = [
        operator.call("GET", f"/sign-in?next={quote(wanted)}", Referer=wanted.encode().hex()),
        operator.submit("/look", {"next": wanted, "theme": "dark"}, on="/account"),
        operator.submit("/look", {"theme": "dark"}, on="/account"),
        Browser(operator.port).call("GET", f"/account?next={quote(wanted)}"),
    ]
    for reply in replies:
        assert reply.status in {303, 400}
        parts = urlsplit(leads(reply))
        assert (parts.scheme, parts.netloc) == ("", "")
        assert parts.path.startswith("/")
        assert reply.headers.get("Set-Cookie", "").count("planted") == 0
    assert "evil" not in replies[1].headers.get("Location", "")
    assert not is_local(wanted)


@pytest.mark.parametrize(
    "path", ["//evil.example/a", "/\\evil.example", "/%5cevil.example/", "/.//e"]
)
def test_a_strange_path_is_not_led_anywhere_else(operator: Browser, path: str) -> None:
    for browser in (operator, Browser(operator.port)):
        for end in ("", "/", "?a=b"):
            reply = browser.call("GET", path + end)
            assert reply.status in {400, 404} or leads(reply).startswith("/sign-in?next=/")


def cookies_of(reply: Reply) -> list[str]:
    return [value for name, value in reply.headers.items() if name == "Set-Cookie"]


@pytest.mark.parametrize("proto", ["", "http", "https", "HTTPS", "https, http"])
def test_every_cookie_is_kept_from_scripts_other_sites_and_plain_http(
    port: int, proto: str
) -> None:
    visitor = Browser(port, headers={"X-Forwarded-Proto": proto} if proto else {})
    given = cookies_of(visitor.call("GET", "/sign-in"))
    given += cookies_of(visitor.submit("/look", {"language": "zh"}, on="/sign-in"))
    assert len(given) == 2
    for cookie in given:
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert ("Secure" in cookie) is proto.lower().startswith("https")
        assert "Domain" not in cookie


def test_where_the_console_is_known_to_be_behind_https_no_cookie_goes_without(desk: Desk) -> None:
    settings = replace(desk.settings, console_url="https://console.example")
    with listening(replace(desk, settings=settings)) as port:
        assert "Secure" in Browser(port).call("GET", "/sign-in").headers["Set-Cookie"]


ECHOES = [
    f"/{MARK}",
    f"/{quote(MARK)}",
    f"/house/partners/{quote(MARK)}",
    f"/account?a={quote(MARK)}",
    f"/account/audit?kind={quote(MARK)}&actor={quote(MARK)}&id={quote(MARK)}",
    f"/house/settlement/{quote(MARK)}/CNY",
    f"/partners/p1/links/new?q={quote(MARK)}&view=all",
    f"/partners/p1/links/one?code={quote(MARK)}",
    f"/invitations/{quote(MARK)}",
    f"/static/{quote(MARK)}",
    f"/media/{quote(MARK)}",
    f"/api/v1/{quote(MARK)}",
    f"/sign-in?next={quote(MARK)}",
]


@pytest.mark.parametrize("path", ECHOES)
def test_what_was_asked_is_not_said_back_as_markup(operator: Browser, path: str) -> None:
    for browser in (operator, Browser(operator.port)):
        for accept in ("text/html", "application/json", "*/*"):
            reply = browser.call("GET", path, Accept=accept, User_Agent=MARK, Referer=MARK)
            assert reply.status < 500
            kind = reply.headers.get("Content-Type", "")
            assert "html" not in kind or MARK.encode() not in reply.body
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]


def test_a_refused_form_does_not_say_back_what_it_was_sent_as(operator: Browser) -> None:
    for kind in (MARK, f"text/{MARK}", f"multipart/form-data; boundary={MARK}"):
        reply = operator.call("POST", "/account/keys", MARK.encode(), Content_Type=kind)
        assert reply.status in {400, 403, 415}
        assert MARK.encode() not in reply.body


def test_a_planted_cookie_gets_nobody_in_and_breaks_nothing(port: int) -> None:
    for value in ("planted", "x" * 4_000, "%00", "' OR 1=1--", "..", MARK.replace(";", "")):
        planted = Browser(port, {"adunion_session": value, "adunion_visitor": value})
        assert planted.call("GET", "/account").status == 303
        planted.cookies["adunion_session"] = value
        page = planted.call("GET", "/sign-in")
        assert page.status == 200
        assert MARK.encode() not in page.body


def test_a_token_of_before_is_worth_nothing_after_signing_in(desk: Desk, port: int) -> None:
    browser = Browser(port)
    before = token_of(browser, "/sign-in")
    browser.cookies |= browser_of(desk, port, Role.OPERATOR).cookies
    body = urlencode({"csrf": before, "name": "forged"}).encode()
    assert browser.call("POST", "/account/keys", body, Content_Type=FORM).status == 403
    with suppress(KeyError):
        del browser.cookies["adunion_visitor"]
    assert token_of(browser, "/account") != before


def test_whoever_says_another_address_is_still_counted_by_their_own(port: int) -> None:
    """Without trusted proxies X-Forwarded-For is only a text that somebody wrote."""
    browser = Browser(port)
    seen = []
    for number in range(12):
        form = {"email": "nobody@people.example", "password": f"wrong {number}"}
        body = urlencode({"csrf": token_of(browser, "/sign-in"), **form}).encode()
        claims = {"X_Forwarded_For": f"198.51.100.{number}", "X_Real_IP": f"198.51.100.{number}"}
        seen.append(browser.call("POST", "/sign-in", body, Content_Type=FORM, **claims).status)
    assert seen == [422] * 10 + [429] * 2


def test_no_secret_of_the_house_is_on_any_path_a_stranger_can_read(port: int, desk: Desk) -> None:
    for path in (*SECRET, "/openapi.json", "/metrics", "/readyz", "/healthz", "/design"):
        reply = Browser(port).call("GET", path)
        assert reply.status in {200, 404}, path
        assert path not in SECRET or reply.status == 404
        assert desk.keyring.secret_key.hex().encode() not in reply.body
        assert str(Path(desk.settings.data_dir)).encode() not in reply.body
