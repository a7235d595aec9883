"""A data file and its schema together: rows with labels, times and groups, ready to learn from.

Reading bytes is `datafiles`, the schema's notation is `dataschema`, encoding is `models.ctr`.

The one surprising fact: a time need not be a date. Whole numbers are taken as Unix seconds, milli-,
micro- or nanoseconds by their size; any number that grows with time splits a file just as well.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adserver import datafiles
from adserver.datafiles import DataFileError, Table
from adserver.dataschema import DataSchema
from models.ctr.dataset import Dataset, from_columns, with_histories
from models.ctr.encoding import Column, Dictionary, Floats, number
from models.ctr.features import FeatureSchema, Kind

YES = frozenset({"1", "1.0", "true", "t", "yes", "y"})
NO = frozenset({"0", "0.0", "false", "f", "no", "n"})
_MILLISECONDS = ((1e11, 1_000.0), (1e14, 1.0), (1e17, 1e-3), (float("inf"), 1e-6))
_MOST = 1e300


def read_dataset(path: Path, schema: DataSchema) -> Dataset:
    """Reads what there is to learn from, with a history added for every category of many values.

    Raises:
        DataFileError: naming file, line and column.
    """
    features = schema.feature_schema(datafiles.names_of(path))
    table = read_table(path, schema, features)
    distinct = {
        feature.name: _distinct(table.columns[feature.sources[0]])
        for feature in features.features
        if feature.kind is Kind.CATEGORY and feature.sources[0] in table.columns
    }
    return encoded(table, schema, with_histories(features, distinct))


def read_table(path: Path, schema: DataSchema, features: FeatureSchema) -> Table:
    """The columns that the schema or the features need, those that are there."""
    sources = {source for feature in features.features for source in feature.sources}
    return datafiles.read(path, sources.union(schema.roles.values()))


def encoded(table: Table, schema: DataSchema, features: FeatureSchema) -> Dataset:
    """A table with its labels as a dataset. Raises `DataFileError` as `labels` and `times`."""
    return from_columns(
        features,
        table.columns,
        labels(table, schema),
        times_ms(table, schema),
        groups(table, schema),
    )


def labels(table: Table, schema: DataSchema) -> Floats:
    """1.0 for yes and 0.0 for no, one a row.

    Raises:
        DataFileError: no label column, or a value that is neither, with its line.
    """
    column = table.require(schema.label, "label") if schema.label else None
    if column is None:
        raise DataFileError(f'{schema.path}: no label; write label = "name of the column"')

    def read(value: Any) -> float:
        text = _label_text(value)
        if schema.positive:
            return float(text in schema.positive) if text else float("nan")
        return 1.0 if text in YES else 0.0 if text in NO else float("nan")

    return _each_or_refuse(
        table, schema.label, column, read, 'neither yes nor no; say which is: positive = ["..."]'
    )


def times_ms(table: Table, schema: DataSchema) -> NDArray[np.int64] | None:
    """Unix milliseconds (or any number that grows with time), one a row; None without a time.

    Raises:
        DataFileError: a value that is no time, with its line.
    """
    if not schema.time:
        return None
    column = table.require(schema.time, "time")
    wanted = "not a time; write ISO 8601 (2026-11-22T10:01:00+08:00) or Unix seconds"
    read = _each_or_refuse(table, schema.time, column, _milliseconds, wanted)
    return read.astype(np.int64)


def groups(table: Table, schema: DataSchema) -> NDArray[np.str_]:
    """What calibration is reported by, one a row; empty without a group."""
    if not schema.group or schema.group not in table.columns:
        return np.empty(0, np.str_)
    return np.array([text or "" for text in datafiles.texts(table.columns[schema.group])], np.str_)


def propensities(table: Table, schema: DataSchema) -> Floats:
    """The probability with which each row's action was taken.

    Raises:
        DataFileError: a value that is no probability above 0, with its line.
    """
    column = table.require(schema.propensity, "propensity")

    def read(value: Any) -> float:
        probability = number(value)
        return probability if 0 < probability <= 1 else float("nan")

    return _each_or_refuse(
        table, schema.propensity, column, read, "not a probability above 0 and at most 1"
    )


def _each_or_refuse(
    table: Table, name: str, column: Column, read: Callable[[Any], float], wanted: str
) -> Floats:
    """Reads every value, each distinct one once; NaN means that it could not be read."""
    if isinstance(column, Dictionary):
        found = column.each(read)
    else:
        found = np.array([read(value) for value in column], np.float64)
    strange = np.flatnonzero(np.isnan(found))
    if len(strange):
        row = int(strange[0])
        value = datafiles.texts(column)[row]
        where = datafiles.line_of(table.path, row)
        raise DataFileError(
            f"{where}: column {name!r}: {value or 'nothing'!r} is {wanted} "
            f"({len(strange):,} of {table.rows:,} rows)"
        )
    return found


def _label_text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(int(value) if isinstance(value, (bool, np.bool_)) else value).strip().lower()


def _milliseconds(value: Any) -> float:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1_000
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1_000
    try:
        number = float(value)
    except (TypeError, ValueError):
        return _iso(str(value).strip()) if value else float("nan")
    scale = next((scale for below, scale in _MILLISECONDS if abs(number) < below), 1.0)
    return number * scale if abs(number) < _MOST else float("nan")


def _iso(text: str) -> float:
    try:
        return _milliseconds(datetime.fromisoformat(text))
    except ValueError:
        return float("nan")


def _distinct(column: Column) -> int:
    if isinstance(column, Dictionary):
        return len(column.values)
    return len(np.unique(np.asarray(column)))
