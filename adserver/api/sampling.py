"""The census of about one ad request a second.

Why each line item left, off the request's own time.

Never here: the reasons themselves (`ranking.census`). Counts are kept a minute and then recorded,
one row per placement, line item and reason. The one surprising fact: a sampled request is replayed
when its answer has left, on the loop itself: a snapshot must not be used by two threads.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from os import urandom
from uuid import UUID

from adserver.api.records import Outcome
from adserver.ports import Recorder
from models.domain.event import Census
from models.domain.ids import LineItemId, PlacementId
from ranking.census import census, name_of
from ranking.snapshot import Snapshot

EVERY_S = 1.0
MINUTE_MS = 60_000
Row = tuple[PlacementId, LineItemId, str]


class Sampler:
    """Samples requests, counts reasons, and hands them to the recorder as minutes end."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._next = 0.0
        self._counts: Counter[Row] = Counter()
        self._minute_ms = 0

    def consider(self, snapshot: Snapshot, outcome: Outcome) -> None:
        """Takes the request if a second has passed since the last; costs nothing otherwise."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next and not outcome.request.test:
            self._next = loop.time() + EVERY_S
            loop.call_soon(self._take, snapshot, outcome)

    def _take(self, snapshot: Snapshot, outcome: Outcome) -> None:
        minute_ms = int(outcome.now.timestamp() * 1000) // MINUTE_MS * MINUTE_MS
        if minute_ms != self._minute_ms:
            self.flush()
            self._minute_ms = minute_ms
        self._counts.update(_reasons(snapshot, outcome))

    async def run(self) -> None:
        """Hands over finished minutes until cancelled, and then the last one."""
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                if int(datetime.now(UTC).timestamp() * 1000) - self._minute_ms >= MINUTE_MS:
                    self.flush()
        finally:
            self.flush()

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
    return [(placement_id, line_item.line_item_id, name_of(code)) for line_item, code in pairs]
