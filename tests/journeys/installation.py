"""A whole installation for journeys: real processes that can be killed, and a crowd that calls.

Never here: shortcuts into the server. What the crowd was told is remembered by event id, derived as
the server derives it, so that a journey can hold the event store against it.
"""

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from adserver import keyring
from adserver.config import Settings
from adserver.eventlog.open_store import open_for_reading
from adserver.stores.catalog import open_catalog
from models.domain.event import EventKind, event_id, offer_id
from models.domain.ids import AppId
from models.domain.marketplace import Marketplace
from tests.builders import small_marketplace
from tests.engines import free_port

ROOT = Path(__file__).parents[2]
READY_LIMIT_S = 120.0
DRAIN_LIMIT_S = 120.0
CALL_AGAIN_S = 0.1
IN_FLIGHT = (aiohttp.ClientError, ConnectionError, TimeoutError)
_numbers = itertools.count(1)


def open_now(marketplace: Marketplace) -> Marketplace:
    """The same catalog with flights that began yesterday."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    items = tuple(replace(item, starts_at=yesterday) for item in marketplace.line_items)
    return replace(marketplace, line_items=items)


@dataclass
class Process:
    """One `adunion` command as a child; its output is appended to a log."""

    command: str
    environment: dict[str, str]
    log: Path
    port: int
    child: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "adserver", self.command],
                env=self.environment,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.child is not None:
            self.child.send_signal(how)
            self.child.wait()
            self.child = None

    async def until_ready(self) -> None:
        deadline = time.monotonic() + READY_LIMIT_S
        while not await self._is_ready():
            said = self.log.read_text()[-3000:]
            assert self.child is not None
            assert self.child.poll() is None, said
            assert time.monotonic() < deadline, said
            await asyncio.sleep(0.05)

    async def _is_ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/readyz"
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                return answer.status == 200
        except IN_FLIGHT:
            return False


@dataclass
class Installation:
    """A data directory with its processes."""

    settings: Settings
    console: Process
    worker: Process

    async def started(self) -> None:
        """Both processes up and ready."""
        self.console.start()
        self.worker.start()
        await self.console.until_ready()
        await self.worker.until_ready()

    def app_key(self) -> str:
        return keyring.load(self.settings).api_key("app", "app1", 1)

    def stored(self) -> dict[str, list[str]]:
        """The ids of all rows of each table of tracked events, copies included."""
        with closing(open_for_reading(self.settings)) as store:
            return {
                f"{kind}s": store.query(f"SELECT toString(event_id) AS id FROM {kind}s")["id"]
                for kind in EventKind
            }

    async def drained(self, expected: set[str]) -> list[str]:
        """The ids of all rows, once the expected ones are there and nothing more is on its way."""
        deadline = time.monotonic() + DRAIN_LIMIT_S
        while True:
            found = [one for ids in (await asyncio.to_thread(self.stored)).values() for one in ids]
            missing = expected - set(found)
            if not missing:
                return found
            assert time.monotonic() < deadline, f"{len(missing)} of {len(expected)} did not arrive"
            await asyncio.sleep(0.2)


@contextmanager
def installation(directory: Path, redis_url: str, **changes: Any) -> Iterator[Installation]:
    """An installation with a small marketplace, not yet started; it ends with the context."""
    settings = replace(
        Settings(
            data_dir=directory,
            redis_url=redis_url,
            port=free_port(),
            console_port=free_port(),
            secret_key="a secret of these tests",
            token_keys="k1:" + "7a" * 32,
            trusted_proxies=1,
            ship_interval_ms=200,
        ),
        **changes,
    )
    with closing(open_catalog(settings)) as catalog:
        catalog.replace(open_now(small_marketplace()), datetime.now(UTC))
    environment = _environment(settings)
    console = Process("console", environment, directory / "console.log", settings.console_port)
    worker = Process("serve", environment, directory / "worker.log", settings.port)
    try:
        yield Installation(settings, console, worker)
    finally:
        for process in (worker, console):
            process.end(signal.SIGKILL)


def _environment(settings: Settings) -> dict[str, str]:
    plain = Settings()
    given = {
        f"ADUNION_{name.upper()}": str(getattr(settings, name))
        for name in Settings.__dataclass_fields__
        if getattr(settings, name) != getattr(plain, name)
    }
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ADUNION_")}
    return kept | given


@dataclass
class Crowd:
    """Phones that ask for ads, show them, sometimes tap them, and call again when nobody answers.

    `told` has the ids of all events by what the server said last: counted, deferred, duplicate, ...
    """

    url: str
    app_key: str
    seed: int
    told: dict[str, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    ads: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    _going: bool = True

    async def live(self, phones: int) -> None:
        """So many phones at once, each one call after another, until `stop`."""
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await asyncio.gather(*(self._phone(session, number) for number in range(phones)))

    def stop(self) -> None:
        """Lets every phone finish what it has begun."""
        self._going = False

    def expected(self) -> set[str]:
        """The events that must be in the store: all that were counted, sooner or later."""
        kept = ("counted", "deferred", "duplicate")
        return {event for event, verdict in self.told.items() if verdict in kept}

    async def _phone(self, session: aiohttp.ClientSession, number: int) -> None:
        chance = random.Random(self.seed * 1000 + number)
        while self._going:
            request_id = f"r{self.seed}-{next(_numbers)}"
            ad = await self._ad(session, request_id, chance)
            if ad is None:
                continue
            offer = offer_id(AppId("app1"), request_id, 0)
            trackers = ad["trackers"]
            await self._beacon(session, trackers["impression"][0], offer, EventKind.IMPRESSION)
            if chance.random() < 0.5:
                await self._beacon(session, trackers["viewable"][0], offer, EventKind.VIEWABLE)
            if chance.random() < 0.5:
                await self._beacon(session, trackers["click"][0], offer, EventKind.CLICK)

    async def _ad(
        self, session: aiohttp.ClientSession, request_id: str, chance: random.Random
    ) -> Any:
        user = f"u{chance.randrange(10**9)}"
        asked = {"request_id": request_id, "placement_id": "pl1", "user": {"id": user}}
        headers = {"X-App-Key": self.app_key}
        status, answer = await self._call(session, "POST", f"{self.url}/v1/ads", headers, asked)
        self.answers[status] += 1
        if status == 503:
            await asyncio.sleep(CALL_AGAIN_S)
        if status != 200:
            return None
        ad = answer["ads"][0]
        self.ads[ad["line_item_id"]] += 1
        return ad

    async def _beacon(
        self, session: aiohttp.ClientSession, url: str, offer: UUID, kind: EventKind
    ) -> None:
        """Calls until somebody answers with a verdict, as an SDK does."""
        status, answer = await self._call(session, "GET", f"{url}?f=j", {}, None)
        while status != 200:
            await asyncio.sleep(CALL_AGAIN_S)
            status, answer = await self._call(session, "GET", f"{url}?f=j", {}, None)
        verdict = "counted" if answer["counted"] else answer["reason"]
        self.told[str(event_id(offer, kind))] = verdict

    async def _call(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        headers: dict[str, str],
        body: Any,
    ) -> tuple[int, Any]:
        """Status and JSON; calls again while nobody answers at all."""
        number = next(_numbers)
        sender = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        headers = {"X-Forwarded-For": sender, "User-Agent": "okhttp/4.12.0"} | headers
        while True:
            try:
                async with session.request(method, url, headers=headers, json=body) as answer:
                    has_body = answer.status == 200
                    return answer.status, await answer.json() if has_body else None
            except IN_FLIGHT:
                self.unanswered += 1
                await asyncio.sleep(CALL_AGAIN_S)
