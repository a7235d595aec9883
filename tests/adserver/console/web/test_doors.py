"""The doors of the console, with an area of the test's own behind them: who comes in, and how."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus

import pytest
from msgspec import Struct

from adserver.accounts.identity import Role
from adserver.api.problems import NotFoundError
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.routes import OPERATORS, Area, Endpoint, Page
from adserver.ports import StoreAwayError
from models.domain.campaign import Advertiser
from models.domain.ids import AdvertiserId
from tests.adserver.console.web.people import browser_of, program_of
from tests.adserver.console.web.running import Browser, desk_over, listening

FORM = "application/x-www-form-urlencoded"


class Thing(Struct):
    """A thing."""

    thing_id: str
    words: str = ""
    parts: list[int] = []


class House:
    """What the test's area remembers."""

    def __init__(self) -> None:
        self.taken: list[Call] = []
        self.made = 0

    def show(self, _desk: Desk, _call: Call) -> Reply:
        return Html("error.html", {"status": 404, "detail": "a page with a form"}, 200)

    def take(self, _desk: Desk, call: Call) -> Reply:
        self.taken.append(call)
        return See("/advertisers/adv1/form", "Taken: <b>bold</b>")

    def leave(self, _desk: Desk, _call: Call) -> Reply:
        return See("//evil.example/")

    def file(self, _desk: Desk, _call: Call) -> Reply:
        return Download(b"a,b\n", "text/csv", "täble.csv")

    def upload(self, _desk: Desk, call: Call) -> Reply:
        sizes = [one.path.stat().st_size for one in call.files.get("file", ())]
        return Download(json.dumps(sizes).encode(), "application/json")

    def make(self, desk: Desk, call: Call) -> Thing:
        time.sleep(0.05)
        self.made += 1
        if call.data.words == "written, then away":
            name = f"adv{self.made}_more"
            desk.catalog.add(Advertiser(AdvertiserId(name), name), datetime.now(UTC))
        if call.data.words.endswith("away") and self.made == 1:
            raise StoreAwayError("on purpose")
        return Thing(f"t{self.made}", call.data.words)

    def things(self, _desk: Desk, call: Call) -> Listed:
        begin = int(call.cursor or 0)
        found = [Thing(f"t{n}", "=1+1", [n]) for n in range(begin, min(begin + call.limit, 5))]
        return Listed(found, str(begin + call.limit) if begin + call.limit < 5 else "")

    def gone(self, _desk: Desk, _call: Call) -> None:
        raise NotFoundError("there is no such thing")

    def crash(self, _desk: Desk, _call: Call) -> Reply:
        raise RuntimeError("on purpose")

    def area(self) -> Area:
        own = "/advertisers/{advertiser_id}"
        rest = f"/api/v1{own}"
        return Area(
            "test",
            pages=(
                Page("GET", "/sign-in", self.show, public=True),
                Page("GET", f"{own}/form", self.show),
                Page("POST", f"{own}/form", self.take),
                Page("POST", f"{own}/leave", self.leave),
                Page("GET", f"{own}/file", self.file),
                Page("POST", f"{own}/upload", self.upload, upload_bytes=200_000),
                Page("GET", f"{own}/crash", self.crash),
                Page("GET", "/house/secret", self.show, roles=OPERATORS),
            ),
            endpoints=(
                Endpoint("GET", f"{rest}/things", "Things", self.things, answer=Thing, listed=True,
                         query={"day": ({"type": "string", "format": "date"}, "A day.")}),
                Endpoint("POST", f"{rest}/things", "Make", self.make, body=Thing, answer=Thing,
                         status=201),
                Endpoint("DELETE", f"{rest}/things", "Gone", self.gone),
                Endpoint("GET", "/api/v1/house/things", "All", self.things, roles=OPERATORS,
                         answer=Thing, listed=True),
            ),
        )  # fmt: skip


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    with desk_over(settings) as desk:
        for name in ("adv1", "adv2"):
            desk.catalog.add(Advertiser(AdvertiserId(name), name), datetime.now(UTC))
        yield desk


@pytest.fixture
def port(desk: Desk, house: House) -> Iterator[int]:
    with listening(desk, [house.area()]) as port:
        yield port


@pytest.fixture
def owner(desk: Desk, port: int) -> Browser:
    return browser_of(desk, port, Role.ADVERTISER, "adv1")


@pytest.fixture
def program(desk: Desk, port: int) -> Browser:
    return program_of(desk, port, Role.ADVERTISER, "adv1")


def token_of(browser: Browser, path: str = "/advertisers/adv1/form") -> str:
    """The token of a form on a page: the layout has one, to sign out."""
    return browser.token(path)


def send(browser: Browser, body: bytes, path: str = "/advertisers/adv1/form", **more: str) -> int:
    return browser.call("POST", path, body, Content_Type=FORM, **more).status


def test_a_stranger_is_sent_to_sign_in_and_back(port: int) -> None:
    reply = Browser(port).call("GET", "/advertisers/adv1/form?x=1")
    assert reply.status == HTTPStatus.SEE_OTHER
    assert reply.headers["Location"] == "/sign-in?next=/advertisers/adv1/form%3Fx%3D1"


