"""Whom the console calls, and that nobody who types addresses into it can choose.

Never here: which addresses webhooks may have (`tests.adserver.webhooks.test_address`). The one
surprising fact: an address that a page takes is only ever shown, apart from webhooks'; so the test
names one of its own everywhere and listens whether anybody comes.
"""

import ast
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest

import adserver
from adserver.accounts.identity import Role
from adserver.console.desk import Desk
from tests.adserver.console.routed import routed_desk
from tests.adserver.console.web.people import browser_of, program_of
from tests.adserver.console.web.running import Browser, listening

ROOT = Path(adserver.__file__).parent
CALLERS = {
    "console/advertisers/postbacks.py": "the house's own serving plane, by its setting",
    "webhooks/delivering.py": "webhooks, judged again at every call",
    "webhooks/address.py": "the names of webhooks",
    "console/web/page_door.py": "nobody: it hangs up on who reads a file that cannot be finished",
    "api/console_relay.py": "the console, by its socket",
    "eventlog/store_console.py": "the console, by its socket",
}
"""Every module that may open a connection to an address, and to which."""
OPENERS = {"http.client", "urllib.request", "socket", "aiohttp.ClientSession", "requests", "httpx"}
MARK = "<script>alert(1)</script>"


@dataclass
class Ear:
    """A server that remembers who came, and answers as it is told."""

    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def ears() -> Iterator[tuple[Ear, Ear]]:
    """The house's serving plane, and a place that nobody should ever call."""
    made = (Ear(), Ear())
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler_of(ear)) for ear in made]
    for ear, server in zip(made, servers, strict=True):
        ear.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    for server in servers:
        server.shutdown()
        server.server_close()


def handler_of(ear: Ear) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            ear.heard.append((self.command, self.path, self.headers.get("Host", "")))
            status, headers, body = ear.answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler


@pytest.fixture
def desk(tmp_path: Path, ears: tuple[Ear, Ear]) -> Iterator[Desk]:
    with routed_desk(tmp_path) as desk:
        yield replace(desk, settings=replace(desk.settings, public_url=ears[0].address))


@pytest.fixture
def port(desk: Desk) -> Iterator[int]:
    with listening(desk) as port:
        yield port


@pytest.fixture
def advertiser(desk: Desk, port: int) -> Browser:
    return browser_of(desk, port, Role.ADVERTISER, "adv1")


@pytest.fixture
def operator(desk: Desk, port: int) -> Browser:
    return browser_of(desk, port, Role.OPERATOR)


def opened_by(file: Path) -> set[str]:
    """What a module imports that opens connections."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Attribute):
            names.add(f"{ast.unparse(node.value)}.{node.attr}")
    return names & OPENERS


def test_only_a_few_modules_call_anybody() -> None:
    """A new one is looked at by somebody who then writes it down here."""
    found = {
        str(file.relative_to(ROOT))
        for file in ROOT.rglob("*.py")
        if opened_by(file) and file.relative_to(ROOT).parts[0] != "demo"
    }
    assert found == set(CALLERS)


def test_a_test_postback_goes_to_the_house_whatever_is_sent_along(
    advertiser: Browser, ears: tuple[Ear, Ear]
) -> None:
    ours, theirs = ears
    page = "/advertisers/adv1/postbacks"
    fields = dict.fromkeys(("url", "to", "base_url", "public_url", "host", "key"), theirs.address)
    body = urlencode({"csrf": advertiser.token(page), **fields}).encode()
    host = f"127.0.0.1:{theirs.port}"
    for more in ({}, {"X_Forwarded_Host": host}, {"Forwarded": f"host={host}"}, {"Host": host}):
        reply = advertiser.call(
            "POST",
            f"{page}/test?{urlencode(fields)}",
            body,
            Content_Type="application/x-www-form-urlencoded",
            **more,
        )
        assert reply.status == 200
        assert theirs.address.encode() not in reply.body
    assert {path for _, path, _ in ours.heard} == {"/v1/conversions"}
    assert len(ours.heard) == 4
    assert theirs.heard == []


def test_a_test_postback_is_led_nowhere_and_shows_its_answer_as_text(
    advertiser: Browser, ears: tuple[Ear, Ear]
) -> None:
    ours, theirs = ears
    page = "/advertisers/adv1/postbacks"
    ours.answer = (307, {"Location": f"{theirs.address}/secret"}, MARK.encode() * 100_000)
    reply = advertiser.submit(f"{page}/test", {}, on=page)
    assert reply.status == 200
    assert MARK.encode() not in reply.body
    assert reply.body.count(b"&lt;script&gt;alert") < 200
    assert len(ours.heard) == 1
    assert theirs.heard == []


def test_no_address_that_is_typed_is_called(
    desk: Desk, port: int, operator: Browser, ears: tuple[Ear, Ear]
) -> None:
    theirs = ears[1]
    program = program_of(desk, port, Role.OPERATOR)
    feed = f"id,title,link,image_link,price\ns1,T,{theirs.address}/p,{theirs.address}/i.png,1 CNY\n"
    sent = [("feed", "feed.csv", feed.encode())]
    assert (
        operator.upload("/house/merchants/m1/feed", {}, sent, on="/house/merchants/m1").status < 500
    )
    url = f"{theirs.address}/x"
    calls = {
        "/partners/p1/links": {"merchant_id": "m1", "url": url, "name": "n", "subs": []},
        "/partners/p1/webhooks": {"url": url, "kinds": ["statement.closed"]},
        "/advertisers/adv1/webhooks": {"url": url, "kinds": ["creative.reviewed"]},
        "/advertisers/adv1/creatives": {"line_item_id": "li1", "format": "native",
                                        "landing_url": url, "title": "t"},
        "/house/merchants": {"merchant_id": "m9", "name": "n", "home_url": url, "currency": "CNY"},
    }  # fmt: skip
    for path, body in calls.items():
        reply = program.call(
            "POST", f"/api/v1{path}", json.dumps(body).encode(), Content_Type="application/json"
        )
        assert reply.status < 500
        assert "webhooks" not in path or reply.status == 422
    for page in (
        "/partners/p1/links",
        "/partners/p1/links/new?view=all",
        "/advertisers/adv1/creatives",
    ):
        assert operator.call("GET", page).status == 200
    assert theirs.heard == []


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "https://127.0.0.1/", "https://[::1]/", "https://localhost/",
     "file:///etc/passwd", "gopher://x.example/", "https://user@x.example/", "https://10.0.0.1/",
     "https://[::ffff:127.0.0.1]/", "https://2130706433/", "https://0x7f.1/"],
)  # fmt: skip
def test_a_webhook_into_the_house_is_refused_on_the_page_and_by_rest(
    desk: Desk, port: int, operator: Browser, url: str
) -> None:
    page = "/partners/p1/webhooks"
    assert operator.submit(page, {"url": url, "kinds": "statement.closed"}).status == 422
    program = program_of(desk, port, Role.PARTNER, "p1")
    body = json.dumps({"url": url, "kinds": ["statement.closed"]}).encode()
    reply = program.call("POST", f"/api/v1{page}", body, Content_Type="application/json")
    assert (reply.status, reply.json["field"]) == (422, "/url")
