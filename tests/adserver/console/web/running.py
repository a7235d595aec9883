"""The console's pages over real HTTP on a loop of their own, and a browser without a screen.

Never here: a test. The one surprising fact: only the event store is the caller's to bring; the rest
is as in production (SQLite, the real doors, the real areas).
"""

import asyncio
import http.client
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from adserver import keyring
from adserver.config import Settings
from adserver.console.areas import AREAS
from adserver.console.desk import Desk
from adserver.console.web.app import make_app
from adserver.console.web.listener import Listener
from adserver.console.web.routes import Area
from adserver.ports import EventStore
from adserver.stores.catalog import open_catalog
from tests import schemas
from tests.adserver.api.running import READY_LIMIT_S, Reply

TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')

Sent = tuple[str, str, bytes]
"""A file of a form: its field, its name, its content."""


class NoLog:
    """An event store in which nothing ever happened; for pages that do not ask it."""

    def execute(self, statement: str) -> None:
        raise AssertionError(statement)

    def insert(self, table: str, columns: Any, name: str = "") -> None:
        raise AssertionError(table, columns, name)

    def query(self, sql: str, parameters: Any = None) -> dict[str, list[Any]]:
        raise AssertionError(sql, parameters)

    def version(self) -> tuple[int, int]:
        return 25, 1

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def desk_over(settings: Settings, store: EventStore | None = None) -> Iterator[Desk]:
    """A desk on the settings' database, brought up to date; nothing listens."""
    schemas.furnish(settings.data_dir)
    with closing(open_catalog(settings)) as catalog:
        engine = catalog._engine
        yield Desk(
            settings, engine, catalog, store or NoLog(), keyring.load(settings), lambda: True
        )


@contextmanager
def listening(
    desk: Desk, areas: Iterable[Area] = AREAS, further: Iterable[web.AbstractRouteDef] = ()
) -> Iterator[int]:
    """The pages of a desk on a port of their own."""
    loop = asyncio.new_event_loop()
    runner = Listener(make_app(desk, areas, further))

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    thread = threading.Thread(target=loop.run_forever, name="pages", daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(READY_LIMIT_S)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(READY_LIMIT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(READY_LIMIT_S)
        loop.close()


@dataclass
class Browser:
    """Somebody with cookies. `submit` sends a form as the page at `path` would, token and all."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Reply:
        given = {"Accept": "text/html", **self.headers}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            for name, value in answer.getheaders():
                if name == "Set-Cookie":
                    self._keep(value)
            return Reply(answer.status, dict(answer.getheaders()), answer.read())

    def _keep(self, cookie: str) -> None:
        name, _, value = cookie.partition(";")[0].partition("=")
        self.cookies[name] = value.strip('"')
        if not self.cookies[name]:
            del self.cookies[name]

    def get(self, path: str) -> str:
        """A page's text; it must answer 200."""
        reply = self.call("GET", path)
        assert reply.status == 200, (reply.status, reply.headers, reply.body[-2000:])
        return reply.body.decode()

    def token(self, path: str) -> str:
        """The CSRF token of the first form on a page."""
        found = TOKEN.search(self.get(path))
        assert found, f"no form on {path}"
        return found[1]

    def submit(self, path: str, fields: dict[str, Any], *, on: str = "") -> Reply:
        """Sends a form to `path`, with the token of the page `on` (the same path by default)."""
        sent = {"csrf": self.token(on or path), **fields}
        body = urlencode(sent, doseq=True).encode()
        return self.call("POST", path, body, Content_Type="application/x-www-form-urlencoded")

    def upload(
        self,
        path: str,
        fields: dict[str, str],
        files: list[tuple[str, str, bytes]],
        *,
        on: str = "",
    ) -> Reply:
        """Sends a multipart form with (field, file name, content) files."""
        sent = {"csrf": self.token(on or path), **fields}
        return self.call("POST", path, multipart(sent, files), Content_Type=MULTIPART)

    def sign_in(self, email: str, password: str) -> Reply:
        """Signs in; the session's cookie is kept."""
        return self.submit("/sign-in", {"email": email, "password": password})


BOUNDARY = "----adunion-test"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def multipart(fields: dict[str, str], files: list[Sent]) -> bytes:
    """A multipart body."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, filename, content in files:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
        kind = "Content-Type: application/octet-stream"
        parts.append(f"--{BOUNDARY}\r\n{head}\r\n{kind}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
