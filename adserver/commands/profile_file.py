"""Files of user profiles, Parquet or CSV, read batch by batch.

Here: columns to profiles, with the line of each row that cannot be one. Never here: storing them.
The surprising fact: whole numbers may come as 3.0 and nothing as NaN, because that is what pandas
makes of a column with gaps.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from models.domain.user import CUSTOM_FEATURES, UserProfile

ID_COLUMN = "user_id"
ROWS_AT_ONCE = 10_000
CSV_BLOCK_BYTES = 1 << 20
PARQUET_MAGIC = b"PAR1"
LONGEST_ID = 256
BETWEEN_ENTRIES = str.maketrans("|;,", "   ")

NO_VALUE = frozenset({"", "nan", "null", "none", "na", "n/a"})
"""What tools write where a column has a gap, in lower case."""

TEXTS = ("gender",)
LISTS = ("interests", "recent_categories", "custom")
FEATURES = tuple(feature.name for feature in fields(UserProfile))
CUSTOM_COLUMNS = tuple(f"custom_{number}" for number in range(1, CUSTOM_FEATURES + 1))
KNOWN = (ID_COLUMN, *FEATURES, *CUSTOM_COLUMNS)

_NOTHING: dict[str, Any] = {
    name: "" if name in TEXTS else () if name in LISTS else 0 for name in FEATURES
}


class ProfileFileError(Exception):
    """A file that cannot be used at all; the message says why."""


@dataclass(slots=True)
class Batch:
    """Some rows of a file. `done` is the share of the file that is read with them."""

    done: float
    profiles: list[tuple[str, UserProfile, int]] = field(default_factory=list)
    """User id, profile, line."""
    bad: list[tuple[int, str]] = field(default_factory=list)
    """Line and what is wrong with it. A Parquet file's first row is line 1."""


def unknown_columns(path: Path) -> list[str]:
    """The file's columns that say nothing about a profile.

    Raises:
        ProfileFileError: no such file, no table, or no column of user ids.
    """
    try:
        with path.open("rb") as file:
            names = (
                parquet.read_schema(path).names
                if _is_parquet(path)
                else _csv(file, path, {}).schema.names
            )
    except (OSError, pa.ArrowException) as trouble:
        raise ProfileFileError(f"{path}: {trouble}") from trouble
    twice = sorted({name for name in names if name in KNOWN and names.count(name) > 1})
    if twice:
        raise ProfileFileError(f"{path}: column {twice[0]} is there twice")
    if ID_COLUMN not in names:
        raise ProfileFileError(f"{path}: no column {ID_COLUMN}; the columns are {', '.join(names)}")
    return [name for name in names if name not in KNOWN]


def batches(path: Path) -> Iterator[Batch]:
    """All rows of a file.

    Raises:
        ProfileFileError: a line that is no row of the table; what came before was given already.
    """
    try:
        yield from _parquet_batches(path) if _is_parquet(path) else _csv_batches(path)
    except pa.ArrowException as trouble:
        raise ProfileFileError(f"{path}: {trouble}") from trouble


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def _parquet_batches(path: Path) -> Iterator[Batch]:
    file = parquet.ParquetFile(path)
    line, rows = 1, max(file.metadata.num_rows, 1)
    for table in file.iter_batches(ROWS_AT_ONCE):
        after = line + table.num_rows
        yield _batch(table, range(line, after), (after - 1) / rows)
        line = after


def _csv_batches(path: Path) -> Iterator[Batch]:
    size = max(path.stat().st_size, 1)
    misshapen: dict[int, str] = {}
    lines = (line for line in count(2) if line not in misshapen)
    with path.open("rb") as file:
        for table in _csv(file, path, misshapen):
            yield _batch(table, list(islice(lines, table.num_rows)), file.tell() / size)
    yield Batch(1.0, bad=list(misshapen.items()))


