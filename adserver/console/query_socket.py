"""The console's unix socket, where other commands of this machine read the event store it holds.

Never here: writing, or the network. The one surprising fact: only the owner of the data directory
may open the socket (mode 0600), which is all the access control there is, and enough: the same
person owns the files.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
from aiohttp import web

from adserver.eventlog.store_console import QUERY_PATH, SOCKET_NAME
from adserver.ports import EventStore, StatementRefusedError, StoreAwayError

LONGEST_PATH_BYTES = 103  # what a socket address holds on every Unix
MAX_STATEMENT_BYTES = 1_048_576
_READS = re.compile(r"\s*(SELECT|SHOW|DESCRIBE|DESC|EXPLAIN|EXISTS)\b", re.IGNORECASE)
_ELSEWHERE = re.compile(r"\bINTO\s+OUTFILE\b|;", re.IGNORECASE)
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`""", re.DOTALL)


def only_reads(sql: str) -> bool:
    """Whether it is one statement that reads. The store's read-only connection judges it next."""
    bare = _QUOTED.sub("''", sql).rstrip("; \n")
    return _READS.match(bare) is not None and _ELSEWHERE.search(bare) is None


@asynccontextmanager
async def listening(
    store: EventStore,
    data_dir: Path,
    is_ready: Callable[[], bool],
    routes: Iterable[web.RouteDef] = (),
    max_body_bytes: int = MAX_STATEMENT_BYTES,
) -> AsyncIterator[Path]:
    """Answers POST /query (the statement as text; its columns as MessagePack) on `console.sock`.

    Until `is_ready`, when the tables have been made, the store counts as away. `routes` are what
    workers pass on.

    Raises:
        OSError: the path is too long for a socket.
    """
    path = _socket_path(data_dir)
    app = web.Application(client_max_size=max(MAX_STATEMENT_BYTES, max_body_bytes))
    app.router.add_post(QUERY_PATH, _Answering(store, is_ready).query)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path)).start()
    finally:
        os.umask(before)
    try:
        yield path
    finally:
        await runner.cleanup()
        with suppress(FileNotFoundError):
            path.unlink()


def _socket_path(data_dir: Path) -> Path:
    path = data_dir.resolve() / SOCKET_NAME
    if len(os.fsencode(path)) > LONGEST_PATH_BYTES:
        raise OSError(f"{path} is too long for a socket: choose a shorter ADUNION_DATA_DIR")
    path.unlink(missing_ok=True)  # left by a console that was killed; `console.lock` is ours now
    return path


class _Answering:
    def __init__(self, store: EventStore, is_ready: Callable[[], bool]) -> None:
        self._store = store
        self._is_ready = is_ready

    async def query(self, request: web.Request) -> web.Response:
        """200 with the columns, 400 with the store's complaint, 503 while the store is away."""
        try:
            sql = (await request.read()).decode()
        except UnicodeDecodeError:
            return web.Response(status=400, text="a statement is UTF-8 text")
        if not only_reads(sql):
            return web.Response(status=400, text="this socket only reads: send a SELECT")
        if not self._is_ready():
            return web.Response(status=503, text="the event tables are being prepared")
        try:
            columns = await asyncio.to_thread(self._store.query, sql)
        except StatementRefusedError as refusal:
            return web.Response(status=400, text=str(refusal))
        except StoreAwayError as away:
            return web.Response(status=503, text=str(away))
        packed = await asyncio.to_thread(msgspec.msgpack.encode, columns)
        return web.Response(body=packed, content_type="application/vnd.msgpack")
