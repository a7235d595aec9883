"""What LightGBM's splits answer, to the last rule: the one place where exactness is decided.

Numbers, categories, missing values (`Tree::NumericalDecision`, `Tree::CategoricalDecision` and the
predictor's reading of dense rows). No masks and no arrays of a forest here.

The one surprising fact: to LightGBM, what lies within 1e-35 of zero is zero, and NaN is zero too,
unless a split was told that NaN is missing.
"""

import numpy as np
from numpy.typing import NDArray

from models.ctr.forest.model_text import Splits

ZERO = float(np.float32(1e-35))
"""LightGBM's kZeroThreshold, a float32."""

MISSING_ZERO, MISSING_NAN = 1, 2
_LARGEST_CATEGORY = float(2**31)


def goes_right(splits: Splits, node: int, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """For each value of the node's column: does it go right?"""
    if splits.categorical[node]:
        return _not_a_member(splits.members[node], values)
    missing = splits.missing[node]
    nan = np.isnan(values)
    zero = np.abs(values) <= ZERO
    numbers = np.where(zero | nan, 0.0, values)
    right: NDArray[np.bool_] = ~(numbers <= splits.threshold[node])
    default = np.full(len(values), not splits.default_left[node])
    if missing == MISSING_NAN:
        return np.where(nan, default, right)
    if missing == MISSING_ZERO:
        return np.where(zero | nan, default, right)
    return right


def is_above(splits: Splits, node: int, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The bare comparison, for values that are neither zero nor NaN."""
    above: NDArray[np.bool_] = ~(values <= splits.threshold[node])
    return above


def _not_a_member(members: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """NaN, negative and unseen categories go right; fractions are cut off towards zero."""
    with np.errstate(invalid="ignore"):
        usable = (values > -1.0) & (values < _LARGEST_CATEGORY)
    categories = np.where(usable, values, -1.0).astype(np.int64)
    return ~(usable & np.isin(categories, members))
