"""Labelled impressions for training, a slice of time after another.

What the model saw, and whether a click came.

Copies are dropped, suspects and tests are not in it. Never here: learning. The one surprising fact:
the label comes from the offer *and* the creative, because a retried request may have shown two ads
under one offer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adserver.ports import EventStore

MINUTE_MS = 60_000

_MINUTES = """
SELECT intDiv(served_ms, 60000) AS minute, count() AS events FROM impressions
WHERE served_ms >= %(since)s AND served_ms < %(until)s GROUP BY minute ORDER BY minute"""

# GLOBAL: on a cluster the list is made once and sent to every node. Elsewhere it says nothing.
_ROWS = """
SELECT served_ms, placement_id, line_item_id, creative_id, format, pctr, propensity,
       model_version,
       hex(features) AS packed,
       (offer_id, creative_id) GLOBAL IN (
           SELECT offer_id, creative_id FROM clicks
           WHERE served_ms >= %(since)s AND served_ms < %(until)s AND test = 0) AS clicked
FROM ads_served
WHERE served_ms >= %(since)s AND served_ms < %(until)s AND test = 0
  AND schema_hash = %(schema_hash)s
  AND (offer_id, creative_id) GLOBAL IN (
      SELECT offer_id, creative_id FROM impressions
      WHERE served_ms >= %(since)s AND served_ms < %(until)s AND test = 0)
ORDER BY served_ms, event_id
LIMIT 1 BY event_id"""


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Impressions in the order in which their ads were served; all columns equally long.

    `features` is float64 [rows, slots], as logged; `clicked` is 0 or 1; `propensity` and `pctr` are
    of the decision that served the ad.
    """

    served_ms: NDArray[np.int64]
    features: NDArray[np.float64]
    clicked: NDArray[np.int8]
    propensity: NDArray[np.float64]
    pctr: NDArray[np.float64]
    placement_id: Sequence[str]
    line_item_id: Sequence[str]
    creative_id: Sequence[str]
    format: Sequence[str]
    model_version: Sequence[str]

    def __len__(self) -> int:
        """How many impressions."""
        return len(self.served_ms)


def training_rows(
    store: EventStore, schema_hash: str, since_ms: int, until_ms: int, rows: int = 50_000
) -> Iterator[TrainingRows]:
    """Impressions of ads served in [since_ms, until_ms), about `rows` at a time.

    Raises:
        StoreAwayError: the store went away meanwhile.
    """
    for since, until in _slices(store, since_ms, until_ms, rows):
        span = {"since": since, "until": until, "schema_hash": schema_hash}
        found = store.query(_ROWS, span)
        if found["served_ms"]:
            yield _arrays(found)


def _slices(
    store: EventStore, since_ms: int, until_ms: int, rows: int
) -> Iterator[tuple[int, int]]:
    """Spans of whole minutes with about `rows` impressions each."""
    found = store.query(_MINUTES, {"since": since_ms, "until": until_ms})
    start, gathered = since_ms, 0
    for minute, events in zip(found["minute"], found["events"], strict=True):
        if gathered and gathered + events > rows:
            yield start, minute * MINUTE_MS
            start, gathered = minute * MINUTE_MS, 0
        gathered += events
    if gathered:
        yield start, until_ms


def _arrays(found: dict[str, list[Any]]) -> TrainingRows:
    features = np.frombuffer(bytes.fromhex("".join(found["packed"])), dtype="<f8")
    return TrainingRows(
        served_ms=np.array(found["served_ms"], np.int64),
        features=features.reshape(len(found["served_ms"]), -1),
        clicked=np.array(found["clicked"], np.int8),
        propensity=np.array(found["propensity"], np.float64),
        pctr=np.array(found["pctr"], np.float64),
        placement_id=found["placement_id"],
        line_item_id=found["line_item_id"],
        creative_id=found["creative_id"],
        format=found["format"],
        model_version=found["model_version"],
    )
