"""Histories of the rows that are learned from, so that no row sees its own label.

Without times a row sees the labels of other folds; with times it sees what came strictly before it.
What a finished model looks up is `encoding.HistoryTable`.

The one surprising fact: folds must be nested. The rows that decide when a booster stops, and that
calibrate it, must not have lent their labels to the histories it grew on. Where ids are seen a few
times each, letting them do so cost 0.013 of normalised entropy and took twice the trees.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.ctr.dataset import Dataset, Indices
from models.ctr.encoding import Floats, smoothed

STRENGTH = 20.0
"""Impressions at the overall rate that every history starts with, measured on real logs."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows of one history feature with its keys as small numbers, ready to be counted."""

    codes: Indices
    distinct: int

    @staticmethod
    def of(keys: NDArray[np.uint64]) -> "Counted":
        """Numbers the keys."""
        known, codes = np.unique(keys, return_inverse=True)
        return Counted(codes.astype(np.int64), len(known))

    def elsewhere(self, clicked: Floats, fold: Indices, parts: int) -> Floats:
        """Each row's history from all rows of other folds.

        Args:
            clicked: one label a row.
            fold: 0..parts-1 for each row; -1 for rows that lend no label but get a history.
            parts: the number of folds.

        Returns:
            float64[n, 2]: smoothed rate, log(1 + impressions).
        """
        lends = fold >= 0
        cell = np.where(lends, fold, 0) * self.distinct + self.codes
        shape = (parts, self.distinct)
        size = parts * self.distinct
        shown = np.bincount(cell[lends], minlength=size).reshape(shape)
        clicks = np.bincount(cell[lends], clicked[lends], minlength=size).reshape(shape)
        own = np.where(lends, 1.0, 0.0)
        others = shown.sum(0)[self.codes] - own * shown.reshape(-1)[cell]
        theirs = clicks.sum(0)[self.codes] - own * clicks.reshape(-1)[cell]
        rates = (clicks.sum() - clicks.sum(1)) / np.maximum(shown.sum() - shown.sum(1), 1)
        whole = clicks.sum() / max(shown.sum(), 1)
        prior = np.where(lends, rates[np.where(lends, fold, 0)], whole)
        return np.stack([smoothed(theirs, others, prior, STRENGTH), np.log1p(others)], axis=1)

    def before(self, clicked: Floats, times_ms: Indices, lends: NDArray[np.bool_]) -> Floats:
        """Each row's history from the lending rows that are strictly earlier.

        The overall rate it is smoothed towards is one number, that of all lending rows: a rate that
        ran along with time would be a clock, and a booster reads clocks.

        Returns:
            float64[n, 2]: smoothed rate, log(1 + impressions).
        """
        shown, clicks = _running(self.codes, times_ms, clicked, lends)
        prior = float(clicked[lends].mean()) if lends.any() else 0.0
        return np.stack([smoothed(clicks, shown, prior, STRENGTH), np.log1p(shown)], axis=1)


def _running(
    codes: Indices, times_ms: Indices, clicked: Floats, lends: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """(impressions, clicks) of the same code at strictly earlier times, for each row."""
    order = np.lexsort((times_ms, codes))
    code, time = codes[order], times_ms[order]
    first_of_code = np.append(True, code[1:] != code[:-1])
    first_of_moment = first_of_code | np.append(True, time[1:] != time[:-1])
    found = []
    for weight in (lends[order].astype(np.float64), np.where(lends, clicked, 0.0)[order]):
        earlier = np.cumsum(weight) - weight
        at_moment = earlier[first_of_moment][np.cumsum(first_of_moment) - 1]
        at_code = earlier[first_of_code][np.cumsum(first_of_code) - 1]
        unsorted = np.empty(len(codes))
        unsorted[order] = at_moment - at_code
        found.append(unsorted)
    return found[0], found[1]


def fill_past(dataset: Dataset, lends: NDArray[np.bool_]) -> Dataset:
    """The dataset with every history counted from the lending rows strictly before each row."""
    if dataset.times_ms is None:
        raise ValueError("rows without times have no past")
    times_ms = dataset.times_ms
    rows = _filled(dataset, lambda counted: counted.before(dataset.clicked, times_ms, lends))
    return replace(dataset, rows=rows, keys={})


def fill_elsewhere(dataset: Dataset, fold: Indices, parts: int) -> Floats:
    """The rows with every history counted from other folds (-1: lends to nobody)."""
    return _filled(dataset, lambda counted: counted.elsewhere(dataset.clicked, fold, parts))


def _filled(dataset: Dataset, count: Callable[[Counted], Floats]) -> Floats:
    if not dataset.keys:
        return dataset.rows
    rows = dataset.rows.copy()
    for name, keys in dataset.keys.items():
        rows[:, dataset.schema.slot_of[name]] = count(Counted.of(keys))
    return rows
