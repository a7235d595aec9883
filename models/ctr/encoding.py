"""How values become numbers: one primitive a kind, used for one request and for whole tables.

Here are the primitives, smoothed histories and vocabularies. What the features are is `features`;
where the values are found is `encoder` (serving) and `dataset` (training).

The one surprising fact: a category is its hash. CRC-32 of the lower-case text, as a float64, is the
same in every process and needs no table that could be out of step with the log.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ctr.features import Feature, FeatureSchema, Half, Kind

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A column whose distinct values are kept once: row i has `values[codes[i]]`, -1 has none.

    Files are read like this, so that a value is encoded once and not once a row.
    """

    values: Sequence[Any]
    codes: NDArray[np.int64]

    def __len__(self) -> int:
        """The rows of the column."""
        return len(self.codes)

    def each(self, encode: Callable[[Any], Any]) -> Floats:
        """What `encode` makes of each row (of None where it has no value): float64[rows, ...]."""
        known = [encode(value) for value in (*self.values, None)]
        return np.array(known, np.float64)[self.codes]


Column = Sequence[Any] | NDArray[Any] | Dictionary

MISSING = float("nan")
PRIOR_IMPRESSIONS = 50.0
"""How many impressions of the wider group a history starts with."""


@lru_cache(maxsize=1 << 17, typed=True)
def category(value: object) -> float:
    """CRC-32 of the lower-case text; NaN for None, "" and NaN. 7, 7.0 and "7" are the same."""
    if value is None or value != value:
        return MISSING
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    text = str(value).lower()
    return float(zlib.crc32(text.encode())) if text else MISSING


