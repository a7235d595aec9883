"""What a model learns from: encoded rows, whether each was clicked, and when.

Here rows are selected and split. Reading them is `adserver.datafiles` and the event log; histories
that must be counted are `out_of_fold`; learning is `training`.

The one surprising fact: rows of the event log bring their histories along, as serving saw them. A
file brings none, so its rows hold NaN there, beside the keys by which they are counted later.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.ctr.encoding import Column, Floats, encode_table, history_keys
from models.ctr.features import Feature, FeatureSchema, Kind

Indices = NDArray[np.int64]
Milliseconds = NDArray[np.int64]

FOLDS = 5
LATER_SHARE = 0.2
MIN_EACH = 10
"""Fewer clicked, or fewer unclicked, rows than this and nothing can be learned or judged."""

MANY_VALUES = 32
"""From so many distinct values on, a category also gets a history of its own."""


class DatasetError(ValueError):
    """Rows that nothing can be learned from; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows in file order.

    `rows` is float64[n, slots of the schema], `clicked` holds 0.0 and 1.0. `times_ms` is None where
    the data has no time. `groups` is what calibration is reported by (a placement's name, say; may
    be empty). `keys` has, for each history that is counted from these very rows, one key a row.
    """

    schema: FeatureSchema
    rows: Floats
    clicked: Floats
    times_ms: Milliseconds | None = None
    groups: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, np.str_))
    keys: Mapping[str, NDArray[np.uint64]] = field(default_factory=dict)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.clicked)

    def take(self, index: Indices) -> "Dataset":
        """These rows only, in this order."""
        return replace(
            self,
            rows=self.rows[index],
            clicked=self.clicked[index],
            times_ms=None if self.times_ms is None else self.times_ms[index],
            groups=self.groups[index] if len(self.groups) else self.groups,
            keys={name: keys[index] for name, keys in self.keys.items()},
        )


def from_columns(
    schema: FeatureSchema,
    columns: Mapping[str, Column],
    clicked: Floats,
    times_ms: Milliseconds | None = None,
    groups: NDArray[np.str_] | None = None,
) -> Dataset:
    """Encodes a file's columns; its histories are left to be counted."""
    histories = [feature for feature in schema.features if feature.kind is Kind.HISTORY]
    return Dataset(
        schema=schema,
        rows=encode_table(schema, columns),
        clicked=clicked,
        times_ms=times_ms,
        groups=np.empty(0, np.str_) if groups is None else groups,
        keys={feature.name: history_keys(feature, columns) for feature in histories},
    )


def from_log(
    schema: FeatureSchema,
    rows: Floats,
    clicked: Floats,
    times_ms: Milliseconds,
    groups: NDArray[np.str_],
) -> Dataset:
    """Rows as they were logged when the ads were served, float64[n, slots].

    Raises:
        DatasetError: rows of another width than the schema's.
    """
    if rows.ndim != 2 or rows.shape[1] != len(schema.slots):
        raise DatasetError(
            f"logged rows are {rows.shape}, the schema has {len(schema.slots)} slots"
        )
    return Dataset(schema, rows, clicked, times_ms, groups)


def with_histories(schema: FeatureSchema, distinct: Mapping[str, int]) -> FeatureSchema:
    """The schema with a history for every category of many values that has none yet.

    Args:
        schema: as somebody wrote it.
        distinct: how many values each category takes, by feature name.
    """
    covered = {f.sources for f in schema.features if f.kind is Kind.HISTORY}
    added = [
        Feature(f"{f.name}_history", Kind.HISTORY, f.half, 1, f.sources)
        for f in schema.features
        if f.kind is Kind.CATEGORY
        and f.sources not in covered
        and distinct.get(f.name, 0) > MANY_VALUES
    ]
    return FeatureSchema((*schema.features, *added))


def require_learnable(dataset: Dataset) -> None:
    """Refuses labels that say nothing.

    Raises:
        DatasetError: with the counts, and what may have gone wrong.
    """
    clicks = int(dataset.clicked.sum())
    others = len(dataset) - clicks
    if min(clicks, others) < MIN_EACH:
        raise DatasetError(
            f"{len(dataset)} rows with {clicks} positive and {others} negative labels: "
            f"at least {MIN_EACH} of each are needed. Check the label column and what counts as "
            "positive, or wait for more data."
        )


def split(dataset: Dataset, share: float = LATER_SHARE) -> tuple[Indices, Indices]:
    """(rows to learn from, rows to judge by): the latest `share` judges.

    Without times, or where no moment leaves both parts with both labels, rows are drawn by a hash
    of their number instead.
    """
    if dataset.times_ms is not None:
        later = dataset.times_ms > _cut(dataset.times_ms, share)
        if _both_labels(dataset.clicked, later):
            return np.flatnonzero(~later), np.flatnonzero(later)
    drawn = folds("judge", len(dataset), round(1 / share)) == 0
    if not _both_labels(dataset.clicked, drawn):
        drawn = _every(dataset.clicked, round(1 / share))
    return np.flatnonzero(~drawn), np.flatnonzero(drawn)


def is_by_time(dataset: Dataset, learn: Indices, judge: Indices) -> bool:
    """Whether a split put every judging row after every learning row."""
    times = dataset.times_ms
    return times is not None and bool(times[learn].max() < times[judge].min())


def folds(name: str, rows: int, count: int = FOLDS) -> Indices:
    """The fold of each row: crc32("name:row") modulo `count`. Anybody can draw the same."""
    numbers = (zlib.crc32(f"{name}:{row}".encode()) % count for row in range(rows))
    return np.fromiter(numbers, np.int64, rows)


def _cut(times_ms: Milliseconds, share: float) -> int:
    """The last moment to learn from, so that later rows come nearest to `share` of all."""
    moments, counts = np.unique(times_ms, return_counts=True)
    until = np.cumsum(counts) / len(times_ms)
    return int(moments[np.argmin(np.abs(until - (1 - share)))])


def _both_labels(clicked: Floats, part: NDArray[np.bool_]) -> bool:
    return all(0 < clicked[rows].sum() < rows.sum() for rows in (part, ~part))


def _every(clicked: Floats, step: int) -> NDArray[np.bool_]:
    """Every `step`-th clicked and every `step`-th other row."""
    place = np.where(clicked > 0, np.cumsum(clicked > 0), np.cumsum(clicked <= 0))
    drawn: NDArray[np.bool_] = place % step == 1
    return drawn
