"""Uploads by people who mean ill, sent to a console that is a process of its own.

Never here: which file is which kind of abuse (`tests.adserver.media`). The one surprising fact: all
of it is measured from outside: what the process and its children hold, what lies on the disk.
"""

import asyncio
import gzip
import io
import os
import select
import socket
import tempfile
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adserver.accounts.identity import Role
from adserver.config import Settings
from adserver.stores.catalog import open_catalog
from adserver.stores.partner_changes import SqlPartners
from affiliate.merchandise import Merchant
from models.domain.ids import MerchantId
from tests.adserver.console.creatives.studio import BASE, market, send
from tests.adserver.console.creatives.test_uploads import ABUSE
from tests.adserver.console.web.people import browser_of, program_of
from tests.adserver.console.web.running import BOUNDARY, MULTIPART, Browser, desk_over
from tests.adserver.media import made_files as files
from tests.adserver.media.memory import Peak, watched
from tests.engines import free_port
from tests.journeys.installation import Process

FILES = "/api/v1/advertisers/adv1/files"
SHOP = "/house/merchants/m1"
MOST_ABOVE_IDLE = 200_000_000
HUGE = 200_000_000
PIECE = bytes(1_000_000)
LINK, EVIL = 0o120777 << 16, b"\x89PNG evil"


