"""`/r/{code}` on a running worker: where it leads, what it records, what it refuses.

Whatever a stranger sends, no answer is a 500 and none leads off the merchant's host.
"""

import socket
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from adserver import link_package, metrics
from adserver.eventlog.outbox_file import OutboxFile
from adserver.eventlog.rows import unpack_columns
from adserver.stores import database, partners
from adserver.stores.database import connect_url
from adserver.stores.link_publisher import LinkPublisher
from adserver.stores.links import make_link
from affiliate.link import Link, Target, plain_code
from affiliate.order import Touch, TouchKind
from affiliate.partner import Standing
from models.domain.ids import Sku
from tests.adserver.api.running import (
    Client,
    Reply,
    Worker,
    running,
    settings_in,
    unique,
    wait_for,
)
from tests.affiliates import BLOG, HOME, LONG_AGO, PARTNER, SHOP, fill, wanted
from tests.builders import small_marketplace

PLAIN = "/r/p_blog~m_shop~A-1"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1)"
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"


class House:
    """A worker with links, and the database that they come from."""

    def __init__(self, worker: Worker, directory: Path) -> None:
        self.worker, self.directory = worker, directory
        self.engine = connect_url(f"sqlite:///{directory / 'links.sqlite'}")
        fill(self.engine)
        self.publisher = LinkPublisher(self.engine, directory)

    def publish(self) -> None:
        """As the console does, and waits until the worker has taken it up."""
        if versions := self.publisher.look():
            books = self.worker.serving.links._watched
            wait_for(lambda: {one.version for one in books} >= set(versions))
            wait_for(lambda: self.worker.serving.links._links is books[0].content)

    def make(self, link: Link) -> Link:
        with database.writing(self.engine) as connection:
            made = make_link(connection, link, LONG_AGO)
        self.publish()
        return made

    def put(self, standing: Standing) -> None:
        with database.writing(self.engine) as connection:
            partners.put_partner(connection, replace(PARTNER, standing=standing), LONG_AGO)
        self.publish()

    def recorded(self, **marks: str) -> list[dict[str, Any]]:
        """The rows on disk, found by what they say."""
        with closing(OutboxFile(self.directory / "outbox" / "w0.sqlite")) as file:
            found = file._db.execute("SELECT body FROM batch WHERE event_table = 'link_clicks'")
            columns = unpack_columns("link_clicks", [body for (body,) in found])
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return [row for row in rows if all(row[name] == mark for name, mark in marks.items())]

    def touch(self, reply: Reply) -> Touch:
        """The touch in the click id that the merchant is given."""
        (click_id,) = parse_qs(urlsplit(reply.headers["Location"]).query)["click_id"]
        return self.worker.serving.receipts.read(click_id)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, redis_embedded_url: str) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("house")
    networks = directory / "networks"
    networks.write_text("198.51.100.0/24\n")
    settings = settings_in(directory, redis_embedded_url, datacenter_cidrs_file=str(networks))
    with running(settings, small_marketplace()) as worker:
        made = House(worker, directory)
        made.publish()
        yield made
        made.engine.dispose()


@pytest.fixture
def shopper(house: House) -> Client:
    return house.worker.client(user_agent=PHONE)


def test_a_click_is_on_disk_when_the_shopper_is_sent_on(house: House, shopper: Client) -> None:
    mark = unique("s")
    reply = shopper.call("GET", f"{PLAIN}?sub1={mark}&sub5=%E4%BA%94&customer_ref=c1&sub9=x")
    assert reply.status == 302
    assert reply.headers["Location"].startswith("https://www.shop.example/p/1?v=2&click_id=")
    assert "Set-Cookie" not in reply.headers
    touch = house.touch(reply)
    (row,) = house.recorded(sub1=mark)
    assert row["event_id"].hex() == touch.touch_id
    assert row["occurred_ms"] == round(touch.clicked_at.timestamp() * 1000)
    assert row["sub5"] == "五"
    assert row["address_key"] > 0
    assert touch == Touch(
        touch_id=touch.touch_id, kind=TouchKind.LINK, clicked_at=touch.clicked_at, partner_id=BLOG,
        merchant_id=SHOP, sku=Sku("A-1"), link_code=plain_code(Target(BLOG, SHOP, Sku("A-1"))),
        subs=(mark, "", "", "", "五"), customer_ref="c1",
    )  # fmt: skip


def test_every_click_is_one_of_its_own(house: House, shopper: Client) -> None:
    mark = unique("s")
    ids = {house.touch(shopper.call("GET", f"{PLAIN}?sub1={mark}")).touch_id for _ in range(5)}
    assert {row["event_id"].hex() for row in house.recorded(sub1=mark)} == ids
    assert len(ids) == 5


def test_a_link_to_the_shop_leads_to_its_home(shopper: Client) -> None:
    reply = shopper.call("GET", "/r/p_blog~m_shop")
    assert reply.headers["Location"].startswith(f"{HOME}?click_id=")


