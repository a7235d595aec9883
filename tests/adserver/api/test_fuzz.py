"""Ten thousand bad requests: none is answered 500, none counts what it must not.

The worker, its Redis and its outbox are real. What a stranger can send is drawn by hypothesis from
the bytes up: HTTP itself, paths and tokens, headers, JSON, and bodies that are almost right.
"""

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from adserver import metrics
from tests.adserver.api.running import Client, Worker, unique

KNOWN = {200, 204, 302, 400, 401, 403, 404, 405, 408, 413, 415, 431, 503}
often = settings(
    deadline=None, max_examples=2_000, suppress_health_check=list(HealthCheck), database=None
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "0", "\x00", "\ud800", "￿", "x" * 3_000, "<script>", "'; DROP", "../"])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = (
    "request_id", "placement_id", "count", "user", "device", "geo", "app", "regs", "test", "debug",
    "id", "gender", "yob", "data", "segment", "ext", "personalized", "os", "osv", "devicetype",
    "connectiontype", "w", "h", "lmt", "ifa", "oaid", "country", "coppa", "ver", "language",
)  # fmt: skip
near = st.recursive(
    scalars,
    lambda inner: (
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=6) | st.lists(inner, max_size=3)
    ),
    max_leaves=20,
)


@pytest.fixture(autouse=True)
def no_invariant_breaks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever the test sends, no answer of it is a 500."""
    before = metrics.REQUESTS.counts["500"]
    yield
    assert metrics.REQUESTS.counts["500"] == before, caplog.text


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@often
@given(body=st.dictionaries(st.sampled_from(NAMES), near, max_size=8), known=st.booleans())
def test_bodies_that_are_almost_right(client: Client, body: dict[str, Any], known: bool) -> None:
    if known:
        body = {"request_id": "r", "placement_id": "pl1"} | body
    reply = post(client, encoded(body))
    assert reply.status in (200, 204, 400, 403)
    if reply.status in (400, 403):
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.json["status"] == reply.status


@often
@given(st.binary(max_size=200) | anything.map(encoded))
def test_bodies_of_any_bytes(client: Client, body: bytes) -> None:
    assert post(client, body).status in (200, 204, 400, 403)


@often
@given(st.data())
def test_bodies_that_were_cut_or_changed_somewhere(client: Client, data: st.DataObject) -> None:
    body = bytearray(
        encoded({"request_id": "r", "placement_id": "pl1", "user": {"id": "u", "yob": 1}})
    )
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(body)))
    assert post(client, bytes(body[:end])).status in (200, 204, 400, 403)


def post(client: Client, body: bytes) -> Any:
    return client.call(
        "POST", "/v1/ads", body, X_App_Key=client.app_key, Content_Type="application/json"
    )


printable = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?# ")


@often
@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE"]),
    st.sampled_from(["/e/i/", "/e/v/", "/e/c/", "/e/", "/v1/", "/", "//", "/test-ads/", "/v1/ads"]),
    st.text(printable, max_size=60),
    st.sampled_from(["", "?f=j", "?f=j&f=j", "?", "?&&=", "?f=%6a", "?f=x"]),
)
def test_paths_and_tokens(client: Client, method: str, path: str, rest: str, query: str) -> None:
    reply = client.call(method, f"{path}{rest}{query}")
    assert reply.status in KNOWN
    assert reply.status != 302


@often
@given(st.data())
def test_tokens_that_were_changed_somewhere(client: Client, data: st.DataObject) -> None:
    token = token_of(client)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCXYZabcxyz0189-_"))
    changed = token[:at] + other + token[at + 1 :]
    reply = client.call("GET", f"/e/c/{changed}")
    assert (reply.status == 302) == (changed == token)


def token_of(client: Client, kept: dict[int, str] = {}) -> str:  # noqa: B006 - one token a client
    if id(client) not in kept:
        kept[id(client)] = client.ad()["trackers"]["click_through"].rpartition("/")[2]
    return kept[id(client)]


VALID = (
    b"POST /v1/ads HTTP/1.1\r\nHost: x\r\nX-App-Key: k\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
)


@settings(parent=often, max_examples=700)
@given(st.data())
def test_http_that_is_almost_right(worker: Worker, data: st.DataObject) -> None:
    raw = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    assert_answered(worker.port, bytes(raw))


@settings(parent=often, max_examples=300)
@given(st.binary(max_size=300))
def test_no_http_at_all(worker: Worker, raw: bytes) -> None:
    assert_answered(worker.port, raw)


def assert_answered(port: int, raw: bytes) -> None:
    """Whatever comes back is HTTP with a status we know; often nothing but a closed connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        received = b""
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                received += piece
    if received:
        assert received.startswith(b"HTTP/1.1 "), received
        assert int(received[9:12]) in {*KNOWN, 100}, received


HEADERS = (
    "X-App-Key", "Content-Type", "Authorization", "X-Signature", "User-Agent", "X-Forwarded-For",
    "Content-Encoding", "Accept",
)  # fmt: skip
letters = st.characters(codec="ascii", categories=("L", "N"), include_characters="-_")
latin = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
headers_drawn = st.dictionaries(
    st.sampled_from(HEADERS) | st.text(letters, min_size=1, max_size=20),
    st.text(latin, max_size=60),
    max_size=6,
)


@often
@given(headers_drawn)
def test_headers_of_any_kind(client: Client, headers: dict[str, str]) -> None:
    forbidden = {"content-length", "transfer-encoding", "host", "connection", "expect", "upgrade"}
    given_ = {k: v for k, v in headers.items() if k.lower().replace("_", "-") not in forbidden}
    reply = client.call("POST", "/v1/ads", b"{}", **given_)
    assert reply.status in (400, 401, 415)
    conversions = client.call("POST", "/v1/conversions", b"{}", **given_)
    assert conversions.status in (400, 401, 415)


@settings(parent=often, max_examples=60)
@given(st.lists(st.sampled_from("iviccffo"), min_size=1, max_size=30))
def test_no_order_of_beacons_counts_twice(worker: Worker, calls: list[str]) -> None:
    client = worker.client()
    trackers = client.ad(user={"id": unique("u")})["trackers"]
    urls = {"i": trackers["impression"], "v": trackers["viewable"], "c": trackers["click"]}
    counted = dict.fromkeys("ivc", 0)
    for call in calls:
        if call == "f":
            assert client.verdict(trackers["impression"][0] + "A") == "bad_signature"
        elif call == "o":
            assert client.verdict(client.ad(test=1)["trackers"]["impression"][0]) == "test"
        else:
            before = counted["i"]
            counted[call] += client.verdict(urls[call][0]) is True
            assert before or call == "i" or not counted[call], "counted without an impression"
    assert max(counted.values()) <= 1
    assert counted["i"] == ("i" in calls)
