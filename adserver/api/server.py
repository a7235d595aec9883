"""HTTP/1.1 on a plain asyncio protocol, parsed by aiohttp's C parser: bytes to `Request` and back.

Never here: what a path means. What no endpoint ever sees (broken HTTP, bodies too large or too
slow) is answered here, with problem documents too. The one surprising fact: it exists because
aiohttp's own server spends more on a request than everything but the decision (docs/decisions/).
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, HttpVersion10, RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.streams import StreamReader

from adserver.api.exchange import Answer, Endpoint, Request
from adserver.api.problems import problem_answer

MAX_LINE_BYTES = 8_190
MAX_HEADERS = 64
MAX_CONNECTIONS = 20_000
MAX_QUEUED = 64  # pipelined requests that may wait before the socket is read on
READ_LIMIT_S = 15.0  # from the first byte of a request to its last
IDLE_LIMIT_S = 75.0  # between two requests
LINGER_S = 2.0  # a refused sender may read our answer before the connection goes
NEVER_PAUSE = 1 << 30  # the parser's buffers are bounded by our own body limit

log = logging.getLogger(__name__)


class Arrived(NamedTuple):
    """A request or, for what cannot become one, its answer; and whether the connection goes on."""

    what: Request | Answer
    close: bool
    old_keep_alive: bool = False


class Server:
    """The connections of one listening socket. `endpoint` answers everything and never raises."""

    def __init__(
        self, endpoint: Endpoint, max_body_bytes: int, larger: Mapping[str, int] | None = None
    ) -> None:
        """`larger` has the limits of paths that take more."""
        self.endpoint = endpoint
        self.max_body_bytes = max_body_bytes
        self.larger = larger or {}
        self.connections: set[Connection] = set()
        self.draining = False
        self.empty = asyncio.Event()
        self.date = formatdate(usegmt=True)

    def __call__(self) -> "Connection":
        """A protocol for a new connection, as `loop.create_server` wants it."""
        return Connection(self)

    async def sweep(self) -> None:
        """Once a second: the Date header, connections that are too slow. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self.date = formatdate(usegmt=True)
            now = loop.time()
            for connection in list(self.connections):
                connection.check(now)
            await asyncio.sleep(1)

    async def drain(self, limit_s: float) -> None:
        """Lets requests in flight finish, then closes everything that is left after the limit."""
        self.draining = True
        for connection in list(self.connections):
            connection.close_if_idle()
        if self.connections:
            self.empty.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.empty.wait(), limit_s)
        for connection in list(self.connections):
            connection.abort()


