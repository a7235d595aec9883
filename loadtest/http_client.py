"""A small HTTP/1.1 client for load: kept-alive connections, raw asyncio, one answer per request.

Never here: redirects, TLS, chunked answers. The surprising fact: it exists because the simulator
shares two cores with the server it measures; an ordinary client costs as much as the server.
"""

import asyncio
from collections import deque
from typing import NamedTuple, cast

END_OF_HEAD = b"\r\n\r\n"
BODILESS = (204, 304)


class Answer(NamedTuple):
    """Status, the header lines as they came, and the body."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """One header's value, b"" when it is missing; `name` in lower case."""
        for line in self.head.split(b"\r\n"):
            key, _, value = line.partition(b":")
            if key.lower() == name:
                return value.strip()
        return b""


class _Connection(asyncio.Protocol):
    """One kept-alive connection with at most one request on its way."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting: asyncio.Future[Answer] | None = None
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self.received += data
        answer, size = _parse(self.received)
        if answer is not None and self.waiting is not None and not self.waiting.done():
            self.received = self.received[size:]
            self.waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionResetError(str(exc or "closed by the server")))

    async def exchange(self, request: bytes) -> Answer:
        if self.transport is None:
            raise ConnectionResetError("closed by the server")
        self.received = b""
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        try:
            return await self.waiting
        except asyncio.CancelledError:  # its answer may come late: nobody else may get it
            self.close()
            raise

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


def _parse(received: bytes) -> tuple[Answer | None, int]:
    """The answer at the beginning of the bytes and its length; None while it is incomplete."""
    end = received.find(END_OF_HEAD)
    if end < 0:
        return None, 0
    head = received[:end]
    status = int(head[9:12])
    start = end + len(END_OF_HEAD)
    answer = Answer(status, head, b"")
    length = 0 if status in BODILESS else int(answer.header(b"content-length") or 0)
    if len(received) < start + length:
        return None, 0
    return answer._replace(body=received[start : start + length]), start + length


class HttpClient:
    """Up to `connections` kept-alive connections to one server; more requests than that wait."""

    def __init__(self, host: str, port: int, connections: int = 64, timeout_s: float = 10) -> None:
        self.host, self.port, self.timeout_s = host, port, timeout_s
        self._room = asyncio.Semaphore(connections)
        self._idle: deque[_Connection] = deque()

    async def exchange(self, request: bytes) -> Answer:
        """Sends one request as it is; answers what came back.

        A kept-alive connection that the server has closed meanwhile is replaced once.

        Raises:
            OSError: the server cannot be reached. TimeoutError: no answer in time.
        """
        async with self._room, asyncio.timeout(self.timeout_s):
            connection, fresh = await self._connection()
            try:
                answer = await connection.exchange(request)
            except ConnectionResetError:
                if fresh:
                    raise
                connection = await self._open()
                answer = await connection.exchange(request)
            self._idle.append(connection)
            return answer

    async def get(self, target: str, headers: str = "") -> Answer:
        """GET with header lines that each end in CRLF."""
        host = f"{self.host}:{self.port}"
        return await self.exchange(
            f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()
        )

    async def post_json(self, target: str, body: bytes, headers: str = "") -> Answer:
        """POST of a JSON body with header lines that each end in CRLF."""
        head = (
            f"POST {target} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return await self.exchange(head.encode() + body)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _connection(self) -> tuple[_Connection, bool]:
        while self._idle:
            connection = self._idle.pop()
            if connection.transport is not None:
                return connection, False
        return await self._open(), True

    async def _open(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self.host, self.port)
        return connection
