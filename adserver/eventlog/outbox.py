"""A worker's outbox.

An event appended here is on disk, and one fsync serves all that wait for it.

Never here: SQL (`outbox_file`), verdicts (`counting`). The one surprising fact: there is no timer
in the group commit. While one commit is on its way to the disk the next group gathers behind it, so
groups grow with load and a lone event waits for nobody.
"""

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import Counter, Gauge

from adserver.eventlog.liveness import Held
from adserver.eventlog.outbox_file import Batch, OutboxFile, Settled, joined, set_aside
from adserver.eventlog.rows import Row, pack_rows, pack_tracked, settled_row, unpack_tracked
from adserver.ports import OutboxFullError
from models.domain.event import Booked, Tracked, Verdict

log = logging.getLogger(__name__)

# Verdicts and batches, which nobody waits for, gather this long for a commit.
LAZY_COMMIT_S = 0.05
SETTLED_AT_ONCE = 64
# Statistics may not use the last tenth of the limit: it is kept for events that carry money.
KEPT_FOR_MONEY = 10
# 32 MB: usually the shipper, which has more time, cleans up before.
CHECKPOINT_PAGES = 8_000
# The console may be counting what our predecessor left behind.
PATIENCE_S = 10.0

APPENDED = Counter("adunion_outbox_appended_total", "Tracked events made durable")
REFUSED = Counter("adunion_outbox_full_total", "Tracked events refused because the outbox is full")
DROPPED = Counter(
    "adunion_recorder_dropped_rows_total", "Decisions, ads served and census rows dropped"
)
BACKLOG = Gauge(
    "adunion_outbox_backlog_rows", "Rows in this worker's outbox", multiprocess_mode="livesum"
)
DAMAGED = Counter("adunion_outbox_damaged_total", "Outbox files set aside as damaged")


@dataclass
class _Group:
    """What the next commit takes along."""

    appends: list[tuple[bytes, bytes]] = field(default_factory=list)
    futures: list[asyncio.Future[bool]] = field(default_factory=list)
    rows: list[tuple[str, Row]] = field(default_factory=list)
    row_futures: list[asyncio.Future[bool]] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    def is_empty(self) -> bool:
        return not (self.appends or self.rows or self.settled or self.batches)


