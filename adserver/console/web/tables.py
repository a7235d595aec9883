"""Tables as CSV, the way a spreadsheet opens them without surprises.

Never here: which rows. The one surprising fact: a text that begins like a formula gets an
apostrophe in front, because a spreadsheet would otherwise run what a stranger typed.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from adserver.statements.table import safe

CSV = "text/csv"


def csv_text(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The rows under a line of names."""
    return _lines([head]) + _lines(rows)


def csv_pieces(head: Sequence[str], pages: Iterable[Iterable[Sequence[Any]]]) -> Iterator[bytes]:
    """The same a page of rows at a time, for tables of any length."""
    yield csv_text(head, ()).encode()
    for page in pages:
        yield _lines(page).encode()


def csv_of(kind: type[msgspec.Struct], items: Iterable[Any]) -> str:
    """Structs of one type, a column a field; what is nested is JSON."""
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    built = (msgspec.to_builtins(item) for item in items)
    return csv_text(names, ([one.get(name) for name in names] for one in built))


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    for row in rows:
        table.writerow(_plain(value) for value in row)
    return text.getvalue()


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (dict, list, tuple)):
        return msgspec.json.encode(value).decode()
    return safe(value) if isinstance(value, str) else value