def number(value: Any) -> float:
    """The number, or NaN for None and for text that is not a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return MISSING


def multi_category(values: Any, width: int) -> list[float]:
    """The first `width` values as categories, padded with NaN.

    Text is split at "|" (a file's way to write several values in one column).
    """
    hashes = list(map(category, _several(values)[:width]))
    return hashes + [MISSING] * (width - len(hashes))


def numbers(values: Any, width: int) -> list[float]:
    """The first `width` values as numbers, padded with NaN."""
    read = list(map(number, _several(values)[:width]))
    return read + [MISSING] * (width - len(read))


def _several(values: Any) -> Sequence[Any]:
    if isinstance(values, (tuple, list, np.ndarray)):
        return values  # type: ignore[return-value]  # an array is read like a sequence here
    if isinstance(values, str):
        return values.split("|") if values else ()
    return () if values is None or values != values else (values,)


def smoothed(clicks: Any, impressions: Any, prior: Any, strength: float = PRIOR_IMPRESSIONS) -> Any:
    """The rate after adding `strength` impressions at the `prior` rate. Scalars or arrays."""
    return (clicks + strength * prior) / (impressions + strength)


def joined(columns: Sequence[Floats]) -> NDArray[np.uint64]:
    """One key a row for the combination of encoded categories; a missing one is a value too."""
    key = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        part = np.where(np.isnan(column), -1.0, column).astype(np.int64).view(np.uint64)
        key = (key ^ part) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return key


@dataclass(frozen=True, slots=True)
class HistoryTable:
    """What was counted for each combination of values: a history feature's memory in a model file.

    `keys` (sorted, from `joined`) with their `clicks` and `impressions`. Unknown keys and unseen
    ones have `prior` as their rate and no impressions.
    """

    keys: NDArray[np.uint64]
    clicks: Floats
    impressions: Floats
    prior: float
    strength: float = PRIOR_IMPRESSIONS

    @staticmethod
    def counted(
        keys: NDArray[np.uint64], clicks: Floats, strength: float = PRIOR_IMPRESSIONS
    ) -> "HistoryTable":
        """Counts rows: one key and one click (0 or 1) each."""
        known, place, impressions = np.unique(keys, return_inverse=True, return_counts=True)
        summed = np.bincount(place, weights=clicks, minlength=len(known))
        prior = float(np.mean(clicks)) if len(clicks) else 0.0
        return HistoryTable(
            known, summed.astype(np.float64), impressions.astype(np.float64), prior, strength
        )

    def lookup(self, keys: NDArray[np.uint64]) -> tuple[Floats, Floats]:
        """(smoothed rate, log(1 + impressions)) of each key."""
        if not len(self.keys):
            return np.full(len(keys), self.prior), np.zeros(len(keys))
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = self.keys[place] == keys
        impressions = np.where(known, self.impressions[place], 0.0)
        clicks = np.where(known, self.clicks[place], 0.0)
        return smoothed(clicks, impressions, self.prior, self.strength), np.log1p(impressions)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The categories a booster knows: `keys[i]` (sorted encoded values) is its category i.

    A value that is not among them is `other` to the booster: NaN, or a category of its own that
    training gave to everything rare. A missing value stays missing.
    """

    keys: Floats
    other: float = MISSING

    @staticmethod
    def of(values: Floats, min_count: int = 1) -> "Vocabulary":
        """All values seen at least `min_count` times."""
        keys, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        return Vocabulary(keys[counts >= min_count], float(np.sum(counts >= min_count)))

    def codes(self, values: Floats) -> Floats:
        """What the booster is given for encoded values."""
        if not len(self.keys):
            return np.where(np.isnan(values), MISSING, self.other)
        place = np.minimum(np.searchsorted(self.keys, values), len(self.keys) - 1)
        known = self.keys[place] == values
        codes = np.where(known, place, self.other).astype(np.float64)
        return np.where(np.isnan(values), MISSING, codes)


def encode_table(
    schema: FeatureSchema,
    columns: Mapping[str, Column],
    histories: Mapping[str, HistoryTable] | None = None,
    halves: Iterable[Half] = tuple(Half),
) -> Floats:
    """Rows of slots for a table of equally long columns, in the order of the schema.

    A column that is not there is missing in every row. A history reads the columns it is of as
    categories and looks them up in `histories` by its feature's name; without a table it is NaN.

    Args:
        schema: what to encode.
        columns: raw values by source name.
        histories: the memory of history features.
        halves: which halves to encode; all by default.

    Returns:
        float64[rows, slots of the halves].
    """
    rows = len(next(iter(columns.values()), ()))
    wanted = [feature for half in halves for feature in schema.half(half)]
    parts = [_encoded(feature, columns, rows, histories or {}) for feature in wanted]
    return np.concatenate(parts, axis=1) if parts else np.empty((rows, 0))


def _encoded(
    feature: Feature,
    columns: Mapping[str, Column],
    rows: int,
    histories: Mapping[str, HistoryTable],
) -> Floats:
    if feature.kind is Kind.HISTORY:
        table = histories.get(feature.name)
        keys = history_keys(feature, columns)
        return np.stack(table.lookup(keys), 1) if table else np.full((rows, 2), MISSING)
    column, width = columns.get(feature.sources[0]), feature.width
    if column is None:
        return np.full((rows, width), MISSING)
    if feature.kind is Kind.CATEGORY:
        return categories(column)[:, None]
    if feature.kind is Kind.MULTI_CATEGORY:
        return _each(column, lambda value: multi_category(value, width)).reshape(rows, width)
    if width > 1:
        return _each(column, lambda value: numbers(value, width)).reshape(rows, width)
    return _numbers(column)[:, None]


def history_keys(feature: Feature, columns: Mapping[str, Column]) -> NDArray[np.uint64]:
    """The key of each row for a history feature: its source columns, joined."""
    rows = len(next(iter(columns.values()), ()))
    absent = np.full(rows, MISSING)
    parts = [categories(columns[s]) if s in columns else absent for s in feature.sources]
    return joined(parts)


def categories(column: Column) -> Floats:
    """`category` of each value."""
    if isinstance(column, Dictionary):
        return column.each(category)
    values = column.tolist() if isinstance(column, np.ndarray) else column
    return np.fromiter(map(category, values), np.float64, len(values))


def _numbers(column: Column) -> Floats:
    if isinstance(column, np.ndarray) and column.dtype.kind in "iufb":
        return column.astype(np.float64)
    return _each(column, number)


def _each(column: Column, encode: Callable[[Any], Any]) -> Floats:
    if isinstance(column, Dictionary):
        return column.each(encode)
    return np.array([encode(value) for value in column], np.float64)
