"""Brings every outbox of this machine to the event store, those of dead workers included.

Here is what happens when ClickHouse is down: nothing is taken from the outboxes, they grow up to
their limit, and the same shipment is tried again with growing pauses. Never here: verdicts. The one
surprising fact: an insert is repeated after *any* doubt, so the store may hold rows twice, but
never one less.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import Counter, Gauge

from adserver.eventlog.liveness import Held, HeldError
from adserver.eventlog.outbox import DAMAGED, lock_path
from adserver.eventlog.outbox_file import Batch, OutboxFile, Shipment, set_aside
from adserver.eventlog.rows import unpack_columns
from adserver.ports import EventStore, StatementRefusedError, StoreAwayError

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
REST_SHARE = 9  # times as long as a round took, unless there is a backlog
HOUR_MS = 3_600_000

SHIPPED = Counter("adunion_shipped_rows_total", "Rows the event store acknowledged", ["table"])
REFUSED_ROWS = Counter(
    "adunion_shipper_refused_rows_total", "Rows set aside as unreadable", ["table"]
)
FAILED = Counter("adunion_shipper_failures_total", "Shipments that were not acknowledged")
BACKLOG = Gauge("adunion_shipper_backlog_rows", "Rows waiting in an outbox", ["worker"])
LAG = Gauge("adunion_shipper_lag_seconds", "Age of the oldest row of the last shipment")
AWAY = Gauge("adunion_event_store_away_seconds", "How long the event store has not answered")


@dataclass
class Shipper:
    """Ships until stopped. One a machine: it runs in the console, in a thread of its own."""

    directory: Path
    store: EventStore
    batch_rows: int
    prepare: Callable[[], None] = lambda: None  # makes the tables; asked first after any trouble
    prepared: threading.Event = field(default_factory=threading.Event)
    note: Callable[[str, set[int]], None] = lambda _table, _hours: None  # what gets stale
    _open: dict[Path, tuple[int, OutboxFile]] = field(default_factory=dict, repr=False)
    _touched_hours: set[int] = field(default_factory=set, repr=False)
    _touching: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _waiting: dict[str, int] = field(default_factory=dict, repr=False)
    _away_since: float | None = field(default=None, repr=False)

    def run(self, interval_s: float, stop: threading.Event) -> None:
        """Ships every `interval_s`, at once while there is a backlog, until `stop` is set.

        A store that is slow to insert is asked less often: at most a tenth of the time.
        """
        pause = FIRST_PAUSE_S
        while not stop.is_set():
            began = time.monotonic()
            try:
                if self._is_new_or_was_away():
                    self.prepare()
                    self.prepared.set()
                shipped = self.ship_once()
            except (StoreAwayError, StatementRefusedError) as trouble:
                self._note_away(str(trouble), pause)
            except Exception as trouble:
                log.exception("shipping failed")
                self._note_away(repr(trouble), pause)
            else:
                pause = FIRST_PAUSE_S
                if shipped < self.batch_rows:
                    stop.wait(max(interval_s, REST_SHARE * (time.monotonic() - began)))
                continue
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _is_new_or_was_away(self) -> bool:
        return self._away_since is not None or not self.prepared.is_set()

    def ship_once(self) -> int:
        """One shipment from each outbox. Answers how many rows the store acknowledged.

        Raises:
            StoreAwayError, StatementRefusedError: from the store; nothing is forgotten.
        """
        shipped = 0
        for path in sorted(self.directory.glob("*.sqlite")):
            try:
                outbox = self._opened(path)
                self._note_waiting(path.stem, outbox.backlog())
                shipped += self._ship(outbox)
                self._note_waiting(path.stem, outbox.backlog())
            except sqlite3.OperationalError as trouble:  # locked or busy: the next turn will do
                log.warning("outbox %s cannot be read now: %s", path, trouble)
            except sqlite3.DatabaseError as damage:
                self._damaged(path, damage)
        self._note_back()
        return shipped

    def take_touched_hours(self) -> set[int]:
        """Hours (since 1970) whose ads had rows shipped since the last call."""
        with self._touching:
            touched, self._touched_hours = self._touched_hours, set()
            return touched

    @property
    def waiting(self) -> int:
        """Rows in all outboxes, as last seen; from any thread."""
        return sum(self._waiting.values())

    def close(self) -> None:
        """Closes the outboxes."""
        for _, outbox in self._open.values():
            outbox.close()
        self._open.clear()

    def _opened(self, path: Path) -> OutboxFile:
        """The open outbox.

        Opened anew when a worker has set a damaged one aside and begun another.
        """
        inode = path.stat().st_ino
        known = self._open.get(path)
        if known is not None and known[0] == inode:
            return known[1]
        if known is not None:
            known[1].close()
            del self._open[path]
        self._open[path] = (inode, OutboxFile(path))
        return self._open[path][1]

    def _ship(self, outbox: OutboxFile) -> int:
        shipment = outbox.claim(self.batch_rows)
        if shipment is None:
            return 0
        hours: dict[str, set[int]] = {}
        for table, batches in _by_table(shipment).items():
            hours[table] = self._insert(outbox, shipment, table, batches)
        for table, touched in hours.items():  # before the rows are forgotten: see `stale_hours`
            self.note(table, touched)
        outbox.forget(shipment)
        return shipment.rows

    def _insert(
        self, outbox: OutboxFile, shipment: Shipment, table: str, batches: Sequence[Batch]
    ) -> set[int]:
        """Inserts one table's rows; answers the hours they belong to."""
        columns = _columns(outbox, table, batches)
        if not columns["event_id"]:
            return set()
        self.store.insert(table, columns, f"{shipment.name}-{table}")
        SHIPPED.labels(table).inc(len(columns["event_id"]))
        oldest = columns.get("received_ms", columns["occurred_ms"])[0]
        LAG.set(max(0.0, time.time_ns() / 1e9 - oldest / 1000))
        hours = {at // HOUR_MS for at in columns.get("served_ms", columns["occurred_ms"])}
        if "served_ms" in columns:
            with self._touching:
                self._touched_hours.update(hours)
        return hours

    def _damaged(self, path: Path, damage: sqlite3.DatabaseError) -> None:
        """A dead worker's damaged outbox is set aside here; a living worker sets its own aside."""
        known = self._open.pop(path, None)
        if known is not None:
            known[1].close()
        try:
            lock = Held(lock_path(self.directory, path.stem), "the shipper")
        except HeldError:
            log.exception("outbox %s of a living worker is damaged: %s", path, damage)
            return
        try:
            set_aside(path, str(damage))
            DAMAGED.inc()
        finally:
            lock.release()

    def _note_waiting(self, worker: str, rows: int) -> None:
        self._waiting[worker] = rows
        BACKLOG.labels(worker).set(rows)

    def _note_away(self, trouble: str, pause: float) -> None:
        FAILED.inc()
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        AWAY.set(now - self._away_since)
        log.warning("%s; %s rows wait, trying again in %.1f s", trouble, f"{self.waiting:,}", pause)

    def _note_back(self) -> None:
        if self._away_since is None:
            return
        away = time.monotonic() - self._away_since
        self._away_since = None
        AWAY.set(0)
        log.info("event store back after %.0f s; %s rows to go", away, f"{self.waiting:,}")


def _by_table(shipment: Shipment) -> dict[str, list[Batch]]:
    by_table: dict[str, list[Batch]] = {}
    for batch in shipment.batches:
        by_table.setdefault(batch.table, []).append(batch)
    return by_table


def _columns(outbox: OutboxFile, table: str, batches: Sequence[Batch]) -> dict[str, list[Any]]:
    """The batches' rows.

    Batches that cannot be read are kept apart in the outbox, not tried for ever.
    """
    try:
        return unpack_columns(table, [batch.body for batch in batches])
    except msgspec.DecodeError:
        return unpack_columns(table, [batch.body for batch in batches if _fits(outbox, batch)])


def _fits(outbox: OutboxFile, batch: Batch) -> bool:
    try:
        unpack_columns(batch.table, [batch.body])
    except msgspec.DecodeError as reason:
        what = f"{batch.rows} rows of {batch.table} in {outbox.path} cannot be stored"
        log.warning("%s (%s); kept in its table `refused` as %d", what, reason, batch.number)
        REFUSED_ROWS.labels(batch.table).inc(batch.rows)
        outbox.refuse(batch, str(reason))
        return False
    return True
