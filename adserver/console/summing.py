"""Keeps the hourly sums: sums what got stale, and all of an older log at the first start.

Never here: the statements (`eventlog.sums`). The one surprising fact: the newest hour always comes
first, so that today is fresh while years are summed; and after any work it rests twice as long, so
that summing takes a third of one core at most.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from prometheus_client import Gauge

from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.console.shipping import Shipping
from adserver.eventlog.ddl import prepare
from adserver.eventlog.stale_hours import Stale, StaleHours
from adserver.eventlog.sums import HOUR_MS, Part, hours_in_log, hours_made, newest_run_ms, sum_hours
from adserver.ports import EventStore, StatementRefusedError

log = logging.getLogger(__name__)

LOOK_S = 0.5
WORK_S = 2.0  # at a stretch
REST_SHARE = 2  # times as long as the work took
CHECK_S = 60.0  # whether the sums are still there
TELL_S = 10.0
ROWS_AT_ONCE = 300_000  # events in one statement, when older hours are summed several at a time
HOURS_A_DAY = 24
MANY = 24  # hours behind that are worth a line in the log

BEHIND = Gauge("adunion_stale_hours", "Parts of hours whose sums are behind the event log")


@dataclass
class HourlySums:
    """The sums of one event store. `look` is called by one thread at a time.

    `prepare` makes tables that are gone. Of hours older than `retention_days` (0: none) what was
    summed stays as it is, for the rows behind it have expired.
    """

    store: EventStore
    stale: StaleHours
    retention_days: int = 0
    prepare: Callable[[], None] = lambda: None
    _made: int | None = field(default=None, repr=False)  # parts of hours with sums, as last seen
    _checked_at: float = field(default=0.0, repr=False)
    _last_ms: int = field(default=0, repr=False)
    _rows: dict[int, int] = field(default_factory=dict, repr=False)  # by hour, where known
    _behind: "_Behind | None" = field(default=None, repr=False)

    def look(self, now: datetime) -> int:
        """Sums what is stale for at most about `WORK_S`; answers how many parts of hours.

        Raises:
            StoreAwayError, StatementRefusedError: what is not summed stays stale.
        """
        now_ms = int(now.timestamp() * 1000)
        try:
            self._check(now_ms)
            return self._sum(now_ms)
        except StatementRefusedError:
            self._made = None  # a table may be gone: made again, and all is looked at again
            self.prepare()
            raise

    def _check(self, now_ms: int) -> None:
        """Once a minute: are the sums there that were there before?"""
        if self._made is not None and time.monotonic() - self._checked_at < CHECK_S:
            return
        self._checked_at = time.monotonic()
        made = hours_made(self.store)
        if self._made is None or len(made) < self._made:
            self._plan({Stale(*one) for one in made}, now_ms)
        self._made = len(made)

    def _plan(self, made: set[Stale], now_ms: int) -> None:
        """All hours of the log that have no sums are stale; all of them if nobody knows better."""
        self._last_ms = max(self._last_ms, newest_run_ms(self.store))
        logged = {Stale(*one): rows for one, rows in hours_in_log(self.store).items()}
        oldest = now_ms // HOUR_MS - self.retention_days * HOURS_A_DAY if self.retention_days else 0
        lacking = [
            one
            for one in sorted(logged, reverse=True)
            if one not in made or (self.stale.is_unknown and one.hour > oldest)
        ]
        for one, rows in logged.items():
            self._rows[one.hour] = self._rows.get(one.hour, 0) + rows
        self.stale.add(lacking)
        self.stale.all_are_known()
        hours = len({one.hour for one in lacking})
        if hours > MANY:
            log.info("hourly sums: %s hours of the log are summed in the background", f"{hours:,}")
            self._behind = _Behind(hours)

    def _sum(self, now_ms: int) -> int:
        began, summed = time.monotonic(), 0
        for number, batch in enumerate(_batches(self.stale.waiting(), self._rows)):
            self._last_ms = max(now_ms, self._last_ms + 1)
            sum_hours(self.store, batch.first, batch.hours, batch.parts, self._last_ms)
            self.stale.done(batch.of)
            summed += len(batch.of)
            if number and time.monotonic() - began > WORK_S:  # the newest, and at least one more
                break
        left = self.stale.waiting()
        BEHIND.set(len(left))
        if self._behind is not None and not self._behind.tell(len({one.hour for one in left})):
            self._behind, self._rows = None, {}
        return summed


@dataclass(frozen=True, slots=True)
class _Batch:
    """Hours that are summed by one statement, with what `StaleHours` said of them."""

    first: int
    hours: int
    parts: Sequence[Part]
    of: dict[Stale, int]


def _batches(waiting: dict[Stale, int], rows: dict[int, int]) -> Iterator[_Batch]:
    """The newest hour, then those that wait longest, with their neighbours if all are small."""
    parts: dict[int, list[Part]] = {}
    for one in waiting:
        parts.setdefault(one.hour, []).append(one.part)
    for first in [max(parts), *parts] if parts else ():
        if first not in parts:
            continue
        hours = _together(first, parts, rows)
        own = sorted(parts[first])
        of = {Stale(hour, part): waiting[Stale(hour, part)] for hour in hours for part in own}
        for hour in hours:
            del parts[hour]
        yield _Batch(min(hours), len(hours), own, of)


def _together(first: int, parts: dict[int, list[Part]], rows: dict[int, int]) -> list[int]:
    """The hour and those before it on the same UTC day, as far as they are known to be small."""
    hours, size = [first], rows.get(first, ROWS_AT_ONCE)
    before = first - 1
    while (
        before // HOURS_A_DAY == first // HOURS_A_DAY
        and sorted(parts.get(before, ())) == sorted(parts[first])
        and size + rows.get(before, ROWS_AT_ONCE) <= ROWS_AT_ONCE
    ):
        hours.append(before)
        size += rows.get(before, ROWS_AT_ONCE)
        before -= 1
    return hours


class _Behind:
    """Tells every few seconds how far the summing of an older log has come."""

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._began = self._told = time.monotonic()

    def tell(self, left: int) -> bool:
        """A line in the log, not too often; False when it is done, which is said too."""
        now = time.monotonic()
        done = max(self._hours - left, 0)
        if left <= 1:  # the running hour may be stale at any time
            log.info("hourly sums: all %s hours are summed", f"{self._hours:,}")
            return False
        if now - self._told >= TELL_S and done:
            self._told = now
            minutes = (now - self._began) / done * left / 60
            said = (f"{done:,}", f"{self._hours:,}", minutes)
            log.info("hourly sums: %s of %s hours, about %.1f min to go", *said)
        return True


@asynccontextmanager
async def summing(settings: Settings, store: EventStore, shipping: Shipping) -> AsyncIterator[None]:
    """Keeps the sums for as long as the context is open, once its tables are there."""
    tables = partial(prepare, store, settings.clickhouse_cluster, settings.log_retention_days)
    sums = HourlySums(store, shipping.stale, settings.log_retention_days, tables)
    rested_at = 0.0

    async def look() -> None:
        nonlocal rested_at
        began = time.monotonic()
        if not shipping.prepared.is_set() or began < rested_at:
            return
        try:
            await asyncio.to_thread(sums.look, datetime.now(UTC))
        finally:
            ended = time.monotonic()
            rested_at = ended + REST_SHARE * (ended - began)

    async with repeating("hourly sums", LOOK_S, look):
        yield
