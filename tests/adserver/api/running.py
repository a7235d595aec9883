"""A worker that really runs: real sockets, real Redis, real outbox, in a thread of the test run.

Clients are plain `http.client`, one address each, so that bursts of one do not touch the others.
"""

import asyncio
import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from adserver import app
from adserver.api.serving import Serving
from adserver.config import Settings
from adserver.marketplace import package
from adserver.stores.catalog_publisher import DIRECTORY
from models.domain.ids import AppId
from models.domain.marketplace import Marketplace

READY_LIMIT_S = 30.0
_numbers = itertools.count(1)


def unique(prefix: str) -> str:
    """A name nobody has used in this run."""
    return f"{prefix}-{time.time_ns()}-{next(_numbers)}"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Somebody with an address of his own."""

    port: int
    address: str
    user_agent: str = "okhttp/4.12.0"
    app_key: str = ""
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def call(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Reply:
        given = {"X-Forwarded-For": self.address, "User-Agent": self.user_agent}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, given)
        answer = self._connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read())

    def close(self) -> None:
        self._connection.close()

    def ask(self, placement_id: str = "pl1", **fields: Any) -> Reply:
        """An ad request, with a request id of its own unless one is given."""
        asked = {"request_id": unique("r"), "placement_id": placement_id} | fields
        return self.post("/v1/ads", asked, X_App_Key=self.app_key)

    def ad(self, **fields: Any) -> Any:
        """The first ad of an answer that has one."""
        reply = self.ask(**fields)
        assert reply.status == 200, reply
        return reply.json["ads"][0]

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        return self.call(
            "POST", path, json.dumps(body).encode(), Content_Type="application/json", **headers
        )

    def follow(self, url: str, method: str = "GET", query: str = "") -> Reply:
        """Calls a beacon URL of an answer."""
        return self.call(method, "/" + url.split("/", 3)[3] + query)

    def verdict(self, url: str) -> Any:
        """What `?f=j` says: True, or the reason why not."""
        told = self.follow(url, query="?f=j").json
        return True if told["counted"] else told["reason"]


@dataclass
class Worker:
    """A worker and the house it serves in."""

    settings: Settings
    serving: Serving
    port: int
    clients: list[Client] = field(default_factory=list)

    def client(self, app_id: str = "app1", **changes: Any) -> Client:
        """A new client of an app of the catalog."""
        number = next(_numbers)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        made = Client(self.port, address, app_key=self.key(app_id), **changes)
        self.clients.append(made)
        return made

    def key(self, app_id: str, generation: int = 1) -> str:
        return self.serving.keyring.api_key("app", AppId(app_id), generation)

    def is_warm(self) -> bool:
        """Whether a snapshot is live and its budgets have been read."""
        live = self.serving.current.live
        return live is not None and self.serving.redis_reached and live.snapshot.spend.trusted

    def publish(self, marketplace: Marketplace) -> None:
        """Publishes a catalog and waits until it is live."""
        version = publish(self.settings, marketplace)
        wait_for(lambda: version in live_version(self.serving))


def publish(settings: Settings, marketplace: Marketplace) -> str:
    """Publishes a catalog as the console would."""
    return package.publish(settings.data_dir / DIRECTORY, marketplace, next(_numbers))


def live_version(serving: Serving) -> str:
    return serving.current.live.snapshot.version if serving.current.live else ""


def wait_for(so: Callable[[], object], limit_s: float = READY_LIMIT_S) -> None:
    """Returns when it is so; fails when it takes too long."""
    deadline = time.monotonic() + limit_s
    while not so():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


class Thread(threading.Thread):
    """A worker's thread, with a loop of its own."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="worker", daemon=True)
        self.settings = settings
        self.worker: Worker | None = None
        self.failure: BaseException | None = None
        self._own_loop = uvloop.new_event_loop()
        self._asked_to_stop = asyncio.Event()
        self._listens = threading.Event()

    def run(self) -> None:
        try:
            self._own_loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            self.failure = error
        finally:
            self._listens.set()
            self._own_loop.close()

    async def _serve(self) -> None:
        async with app.worker(self.settings) as serving:
            port = int(serving.base_url.rpartition(":")[2])
            self.worker = Worker(self.settings, serving, port)
            self._listens.set()
            await self._asked_to_stop.wait()

    def listening(self) -> Worker:
        self.start()
        self._listens.wait(READY_LIMIT_S)
        assert self.worker, self.failure
        return self.worker

    def finish(self) -> None:
        if not self._own_loop.is_closed():
            self._own_loop.call_soon_threadsafe(self._asked_to_stop.set)
        self.join(READY_LIMIT_S)
        assert self.failure is None, self.failure


@contextmanager
def running(settings: Settings, marketplace: Marketplace | None = None) -> Iterator[Worker]:
    """A worker that listens; with a marketplace, one that is warm and knows its budgets."""
    if marketplace is not None:
        publish(settings, marketplace)
    thread = Thread(settings)
    worker = thread.listening()
    try:
        if marketplace is not None:
            wait_for(worker.is_warm)
        yield worker
    finally:
        for client in worker.clients:
            client.close()
        thread.finish()


def settings_in(directory: Path, redis_url: str, **changes: Any) -> Settings:
    """Settings of a house in a directory, on a free port, behind one trusted proxy."""
    plain: dict[str, Any] = {
        "data_dir": directory, "redis_url": redis_url, "port": 0, "seed": 1,
        "trusted_proxies": 1, "snapshot_poll_ms": 20, "user_timeout_ms": 200,
    }  # fmt: skip
    return Settings(**(plain | changes))