def _csv(file: Any, path: Path, misshapen: dict[int, str]) -> csv.CSVStreamingReader:
    """Everything as text: no column's type is guessed from its first rows.

    Lines with too few or too many fields are noted in `misshapen` and left out.
    """

    def leave_out(row: csv.InvalidRow) -> str:
        misshapen[row.number] = f"{row.actual_columns} fields and not {row.expected_columns}"
        return "skip"

    source = pa.PythonFile(file, "r")
    if path.suffix == ".gz":
        source = pa.CompressedInputStream(source, "gzip")
    return csv.open_csv(
        source,
        csv.ReadOptions(block_size=CSV_BLOCK_BYTES, use_threads=False),  # threads lose the numbers
        csv.ParseOptions(invalid_row_handler=leave_out),
        csv.ConvertOptions(
            column_types=dict.fromkeys(KNOWN, pa.binary()), strings_can_be_null=False
        ),
    )


def _batch(table: pa.RecordBatch, lines: Sequence[int], done: float) -> Batch:
    bad: dict[int, str] = {}
    columns = {
        name: _values(name, table.column(name), bad) for name in table.schema.names if name in KNOWN
    }
    ids = columns.pop(ID_COLUMN)
    nothing_known = [0] * table.num_rows
    custom = [columns.pop(name, nothing_known) for name in CUSTOM_COLUMNS]
    if any(values is not nothing_known for values in custom):
        columns["custom"] = list(zip(*custom, strict=True))
    features = [
        columns.get(name) or [nothing] * table.num_rows for name, nothing in _NOTHING.items()
    ]
    batch = Batch(done, bad=[(lines[row], words) for row, words in sorted(bad.items())])
    for row, (user_id, *values) in enumerate(zip(ids, *features, strict=True)):
        if row not in bad:
            batch.profiles.append((user_id, UserProfile(*values), lines[row]))
    return batch


def _values(name: str, column: pa.Array, bad: dict[int, str]) -> Sequence[Any]:
    """The column's values as the profile wants them; rows where that fails are noted in `bad`."""
    if pa.types.is_integer(column.type) and name != ID_COLUMN:
        filled: list[int] = column.fill_null(0).to_pylist()
        return filled
    read: Callable[[Any], Any] = _READERS.get(name, _whole)
    values: list[Any] = []
    for row, value in enumerate(_texts_as_bytes(column).to_pylist()):
        try:
            values.append(read(value))
        except ValueError as trouble:
            bad.setdefault(row, f"{name}: {trouble}")
            values.append(None)
    return values


def _texts_as_bytes(column: pa.Array) -> pa.Array:
    """Text is decoded value by value, so that one byte that is no UTF-8 costs one row."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type):
        return column.view(pa.binary())
    return column.view(pa.large_binary()) if pa.types.is_large_string(column.type) else column


def _decoded(value: Any) -> Any:
    """Text as text, whoever wrote it: some writers of Parquet mark their texts as mere bytes."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        raise ValueError(f"{value[:40]!r} is not UTF-8") from None


def _id(value: Any) -> str:
    value = _decoded(value)
    if isinstance(value, float) and value.is_integer():  # a column of numbers with gaps
        value = int(value)
    text = "" if value is None or value != value else str(value)
    if not text:
        raise ValueError("a row without one")
    if len(text) > LONGEST_ID:
        raise ValueError(f"{len(text)} characters; apps send at most {LONGEST_ID}")
    return text


def _text(value: Any) -> str:
    value = _decoded(value)
    text = "" if value is None else str(value).upper()
    return "" if text.lower() in NO_VALUE else text


def _whole(value: Any) -> int:
    value = _decoded(value)
    if isinstance(value, str):
        return _whole_text(value)
    if not value or value != value:  # None, 0 and NaN
        return 0
    try:
        number = int(value)
    except (ValueError, TypeError, OverflowError):
        number = None
    if number is None or number != value:
        raise ValueError(f"{value!r} is not a whole number")
    return number


def _whole_text(text: str) -> int:
    """ "7", or "7.0" as pandas writes a column with gaps."""
    if text.lower() in NO_VALUE:
        return 0
    number, _, zeros = text.partition(".")
    try:
        return int(number) if not zeros.strip("0") else int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


def _list(value: Any) -> tuple[int, ...]:
    value = _decoded(value)
    if value is None or value != value or (isinstance(value, str) and value.lower() in NO_VALUE):
        return ()
    entries = value.translate(BETWEEN_ENTRIES).split() if isinstance(value, str) else value
    return tuple(map(_whole, entries))


_READERS: dict[str, Callable[[Any], Any]] = {
    ID_COLUMN: _id,
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(LISTS, _list),
}
