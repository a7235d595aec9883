"""The numba functions that score: look up a value's row, AND rows into masks, add up exit leaves.

Arrays only; what they hold is made in `compiled`. Nothing here allocates on the request path.

The one surprising fact: the inner loop is written so that the compiler can do eight trees at once
(sums may be re-ordered, rows are 64-byte aligned): 0.09 us an ad instead of 0.19 for 200 trees.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

ZERO = float(np.float32(1e-35))
LEAVES = np.uint64(64)


class Lookup(NamedTuple):
    """The columns of one half: for each, where a value's row of masks is found.

    Column c reads `slots[c]` of its half. `cuts[begins[c]:begins[c + 1]]` are rising thresholds, or
    where `exact[c]` the values that have a row of their own. Row numbers are absolute in `rows`
    (uint64[rows, trees]): `first[c]` of the first cut, `nan[c]`, `zero[c]`, and `other[c]` of a
    value without a row. `whole[c]`: fractions are cut off before the search.
    """

    slots: NDArray[np.int64]
    begins: NDArray[np.int64]
    cuts: NDArray[np.float64]
    exact: NDArray[np.bool_]
    whole: NDArray[np.bool_]
    first: NDArray[np.int64]
    nan: NDArray[np.int64]
    zero: NDArray[np.int64]
    other: NDArray[np.int64]
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


def _emit_lowest_bit(_context: Any, word: Any) -> Any:
    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, 1))

    return types.uint64(word), emit


_lowest_bit = cast("Callable[[np.uint64], np.uint64]", intrinsic(_emit_lowest_bit))
"""The number of the lowest one; undefined for 0, which no pair of masks leaves."""


@njit(cache=True)
def row_of(lookup: Lookup, column: int, value: float) -> np.int64:
    """The row of `lookup.rows` that a value of a column has."""
    row: np.int64 = lookup.nan[column]
    if np.isnan(value):
        return row
    if lookup.whole[column]:
        value = np.trunc(value)
    row = lookup.zero[column]
    if abs(value) <= ZERO:
        return row
    low, end = lookup.begins[column], lookup.begins[column + 1]
    high = end
    while low < high:
        middle = (low + high) >> 1
        if lookup.cuts[middle] < value:
            low = middle + 1
        else:
            high = middle
    row = lookup.first[column] + low - lookup.begins[column]
    if lookup.exact[column] and (low == end or lookup.cuts[low] != value):
        row = lookup.other[column]
    return row


@njit(cache=True)
def restrict(lookup: Lookup, values: NDArray[np.float64], mask: NDArray[np.uint64]) -> None:
    """Clears from `mask` the leaves that the values of one half rule out."""
    for column in range(len(lookup.slots)):
        row = lookup.rows[row_of(lookup, column, values[lookup.slots[column]])]
        for tree in range(len(mask)):
            mask[tree] &= row[tree]


@njit(cache=True)
def restrict_all(
    lookup: Lookup, values: NDArray[np.float64], which: NDArray[np.int32], masks: NDArray[np.uint64]
) -> None:
    """`restrict` of each mask i by the values of row `which[i]`."""
    for place in range(len(which)):
        restrict(lookup, values[which[place]], masks[place])


@njit(cache=True)
def bins_of(lookup: Lookup, values: NDArray[np.float64], out: NDArray[np.int32]) -> None:
    """The row number of every column of every row of values."""
    for place in range(len(values)):
        for column in range(len(lookup.slots)):
            value = values[place, lookup.slots[column]]
            out[place, column] = row_of(lookup, column, value)


@njit(cache=True, fastmath={"reassoc"})
def _exit_sum(
    left: NDArray[np.uint64], right: NDArray[np.uint64], leaves: NDArray[np.float64]
) -> float:
    """Over all trees, the value of the lowest leaf that both masks leave."""
    total = 0.0
    for tree in range(len(right)):
        total += leaves[np.uint64(tree) * LEAVES + _lowest_bit(left[tree] & right[tree])]
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
    for column in range(len(ad_lookup.slots)):
        row = ad_lookup.rows[bound.ad_bins[ad, column]]
        for tree in range(len(mask)):
            mask[tree] &= row[tree]
    restrict(pair_lookup, pair, mask)


@njit(cache=True)
def raw_scores(
    lookups: tuple[Lookup, Lookup, Lookup],
    bound: BoundArrays,
    scratch: Scratch,
    request: tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]],
    ads: NDArray[np.int32],
    out: NDArray[np.float64],
) -> None:
    """The raw score of each ad, into `out`.

    `lookups` are request, ad and pair; `request` is its row, the cell of every ad in its placement,
    the line items its user has seen, and what there is to say of each.
    """
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
def calibrate(
    curve: tuple[float, float, NDArray[np.float64], NDArray[np.float64]],
    scores: NDArray[np.float64],
) -> None:
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
