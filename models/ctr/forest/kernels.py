"""The numba functions that score: look up a value's row, AND rows into masks, add up exit leaves.

Arrays only; what they hold is made in `compiled`. Nothing here allocates on the request path, and
what runs for a whole catalog (in a thread, at a reload) lets requests go on beside it.

The one surprising fact: the inner loop is written so that the compiler can do eight trees at once
(sums may be re-ordered, rows are 64-byte aligned): 0.09 us an ad instead of 0.19 for 200 trees.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.ctr.forest.machine import lowest_bit, prefetch

ZERO = float(np.float32(1e-35))
LEAVES = np.uint64(64)

AHEAD = 2
ASKED_WORDS = 64
LINE_WORDS = 8
"""The first 512 bytes of the row two ads ahead are asked for; the rest the processor guesses.

300 of 60,000 rows: 94 us without, 61 so, 72 with the whole row asked for."""

COLUMN = np.dtype(
    [
        ("slot", np.int64),
        ("begin", np.int64),
        ("end", np.int64),
        ("nan", np.int64),
        ("zero", np.int64),
        ("other", np.int64),
        ("exact", np.bool_),
        ("whole", np.bool_),
    ],
    align=True,
)


class Lookup(NamedTuple):
    """The columns of one half: for each, where a value's row of masks is found.

    A column (a record of COLUMN) reads `slot` of its half. `cuts[begin:end]` are rising thresholds,
    or where it is `exact` the known values (`whole`: fractions are cut off before the search). The
    bin up to and including cut i of column c has row `bins[i + c]` of `rows` (uint64[rows, trees]):
    a column has a bin more than cuts. NaN has row `nan`, an unknown exact value `other`, and what
    LightGBM takes for zero `zero` (vocabularies know no such thing: they are `exact`, not `whole`).
    """

    columns: NDArray[np.void]
    cuts: NDArray[np.float64]
    bins: NDArray[np.int32]
    rows: NDArray[np.uint64]


class BoundArrays(NamedTuple):
    """A forest bound to a catalog.

    `masks` has a row for every ad at its pair defaults, then one for each kept cell; `ad_rows` are
    the row numbers of each ad's columns, from which a mask is made anew for what is not kept.
    """

    masks: NDArray[np.uint64]
    ad_bins: NDArray[np.int32]
    default_rows: NDArray[np.float64]
    cell_rows: NDArray[np.float64]
    line_item_of: NDArray[np.int32]
    leaves: NDArray[np.float64]


class Scratch(NamedTuple):
    """What a request writes on: its mask, one ad's mask, one pair row, who was seen (-1: not)."""

    request_mask: NDArray[np.uint64]
    mask: NDArray[np.uint64]
    pair: NDArray[np.float64]
    seen_at: NDArray[np.int32]


Plain = tuple[tuple[Any, ...], Any, Any]
"""Three `Lookup` (request, ad, pair), a `BoundArrays` and a `Scratch`, all as plain tuples: named
ones cost each call 4 us more, for numba looks up their types in Python."""

Asked = tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]
"""A request: its row, the cell of every ad in its placement, the line items its user has seen, and
what there is to say of each."""

Curve = tuple[float, float, NDArray[np.float64], NDArray[np.float64]]
"""Slope, intercept, knots and levels of a calibration."""


@njit(cache=True)
def row_of(lookup: Lookup, number: int, value: float) -> np.int64:
    """The row of `lookup.rows` that a value of a column has."""
    column = lookup.columns[number]
    row: np.int64 = column.nan
    if np.isnan(value):
        return row
    if column.whole:
        value = np.trunc(value)
    row = column.zero
    if abs(value) <= ZERO and (column.whole or not column.exact):
        return row
    low, high = column.begin, column.end
    while low < high:
        middle = (low + high) >> 1
        if lookup.cuts[middle] < value:
            low = middle + 1
        else:
            high = middle
    row = np.int64(lookup.bins[low + number])
    if column.exact and (low == column.end or lookup.cuts[low] != value):
        row = column.other
    return row


@njit(cache=True)
def restrict(lookup: Lookup, values: NDArray[np.float64], mask: NDArray[np.uint64]) -> None:
    """Clears from `mask` the leaves that the values of one half rule out."""
    for column in range(len(lookup.columns)):
        row = lookup.rows[row_of(lookup, column, values[lookup.columns[column].slot])]
        for tree in range(len(mask)):
            mask[tree] &= row[tree]


@njit(cache=True, nogil=True)
def restrict_all(
    lookup: Lookup, values: NDArray[np.float64], which: NDArray[np.int32], masks: NDArray[np.uint64]
) -> None:
    """`restrict` of each mask i by the values of row `which[i]`."""
    for place in range(len(which)):
        restrict(lookup, values[which[place]], masks[place])


@njit(cache=True, nogil=True)
def bins_of(lookup: Lookup, values: NDArray[np.float64], out: NDArray[np.int32]) -> None:
    """The row number of every column of every row of values."""
    for place in range(len(values)):
        for column in range(len(lookup.columns)):
            value = values[place, lookup.columns[column].slot]
            out[place, column] = row_of(lookup, column, value)


