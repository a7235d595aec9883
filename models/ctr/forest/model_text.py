"""Reads LightGBM's model text into arrays, and refuses by name what cannot be served exactly.

Nothing is evaluated here. The format is LightGBM's `Tree::ToString` and `GBDT::SaveModelToString`.

The one surprising fact: the serving process never imports LightGBM; the text says it all, with
thresholds and leaves in 17 digits, which a float64 survives unchanged.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

MAX_LEAVES = 64
PROBABILITY_OBJECTIVES = ("binary", "cross_entropy")

_N = TypeVar("_N", np.int64, np.float64)

_CATEGORICAL, _DEFAULT_LEFT, _MISSING_SHIFT, _MISSING_BITS = 1, 2, 2, 3


class ModelTextError(ValueError):
    """A booster that cannot be served exactly; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The inner nodes of one tree, one entry each.

    `left` and `right` are nodes, or leaves as ~leaf. `missing` is 0 none, 1 zero, 2 NaN. `members`
    holds the categories that go left, for categorical nodes.
    """

    column: NDArray[np.int64]
    threshold: NDArray[np.float64]
    categorical: NDArray[np.bool_]
    default_left: NDArray[np.bool_]
    missing: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    members: tuple[NDArray[np.int64], ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree: its splits (none when it is a constant) and the value of each leaf."""

    splits: Splits
    leaves: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Booster:
    """A booster: its trees, how many columns it reads, and the sigmoid its objective applies."""

    trees: tuple[Tree, ...]
    columns: int
    sigmoid: float


def parse(text: str) -> Booster:
    """Reads a booster's text.

    Raises:
        ModelTextError: cut short, several classes, averaged output, linear leaves, more than 64
            leaves, an objective without probability, or what is no model text at all.
    """
    head, *blocks = re.split(r"^Tree=\d+$", text, flags=re.MULTILINE)
    fields = _fields(head)
    _check_head(head, fields)
    if not blocks:
        blocks, tail = [], text
    else:
        *blocks, last = blocks
        last, _, tail = last.partition("\nend of trees")
        blocks.append(last)
    if "end of trees" not in text:
        raise ModelTextError("the model text is cut short: 'end of trees' is missing")
    if len(blocks) != len(fields.get("tree_sizes", "").split()):
        raise ModelTextError("the model text is cut short: trees are missing")
    if not re.search(r"pandas_categorical:(null|\[\])", tail) and "pandas_categorical" in tail:
        raise ModelTextError("trained on pandas categories, whose codes only pandas knows")
    columns = _whole(fields, "max_feature_idx") + 1
    trees = tuple(_tree(number, block, columns) for number, block in enumerate(blocks))
    return Booster(trees, columns, _sigmoid(fields.get("objective", "")))


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.splitlines() if "=" in line)
    return {name: value for name, _, value in pairs}


def _check_head(head: str, fields: Mapping[str, str]) -> None:
    if not head.startswith("tree\n"):
        raise ModelTextError("not a LightGBM model text")
    if _whole(fields, "num_class") != 1 or _whole(fields, "num_tree_per_iteration") != 1:
        raise ModelTextError("the model has several classes; one score an ad is needed")
    if "\naverage_output" in head:
        raise ModelTextError("the model averages its trees (random forest); a sum is needed")


def _sigmoid(objective: str) -> float:
    """The objective's sigmoid parameter; 1 for a model trained on an objective of one's own."""
    name, *options = objective.split() or [PROBABILITY_OBJECTIVES[0]]
    if name not in PROBABILITY_OBJECTIVES:
        raise ModelTextError(f"objective {name!r} has no probability; train with binary")
    given = [float(o.removeprefix("sigmoid:")) for o in options if o.startswith("sigmoid:")]
    return given[0] if given else 1.0


def _whole(fields: Mapping[str, str], name: str) -> int:
    try:
        return int(fields[name])
    except (KeyError, ValueError):
        raise ModelTextError(f"the model text has no number {name!r}") from None


