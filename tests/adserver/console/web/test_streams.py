"""A file that is made while it is sent: whole, or broken off so that nobody takes it for whole."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from adserver.accounts.identity import Role
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Reply, Stream
from adserver.console.web.routes import Area, Page
from adserver.console.web.tables import csv_pieces
from models.domain.campaign import Advertiser
from models.domain.ids import AdvertiserId
from tests.adserver.console.web.people import browser_of
from tests.adserver.console.web.running import Browser, desk_over, listening

PAGES = 40
ROWS = [("=1+1", number) for number in range(500)]


def whole(_desk: Desk, _call: Call) -> Reply:
    return Stream(csv_pieces(("text", "number"), (ROWS for _ in range(PAGES))), "text/csv", "ä.csv")


def broken(_desk: Desk, _call: Call) -> Reply:
    def pages() -> Iterator[list[tuple[str, int]]]:
        yield ROWS
        raise RuntimeError("on purpose")

    return Stream(csv_pieces(("text", "number"), pages()), "text/csv", "broken.csv")


@pytest.fixture
def ann(settings: Settings) -> Iterator[Browser]:
    own = "/advertisers/{advertiser_id}"
    area = Area(
        "test",
        pages=(Page("GET", f"{own}/whole.csv", whole), Page("GET", f"{own}/broken.csv", broken)),
        endpoints=(),
    )
    with desk_over(settings) as desk:
        desk.catalog.add(Advertiser(AdvertiserId("adv1"), "One"), datetime.now(UTC))
        with listening(desk, [area]) as port:
            yield browser_of(desk, port, Role.ADVERTISER, "adv1")


def test_every_row_comes_and_the_file_has_its_name(ann: Browser) -> None:
    reply = ann.call("GET", "/advertisers/adv1/whole.csv")
    lines = reply.body.decode().splitlines()
    assert len(lines) == 1 + PAGES * len(ROWS)
    assert lines[:2] == ["text,number", "'=1+1,0"]
    assert reply.headers["Content-Type"] == "text/csv"
    assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%A4.csv"
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in reply.headers


def test_asked_for_its_head_only_nothing_is_made(ann: Browser) -> None:
    reply = ann.call("HEAD", "/advertisers/adv1/broken.csv")
    assert (reply.status, reply.body) == (200, b"")


def received(ann: Browser, path: str, version: str) -> bytes:
    """All bytes of an answer until the connection ends well.

    Raises:
        ConnectionResetError: it ended with a reset.
    """
    cookies = "; ".join(f"{name}={value}" for name, value in ann.cookies.items())
    head = f"GET {path} HTTP/{version}\r\nHost: x\r\nCookie: {cookies}\r\nConnection: close"
    with socket.create_connection(("127.0.0.1", ann.port), timeout=30) as plug:
        plug.sendall(f"{head}\r\n\r\n".encode())
        return b"".join(iter(lambda: plug.recv(1 << 16), b""))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_file_that_cannot_be_finished_is_broken_off(ann: Browser, version: str) -> None:
    with pytest.raises(ConnectionResetError):
        received(ann, "/advertisers/adv1/broken.csv", version)
    assert ann.call("GET", "/advertisers/adv1/whole.csv").status == 200


def test_a_whole_file_ends_well_without_chunks_too(ann: Browser) -> None:
    answer = received(ann, "/advertisers/adv1/whole.csv", "1.0")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert len(body.splitlines()) == 1 + PAGES * len(ROWS)