@njit(cache=True, fastmath={"reassoc"})
def _exit_sum(
    left: NDArray[np.uint64], right: NDArray[np.uint64], leaves: NDArray[np.float64]
) -> float:
    """Over all trees, the value of the lowest leaf that both masks leave."""
    total = 0.0
    for tree in range(len(right)):
        total += leaves[np.uint64(tree) * LEAVES + lowest_bit(left[tree] & right[tree])]
    return total


@njit(cache=True)
def _make_mask(
    ad: int, cell: int, ad_lookup: Lookup, pair_lookup: Lookup, bound: BoundArrays, scratch: Scratch
) -> None:
    """The mask of one ad from its columns and a pair row; the seen slots are already written."""
    mask, pair = scratch.mask, scratch.pair
    history = bound.cell_rows[cell] if cell >= 0 else bound.default_rows[ad]
    begin = len(pair) - len(history)
    for slot in range(len(history)):
        pair[begin + slot] = history[slot]
    for tree in range(len(mask)):
        mask[tree] = scratch.request_mask[tree]
    for column in range(len(ad_lookup.columns)):
        row = ad_lookup.rows[bound.ad_bins[ad, column]]
        for tree in range(len(mask)):
            mask[tree] &= row[tree]
    restrict(pair_lookup, pair, mask)


@njit(cache=True)
def _ask_for(bound: BoundArrays, cells: NDArray[np.int32], ad: int, kept: int) -> None:
    cell = cells[ad]
    row = len(bound.line_item_of) + cell if 0 <= cell < kept else ad
    for word in range(0, min(ASKED_WORDS, bound.masks.shape[1]), LINE_WORDS):
        prefetch(bound.masks, row, word)


@njit(cache=True)
def raw_scores(
    plain: Plain, request: Asked, ads: NDArray[np.int32], out: NDArray[np.float64]
) -> None:
    """The raw score of each ad, into `out`."""
    (asked, owned, paired), bound_arrays, scratch_arrays = plain
    lookups = (Lookup(*asked), Lookup(*owned), Lookup(*paired))
    bound, scratch = BoundArrays(*bound_arrays), Scratch(*scratch_arrays)
    row, cells, seen_line_items, seen = request
    request_mask = scratch.request_mask
    request_mask[:] = ~np.uint64(0)
    restrict(lookups[0], row, request_mask)
    for place in range(len(seen_line_items)):
        scratch.seen_at[seen_line_items[place]] = place
    kept = len(bound.masks) - len(bound.line_item_of)
    for place in range(len(ads)):
        ad = ads[place]
        cell = cells[ad]
        if place + AHEAD < len(ads):
            _ask_for(bound, cells, ads[place + AHEAD], kept)
        at = scratch.seen_at[bound.line_item_of[ad]]
        if at < 0 and cell < kept:
            mask = bound.masks[ad if cell < 0 else len(bound.line_item_of) + cell]
        else:
            scratch.pair[0] = 0.0
            scratch.pair[1] = 0.0
            scratch.pair[2] = np.nan
            if at >= 0:
                scratch.pair[:3] = seen[at]
            _make_mask(ad, cell, lookups[1], lookups[2], bound, scratch)
            mask = scratch.mask
        out[place] = _exit_sum(mask, request_mask, bound.leaves)
    for place in range(len(seen_line_items)):
        scratch.seen_at[seen_line_items[place]] = -1


@njit(cache=True)
def probabilities(
    plain: Plain,
    curve: Curve,
    request: Asked,
    ads: NDArray[np.int32],
    out: NDArray[np.float64],
) -> None:
    """The calibrated probability of each ad, into `out`."""
    raw_scores(plain, request, ads, out)
    calibrate(curve, out)


@njit(cache=True, nogil=True)
def raw_rows(
    lookups: tuple[Lookup, Lookup, Lookup],
    ends: tuple[int, int],
    leaves: NDArray[np.float64],
    rows: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """The raw score of whole rows (request, ad and pair slots side by side, cut at `ends`)."""
    mask = np.empty(len(leaves) // 64, np.uint64)
    every = np.full(len(mask), ~np.uint64(0))
    for place in range(len(rows)):
        mask[:] = ~np.uint64(0)
        restrict(lookups[0], rows[place, : ends[0]], mask)
        restrict(lookups[1], rows[place, ends[0] : ends[1]], mask)
        restrict(lookups[2], rows[place, ends[1] :], mask)
        out[place] = _exit_sum(mask, every, leaves)


@njit(cache=True)
def calibrate(curve: Curve, scores: NDArray[np.float64]) -> None:
    """Raw scores to probabilities, in place: `calibration.Calibration.apply` without arrays."""
    slope, intercept, knots, levels = curve
    for place in range(len(scores)):
        score = scores[place]
        if len(knots) == 0:
            line = slope * score + intercept
            small = np.exp(-abs(line))
            scores[place] = (1.0 if line >= 0 else small) / (1.0 + small)
        elif score <= knots[0]:
            scores[place] = levels[0]
        elif score >= knots[-1]:
            scores[place] = levels[-1]
        else:
            right = np.searchsorted(knots, score)
            part = (score - knots[right - 1]) / (knots[right] - knots[right - 1])
            scores[place] = levels[right - 1] + part * (levels[right] - levels[right - 1])