class Connection(BaseProtocol):
    """One client. Requests are answered one by one, in the order they came."""

    def __init__(self, server: Server) -> None:
        super().__init__(asyncio.get_running_loop())
        self._server = server
        self._feed = HttpRequestParser(
            self,
            self._loop,
            NEVER_PAUSE,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            auto_decompress=False,
        ).feed_data
        self._address = ""
        self._queue: deque[Arrived] = deque()
        self._task: asyncio.Task[None] | None = None
        self._unread: tuple[RawRequestMessage, StreamReader, bool] | None = None
        self._receiving = False
        self._refusing = False
        self._deadline = self._loop.time() + READ_LIMIT_S

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the connection, unless there are too many."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._server.connections.add(self)
        if len(self._server.connections) > MAX_CONNECTIONS:
            self.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forgets the client. What it asked for is still done, only not answered."""
        self._server.connections.discard(self)
        if not self._server.connections:
            self._server.empty.set()
        super().connection_lost(exc)

    def pause_reading(self) -> None:
        """The parser's wish to be read slower, not needed: bodies are bounded by `_collect`."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """See `pause_reading`."""

    def data_received(self, data: bytes) -> None:
        """Parses what came; whole requests are queued and answered."""
        if self._refusing or self._server.draining:
            return
        if not self._receiving:
            self._receiving = True
            self._deadline = self._loop.time() + READ_LIMIT_S
        try:
            messages, upgraded, _ = self._feed(data)
        except (BadHttpMessage, ValueError) as error:
            self._refuse(*_broken(error))
            return
        if self._unread is not None:
            self._collect(*self._unread)
        for message, payload in messages:
            self._collect(message, payload, upgraded)

    def eof_received(self) -> bool:
        """The client has said all it will say, and may still listen: True keeps the connection."""
        if self._receiving and not self._refusing and (self._task is None or self._unread):
            self._refuse(HTTPStatus.BAD_REQUEST, "the request ended before it was whole")
        self._refusing = True
        return self._task is not None

    def _collect(self, message: RawRequestMessage, payload: StreamReader, last: bool) -> None:
        """Queues the request if its body is complete, else waits for more or refuses it."""
        declared = message.headers.get("Content-Length", "") if not payload.is_eof() else ""
        size = max(payload.total_bytes, int(declared or 0))
        if size > self._server.max_body_bytes and size > (limit := self._limit(message)):
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {limit:,} bytes")
        elif payload.exception() is not None:
            self._refuse(HTTPStatus.BAD_REQUEST, "the body is not encoded as its headers say")
        elif payload.is_eof():
            self._unread = None
            self._push(self._arrived(message, payload.read_nowait(-1), last))
        elif self._unread is None:
            self._unread = (message, payload, last)
            if message.headers.get("Expect", "").lower() == "100-continue" and self.transport:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _limit(self, message: RawRequestMessage) -> int:
        return self._server.larger.get(message.path, self._server.max_body_bytes)

    def _arrived(self, message: RawRequestMessage, body: bytes, last: bool) -> Arrived:
        target = message.path if message.path[:1] == "/" else message.url.raw_path_qs
        path, _, query = target.partition("?")
        request = Request(message.method, path, query, message.headers, body, self._address)
        close = message.should_close or last
        return Arrived(request, close, message.version == HttpVersion10 and not close)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answers after all that came before, then closes; further bytes are not read."""
        self._refusing = True
        self._unread = None
        self._push(Arrived(problem_answer(status, detail), close=True))

    def _push(self, arrived: Arrived) -> None:
        self._queue.append(arrived)
        if self._task is None:
            self._task = self._loop.create_task(self._answer_all())
        elif len(self._queue) == MAX_QUEUED and self.transport is not None:
            self.transport.pause_reading()

    async def _answer_all(self) -> None:
        """Answers what is queued. One task lives as long as there is something to answer."""
        with contextlib.suppress(OSError):  # the client is gone: nobody to answer
            while self._queue and self.transport is not None:
                arrived = self._queue.popleft()
                if not self._queue and not self._refusing:
                    self._receiving = self._unread is not None
                what = arrived.what
                answer = what if isinstance(what, Answer) else await self._server.endpoint(what)
                if self.transport is not None:
                    self._write(arrived, answer)
                if self._paused:
                    await self._drain_helper()
                if len(self._queue) == MAX_QUEUED - 1 and self.transport is not None:
                    self.transport.resume_reading()
        self._task = None
        if not self._receiving:
            self._deadline = self._loop.time() + IDLE_LIMIT_S
        if self._server.draining or self._refusing:
            self.close_if_idle()

    def _write(self, arrived: Arrived, answer: Answer) -> None:
        transport = self.transport
        if transport is None:
            return
        close = arrived.close or self._server.draining
        connection = "close" if close else "keep-alive" if arrived.old_keep_alive else ""
        head_only = isinstance(arrived.what, Request) and arrived.what.method == "HEAD"
        transport.write(encode(answer, self._server.date, connection, head_only=head_only))
        if not close:
            return
        self._queue.clear()
        self._refusing = True
        self._deadline = self._loop.time() + LINGER_S
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

    def check(self, now: float) -> None:
        """Called every second: a sender too slow is answered 408, a silent connection is closed."""
        if now < self._deadline or (self._task is not None and not self._paused):
            return
        if self._receiving and not self._refusing and not self._paused:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the request did not arrive in time")
        else:
            self.abort()

    def close_if_idle(self) -> None:
        """Closes the connection unless it still has something to answer."""
        if self._task is None and not self._queue and self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Closes the connection now."""
        if self.transport is not None:
            self.transport.abort()


def _broken(error: Exception) -> tuple[HTTPStatus, str]:
    if isinstance(error, LineTooLong):
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "a line or header is too long"
    return HTTPStatus.BAD_REQUEST, "this is not an HTTP/1.1 request"


def encode(answer: Answer, date: str, connection: str = "", *, head_only: bool = False) -> bytes:
    """The response as it goes over the wire."""
    status, body, content_type, headers = answer
    head = f"HTTP/1.1 {status} {_PHRASES[status]}\r\nDate: {date}\r\nCache-Control: no-store\r\n"
    if body:
        head += f"Content-Type: {content_type}\r\n"
    if status != HTTPStatus.NO_CONTENT:
        head += f"Content-Length: {len(body)}\r\n"
    for name, value in headers:
        head += f"{name}: {value}\r\n"
    if connection:
        head += f"Connection: {connection}\r\n"
    return (head + "\r\n").encode("ascii") + (b"" if head_only else body)


_PHRASES = {status.value: status.phrase for status in HTTPStatus}