def test_the_click_id_goes_where_the_page_wants_it(shopper: Client) -> None:
    location = shopper.call("GET", f"/r/p_blog~m_shop~{quote('红/2', safe='')}").headers["Location"]
    assert location.startswith("https://m.shop.example/%E7%BA%A2?id=")
    assert "click_id" not in location


def test_a_short_link_brings_its_own_sub_ids_where_the_click_has_none(
    house: House, shopper: Client
) -> None:
    made = house.make(wanted(url="https://shop.example/sale", subs=("a", "b", "", "", "")))
    touch = house.touch(shopper.call("GET", f"/r/{made.code}?sub2=mine&sub3=c&sub2=other"))
    assert touch.subs == ("a", "mine", "c", "", "")
    assert touch.link_code == made.code


def test_a_page_of_another_host_is_not_led_to_and_the_partner_still_earns(
    house: House, shopper: Client
) -> None:
    reply = shopper.call("GET", "/r/p_blog~m_shop~old")
    assert reply.headers["Location"].startswith(f"{HOME}?click_id=")
    assert house.touch(reply).sku == "old"


@pytest.mark.parametrize("address", ["198.51.100.7", "203.0.113.5"])
def test_bots_and_data_centres_are_led_on_with_a_receipt_that_earns_nothing(
    house: House, address: str
) -> None:
    sender = house.worker.client(user_agent=BOT if address.startswith("203") else PHONE)
    sender.address = address
    mark = unique("s")
    reply = sender.call("GET", f"{PLAIN}?sub1={mark}")
    why = "crawler" if address.startswith("203") else "data_centre"
    assert reply.status == 302
    assert house.touch(reply).invalid == why
    assert [row["invalid"] for row in house.recorded(sub1=mark)] == [why]


def test_a_program_that_only_looks_is_answered_and_not_recorded(
    house: House, shopper: Client
) -> None:
    mark = unique("s")
    reply = shopper.call("HEAD", f"{PLAIN}?sub1={mark}")
    assert (reply.status, reply.body) == (302, b"")
    assert house.touch(reply).invalid == "head_request"
    assert house.recorded(sub1=mark) == []


@pytest.mark.parametrize(
    "code",
    ["", "~", "p_blog", "p_blog~", "p_blog~m_none", "p_none~m_shop", "p_new~m_shop", "Ab3dE6g",
     "p_blog~m_shop~none", "p_blog~m_shop~%FF", "p_blog~m_shop~A-1%0A", "p_blog~m_shop/x", "../",
     "p_blog~m_shop~A-1/..", "%70_blog~m_shop", "A" * 20, "p_blog~m_shop~" + "A" * 6_000],
)  # fmt: skip
def test_unknown_codes_are_404(shopper: Client, code: str) -> None:
    for method in ("GET", "HEAD"):
        assert shopper.call(method, f"/r/{code}").status == 404
    assert shopper.call("GET", f"/r/{code}.svg").status == 404


def test_other_methods_are_not_taken(shopper: Client) -> None:
    reply = shopper.call("POST", PLAIN)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("name", ["sub1", "sub5", "customer_ref"])
@pytest.mark.parametrize("text", ["x" * 129, "a%0d%0aSet-Cookie:%20a=b", "%00", "%E2%80%AE"])
def test_texts_that_are_too_long_or_no_text_are_refused(
    shopper: Client, name: str, text: str
) -> None:
    reply = shopper.call("GET", f"{PLAIN}?{name}={text}")
    assert reply.status == 400
    assert name in reply.json["detail"]


def test_sub_ids_that_are_too_long_together_are_refused(house: House, shopper: Client) -> None:
    mark = unique("s")
    fits = "&".join(f"sub{n}={'x' * 128}" for n in range(2, 6))
    assert shopper.call("GET", f"{PLAIN}?sub1={mark}&{fits}").status == 302
    long = "&".join(f"sub{n}={quote('红' * 100)}" for n in range(2, 6))
    assert shopper.call("GET", f"{PLAIN}?sub1={mark}x&{long}").status == 400
    assert house.recorded(sub1=f"{mark}x") == []


def test_a_suspended_partners_links_stop_within_two_seconds(house: House, shopper: Client) -> None:
    house.put(Standing.SUSPENDED)
    try:
        assert shopper.call("GET", PLAIN).status == 404
        assert shopper.call("GET", "/r/p_blog~m_shop.svg").status == 404
    finally:
        house.put(Standing.APPROVED)
    assert shopper.call("GET", PLAIN).status == 302


def test_the_qr_code_is_a_picture_of_the_links_own_address(house: House, shopper: Client) -> None:
    reply = shopper.call("GET", f"{PLAIN}.svg?sub1=x")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "image/svg+xml")
    assert ET.fromstring(reply.body).tag == "{http://www.w3.org/2000/svg}svg"
    head = shopper.call("HEAD", f"{PLAIN}.svg")
    assert (head.status, head.body) == (200, b"")
    assert house.recorded(sub1="x") == []


