"""Orders in a CSV file, line by line: the same columns as the fields of `POST /v1/orders`.

Never here: booking them (`commands.orders`). The one surprising fact: a line is a line. No field of
an order holds a line break, so a quote that is never closed spoils its own line and no other.
"""

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from adserver.api import order_wire
from adserver.api.problems import Problem
from affiliate.merchandise import Merchant
from affiliate.order import OrderFact

LONGEST_LINE = 65_536
REQUIRED = ("order_id", "line_id", "version", "status", "occurred_at")


class OrderFileError(ValueError):
    """A file that cannot be used at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file: its fact, or what is wrong with it. The header is line 1."""

    number: int
    fact: OrderFact | None = None
    fault: str = ""


def lines(path: Path, raw: BufferedReader, merchant: Merchant, now: datetime) -> Iterator[Line]:
    """The lines of an open file (CSV, or CSV.gz by its name) of a merchant.

    Raises:
        OrderFileError: no header with the columns that an order needs, or a damaged archive.
    """
    stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
    try:
        header = _header(path, stream.readline(LONGEST_LINE))
        yield Line(1, fault=_ignored(header))
        number = 1
        while content := stream.readline(LONGEST_LINE):
            number += 1
            if _skip_rest(content, stream):
                yield Line(number, fault=f"a line has at most {LONGEST_LINE:,} bytes")
                continue
            if content.strip():
                yield _line(number, header, content, merchant, now)
    except (OSError, EOFError) as error:
        raise OrderFileError(f"{path}: {error}") from None


def _skip_rest(content: bytes, stream: IO[bytes]) -> bool:
    """Reads a line that is too long to its end; whether it was."""
    rest = content
    while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
        rest = stream.readline(LONGEST_LINE)
    return rest is not content


def _header(path: Path, content: bytes) -> list[str]:
    try:
        names = [name.strip() for name in _fields(content.removeprefix(b"\xef\xbb\xbf"))]
    except ValueError as error:
        raise OrderFileError(f"{path}:1: {error}") from None
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise OrderFileError(
            f"{path}:1: the first line names the columns; missing: {', '.join(missing)}. "
            f"All are {', '.join(order_wire.FIELDS)}"
        )
    if len(set(names)) < len(names):
        raise OrderFileError(f"{path}:1: a column stands twice")
    return names


def _ignored(header: Sequence[str]) -> str:
    return ", ".join(name for name in header if name not in order_wire.FIELDS)


def _line(
    number: int, header: Sequence[str], content: bytes, merchant: Merchant, now: datetime
) -> Line:
    try:
        columns = _columns(header, _fields(content))
        item = order_wire.item_of_texts(columns, merchant.currency)
        fact = order_wire.fact_in(item, merchant.merchant_id, merchant.currency, now)
        return Line(number, fact)
    except Problem as problem:
        named = problem.field.removeprefix("/")
        return Line(number, fault=f"{named}: {problem.detail}" if named else problem.detail)
    except ValueError as error:
        return Line(number, fault=str(error))


def _columns(header: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    if len(values) != len(header):
        raise ValueError(f"{len(values)} fields where the header has {len(header)}")
    pairs = zip(header, values, strict=True)
    return {name: value.strip() for name, value in pairs if name in order_wire.FIELDS}


def _fields(content: bytes) -> list[str]:
    """The fields of one line. Raises ValueError when it is no line of a table."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("not text in UTF-8") from None
    try:
        rows = list(csv.reader([text.rstrip("\r\n")], strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    return rows[0] if rows else []
