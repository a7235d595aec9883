"""The outbox on disk.

One SQLite file a worker, read and emptied by the shipper while the worker writes.

Never here: threads or asyncio (`outbox`) and what a row means (`rows`). The one surprising fact:
what is handed to the shipper is a range of batch numbers, noted in the file before the first row is
sent. After any doubt the same range is read again, and because a batch never changes, the same
bytes are sent again.
"""

import logging
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adserver.eventlog.rows import Row, pack_rows

log = logging.getLogger(__name__)

LAYOUT = 1
BUSY_TIMEOUT_S = 10.0
# In one shipment: deleting more at once would hold up the worker's next commit.
MOST_BATCHES = 2_000
_TABLES = """
CREATE TABLE tally (written INTEGER NOT NULL, gone INTEGER NOT NULL, name TEXT NOT NULL);
CREATE TABLE waiting (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id BLOB NOT NULL UNIQUE,
                      body BLOB NOT NULL);
CREATE TABLE batch (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_table TEXT NOT NULL,
                    rows INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE shipment (first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE refused (seq INTEGER PRIMARY KEY, event_table TEXT NOT NULL, rows INTEGER NOT NULL,
                      body BLOB NOT NULL, reason TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed rows of one table. `number` is its place in the file, once it has one."""

    table: str
    rows: int
    body: bytes
    number: int = 0


@dataclass(frozen=True, slots=True)
class Shipment:
    """Batches `first`..`last`, in order.

    `name` is the same whenever this shipment is read again.
    """

    name: str
    first: int
    last: int
    batches: tuple[Batch, ...]

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return sum(batch.rows for batch in self.batches)


@dataclass(frozen=True, slots=True)
class Settled:
    """An event that has its verdict, and the table and row it becomes, if any."""

    event_id: bytes
    kept: tuple[str, Row] | None


