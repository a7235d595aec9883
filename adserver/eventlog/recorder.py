"""Records decisions, ads served and census rows without ever making a request wait.

Never here: events that money depends on (`counting`). The one surprising fact: rows are made and
packed in a thread of their own, a few hundred at a time, because a long stretch of Python there
would hold up the event loop.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from adserver.eventlog.outbox import DROPPED
from adserver.eventlog.outbox_file import Batch
from adserver.eventlog.rows import Row, census_row, decided_row, pack_rows, served_row
from models.domain.event import AdServed, Census, Decided

log = logging.getLogger(__name__)

FLUSH_S = 0.1
ROWS_AT_ONCE = 200  # about half a millisecond of packing
_Noted = tuple[str, Callable[[Any], Row], Any]


class OutboxRecorder:
    """Holds up to `max_events` in memory and hands them, packed, to `keep` (the outbox's).

    `worker` is the name of this process in the rows.
    """

    def __init__(self, keep: Callable[[Batch], None], max_events: int, worker: str = "") -> None:
        self._keep = keep
        self._max_events = max_events
        self._decided_row = partial(decided_row, worker=worker)
        self._noted: deque[_Noted] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def record(self, decided: Decided, served: Sequence[AdServed]) -> None:
        """One ad request's outcome. Never waits.

        Dropped whole, and counted, when memory is full.
        """
        if len(self._noted) + len(served) >= self._max_events:
            DROPPED.inc(1 + len(served))
            return
        self._noted.append(("decisions", self._decided_row, decided))
        for ad in served:
            self._noted.append(("ads_served", served_row, ad))

    def record_census(self, census: Iterable[Census]) -> None:
        """A minute's sampled refusals. Never waits."""
        for entry in census:
            if len(self._noted) >= self._max_events:
                DROPPED.inc()
            else:
                self._noted.append(("census", census_row, entry))

    def close(self) -> None:
        """Hands over what is noted. Close the outbox afterwards, not before."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(FLUSH_S):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        left = len(self._noted)
        while left > 0:
            rows = min(left, ROWS_AT_ONCE)
            left -= rows
            self._pack([self._noted.popleft() for _ in range(rows)])

    def _pack(self, noted: Sequence[_Noted]) -> None:
        by_table: dict[str, list[Row]] = {}
        for table, row_of, event in noted:
            by_table.setdefault(table, []).append(row_of(event))
        for table, rows in by_table.items():
            try:
                self._keep(Batch(table, len(rows), pack_rows(rows)))
            except (
                TypeError,
                ValueError,
                OverflowError,
            ):  # text that is not Unicode, a number too large
                log.exception("%d rows of %s cannot be packed", len(rows), table)
                DROPPED.inc(len(rows))
