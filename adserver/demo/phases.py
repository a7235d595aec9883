"""Phases of traffic: how fast the machine can bear it, a phase played, its figures from the log.

Never here: what comes before or after (`commands.demo`). The surprising fact: a phase's rate is
found by trying, so that the same demo shows a healthy server on a laptop and on a large machine.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from adserver.demo.figures import PhaseFigures, Span, read_figures
from adserver.demo.reconcile import TABLES, LogBooks, read_log
from adserver.demo.system import DemoError, System
from adserver.demo.world import World
from adserver.eventlog.open_store import open_for_reading
from loadtest.books import Books
from loadtest.shop import ShopDesk
from loadtest.simulate import Crowd
from loadtest.traffic import Schedule, make_schedule

SHANGHAI = timezone(timedelta(hours=8))
TRIAL_REQUESTS = 2_000
SHARE_OF_CAPACITY = 0.55
SLOWEST, FASTEST = 100.0, 1_500.0
LOG_LIMIT_S = 60.0
LOOK_EVERY_S = 0.25

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Played:
    """A phase that is over: when, what was planned, what came, what everybody had seen before."""

    name: str
    model: str
    span: Span
    schedule: Schedule
    books: Books
    seen_before: dict[tuple[int, str], int]


@dataclass
class Stage:
    """Where phases are played; `played` are the books of all of them, trials included."""

    world: World
    system: System
    crowd: Crowd
    shops: ShopDesk
    began: datetime
    played: list[Books] = field(default_factory=list)

    def sent(self) -> dict[str, int]:
        """All beacons so far, by kind."""
        return {kind: sum(books.events[kind] for books in self.played) for kind in TABLES}

    async def bearable_rate(self) -> float:
        """Requests a second for an open loop: a share of what a short rush got through."""
        schedule = self._schedule(TRIAL_REQUESTS, 0.001)
        began = datetime.now(UTC)
        await self._play(schedule, Books())
        seconds = (datetime.now(UTC) - began).total_seconds()
        return min(max(SHARE_OF_CAPACITY * TRIAL_REQUESTS / seconds, SLOWEST), FASTEST)

    async def phase(
        self, title: tuple[str, str], requests: int, rate: float, on_progress: Progress
    ) -> Played:
        """Plays a phase of so many requests at a mean rate. `title` is its name and its model."""
        schedule, books = self._schedule(requests, requests / rate), Books()
        since, seen_before = _now_ms(), dict(self.crowd.seen)
        playing = asyncio.create_task(self._play(schedule, books))
        while not playing.done():
            await asyncio.wait([playing], timeout=LOOK_EVERY_S)
            on_progress(books.requests)
        await playing
        return Played(*title, Span(since, _now_ms()), schedule, books, seen_before)

    async def logged(self) -> LogBooks:
        """The log, once it holds everything that was sent; as it is when that takes too long."""
        log = await asyncio.to_thread(self._read_log)
        for _ in range(int(LOG_LIMIT_S / LOOK_EVERY_S)):
            if self._is_whole(log):
                break
            await asyncio.sleep(LOOK_EVERY_S)
            log = await asyncio.to_thread(self._read_log)
        return log

    def _is_whole(self, log: LogBooks) -> bool:
        """Whether all beacons are in it, and all ads that were answered."""
        ads = sum(books.ads for books in self.played)
        return log.served >= ads and all(
            log.received(kind) >= number for kind, number in self.sent().items()
        )

    async def figures(self, played: Played) -> PhaseFigures:
        """The figures of a phase that is in the log."""

        def read() -> PhaseFigures:
            store = open_for_reading(self.system.settings)
            try:
                return read_figures(store, played.name, played.model, played.span, played.books)
            finally:
                store.close()

        return await asyncio.to_thread(read)

    def _read_log(self) -> LogBooks:
        store = open_for_reading(self.system.settings)
        try:
            return read_log(store)
        finally:
            store.close()

    def _schedule(self, requests: int, duration_s: float) -> Schedule:
        rng = np.random.default_rng((self.world.seed, 6, len(self.played)))
        return make_schedule(self.world.people, self.world.market, requests, duration_s, rng)

    async def _play(self, schedule: Schedule, books: Books) -> None:
        self.played.append(books)
        await self.crowd.live_through(schedule, books, datetime.now(SHANGHAI).hour)
        if books.errors:
            raise DemoError(f"failed requests: {dict(books.errors)}\n{self.system.log_tail()}")


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
