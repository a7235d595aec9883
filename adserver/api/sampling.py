"""The census of about one ad request a second: why each line item left, off the request's own time.

Never here: the reasons themselves (`ranking.census`). Counts are kept a minute and then recorded,
one row per placement, line item and reason. The one surprising fact: a sampled request is replayed
right after its answer, on the loop: later its budgets would look otherwise, and a snapshot must not
be used by two threads. The rows of a minute are made in a thread, for there may be thousands.
"""

import asyncio
from collections.abc import Iterator
from os import urandom
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from adserver.api.records import Outcome
from adserver.ports import Recorder
from models.domain.event import Census
from models.domain.ids import PlacementId
from ranking.catalog import Catalog
from ranking.census import census, name_of
from ranking.slate import REASONS
from ranking.snapshot import Snapshot

EVERY_S = 1.0
MINUTE_MS = 60_000

Counts = dict[PlacementId, NDArray[np.int32]]


class Sampler:
    """Samples requests, counts reasons, and hands them to the recorder as minutes end."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._next = 0.0
        self._minute_ms = 0
        self._catalog: Catalog | None = None
        self._counts: Counts = {}  # int32[line items, reasons] by placement

    def consider(self, snapshot: Snapshot, outcome: Outcome) -> None:
        """Takes the request if a second has passed since the last; costs nothing otherwise."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next and not outcome.request.test:
            self._next = loop.time() + EVERY_S
            loop.call_soon(self._take, snapshot, outcome)

    def _take(self, snapshot: Snapshot, outcome: Outcome) -> None:
        catalog, minute_ms = snapshot.catalog, _minute(outcome)
        if minute_ms != self._minute_ms or catalog is not self._catalog:
            self._hand_over()
            self._minute_ms, self._catalog = minute_ms, catalog
        codes = census(outcome.request, outcome.user, snapshot, outcome.now, outcome.decision)
        placement_id = outcome.request.placement.placement_id
        if placement_id not in self._counts:
            self._counts[placement_id] = np.zeros((len(codes), len(REASONS)), np.int32)
        self._counts[placement_id][np.arange(len(codes)), codes] += 1

    def _hand_over(self) -> None:
        """Has the minute's rows made and recorded in a thread."""
        if self._catalog is not None and self._counts:
            rows = _rows(self._catalog, self._counts, self._minute_ms)
            asyncio.get_running_loop().run_in_executor(None, self._recorder.record_census, rows)
        self._counts = {}

    def flush(self) -> None:
        """Records what there is, when the worker stops."""
        if self._catalog is not None:
            self._recorder.record_census(_rows(self._catalog, self._counts, self._minute_ms))
        self._counts = {}


def _minute(outcome: Outcome) -> int:
    return int(outcome.now.timestamp() * 1000) // MINUTE_MS * MINUTE_MS


def _rows(catalog: Catalog, counts: Counts, minute_ms: int) -> Iterator[Census]:
    for placement_id, matrix in counts.items():
        for item, code in np.argwhere(matrix).tolist():
            yield Census(
                event_id=UUID(bytes=urandom(16)),
                minute_ms=minute_ms,
                placement_id=placement_id,
                line_item_id=catalog.line_items[item].line_item_id,
                reason=name_of(code),
                requests=int(matrix[item, code]),
            )
