"""Counts what the log says of each creative in each placement, and publishes it.

Never here: smoothing (`models.ctr`). The one surprising fact: a day is counted again as a whole
whenever rows of ads served on that day were shipped, and never added to. So copies and late rows
cannot make it drift.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
from prometheus_client import Gauge

from adserver import publication
from adserver.eventlog.queries import days_with_impressions, history_cells
from adserver.ports import EventStore
from adserver.reload import HISTORY, HISTORY_FILE
from models.domain.history import History, HistoryCell

log = logging.getLogger(__name__)

DAYS = 30  # older days say little about today's users, and every day costs memory and time
VERSIONS_KEPT = 5
CELLS = Gauge("adunion_history_cells", "Creatives in placements of which the log knows something")


class HistoryPublisher:
    """Remembers the counts of each day; one per console."""

    def __init__(self, store: EventStore, data_dir: Path) -> None:
        self._store = store
        self._root = data_dir / HISTORY
        self._days: dict[int, list[HistoryCell]] = {}
        self._cells: tuple[HistoryCell, ...] = ()
        self._complete = False

    def look(self, touched: Callable[[], set[int]], now: datetime) -> str | None:
        """Counts the `touched` days (all days at first), and publishes if anything changed.

        Answers the new version. Days are Unix day numbers; `touched` gives each of them once.

        Raises:
            StoreAwayError: nothing is lost, the days are counted next time.
        """
        today = int(now.timestamp() // 86_400)
        days = touched() if self._complete else set(days_with_impressions(self._store))
        self._complete = False  # until every day below has been counted
        for day in days:
            if day > today - DAYS:
                self._days[day] = history_cells(self._store, day)
        self._complete = True
        for day in [day for day in self._days if day <= today - DAYS]:
            del self._days[day]
        return self._published(now)

    def _published(self, now: datetime) -> str | None:
        cells = _summed(self._days)
        if cells == self._cells:
            return None
        as_of_ms = int(now.timestamp() * 1000)
        version = f"h{as_of_ms}"
        packed = msgspec.msgpack.encode(History(as_of_ms, cells))
        publication.publish(self._root, version, {HISTORY_FILE: packed})
        publication.keep_last(self._root, VERSIONS_KEPT)
        self._cells = cells
        CELLS.set(len(cells))
        impressions = sum(cell.impressions for cell in cells)
        log.info("history %s: %d cells, %s impressions", version, len(cells), f"{impressions:,}")
        return version


def _summed(days: dict[int, list[HistoryCell]]) -> tuple[HistoryCell, ...]:
    sums: dict[tuple[str, str], HistoryCell] = {}
    for cells in days.values():
        for cell in cells:
            key = (cell.creative_id, cell.placement_id)
            known = sums.get(key)
            sums[key] = cell if known is None else _plus(known, cell)
    return tuple(sums[key] for key in sorted(sums))


def _plus(one: HistoryCell, other: HistoryCell) -> HistoryCell:
    return HistoryCell(
        one.creative_id,
        one.placement_id,
        one.impressions + other.impressions,
        one.clicks + other.clicks,
        one.conversions + other.conversions,
    )
