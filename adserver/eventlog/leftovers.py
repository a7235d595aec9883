"""Counts what dead workers left without a verdict: the console does it, since they cannot.

Never here: the outboxes of the living, who count for themselves. The one surprising fact: the
worker's own lock is held meanwhile, so a worker that restarts just then waits its turn instead of
counting along.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from adserver.eventlog.counting import RECOUNT_EVENTS, settle_all
from adserver.eventlog.liveness import Held, HeldError
from adserver.eventlog.outbox import lock_path
from adserver.eventlog.outbox_file import OutboxFile, Settled
from adserver.eventlog.rows import settled_row, unpack_tracked
from adserver.ports import Bookkeeper
from models.domain.event import Booked, Tracked

log = logging.getLogger(__name__)


class DeadOutbox:
    """The outbox of a worker that is no more, with its waiting events."""

    def __init__(self, file: OutboxFile) -> None:
        self._file = file
        self._settled: list[Settled] = []

    async def unsettled(self, limit: int) -> list[Tracked]:
        """The oldest events without a verdict."""
        return [unpack_tracked(body) for body in self._file.waiting(limit)]

    def settle(self, event: Tracked, booked: Booked) -> None:
        """Notes the verdict; `write` puts it on disk."""
        self._settled.append(Settled(event.event_id.bytes, settled_row(event, booked)))

    def write(self) -> None:
        """Puts the noted verdicts on disk."""
        self._file.write((), self._settled)
        self._settled.clear()


async def count_leftovers(directory: Path, bookkeeper: Bookkeeper) -> int:
    """Counts one wave of events of each dead worker. Answers how many got their verdict."""
    settled = 0
    for path in outboxes(directory):
        try:
            with _dead(path) as file:
                if file is not None and file.waiting_count():
                    settled += await _count(file, bookkeeper)
        except sqlite3.DatabaseError as trouble:  # the shipper sets damaged files aside
            log.warning("outbox %s cannot be counted now: %s", path, trouble)
    return settled


def outboxes(directory: Path) -> list[Path]:
    """The outboxes of all workers that ever ran with this directory."""
    return sorted(directory.glob("*.sqlite"))


async def _count(file: OutboxFile, bookkeeper: Bookkeeper) -> int:
    dead = DeadOutbox(file)
    settled = await settle_all(dead, bookkeeper, await dead.unsettled(RECOUNT_EVENTS))
    dead.write()
    if settled:
        log.info("counted %d events that worker %s left behind", settled, file.path.stem)
    return settled


@contextmanager
def _dead(path: Path) -> Iterator[OutboxFile | None]:
    """The file, locked, if its worker is dead; None while it lives."""
    try:
        lock = Held(lock_path(path.parent, path.stem), "the console, counting what was left")
    except HeldError:
        yield None
        return
    try:
        with closing(OutboxFile(path)) as file:
            yield file
    finally:
        lock.release()
