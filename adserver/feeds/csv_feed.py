"""Feeds as tables of text: comma, semicolon, tab or bar between fields, names in the first line.

Never here: what a field means. The one surprising fact: a quote that is never closed costs its own
line. A plain CSV reader would take the rest of the file for one field.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence

from adserver.feeds.record import Fault, FeedError, Record, meaning, named
from adserver.feeds.source import MOST_LINE_CHARS, Source, is_clean

DELIMITERS = ",\t;|"
MOST_LINES = 100
"""Lines that one row may have, in all its quoted fields."""

csv.field_size_limit(MOST_LINES * MOST_LINE_CHARS)


def read(source: Source) -> Iterator[Record | Fault]:
    """A record or a fault for each row that is not empty.

    Raises:
        FeedError: no header that names a SKU.
    """
    lines = source.lines()
    head = next(lines, "").removeprefix("\ufeff")
    delimiter = max(DELIMITERS, key=head.count)
    columns = next(csv.reader([head], delimiter=delimiter), [])
    if not any(map(str.strip, columns)):
        raise FeedError("its first line, which names the columns, is empty")
    if "sku" not in {meaning(column) for column in columns}:
        said = "".join(one if one.isprintable() else "?" for one in ", ".join(columns[:10])[:200])
        raise FeedError(f"its first line names no column sku or id; it says {said}")
    for line, cells in _rows(lines, delimiter):
        if isinstance(cells, str):
            yield Fault(line, cells)
        elif any(map(str.strip, cells)):
            yield _record(line, columns, cells)


def _record(line: int, columns: Sequence[str], cells: Sequence[str]) -> Record | Fault:
    record = named(line, zip(columns, cells, strict=False))
    sku = record.values.get("sku", "")
    if len(cells) != len(columns):
        return Fault(line, f"{len(cells)} fields and not {len(columns)}", sku)
    if not all(map(is_clean, cells)):
        return Fault(line, "holds bytes that are not in the file's encoding", sku)
    return record


def _rows(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """The line at which each row begins, and its cells or what is wrong with it."""
    waiting: deque[str] = deque()
    at = 2
    while True:
        taken: list[str] = []
        try:
            cells = next(csv.reader(_few(lines, waiting, taken), delimiter=delimiter, strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            waiting.extendleft(reversed(taken[1:]))
            yield at, _why(str(error))
            at += 1
            continue
        too_long = any(len(one) == MOST_LINE_CHARS for one in taken)
        yield at, "a line of it is too long" if too_long else cells
        at += len(taken)


def _few(lines: Iterator[str], waiting: deque[str], taken: list[str]) -> Iterator[str]:
    """Lines for one row, those that wait first; what the reader asked for is in `taken`."""
    for _ in range(MOST_LINES):
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        taken.append(line)
        yield line


def _why(error: str) -> str:
    return "a quote is not closed" if "unexpected end" in error else f"is no row: {error}"
