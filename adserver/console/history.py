"""Publishes what the log says of each creative in each placement, for workers and training.

Never here: smoothing (`models.ctr`). The one surprising fact: nothing is published while no number
has changed, because every publication makes every worker build a new snapshot.
"""

import logging
from collections import Counter
from datetime import datetime
from pathlib import Path

from prometheus_client import Gauge

from adserver import history_package
from adserver.eventlog.queries import HISTORY_TABLES
from models.domain.history import History, HistoryCell
from models.domain.ids import CreativeId, PlacementId

log = logging.getLogger(__name__)

DAYS = 30  # older days say little about today's users
VERSIONS_KEPT = 5
CELLS = Gauge("adunion_history_cells", "Creatives in placements of which the log knows something")


class HistoryPublisher:
    """Remembers what it last published; one per console."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / history_package.DIRECTORY
        self._cells: tuple[HistoryCell, ...] = ()

    def publish(self, counts: Counter[tuple[str, str, str]], now: datetime) -> str | None:
        """Publishes counts by (creative, placement, table) if they are new; answers the version."""
        cells = cells_of(counts)
        if cells == self._cells:
            return None
        as_of_ms = int(now.timestamp() * 1000)
        history = History(as_of_ms, cells)
        version = history_package.publish(self._root, history, keep=VERSIONS_KEPT)
        self._cells = cells
        CELLS.set(len(cells))
        impressions = sum(cell.impressions for cell in cells)
        log.info("history %s: %d cells, %s impressions", version, len(cells), f"{impressions:,}")
        return version


def cells_of(counts: Counter[tuple[str, str, str]]) -> tuple[HistoryCell, ...]:
    """The cells in order, from counts by (creative, placement, table)."""
    places = sorted({(creative, placement) for creative, placement, _ in counts})
    return tuple(
        HistoryCell(
            CreativeId(creative),
            PlacementId(placement),
            *(counts[creative, placement, table] for table in HISTORY_TABLES),
        )
        for creative, placement in places
    )