class WorkerOutbox:
    """The outbox that a living worker writes.

    `<directory>/<worker_id>.sqlite`, with a lock file beside it.
    """

    def __init__(self, directory: Path, worker_id: str, max_rows: int) -> None:
        """Opens the file; a damaged one is set aside and a new one begun.

        Raises:
            HeldError: another process runs under the same worker id.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self._max_rows = max_rows
        self._lock = Held(lock_path(directory, worker_id), f"worker {worker_id}", PATIENCE_S)
        self._path = directory / f"{worker_id}.sqlite"
        self._file = open_sound(self._path)
        self._group = _Group()
        self._turn = threading.Lock()  # guards the group
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    async def append(self, event: Tracked) -> bool:
        """Returns when the event is on disk. False.

        It waited there already, and whoever brought it books it.

        Raises:
            OutboxFullError: at the size limit, or the disk cannot take it.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        body = pack_tracked(event)
        with self._turn:
            self._group.appends.append((event.event_id.bytes, body))
            self._group.futures.append(future)
        self._wake.set()
        return await future

    async def append_row(self, table: str, row: Row) -> None:
        """Returns when a row that needs no verdict is on disk, from where it is shipped.

        Raises:
            OutboxFullError: at the size limit, or the disk cannot take it.
            UnicodeEncodeError: text that is none; found here, for it would stop the thread.
        """
        pack_rows([row])
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        with self._turn:
            self._group.rows.append((table, row))
            self._group.row_futures.append(future)
        self._wake.set()
        await future

    def settle(self, event: Tracked, booked: Booked) -> None:
        """Notes the verdict; the shipper may take the row soon after. Never waits."""
        settled = Settled(event.event_id.bytes, settled_row(event, booked))
        with self._turn:
            self._group.settled.append(settled)
            many = len(self._group.settled) >= SETTLED_AT_ONCE
        if many:
            self._wake.set()

    def note(self, event: Tracked, verdict: Verdict) -> None:
        """Keeps an event that does not count, for `suspects`. Never waits.

        Dropped and counted when full.
        """
        if kept := settled_row(event, Booked(verdict)):
            table, row = kept
            self.keep(Batch(table, 1, pack_rows([row])))

    def keep(self, batch: Batch) -> None:
        """Takes in packed rows that may be lost in a crash. Never waits.

        Dropped and counted when full.
        """
        with self._turn:
            self._group.batches.append(batch)

    async def unsettled(self, limit: int) -> list[Tracked]:
        """The oldest events without a verdict: left by a crash, or while Redis was away."""
        bodies = await asyncio.to_thread(self._waiting, limit)
        return [unpack_tracked(body) for body in bodies]

    def close(self) -> None:
        """Writes what is pending and lets go of the file. Blocks until it is on disk."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._file.close()
        self._lock.release()

    def _waiting(self, limit: int) -> list[bytes]:
        with contextlib.closing(
            OutboxFile(self._path)
        ) as own:  # the writer's connection is the writer's
            return own.waiting(limit)

    def _run(self) -> None:
        while True:
            closing = self._closing
            self._wake.wait(0 if closing else LAZY_COMMIT_S)
            self._wake.clear()
            with self._turn:
                group, self._group = self._group, _Group()
            if not group.is_empty():
                self._commit(group)
            if closing:
                return

    def _commit(self, group: _Group) -> None:
        """One group to disk. A damaged file is set aside and the group goes to a new one."""
        try:
            new = self._write(group)
        except OutboxFullError as full:
            self._refuse(group, full)
        except (
            sqlite3.OperationalError
        ) as trouble:  # disk full, input/output error, locked too long
            log.exception("outbox %s cannot write", self._path)
            self._refuse(group, OutboxFullError(f"the outbox cannot write: {trouble}"))
        except sqlite3.DatabaseError as damage:
            self._file.close()
            set_aside(self._path, str(damage))
            DAMAGED.inc()
            self._file = OutboxFile(self._path, CHECKPOINT_PAGES)
            self._commit(group)
        else:
            APPENDED.inc(sum(new) + len(group.rows))
            _resolve(group.futures, new)
            _resolve(group.row_futures, [True] * len(group.rows))

    def _write(self, group: _Group) -> list[bool]:
        room = self._max_rows - self._file.backlog()
        BACKLOG.set(self._max_rows - room)
        promised = len(group.appends) + len(group.rows)
        if promised and promised > room:
            raise OutboxFullError(f"{self._max_rows} rows wait for the event store")
        room -= promised + self._max_rows // KEPT_FOR_MONEY
        batches = [*joined(group.rows), *_fitting(group.batches, room)]
        return self._file.write(group.appends, group.settled, batches)

    def _refuse(self, group: _Group, why: OutboxFullError) -> None:
        REFUSED.inc(len(group.appends) + len(group.rows))
        _drop(group.batches)
        for future in (*group.futures, *group.row_futures):
            future.get_loop().call_soon_threadsafe(_fail, future, why)
        if group.settled:  # verdicts make room: they must not share the refusal
            with contextlib.suppress(sqlite3.DatabaseError):
                self._file.write((), group.settled)
                return
            with self._turn:
                self._group.settled[:0] = group.settled


def lock_path(directory: Path, worker_id: str) -> Path:
    """The file that a worker keeps locked while it lives."""
    return directory / f"{worker_id}.lock"


def open_sound(path: Path) -> OutboxFile:
    """Opens an outbox after reading it whole; a damaged one is set aside and an empty one begun."""
    try:
        opened = OutboxFile(path, CHECKPOINT_PAGES)
        try:
            opened.check()
        except sqlite3.DatabaseError:
            opened.close()
            raise
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as damage:
        set_aside(path, str(damage))
        DAMAGED.inc()
        opened = OutboxFile(path, CHECKPOINT_PAGES)
    return opened


def _fitting(batches: Sequence[Batch], room: int) -> list[Batch]:
    fitting: list[Batch] = []
    for batch in batches:
        if batch.rows <= room:
            fitting.append(batch)
            room -= batch.rows
        else:
            _drop([batch])
    return fitting


def _drop(batches: Sequence[Batch]) -> None:
    DROPPED.inc(sum(batch.rows for batch in batches))


def _resolve(futures: Sequence[asyncio.Future[bool]], outcomes: Sequence[bool]) -> None:
    if futures:
        futures[0].get_loop().call_soon_threadsafe(_set_all, futures, outcomes)


def _set_all(futures: Sequence[asyncio.Future[bool]], outcomes: Sequence[bool]) -> None:
    for future, outcome in zip(futures, outcomes, strict=True):
        if not future.done():  # whoever waited may have gone
            future.set_result(outcome)


def _fail(future: asyncio.Future[bool], why: OutboxFullError) -> None:
    if not future.done():
        future.set_exception(why)
