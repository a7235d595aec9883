"""Files of people's own data: Parquet or CSV to columns, and the schema that says what they mean.

Any delimiter, any compression that the name tells, any bytes: text is never refused for its
characters. What features are and how they are encoded is `models.ctr`.

The one surprising fact: CSV is read as text only, never guessed at. A guess would take an id for a
number in one file and for text in the next, and the model would see two different worlds.
"""

from collections.abc import Collection, Mapping, Sequence
from csv import reader
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from models.ctr.encoding import Column, Dictionary, Floats

DELIMITERS = ",;\t|"
PARQUET_MAGIC = b"PAR1"


class DataFileError(Exception):
    """A file that cannot be used. The message names file, line and column and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of one file, all of `rows` rows. `names` are all the file has, read or not."""

    path: Path
    rows: int
    names: tuple[str, ...]
    columns: Mapping[str, Column]

    def require(self, name: str, purpose: str) -> Column:
        """A column that cannot be done without.

        Raises:
            DataFileError: it is not there; the message lists what is.
        """
        if name not in self.columns:
            there = ", ".join(self.names[:30]) + (" ..." if len(self.names) > 30 else "")
            raise DataFileError(
                f"{self.path}: no column {name!r}, which the schema names as {purpose}. "
                f"The file has: {there}"
            )
        return self.columns[name]


def names_of(path: Path) -> tuple[str, ...]:
    """The names of a file's columns, without reading its rows.

    Raises:
        DataFileError: the file is not there, empty, or no table.
    """
    try:
        if _is_parquet(path):
            return tuple(parquet.read_schema(path).names)
        first = next(reader(StringIO(_head(path)), delimiter=_delimiter(path)))
    except (OSError, pa.ArrowException) as error:
        raise DataFileError(_told(path, error)) from error
    return tuple(first)


def read(path: Path, wanted: Collection[str] | None = None) -> Table:
    """The wanted columns of a Parquet or CSV file (None: all), those that are there.

    Raises:
        DataFileError: no such file, no table, a line with another number of fields, a name twice.
    """
    names = names_of(path)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None and (wanted is None or twice in wanted):
        raise DataFileError(f"{path}:1: two columns are called {twice!r}; rename one")
    chosen = [name for name in names if wanted is None or name in wanted] or list(names[:1])
    try:
        table = _parquet(path, chosen) if _is_parquet(path) else _csv(path, chosen)
    except (OSError, pa.ArrowException) as error:
        raise DataFileError(_told(path, error)) from error
    columns = {name: _column(table.column(name)) for name in chosen}
    return Table(path, table.num_rows, names, columns)


def texts(column: Column) -> list[str | None]:
    """Each row's value as text; None where there is none."""
    if isinstance(column, Dictionary):
        known = [*(str(value) for value in column.values), None]
        return [known[code] or None for code in column.codes]
    values: Sequence[Any] = column.tolist() if isinstance(column, np.ndarray) else column
    return [None if value is None or value != value else str(value) for value in values]


def write_column(path: Path, name: str, values: Floats) -> None:
    """A file with one number a row: Parquet where the name ends so, else CSV (also .csv.gz)."""
    table = pa.table({name: values})
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
        return
    with pa.output_stream(path, compression="detect") as stream:
        csv.write_csv(table, stream)


def line_of(path: Path, row: int) -> str:
    """What a message calls a row (from 0): "FILE:LINE" in text files, "FILE row N" in others."""
    return f"{path} row {row + 1}" if _is_parquet(path) else f"{path}:{row + 2}"


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def _parquet(path: Path, chosen: list[str]) -> pa.Table:
    return parquet.ParquetFile(path).read(columns=chosen)


def _csv(path: Path, chosen: list[str]) -> pa.Table:
    """Reads fast; where that fails, once more line by line, to say which line it was."""
    try:
        return _csv_table(path, chosen, [])
    except pa.ArrowInvalid as error:
        wrong: list[csv.InvalidRow] = []
        try:
            _csv_table(path, chosen, wrong, threads=False)
        except pa.ArrowInvalid:
            if wrong:
                raise DataFileError(_fields_told(path, wrong[0])) from None
        raise DataFileError(_told(path, error)) from error


def _csv_table(
    path: Path, chosen: list[str], wrong: list[csv.InvalidRow], *, threads: bool = True
) -> pa.Table:
    """Every value as bytes, so that no character set can be wrong."""

    def refuse(row: csv.InvalidRow) -> str:
        wrong.append(row)
        return "error"

    options = csv.ConvertOptions(
        check_utf8=False,
        include_columns=chosen,
        column_types=dict.fromkeys(chosen, pa.dictionary(pa.int32(), pa.binary())),
    )
    parse = csv.ParseOptions(
        delimiter=_delimiter(path), newlines_in_values=True, invalid_row_handler=refuse
    )
    with pa.input_stream(path, compression="detect") as stream:
        return csv.read_csv(stream, csv.ReadOptions(use_threads=threads), parse, options)


def _fields_told(path: Path, row: csv.InvalidRow) -> str:
    return (
        f"{path}:{row.number}: {row.actual_columns} fields where the header has "
        f"{row.expected_columns}: {row.text[:80]!r}. Put values that hold the delimiter in quotes."
    )


def _head(path: Path) -> str:
    with pa.input_stream(path, compression="detect") as stream:
        return str(stream.read(1 << 20).decode("utf-8-sig", "replace"))


def _delimiter(path: Path) -> str:
    header = _head(path).split("\n", 1)[0]
    if not header.strip():
        raise DataFileError(f"{path}:1: empty; the first line must name the columns")
    return max(DELIMITERS, key=header.count)


def _column(chunked: pa.ChunkedArray) -> Column:
    """Fractions as an array, lists as they are, everything else as a dictionary."""
    kind = chunked.type
    if pa.types.is_floating(kind):
        return np.asarray(chunked.to_numpy())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return list(chunked.to_pylist())
    if not pa.types.is_dictionary(kind):
        chunked = chunked.dictionary_encode()
    array = chunked.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        return Dictionary([], np.empty(0, np.int64))
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Dictionary([_plain(value) for value in array.dictionary.to_pylist()], codes)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return int(value) if isinstance(value, bool) else value


def _told(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path}: no such file"
    return f"{path}: not a table that can be read ({str(error).splitlines()[0]})"