def _tree(number: int, block: str, columns: int) -> Tree:
    fields = _fields(block)
    leaves = _whole(fields, "num_leaves")
    if leaves > MAX_LEAVES:
        raise ModelTextError(f"tree {number} has {leaves} leaves; at most {MAX_LEAVES} are served")
    if fields.get("is_linear", "0") != "0":
        raise ModelTextError(f"tree {number} has linear leaves; constants are needed")
    try:
        tree = Tree(_splits(fields, leaves - 1), _floats(fields, "leaf_value", leaves))
    except (KeyError, ValueError, IndexError) as error:
        raise ModelTextError(f"tree {number} is damaged: {error}") from None
    _check_shape(number, tree, columns)
    return tree


def _splits(fields: Mapping[str, str], nodes: int) -> Splits:
    if nodes == 0:
        fields = dict.fromkeys(
            ("split_feature", "threshold", "decision_type", "left_child", "right_child"), ""
        )
    kind = _ints(fields, "decision_type", nodes)
    threshold = _floats(fields, "threshold", nodes)
    categorical = (kind & _CATEGORICAL) > 0
    return Splits(
        column=_ints(fields, "split_feature", nodes),
        threshold=threshold,
        categorical=categorical,
        default_left=(kind & _DEFAULT_LEFT) > 0,
        missing=(kind >> _MISSING_SHIFT) & _MISSING_BITS,
        left=_ints(fields, "left_child", nodes),
        right=_ints(fields, "right_child", nodes),
        members=_members(fields, threshold, categorical),
    )


def _members(
    fields: Mapping[str, str], threshold: NDArray[np.float64], categorical: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], ...]:
    """The categories in each categorical node's bit set: bit b of word w is category 32 w + b."""
    if not categorical.any():
        return tuple(np.empty(0, np.int64) for _ in threshold)
    begins = [int(text) for text in fields["cat_boundaries"].split()]
    words = np.array([int(text) for text in fields["cat_threshold"].split()], np.uint32)
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")
    none = np.empty(0, np.int64)
    sets = [
        np.flatnonzero(bits[32 * begins[int(t)] : 32 * begins[int(t) + 1]]) if c else none
        for t, c in zip(threshold, categorical, strict=True)
    ]
    return tuple(sets)


def _ints(fields: Mapping[str, str], name: str, size: int) -> NDArray[np.int64]:
    return _sized(np.array(fields[name].split(), np.int64), name, size)


def _floats(fields: Mapping[str, str], name: str, size: int) -> NDArray[np.float64]:
    values = _sized(np.array(fields[name].split(), np.float64), name, size)
    if np.any(np.isnan(values)):
        raise ValueError(f"{name} holds NaN")
    return values


def _sized(values: NDArray[_N], name: str, size: int) -> NDArray[_N]:
    if len(values) != size:
        raise ValueError(f"{name} has {len(values)} values, not {size}")
    return values


def _check_shape(number: int, tree: Tree, columns: int) -> None:
    """Every node and leaf is reached exactly once, so that no file can make a loop."""
    nodes, leaves = len(tree.splits.column), len(tree.leaves)
    children = np.concatenate([tree.splits.left, tree.splits.right])
    reached = np.sort(children)
    expected = np.concatenate([np.arange(-leaves, 0), np.arange(1, nodes)])
    if nodes and not np.array_equal(reached, expected):
        raise ModelTextError(f"tree {number} is damaged: its nodes are not a tree")
    parents = np.tile(np.arange(nodes), 2)
    if np.any(children[children >= 0] <= parents[children >= 0]):
        raise ModelTextError(f"tree {number} is damaged: a child comes before its parent")
    if nodes and not 0 <= int(tree.splits.column.min()) <= int(tree.splits.column.max()) < columns:
        raise ModelTextError(f"tree {number} is damaged: a split on a column that is not there")
