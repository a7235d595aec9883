"""Compiles boosters into a forest: leaf masks by tree, and for each column a row of masks a bin.

The rules of a split are `rules`, walking is `kernels`. Which values a slot holds is not known here.

The one surprising fact: between two neighbouring thresholds, or for one category, a column always
rules out the same leaves. So a column is a short table, and a request costs one row a column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.ctr.encoding import Vocabulary
from models.ctr.features import FeatureSchema, Half
from models.ctr.forest.columns import Column, gather, lookup
from models.ctr.forest.kernels import Lookup, raw_rows
from models.ctr.forest.model_text import MAX_LEAVES, Booster, parse
from models.ctr.forest.numbering import Numbered, numbered

Floats = NDArray[np.float64]

LANES = 8
"""Trees are padded to a multiple of this many, so that every row of masks is whole cache lines."""


class ForestError(ValueError):
    """Boosters that do not fit the schema they are said to read."""


@dataclass(frozen=True, slots=True)
class Member:
    """One booster of a model.

    Its column j is slot `slots[j]` of the schema (an index); where `vocabularies` has j, the slot's
    encoded value goes through that vocabulary first. `weight` scales its raw score in the sum.
    """

    text: str
    slots: tuple[int, ...]
    vocabularies: Mapping[int, Vocabulary] = field(default_factory=dict)
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Forest:
    """A compiled model: one lookup a half, and the leaf values (64 a tree, flat).

    The raw score is the sum over the members of weight x booster's raw score (in the first member's
    scale, where their sigmoid parameters differ); `sigmoid` times it are log-odds.
    """

    request: Lookup
    ad: Lookup
    pair: Lookup
    leaves: Floats
    sigmoid: float
    ends: tuple[int, int]
    trees: int

    @property
    def lookups(self) -> tuple[Lookup, Lookup, Lookup]:
        """Request, ad, pair: as the kernels take them."""
        return self.request, self.ad, self.pair

    @property
    def words(self) -> int:
        """Masks a row: the number of trees, padded."""
        return len(self.leaves) // MAX_LEAVES

    def raw(self, rows: Floats) -> Floats:
        """The raw score of whole encoded rows, float64[rows, slots]."""
        out = np.empty(len(rows))
        rows = np.ascontiguousarray(rows, np.float64)
        raw_rows(self.lookups, self.ends, self.leaves, rows, out)
        return out


def compile_forest(members: Sequence[Member], schema: FeatureSchema) -> Forest:
    """One forest of all members. About 0.3 s for 200 trees of 63 leaves.

    Raises:
        ModelTextError: a booster that cannot be served exactly.
        ForestError: no booster, or one that reads columns the member or the schema does not have.
    """
    if not members:
        raise ForestError("a model without boosters")
    boosters = [parse(member.text) for member in members]
    for number, (member, booster) in enumerate(zip(members, boosters, strict=True)):
        _check(number, member, booster, len(schema.slots))
    orders = [[numbered(tree) for tree in booster.trees] for booster in boosters]
    leaves = _leaves(members, boosters, orders)
    columns = gather(
        [(member.slots, member.vocabularies) for member in members],
        [
            [(tree, order.masks) for tree, order in zip(booster.trees, ordered, strict=True)]
            for booster, ordered in zip(boosters, orders, strict=True)
        ],
    )
    request, ad, pair = (_half(half, columns, schema, len(leaves)) for half in Half)
    return Forest(
        request,
        ad,
        pair,
        leaves=leaves.reshape(-1),
        sigmoid=boosters[0].sigmoid,
        ends=(schema.range_of(Half.REQUEST).stop, schema.range_of(Half.AD).stop),
        trees=sum(len(booster.trees) for booster in boosters),
    )


def _check(number: int, member: Member, booster: Booster, slots: int) -> None:
    if len(member.slots) != booster.columns:
        raise ForestError(
            f"booster {number} reads {booster.columns} columns, {len(member.slots)} are described"
        )
    if any(not 0 <= slot < slots for slot in member.slots):
        raise ForestError(f"booster {number} reads a slot that the schema does not have")
    if not np.isfinite(member.weight) or any(j >= booster.columns for j in member.vocabularies):
        raise ForestError(f"booster {number} has a weight or a vocabulary that cannot be")


def _leaves(
    members: Sequence[Member], boosters: Sequence[Booster], orders: Sequence[Sequence[Numbered]]
) -> Floats:
    """float64[padded trees, 64]: leaf values from left to right, weighted."""
    count = sum(map(len, orders))
    leaves = np.zeros((max(-(-count // LANES) * LANES, LANES), MAX_LEAVES))
    number = 0
    for member, booster, ordered in zip(members, boosters, orders, strict=True):
        scale = member.weight * booster.sigmoid / boosters[0].sigmoid
        for tree, order in zip(booster.trees, ordered, strict=True):
            leaves[number, order.positions] = tree.leaves * scale
            number += 1
    return leaves


def _half(half: Half, columns: Sequence[Column], schema: FeatureSchema, words: int) -> Lookup:
    inside = schema.range_of(half)
    own = [column for column in columns if inside.start <= column.slot < inside.stop]
    return lookup(own, inside.start, words)
