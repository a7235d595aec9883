"""The small HTTP client against a server that is as awkward as servers are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from loadtest.http_client import HttpClient

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[HttpClient]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    client = HttpClient("127.0.0.1", server.sockets[0].getsockname()[1], timeout_s=2)
    try:
        yield client
    finally:
        client.close()
        server.close()
        await asyncio.sleep(0.05)  # the handlers see that the client is gone, and close


def answering(*pieces: bytes, close: bool = False) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.005)
            if close:
                break
        writer.close()

    return handle


async def test_an_answer_in_pieces_is_put_together() -> None:
    pieces = (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\nX-A: b\r\n\r\nhe", b"llo")
    async with serving(answering(*pieces)) as client:
        answer = await client.get("/")
        assert (answer.status, answer.body, answer.header(b"x-a")) == (200, b"hello", b"b")


async def test_a_204_has_no_body_and_the_connection_is_used_again() -> None:
    async with serving(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) as client:
        assert [(await client.get("/")).status for _ in range(3)] == [204, 204, 204]


async def test_a_connection_closed_by_the_server_is_replaced() -> None:
    closing = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", close=True)
    async with serving(closing) as client:
        for _ in range(3):
            assert (await client.get("/")).status == 200
            await asyncio.sleep(0.02)


async def test_a_silent_server_is_a_timeout() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with serving(silent) as client:
        client.timeout_s = 0.05
        with pytest.raises(TimeoutError):
            await client.get("/")
