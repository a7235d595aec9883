"""Gathers the splits of all boosters by the column they read, and tabulates what they rule out.

The rules of a split are `rules`. Which half a column belongs to is decided in `compiled`.

The one surprising fact: a vocabulary disappears here. A column that a booster reads through one is
looked up by the encoded value itself, so serving never makes a code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.ctr.encoding import MISSING, Vocabulary
from models.ctr.forest.kernels import COLUMN, Lookup
from models.ctr.forest.model_text import Tree
from models.ctr.forest.rules import goes_right, is_above

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]

EVERY_LEAF = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True)
class Split:
    """One inner node: the number of its tree in the forest, the tree, the node, its mask."""

    number: int
    tree: Tree
    node: int
    mask: np.uint64


@dataclass(slots=True)
class Column:
    """All splits on one slot that read it in one way."""

    slot: int
    vocabulary: Vocabulary | None
    categorical: bool
    splits: list[Split] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """A column's cuts (or exact values), the row of each bin, and the rows.

    There is one bin more than cuts; the last three rows are for NaN, zero and other (of which a
    vocabulary has no zero, and thresholds no other).
    """

    cuts: Floats
    bins: NDArray[np.int64]
    exact: bool
    whole: bool
    rows: Words


def aligned(rows: int, words: int) -> Words:
    """Uninitialised uint64[rows, words] that begins on a cache line (64 bytes)."""
    raw = np.empty(rows * words * 8 + 64, np.uint8)
    begin = -raw.ctypes.data % 64
    return raw[begin : begin + rows * words * 8].view(np.uint64).reshape(rows, words)


def lookup(columns: Sequence[Column], first_slot: int, words: int) -> Lookup:
    """The lookup of one half, whose slots begin at `first_slot` of the schema."""
    tables = [_table(column, words) for column in columns]
    rows = aligned(sum(len(table.rows) for table in tables), words)
    records = np.zeros(len(columns), COLUMN)
    bins: list[NDArray[np.int64]] = []
    row = cut = 0
    for record, column, table in zip(records, columns, tables, strict=True):
        end = row + len(table.rows)
        rows[row:end] = table.rows
        bins.append(table.bins + row)
        record["slot"] = column.slot - first_slot
        record["begin"], record["end"] = cut, cut + len(table.cuts)
        record["nan"], record["zero"], record["other"] = end - 3, end - 2, end - 1
        record["exact"], record["whole"] = table.exact, table.whole
        row, cut = end, cut + len(table.cuts)
    return Lookup(
        columns=records,
        cuts=np.concatenate([np.empty(0), *(table.cuts for table in tables)]),
        bins=np.concatenate([np.empty(0, np.int32), *bins]).astype(np.int32),
        rows=rows,
    )


def _table(column: Column, words: int) -> Table:
    if column.vocabulary is not None:
        return _vocabulary_table(column, column.vocabulary, words)
    if column.categorical:
        known = np.unique(np.concatenate([s.tree.splits.members[s.node] for s in column.splits]))
        values = known.astype(np.float64)
        special = np.array([MISSING, 0.0, -1.0])
        rows = _rows(column, np.append(values, special), words)
        return Table(values, np.arange(len(values) + 1), True, True, rows)
    cuts = np.unique([s.tree.splits.threshold[s.node] for s in column.splits])
    rows = _rows(column, np.append(cuts, np.inf), words, bare=True)
    special = _rows(column, np.array([MISSING, 0.0, np.inf]), words)
    return Table(cuts, np.arange(len(cuts) + 1), False, False, np.concatenate([rows, special]))


def _vocabulary_table(column: Column, vocabulary: Vocabulary, words: int) -> Table:
    """One row for each known value that some split tells from others, one for the other known.

    A known value in no set is not `other`: to the booster, `other` may be a category of its own.
    """
    values, codes = vocabulary.keys, vocabulary.codes(vocabulary.keys)
    told = np.ones(len(codes), np.bool_)
    if column.categorical:
        sets = [s.tree.splits.members[s.node].astype(np.float64) for s in column.splits]
        told = np.isin(codes, np.concatenate(sets))
    bins = np.where(told, np.cumsum(told) - 1, told.sum())
    asked = np.concatenate([codes[told], [-1.0, MISSING, MISSING, vocabulary.other]])
    return Table(values, np.append(bins, told.sum()), True, False, _rows(column, asked, words))


def _rows(column: Column, values: Floats, words: int, *, bare: bool = False) -> Words:
    """For each value, the AND of the masks of all splits that it sends right.

    uint64[values, words]. `bare` leaves the missing-value rules out.
    """
    answer = is_above if bare else goes_right
    rows = np.full((words, len(values)), EVERY_LEAF)
    for split in column.splits:
        right = answer(split.tree.splits, split.node, values)
        rows[split.number][right] &= split.mask
    return rows.T


def gather(
    readers: Sequence[tuple[Sequence[int], Mapping[int, Vocabulary]]],
    forests: Sequence[Sequence[tuple[Tree, NDArray[np.uint64]]]],
) -> list[Column]:
    """All columns that some split reads, boosters that read a slot in the same way together.

    `readers[i]` are the slots and vocabularies of booster i, `forests[i]` its trees with their
    masks.
    """
    columns: dict[tuple[int, int, bool], Column] = {}
    number = 0
    for (slots, vocabularies), trees in zip(readers, forests, strict=True):
        for tree, masks in trees:
            for node, j in enumerate(tree.splits.column.tolist()):
                vocabulary = vocabularies.get(j)
                categorical = bool(tree.splits.categorical[node])
                key = (slots[j], id(vocabulary) if vocabulary else 0, categorical)
                column = columns.setdefault(key, Column(slots[j], vocabulary, categorical))
                column.splits.append(Split(number, tree, node, masks[node]))
            number += 1
    return list(columns.values())