def test_another_owners_page_is_as_good_as_none(desk: Desk, port: int) -> None:
    foreign = browser_of(desk, port, Role.ADVERTISER, "adv2")
    there = foreign.call("GET", "/advertisers/adv1/form")
    nowhere = foreign.call("GET", "/advertisers/adv1/nowhere")
    assert (there.status, nowhere.status) == (404, 404)
    assert foreign.call("GET", "/house/secret").status == 404


def test_an_operator_may_see_every_owners_pages(desk: Desk, port: int) -> None:
    operator = browser_of(desk, port, Role.OPERATOR)
    assert operator.call("GET", "/advertisers/adv1/form").status == 200
    assert operator.call("GET", "/house/secret").status == 200


def test_a_form_needs_the_token_of_its_own_session(
    desk: Desk, port: int, owner: Browser, house: House
) -> None:
    token = token_of(owner)
    other = token_of(browser_of(desk, port, Role.ADVERTISER, "adv1"))
    assert token != other
    for body in (b"", b"csrf=", f"csrf={other}".encode(), b"csrf=%00", "csrf=é".encode("latin-1")):
        assert send(owner, body) in {400, 403}, body
    assert not house.taken
    assert send(owner, f"csrf={token}&name=a%20b".encode()) == HTTPStatus.SEE_OTHER
    assert dict(house.taken[0].form) == {"name": "a b"}


def test_a_form_from_another_site_is_refused_even_with_a_token(owner: Browser) -> None:
    body = f"csrf={token_of(owner)}".encode()
    assert send(owner, body, Sec_Fetch_Site="cross-site") == HTTPStatus.FORBIDDEN
    assert send(owner, body, Sec_Fetch_Site="same-origin") == HTTPStatus.SEE_OTHER


def test_a_notice_is_shown_once_and_as_text(owner: Browser) -> None:
    assert send(owner, f"csrf={token_of(owner)}".encode()) == HTTPStatus.SEE_OTHER
    assert "Taken: &lt;b&gt;bold&lt;/b&gt;" in owner.get("/advertisers/adv1/form")
    assert "Taken" not in owner.get("/advertisers/adv1/form")


def test_a_redirect_never_leads_out_of_the_house(owner: Browser) -> None:
    body = f"csrf={token_of(owner)}".encode()
    assert send(owner, body, "/advertisers/adv1/leave") == HTTPStatus.INTERNAL_SERVER_ERROR


def test_every_answer_has_the_headers_that_keep_browsers_safe(owner: Browser, port: int) -> None:
    answers = [
        owner.call("GET", "/advertisers/adv1/form"),
        owner.call("GET", "/advertisers/adv1/file"),
        owner.call("GET", "/advertisers/adv1/crash"),
        owner.call("GET", "/nowhere"),
        Browser(port).call("GET", "/api/v1/house/things"),
        Browser(port).call("GET", "/openapi.json"),
    ]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_broken_invariant_is_a_page_that_tells_nothing(owner: Browser) -> None:
    reply = owner.call("GET", "/advertisers/adv1/crash")
    assert reply.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert b"on purpose" not in reply.body


def test_forms_that_no_engine_can_keep_are_refused(owner: Browser, house: House) -> None:
    token = token_of(owner)
    for field in (b"a=%00", b"a=%ff", b"a=%ed%a0%80", b"&".join(b"a=1" for _ in range(3_000))):
        assert send(owner, f"csrf={token}&".encode() + field) == HTTPStatus.BAD_REQUEST, field[:20]
    wrong = owner.call("POST", "/advertisers/adv1/form", b"{}", Content_Type="application/json")
    assert wrong.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert send(owner, b"a" * 1_100_000) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert not house.taken


def test_files_come_whole_or_not_at_all(owner: Browser) -> None:
    on = "/advertisers/adv1/form"
    path = "/advertisers/adv1/upload"
    fine = owner.upload(path, {}, [("file", "a.png", b"x" * 70_000), ("file", "b", b"")], on=on)
    assert json.loads(fine.body) == [70_000, 0]
    large = owner.upload(path, {}, [("file", "a", b"x" * 250_000)], on=on)
    assert large.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_a_broken_multipart_form_is_refused(owner: Browser) -> None:
    for body in (b"", b"--x\r\n", b"--x\r\nContent-Disposition: nonsense\r\n\r\n", b"\xff" * 100):
        reply = owner.call(
            "POST", "/advertisers/adv1/upload", body, Content_Type="multipart/form-data; boundary=x"
        )
        assert reply.status in {400, 403}, body
    reply = owner.call("POST", "/advertisers/adv1/upload", b"x", Content_Type="multipart/form-data")
    assert reply.status == HTTPStatus.BAD_REQUEST


