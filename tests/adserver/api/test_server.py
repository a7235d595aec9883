"""The HTTP server on a real socket: what it makes of bytes, in whatever pieces they come."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from adserver.api import server as http
from adserver.api.exchange import Answer, Request
from adserver.api.server import Server

LIMIT = 4_096


async def echo(request: Request) -> Answer:
    if request.path == "/slow":
        await asyncio.sleep(0.05)
    if request.path == "/empty":
        return Answer(204)
    told = {"method": request.method, "path": request.path, "query": request.query}
    return Answer(200, json.dumps({**told, "bytes": len(request.body)}).encode())


@pytest.fixture
async def server() -> Server:
    return Server(echo, LIMIT)


@pytest.fixture
async def port(server: Server) -> AsyncIterator[int]:
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    await server.drain(1)


async def talk(port: int, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """Sends the pieces, half-closes, and reads until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause_s)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


def request(path: str = "/x", body: bytes = b"", *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def problem(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head
    found: dict[str, object] = json.loads(body)
    return found


async def test_a_request_in_single_bytes_is_one_request(port: int) -> None:
    whole = request("/a?b=c", b"{}", "Connection: close")
    answer = await talk(port, *(whole[at : at + 1] for at in range(len(whole))))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {
        "method": "POST", "path": "/a", "query": "b=c", "bytes": 2,
    }  # fmt: skip


async def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    paths = ["/slow", *(f"/{n}" for n in range(200))]
    answer = await talk(port, b"".join(request(path) for path in paths), pause_s=0.3)
    order = [
        json.loads(part.partition(b"}")[0] + b"}")["path"] for part in answer.split(b"\r\n\r\n")[1:]
    ]
    assert order == paths


async def test_a_chunked_body_is_put_together(port: int) -> None:
    head = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await talk(port, head, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n", pause_s=0.01)
    assert b'"bytes": 5' in answer


async def test_a_body_over_the_limit_is_413_before_it_was_read(port: int) -> None:
    head = f"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: {10**12}\r\n\r\n".encode()
    assert problem(await talk(port, head, b"x" * 100))["status"] == 413


async def test_a_chunked_body_over_the_limit_is_413(port: int) -> None:
    head = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"400\r\n" + b"x" * 1_024 + b"\r\n"] * 5
    assert problem(await talk(port, head, *chunks, pause_s=0.01))["status"] == 413


async def test_a_broken_chunk_is_400(port: int) -> None:
    head = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert problem(await talk(port, head, b"zz\r\nabc\r\n"))["status"] == 400


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\xfe\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /x HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /x HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"GET /x HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b'{"request_id": "1"}\r\n\r\n',
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
    ],
)
async def test_what_is_not_http_is_400(port: int, garbage: bytes) -> None:
    assert problem(await talk(port, garbage))["status"] == 400


async def test_a_header_too_long_is_431(port: int) -> None:
    answer = await talk(port, request("/x", b"", "X: " + "a" * 9_000))
    assert problem(answer)["status"] == 431


async def test_a_path_too_long_is_431(port: int) -> None:
    assert problem(await talk(port, request("/" + "a" * 9_000)))["status"] == 431


async def test_too_many_headers_are_refused(port: int) -> None:
    answer = await talk(port, request("/x", b"", *(f"X-{n}: 1" for n in range(2_000))))
    assert problem(answer)["status"] in (400, 431)


async def test_requests_before_garbage_are_still_answered(port: int) -> None:
    answer = await talk(port, request("/slow"), b"garbage\r\n\r\n", pause_s=0.02)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 400") == 1


async def test_nothing_after_a_refusal_is_read(port: int) -> None:
    answer = await talk(port, b"garbage\r\n\r\n" + request("/y"))
    assert answer.count(b"Content-Length") == answer.count(b"HTTP/1.1 400") == 1


async def test_head_is_answered_without_a_body(port: int) -> None:
    answer = await talk(port, request("/x", method="HEAD"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")


async def test_204_has_neither_body_nor_length(port: int) -> None:
    answer = await talk(port, request("/empty"))
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"Content-Length" not in answer


async def test_a_request_cut_short_is_400(port: int) -> None:
    assert problem(await talk(port, request("/x", b"{}")[:-1]))["status"] == 400
    assert problem(await talk(port, request("/x", b"{}")[:30]))["status"] == 400


async def test_a_client_of_http_1_0_may_keep_its_connection(port: int) -> None:
    ask = b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    answer = await talk(port, ask, ask, pause_s=0.02)
    assert answer.count(b"Connection: keep-alive") == 2
    assert b"Connection: close" in await talk(port, b"GET /x HTTP/1.0\r\n\r\n")


async def test_a_client_that_asks_first_is_told_to_continue(port: int) -> None:
    whole = request("/x", b"{}", "Expect: 100-continue")
    answer = await talk(port, whole[:-2], whole[-2:], pause_s=0.05)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


async def test_an_upgrade_is_answered_and_the_connection_closed(port: int) -> None:
    ask = request("/x", b"", "Connection: Upgrade", "Upgrade: websocket", method="GET")
    answer = await talk(port, ask)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"Connection: close" in answer


async def test_an_absolute_target_is_taken_by_its_path(port: int) -> None:
    answer = await talk(port, request("http://else.example/a?b"))
    assert b'"path": "/a", "query": "b"' in answer


async def test_a_request_that_never_ends_is_408(
    port: int, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_LIMIT_S", 0.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("/x", b"{}")[:-1])
    await asyncio.sleep(0.05)
    for connection in list(server.connections):
        connection.check(asyncio.get_running_loop().time() + 1)
    assert problem(await asyncio.wait_for(reader.read(), 5))["status"] == 408
    writer.close()


async def test_a_silent_connection_is_closed(port: int, server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(0.02)
    for connection in list(server.connections):
        connection.check(asyncio.get_running_loop().time() + http.IDLE_LIMIT_S + 1)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_client_that_leaves_early_harms_nobody(port: int) -> None:
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("/slow") * 3)
        writer.transport.abort()
    assert (await talk(port, request("/x"))).startswith(b"HTTP/1.1 200")


async def test_a_client_that_does_not_read_is_not_read_from(port: int, server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    writer.write(request("/slow") * 500)
    await asyncio.sleep(0.2)
    assert all(len(connection._queue) < 600 for connection in server.connections)
    assert await asyncio.wait_for(reader.read(10), 5)
    writer.transport.abort()


async def test_draining_lets_a_request_in_flight_finish(port: int, server: Server) -> None:
    asked = asyncio.create_task(talk(port, request("/slow")))
    await asyncio.sleep(0.02)
    await server.drain(2)
    assert (await asked).startswith(b"HTTP/1.1 200")
    assert not server.connections