class OutboxFile:
    """An open outbox. One object serves one thread; several may have the same file open.

    Every method is one transaction and may raise `sqlite3.DatabaseError`.
    """

    def __init__(self, path: Path, checkpoint_pages: int = 1_000) -> None:
        """Opens or makes the file.

        Whoever commits when its log has `checkpoint_pages` cleans up, which takes some syncs.

        Raises:
            sqlite3.DatabaseError: it is not a sound outbox of this release.
        """
        self.path = path
        self._checkpoint_pages = checkpoint_pages
        self._db = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except sqlite3.DatabaseError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # a commit is on disk when it returns
        self._db.execute(f"PRAGMA wal_autocheckpoint = {self._checkpoint_pages}")
        with self._writing():
            layout = self._db.execute("PRAGMA user_version").fetchone()[0]
            if layout == 0:
                for statement in _TABLES.split(";"):
                    self._db.execute(statement)
                # Random: a new file must not repeat the names of an old one's shipments.
                self._db.execute("INSERT INTO tally VALUES (0, 0, ?)", (uuid.uuid4().hex,))
                self._db.execute(f"PRAGMA user_version = {LAYOUT}")
            elif layout != LAYOUT:
                raise sqlite3.DatabaseError(f"outbox layout {layout}, this release reads {LAYOUT}")

    def check(self) -> None:
        """Reads the whole file. Raises `sqlite3.DatabaseError` when a page is damaged."""
        verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)

    def close(self) -> None:
        """Closes the file; nothing waits in memory."""
        self._db.close()

    def backlog(self) -> int:
        """Rows and waiting events that have not reached the store."""
        written, gone = self._db.execute("SELECT written, gone FROM tally").fetchone()
        return int(written - gone)

    def write(
        self,
        appended: Sequence[tuple[bytes, bytes]],
        settled: Sequence[Settled] = (),
        batches: Sequence[Batch] = (),
    ) -> list[bool]:
        """Takes in events (id, body), verdicts and batches in one transaction.

        On disk when it returns.

        Answers for each appended event whether it is new. A verdict counts only while its event
        waits.
        """
        with self._writing():
            new = [self._append(event_id, body) for event_id, body in appended]
            kept = [one for one in settled if self._unwait(one.event_id)]
            dropped = sum(one.kept is None for one in kept)
            whole = [*joined([one.kept for one in kept if one.kept]), *batches]
            self._db.executemany(
                "INSERT INTO batch (event_table, rows, body) VALUES (?, ?, ?)",
                [(batch.table, batch.rows, batch.body) for batch in whole],
            )
            written = sum(new) + sum(batch.rows for batch in batches)
            self._db.execute(
                "UPDATE tally SET written = written + ?, gone = gone + ?", (written, dropped)
            )
        return new

    def waiting(self, limit: int) -> list[bytes]:
        """The bodies of the oldest events without a verdict."""
        found = self._db.execute("SELECT body FROM waiting ORDER BY seq LIMIT ?", (limit,))
        return [body for (body,) in found]

    def waiting_count(self) -> int:
        """How many events have no verdict yet."""
        return int(self._db.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def claim(self, max_rows: int) -> Shipment | None:
        """The shipment that may already have been sent, or else a new one of about `max_rows` rows.

        None when there is nothing to ship.
        """
        bounds = self._db.execute("SELECT first, last FROM shipment").fetchone()
        if bounds is None:
            bounds = self._next_bounds(max_rows)
            if bounds is None:
                return None
            with self._writing():
                self._db.execute("INSERT INTO shipment VALUES (?, ?)", bounds)
        first, last = bounds
        found = self._db.execute(
            "SELECT event_table, rows, body, seq FROM batch WHERE seq BETWEEN ? AND ? ORDER BY seq",
            bounds,
        )
        batches = tuple(Batch(*row) for row in found)
        name = self._db.execute("SELECT name FROM tally").fetchone()[0]
        return Shipment(f"{name}-{first}-{last}", first, last, batches)

    def forget(self, shipment: Shipment) -> None:
        """Deletes what the store has acknowledged."""
        with self._writing():
            self._db.execute(
                "DELETE FROM batch WHERE seq BETWEEN ? AND ?", (shipment.first, shipment.last)
            )
            self._db.execute("DELETE FROM shipment")
            self._db.execute("UPDATE tally SET gone = gone + ?", (shipment.rows,))

    def refuse(self, batch: Batch, reason: str) -> None:
        """Takes a batch that cannot be stored out of its shipment, and keeps it with the reason."""
        with self._writing():
            self._db.execute(
                "INSERT INTO refused SELECT *, ? FROM batch WHERE seq = ?", (reason, batch.number)
            )
            self._db.execute("DELETE FROM batch WHERE seq = ?", (batch.number,))
            self._db.execute("UPDATE tally SET gone = gone + ?", (batch.rows,))

    def _append(self, event_id: bytes, body: bytes) -> bool:
        done = self._db.execute(
            "INSERT OR IGNORE INTO waiting (event_id, body) VALUES (?, ?)", (event_id, body)
        )
        return done.rowcount == 1

    def _unwait(self, event_id: bytes) -> bool:
        return self._db.execute("DELETE FROM waiting WHERE event_id = ?", (event_id,)).rowcount == 1

    def _next_bounds(self, max_rows: int) -> tuple[int, int] | None:
        first = last = None
        total = 0
        found = self._db.execute(
            "SELECT seq, rows FROM batch ORDER BY seq LIMIT ?", (MOST_BATCHES,)
        )
        for seq, rows in found:
            if first is not None and total + rows > max_rows:
                break
            first, last, total = first or seq, seq, total + rows
        return None if first is None or last is None else (first, last)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def joined(rows: Sequence[tuple[str, Row]]) -> list[Batch]:
    """One batch a table instead of one an event: fewer rows to write now and to delete later."""
    by_table: dict[str, list[Row]] = {}
    for table, row in rows:
        by_table.setdefault(table, []).append(row)
    return [Batch(table, len(own), pack_rows(own)) for table, own in by_table.items()]


def set_aside(path: Path, reason: str) -> Path:
    """Moves a damaged outbox out of the way under a name that says so, and logs that name.

    Deletes nothing.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}-{uuid.uuid4().hex[:4]}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    log.error("outbox %s is damaged (%s): set aside as %s", path, reason, aside)
    return aside
