"""What comes to the port and is no HTTP, or hardly: a calm answer, one line, nothing said back."""

import logging
import re
import socket
import zlib
from collections.abc import Iterator
from contextlib import closing

import pytest

from adserver.accounts.identity import Role
from adserver.config import Settings
from adserver.console import look
from adserver.console.desk import Desk
from adserver.console.web import incoming
from adserver.console.web.routes import Area
from tests.adserver.console.web.people import browser_of
from tests.adserver.console.web.running import (
    BOUNDARY,
    MULTIPART,
    Browser,
    desk_over,
    listening,
)
from tests.adserver.console.web.test_doors import House
from tests.adserver.media.memory import watched

FORM = "application/x-www-form-urlencoded"
HOST = b"Host: x\r\nAccept: text/html\r\nConnection: close\r\n"
POST = b"POST /look HTTP/1.1\r\n" + HOST + b"Content-Type: " + FORM.encode() + b"\r\n"
MARK = b"<script>alert(1)</script>"
NONSENSE = {
    "a header that is none": b"GET /" + MARK + b" HTTP/1.1\r\n" + MARK + b": \x00\r\n\r\n",
    "a handshake of TLS": b"\x16\x03\x01\x02\x00" + MARK + b"\r\n\r\n",
    "a method of signs": b"<SCRIPT> / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a line without end": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header without end": b"GET / HTTP/1.1\r\nX: " + MARK * 5_000 + b"\r\n\r\n",
    "five hundred headers": b"GET / HTTP/1.1\r\n"
    + b"".join(b"X-%d: %s\r\n" % (number, MARK) for number in range(500))
    + b"\r\n",
    "a length below nothing": POST + b"Content-Length: -5\r\n\r\n",
    "a length beyond numbers": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a piece of no length": POST + b"Transfer-Encoding: chunked\r\n\r\n<script>\r\nabc\r\n",
}
STRANGE = {
    "a cookie of any bytes": b"GET /sign-in HTTP/1.1\r\n"
    + HOST
    + b"Cookie: adunion_visitor=\xff\xfe; adunion_notice=\xe4; adunion_language=%00\r\n\r\n",
    "a session of any bytes": b"GET /sign-in HTTP/1.1\r\n"
    + HOST
    + b'Cookie: adunion_session="\\000\\377\xff"\r\n\r\n',
    "a long cookie": b"GET /sign-in HTTP/1.1\r\n"
    + HOST
    + b"Cookie: a="
    + b"b" * 8_000
    + b"\r\n\r\n",
    "a host of signs": b'GET /sign-in HTTP/1.1\r\nHost: "><script>\r\nConnection: close\r\n\r\n',
    "a language of signs": b"GET /sign-in HTTP/1.1\r\n"
    + HOST
    + b"Accept-Language: <script>,;\xff,"
    + b"a," * 3_000
    + b"\r\n\r\n",
    "an expectation": POST + b"Expect: <script>\r\nContent-Length: 1\r\n\r\n1",
    "another site's path": b"GET http://evil.example/sign-in HTTP/1.1\r\n" + HOST + b"\r\n",
    "a path of bytes": b"GET /%ff%fe%zz?%ff=%zz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a type of signs": b"POST /look HTTP/1.1\r\n"
    + HOST
    + b'Content-Type: <script>; charset="\xff\r\nContent-Length: 1\r\n\r\n1',
    "a tunnel": b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    with desk_over(settings) as desk:
        yield desk


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def area(house: House) -> Area:
    return house.area()


@pytest.fixture
def port(desk: Desk, area: Area) -> Iterator[int]:
    with listening(desk, [area, look.AREA]) as port:
        yield port


@pytest.fixture
def operator(desk: Desk, port: int) -> Browser:
    return browser_of(desk, port, Role.OPERATOR)


def said(port: int, sent: bytes, *, cut: bool = False) -> bytes:
    """Everything that is answered to these bytes until the connection is closed."""
    answer = b""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as line:
        line.sendall(sent)
        if cut:
            line.shutdown(socket.SHUT_WR)
        while piece := line.recv(65_536):
            answer += piece
    return answer


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_one_line_in_the_log_and_is_not_said_back(
    port: int, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = said(port, NONSENSE[name])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert b"application/problem+json" in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert b"script" not in body
    assert b"aaa" not in body
    told = [one for one in caplog.records if one.name.startswith(("aiohttp", "adserver"))]
    assert len(told) == 1
    assert told[0].exc_info is None
    assert "\n" not in told[0].getMessage()


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_strange_but_http_breaks_nothing(
    port: int, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = said(port, STRANGE[name])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] in {b"200", b"404", b"415", b"417"}
    assert b"Content-Security-Policy" in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert b"text/html" not in head or not re.search(rb"<script>|><script", body)
    assert not [one for one in caplog.records if one.exc_info]


def test_no_answer_says_what_it_is_made_with(port: int) -> None:
    for sent in (*NONSENSE.values(), *STRANGE.values()):
        answer = said(port, sent)
        assert b"aiohttp" not in answer
        assert b"Python" not in answer


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "HEAD", "PUT", "PROPFIND"])
def test_other_methods_do_nothing_and_say_nothing_back(
    operator: Browser, house: House, method: str
) -> None:
    reply = operator.call(method, "/advertisers/adv1/form", Cookie_Echo=MARK.decode())
    assert reply.status == (200 if method == "HEAD" else 405)
    assert MARK not in reply.body
    assert not house.taken


def test_a_body_that_is_cut_off_is_refused_quietly(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nemail\r\n"
    assert said(port, POST + b"Content-Length: 100\r\n\r\nemail=", cut=True) == b""
    assert said(port, chunked, cut=True) == b""
    assert not [one for one in caplog.records if one.exc_info]


def test_a_body_that_does_not_come_is_not_waited_for(
    port: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "BODY_S", 0.3)
    for sent in (b"Content-Length: 100\r\n\r\nemail=", b"Transfer-Encoding: chunked\r\n\r\n"):
        with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as line:
            line.sendall(POST + sent)
            assert line.recv(65_536).split()[1] == b"408"
    assert not [one for one in caplog.records if one.exc_info]


def test_a_packed_body_is_refused_before_it_grows(operator: Browser, house: House) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()
    with watched() as peak:
        for path, kind in (("form", FORM), ("upload", MULTIPART)):
            for packing in ("gzip", "deflate", "br", "GZIP", "identity, gzip"):
                reply = operator.call(
                    "POST",
                    f"/advertisers/adv1/{path}",
                    bomb,
                    Content_Type=kind,
                    Content_Encoding=packing,
                )
                assert reply.status == 415, (path, packing)
    assert not house.taken
    assert peak.above_idle < 50_000_000


def test_the_texts_of_a_multipart_form_stay_small_together(operator: Browser) -> None:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n'.encode()
    body = (head + b"a" * 700_000 + b"\r\n") * 2
    reply = operator.call("POST", "/advertisers/adv1/upload", body, Content_Type=MULTIPART)
    assert reply.status == 413
    many = (head + b"\r\n") * 2_001
    reply = operator.call("POST", "/advertisers/adv1/upload", many, Content_Type=MULTIPART)
    assert reply.status in {400, 413}
