"""The census of about one ad request a second.

Why each line item left, off the request's own time.

Never here: the reasons themselves (`ranking.census`). Counts are kept a minute and then recorded,
one row per placement, line item and reason. The one surprising fact: a sampled request is replayed
when its answer has left, on the loop itself: a snapshot must not be used by two threads.
"""

import asyncio
from collections import Counter
from os import urandom
from uuid import UUID


from adserver.api.records import Outcome
from adserver.ports import Recorder
from models.domain.event import Census
from models.domain.ids import LineItemId, PlacementId
from ranking.census import census
from ranking.slate import REASONS
from ranking.snapshot import Snapshot

EVERY_S = 1.0
MINUTE_MS = 60_000
Row = tuple[PlacementId, LineItemId, str]


class Sampler:
    """Samples requests, counts reasons, and hands them to the recorder as minutes end."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: tuple[Snapshot, Outcome] | None = None
        self._counts: Counter[Row] = Counter()
        self._minute_ms = 0

    def consider(self, snapshot: Snapshot, outcome: Outcome) -> None:
        """Keeps the request if none waits; costs nothing otherwise."""
        if self._waiting is None and not outcome.request.test:
            self._waiting = (snapshot, outcome)

    async def run(self) -> None:
        """Takes one request a second, until cancelled; then records what it has."""
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                if self._waiting is not None:
                    self._take(*self._waiting)
                    self._waiting = None
        finally:
            self.flush()

    def _take(self, snapshot: Snapshot, outcome: Outcome) -> None:
        minute_ms = int(outcome.now.timestamp() * 1000) // MINUTE_MS * MINUTE_MS
        if minute_ms != self._minute_ms:
            self.flush()
            self._minute_ms = minute_ms
        self._counts.update(_reasons(snapshot, outcome))

    def flush(self) -> None:
        """Records the minute's counts and begins anew."""
        self._recorder.record_census(
            Census(UUID(bytes=urandom(16)), self._minute_ms, *row, requests)
            for row, requests in self._counts.items()
        )
        self._counts = Counter()


def _reasons(snapshot: Snapshot, outcome: Outcome) -> list[Row]:
    """Why each line item left this one request."""
    request = outcome.request
    codes = census(request, outcome.user, snapshot, outcome.now, outcome.decision)
    placement_id = request.placement.placement_id
    pairs = zip(snapshot.catalog.line_items, codes.tolist(), strict=True)
    return [(placement_id, line_item.line_item_id, REASONS[code]) for line_item, code in pairs]