def test_a_rest_call_needs_a_key_of_its_owner(desk: Desk, port: int, program: Browser) -> None:
    path = "/api/v1/advertisers/adv1/things"
    assert program.call("GET", path).status == 200
    assert Browser(port).call("GET", path).status == 401
    assert (
        Browser(port, headers={"Authorization": "Bearer adu_x_y"}).call("GET", path).status == 401
    )
    assert browser_of(desk, port, Role.ADVERTISER, "adv1").call("GET", path).status == 401
    assert program_of(desk, port, Role.ADVERTISER, "adv2").call("GET", path).status == 404
    assert program_of(desk, port, Role.OPERATOR).call("GET", path).status == 200
    assert program.call("GET", "/api/v1/house/things").status == 404


def test_a_list_goes_on_where_its_cursor_says(program: Browser) -> None:
    path = "/api/v1/advertisers/adv1/things"
    first = program.call("GET", f"{path}?limit=2").json
    assert [one["thing_id"] for one in first["items"]] == ["t0", "t1"]
    second = program.call("GET", f"{path}?limit=4&cursor={first['next_cursor']}").json
    assert [one["thing_id"] for one in second["items"]] == ["t2", "t3", "t4"]
    assert second["next_cursor"] == ""


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "limit=%D9%A1", "cursor=%00", "cursor=%C3%A4", "cursor=A",
     "day=2026-13-01", "day=x", "a=%00"],
)  # fmt: skip
def test_a_query_that_is_not_understood_names_its_field(program: Browser, query: str) -> None:
    reply = program.call("GET", f"/api/v1/advertisers/adv1/things?{query}")
    assert reply.status == HTTPStatus.BAD_REQUEST
    assert reply.headers["Content-Type"].startswith("application/problem+json")


def test_a_list_is_a_table_without_formulas(program: Browser) -> None:
    reply = program.call("GET", "/api/v1/advertisers/adv1/things", Accept="text/csv")
    lines = reply.body.decode().splitlines()
    assert lines[:2] == ["thing_id,words,parts", "t0,'=1+1,[0]"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b'{"thing_id":1}', 400), (b'{"thing_id":"\\u0000"}', 400),
     (b"[" * 90_000, 400), (b"\xff", 400), (b" " * 300_000, 413)],
)  # fmt: skip
def test_a_body_that_is_not_understood_is_refused(
    program: Browser, body: bytes, status: int, house: House
) -> None:
    path = "/api/v1/advertisers/adv1/things"
    reply = program.call("POST", path, body, Content_Type="application/json")
    assert reply.status == status
    assert house.made == 0


def test_a_repeated_write_is_answered_from_memory(program: Browser, house: House) -> None:
    path = "/api/v1/advertisers/adv1/things"

    def write(words: str, key: str) -> tuple[int, dict[str, str]]:
        body = json.dumps({"thing_id": "", "words": words}).encode()
        reply = program.call(
            "POST", path, body, Content_Type="application/json", Idempotency_Key=key
        )
        return reply.status, reply.json

    assert write("a", "k1") == write("a", "k1")
    assert house.made == 1
    assert write("b", "k1")[0] == HTTPStatus.CONFLICT
    assert write("b", "k2")[1]["thing_id"] == "t2"
    assert write("a", "x" * 201)[0] == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("words", "again", "made"),
    [
        ("away", HTTPStatus.CREATED, 2),
        ("written, then away", HTTPStatus.CONFLICT, 1),
    ],
)
def test_a_write_that_failed_is_done_again_unless_it_wrote_something(
    program: Browser, house: House, words: str, again: int, made: int
) -> None:
    body = json.dumps({"thing_id": "", "words": words}).encode()

    def status() -> int:
        path = "/api/v1/advertisers/adv1/things"
        headers = {"Content_Type": "application/json", "Idempotency_Key": "one"}
        return program.call("POST", path, body, **headers).status

    assert status() == HTTPStatus.SERVICE_UNAVAILABLE
    assert status() == again
    assert house.made == made


def test_two_writes_at_once_with_one_key_are_one(program: Browser, house: House) -> None:
    path = "/api/v1/advertisers/adv1/things"
    body = json.dumps({"thing_id": "", "words": "a"}).encode()
    answers = []

    def write() -> None:
        reply = program.call(
            "POST", path, body, Content_Type="application/json", Idempotency_Key="same"
        )
        answers.append((reply.status, reply.body))

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert house.made == 1
    assert len(set(answers)) == 1


def test_a_file_has_its_name_and_is_not_kept(owner: Browser) -> None:
    reply = owner.call("GET", "/advertisers/adv1/file")
    assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''t%C3%A4ble.csv"


def test_an_unknown_path_and_method_are_told_in_the_callers_form(port: int) -> None:
    page = Browser(port).call("GET", "/nowhere")
    assert page.status == 404
    assert page.headers["Content-Type"].startswith("text/html")
    program = Browser(port).call("GET", "/api/v1/nowhere", Accept="application/json")
    assert program.headers["Content-Type"].startswith("application/problem+json")
    wrong = Browser(port).call("PUT", "/openapi.json", Accept="*/*")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "GET,HEAD")