@dataclass
class Console:
    """A console's process, and people with a way in."""

    process: Process
    directory: Path
    browser: Browser
    program: Browser
    operator: Browser

    def left(self) -> set[str]:
        """Every file that uploads could have left behind, on the shelf, aside or anywhere else."""
        places = (self.directory / "media", self.directory / "tmp")
        found = (path for place in places for path in place.rglob("*") if path.is_file())
        evil = self.directory.rglob("*evil*")
        return {str(path.relative_to(self.directory)) for path in (*found, *evil)}

    def watched(self) -> AbstractContextManager[Peak]:
        """What the process and its children hold while the context is open."""
        assert self.process.child is not None
        return watched(self.process.child.pid)

    def head(self, path: str, *more: str) -> bytes:
        """The beginning of a request of the advertiser's program that brings a file."""
        bearer = self.program.headers["Authorization"]
        lines = (f"POST {path} HTTP/1.1", "Host: x", f"Authorization: {bearer}",
                 f"Content-Type: {MULTIPART}", *more, "", "")  # fmt: skip
        return "\r\n".join(lines).encode()


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with tempfile.TemporaryDirectory(prefix="ad-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        (directory / "tmp").mkdir()
        settings = Settings(data_dir=directory, console_port=free_port())
        with closing(open_catalog(settings)) as catalog:
            catalog.replace(market(), datetime.now(UTC))
        process = process_of(settings)
        process.start()
        try:
            asyncio.run(process.until_ready())
            yield peopled(process, settings)
        finally:
            process.end()


def process_of(settings: Settings) -> Process:
    """A console that keeps what it puts down for a moment where the test can see it."""
    own = {
        "ADUNION_DATA_DIR": str(settings.data_dir),
        "ADUNION_CONSOLE_PORT": str(settings.console_port),
        "TMPDIR": str(settings.data_dir / "tmp"),
    }
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ADUNION_")}
    log = settings.data_dir / "console.log"
    return Process("console", kept | own, log, settings.console_port)


def peopled(process: Process, settings: Settings) -> Console:
    """The console with people, once it has taken a file and is at rest again."""
    with desk_over(settings) as desk:
        people = SqlPartners(desk.engine, "CNY", ZoneInfo(settings.time_zone))
        with people.changing(datetime.now(UTC)) as to:
            to.add_merchant(Merchant(MerchantId("m1"), "m1", "https://shop.example/"))
        browser = browser_of(desk, process.port, Role.ADVERTISER, "adv1")
        program = program_of(desk, process.port, Role.ADVERTISER, "adv1")
        operator = browser_of(desk, process.port, Role.OPERATOR)
    console = Console(process, settings.data_dir, browser, program, operator)
    assert send(program, FILES, "file", "a.png", files.encoded("PNG", seed=7)).status == 201
    assert "<h1>" in browser.get(BASE)
    return console


def poured(port: int, head: bytes, total: int, *, chunked: bool) -> tuple[int, int, float]:
    """Sends a body as long as nobody answers: the status, how much was sent, how long it took."""
    began, sent = time.monotonic(), 0
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"'
    first = f"{part}\r\n\r\n".encode()
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as line:
        line.sendall(head + (b"%x\r\n%s\r\n" % (len(first), first) if chunked else first))
        while sent < total and not select.select([line], [], [], 0)[0]:
            line.sendall(b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if chunked else PIECE)
            sent += len(PIECE)
        return int(line.recv(64).split()[1]), sent, time.monotonic() - began


def zip_with(*names: str, link: bool = False) -> bytes:
    """An archive with entries of any name; the first may be a link to a file of the system."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as into:
        for number, name in enumerate(names):
            info = zipfile.ZipInfo(name)
            info.external_attr = LINK if link and number == 0 else 0o644 << 16
            into.writestr(info, "/etc/passwd" if link and number == 0 else EVIL)
        into.writestr("creatives.csv", "file,line_item_id,format,landing_url\n")
    return packed.getvalue()


ARCHIVES = {
    "up": zip_with("../../evil.png"),
    "absolute": zip_with("/tmp/evil.png"),
    "windows": zip_with("..\\..\\evil.png", "C:\\evil.png"),
    "link": zip_with("a.png", link=True),
    "link to a directory": zip_with("a", "a/evil.png", link=True),
    "device": zip_with("CON", "nul.png", "a.png\x00.evil"),
    "bomb": files.zip_bomb(300),
    "liar": files.lying_zip(),
    "many": files.zip_of_many(20_000),
    "none": b"PK\x03\x04" + os.urandom(2_000),
}
FEEDS = {
    "laughs": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n + 1, b"&a%d;" % n * 10) for n in range(9))
    + b"]><rss>&a9;</rss>",
    "outside": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item>'
    b"<title>&x;</title></item></rss>",
    "elsewhere": b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/evil.dtd"><rss/>',
    "deep": b"<rss>" + b"<a>" * 200_000,
    "one line": b"<rss><item><title>" + b"a" * 40_000_000,
    "packed nothing": gzip.compress(bytes(400_000_000), 1),
    "packing as encoding": b'<?xml version="1.0" encoding="zlib"?><rss/>',
    "json": b"[" * 5_000_000,
    "columns": b"," * 5_000_000 + b"\n",
}


def test_two_hundred_megabytes_are_refused_before_they_have_come(console: Console) -> None:
    before = console.left()
    with console.watched() as peak:
        told = console.head(FILES, f"Content-Length: {HUGE}")
        status, sent, took_s = poured(console.process.port, told, HUGE, chunked=False)
        assert (status, took_s < 2) == (413, True)
        assert sent < 20_000_000
        untold = console.head(FILES, "Transfer-Encoding: chunked")
        status, sent, took_s = poured(console.process.port, untold, HUGE, chunked=True)
        assert (status, took_s < 10) == (413, True)
        assert sent < 100_000_000
    assert console.left() == before
    assert peak.above_idle < MOST_ABOVE_IDLE


def test_whatever_a_file_is_made_to_do_the_console_stays_small(console: Console) -> None:
    before = console.left()
    with console.watched() as peak:
        for name, content in ABUSE.items():
            reply = send(console.program, FILES, "file", name, content)
            assert reply.status == 422, (name, reply.body)
            page = console.browser.upload(f"{BASE}/files", {}, [("files", name, content)])
            assert page.status == 422, name
    assert console.left() == before
    assert peak.above_idle < MOST_ABOVE_IDLE


def test_many_bombs_at_once_take_no_more_than_one(console: Console) -> None:
    before = console.left()
    bombs = [files.png_bomb(), files.webp_bomb(), files.gif_of(10_000), files.zip_bomb(60)] * 3
    with console.watched() as peak, ThreadPoolExecutor(6) as people:
        replies = people.map(
            lambda bomb: send(console.program, FILES, "file", "b.png", bomb), bombs
        )
        assert {reply.status for reply in replies} <= {422, 503}
    assert console.left() == before
    assert peak.above_idle < MOST_ABOVE_IDLE


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_writes_nowhere(console: Console, name: str) -> None:
    before = console.left()
    with console.watched() as peak:
        sent = [("archive", "a.zip", ARCHIVES[name])]
        reply = console.browser.upload(f"{BASE}/bulk", {}, sent)
    assert reply.status == 422
    assert b"root:" not in reply.body
    assert console.left() == before
    assert not Path("/tmp/evil.png").exists()
    assert peak.above_idle < MOST_ABOVE_IDLE


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_neither_grows_nor_reads_nor_calls(console: Console, name: str) -> None:
    before = console.left()
    began = time.monotonic()
    with console.watched() as peak:
        reply = console.operator.upload(
            f"{SHOP}/feed", {}, [("feed", f"{name}.xml", FEEDS[name])], on=SHOP
        )
    assert reply.status in {200, 422}
    assert b"root:" not in reply.body
    assert console.left() == before
    assert peak.above_idle < MOST_ABOVE_IDLE
    assert time.monotonic() - began < 20


def test_a_sender_who_goes_away_leaves_nothing(console: Console) -> None:
    before = console.left()
    for _ in range(5):
        with closing(socket.create_connection(("127.0.0.1", console.process.port))) as line:
            line.sendall(console.head(FILES, f"Content-Length: {len(PIECE) * 9}") + PIECE)
    until = time.monotonic() + 10
    while console.left() != before and time.monotonic() < until:
        time.sleep(0.05)
    assert console.left() == before


def test_after_all_that_pages_still_answer_and_the_log_is_calm(console: Console) -> None:
    assert console.browser.call("GET", BASE).status == 200
    assert send(console.program, FILES, "file", "b.png", files.encoded("PNG", seed=9)).status == 201
    log = (console.directory / "console.log").read_text()
    assert "Traceback" not in log
    assert "broke an invariant" not in log