def test_a_damaged_publication_leaves_the_links_in_force_working(
    house: House, shopper: Client, caplog: pytest.LogCaptureFixture
) -> None:
    root = house.directory / link_package.LINKS
    link_package.publication.publish(root, "broken", {link_package.FILE: b"x" * 4_096})
    wait_for(lambda: "broken cannot be read" in caplog.text)
    assert shopper.call("GET", PLAIN).status == 302
    house.publisher._links = ()
    house.publish()


def test_a_full_outbox_turns_clicks_away_and_says_when_to_come_again(
    house: House, shopper: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = house.worker.serving.clicks
    monkeypatch.setattr(outbox, "_max_rows", 0)
    reply = shopper.call("GET", PLAIN)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert "Location" not in reply.headers
    monkeypatch.undo()
    assert shopper.call("GET", PLAIN).status == 302


def test_a_disk_that_refuses_turns_clicks_away(
    house: House, shopper: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(house.worker.serving.clicks._file, "write", refuse)  # type: ignore[attr-defined]
    assert shopper.call("GET", PLAIN).status == 503
    monkeypatch.undo()
    assert shopper.call("GET", PLAIN).status == 302


def test_a_flood_of_crawlers_is_led_on_and_recorded_at_a_limited_pace(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.worker.serving, "suspects", NothingLeft())
    crawler, mark = house.worker.client(user_agent=BOT), unique("s")
    assert crawler.call("GET", f"{PLAIN}?sub1={mark}").status == 302
    assert house.recorded(sub1=mark) == []
    monkeypatch.setattr(house.worker.serving, "pictures", NothingLeft())
    assert crawler.call("GET", f"{PLAIN}.svg").status == 503


class NothingLeft:
    """An allowance that is used up."""

    def take(self, _now_s: float) -> bool:
        return False


often = hypothesis_settings(
    deadline=None, max_examples=1_500, suppress_health_check=list(HealthCheck), database=None
)
TRICKS = (
    "p_blog~m_shop", "~", "A-1", "%2F", "%2f%2f", "%5C", "%0d%0a", "%00", "%", "%u2215", "%ff",
    "//evil.example", "https:", "@", ".svg", "%7e", "%7E", "p_blog", "m_shop", "{click_id}", ";",
    "%252F", "%E7%BA%A2", "'", '"', "<", ">", "\\", "..", ":", "^", "|", "`", "+", "&", "=",
    "?sub1=", "?customer_ref=", "?click_id=", "?url=https://evil.example", "a" * 3_000,
)  # fmt: skip
paths = st.lists(
    st.sampled_from(TRICKS)
    | st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=9
    ),
    max_size=8,
).map("".join)


@often
@given(path=paths, method=st.sampled_from(["GET", "HEAD"]), known=st.booleans())
def test_no_code_leads_off_the_merchants_host_or_breaks_anything(
    shopper: Client, path: str, method: str, known: bool
) -> None:
    before = metrics.REQUESTS.counts["500"]
    reply = shopper.call(method, f"{PLAIN if known else '/r/'}{path}")
    assert metrics.REQUESTS.counts["500"] == before
    assert reply.status in {200, 302, 400, 404, 431, 503}
    if reply.status == 302:
        assert_at_the_merchants(reply)


@often
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["sub1", "sub5", "customer_ref", "click_id", "url", "%73ub1", ""]),
            st.text(max_size=150) | st.sampled_from(TRICKS),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_no_query_leads_off_the_merchants_host_or_breaks_anything(
    shopper: Client, pairs: list[tuple[str, str]], encoded: bool
) -> None:
    said = "&".join(
        f"{name}={quote(text, safe='') if encoded else quote(text, safe='%&=+;')}"
        for name, text in pairs
    )
    reply = shopper.call("GET", f"{PLAIN}?{said}"[:8_000])
    assert reply.status in {302, 400}
    if reply.status == 302:
        assert_at_the_merchants(reply)


@hypothesis_settings(parent=often, max_examples=300)
@given(
    st.sampled_from([b"/r/", b"/r/p_blog~m_shop~", b"/r/p_blog~m_shop~A-1?sub1="]),
    st.binary(min_size=1, max_size=60).map(lambda raw: raw.translate(None, b" \r\n")),
)
def test_raw_bytes_break_nothing(house: House, path: bytes, rest: bytes) -> None:
    with socket.create_connection(("127.0.0.1", house.worker.port), timeout=5) as connection:
        connection.sendall(b"GET " + path + rest + b" HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = connection.recv(4_096)
    assert int(answer[9:12]) in {200, 302, 400, 404}, answer


def assert_at_the_merchants(reply: Reply) -> None:
    location = reply.headers["Location"]
    parts = urlsplit(location)
    assert parts.scheme == "https"
    assert parts.netloc in {"www.shop.example", "m.shop.example"}
    assert location.isascii()
    assert location.isprintable()
    assert not set(location) & set(' \\"<>')
    assert "evil" not in unquote(location)
