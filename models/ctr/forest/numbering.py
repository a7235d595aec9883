"""Numbers the leaves of a tree from left to right, and gives each split the leaves it leaves.

QuickScorer (Lucchese et al., SIGIR 2015). One tree at a time; forests are `compiled`.

The one surprising fact: the AND over all splits that answer "right" leaves the exit leaf as its
lowest bit, also when most of those splits are not on the way to it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.ctr.forest.model_text import Tree


@dataclass(frozen=True, slots=True)
class Numbered:
    """`masks[node]` keeps the leaves that are possible when the node answers "right".

    `positions[leaf]` is a leaf's number from the left.
    """

    masks: NDArray[np.uint64]
    positions: NDArray[np.int64]


def numbered(tree: Tree) -> Numbered:
    """Numbers a tree. A child's node number is above its parent's (`model_text` checks it)."""
    splits, nodes = tree.splits, len(tree.splits.column)
    left, right = splits.left.tolist(), splits.right.tolist()
    sizes = [0] * nodes
    for node in reversed(range(nodes)):
        sizes[node] = _size(left[node], sizes) + _size(right[node], sizes)
    begins = [0] * nodes
    positions = np.zeros(len(tree.leaves), np.int64)
    masks = np.empty(nodes, np.uint64)
    for node in range(nodes):
        middle = begins[node] + _size(left[node], sizes)
        for child, begin in ((left[node], begins[node]), (right[node], middle)):
            if child < 0:
                positions[~child] = begin
            else:
                begins[child] = begin
        cleared = (1 << middle) - (1 << begins[node])
        masks[node] = np.uint64((1 << 64) - 1 - cleared)
    return Numbered(masks, positions)


def _size(child: int, sizes: list[int]) -> int:
    return 1 if child < 0 else sizes[child]
