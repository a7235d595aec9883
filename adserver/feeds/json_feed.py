"""Feeds as JSON lines: one object a line, in our words or Google's.

Never here: what a field means. The one surprising fact: numbers stay the text that they are in the
file, so 12.10 is exact.
"""

import json
from collections.abc import Iterator
from typing import Any

from adserver.feeds.record import Fault, FeedError, Record, named
from adserver.feeds.source import MOST_LINE_CHARS, Source, is_clean


def read(source: Source) -> Iterator[Record | Fault]:
    """A record or a fault for each line that is not empty.

    Raises:
        FeedError: one JSON array and not lines of objects.
    """
    for number, whole in enumerate(source.lines(), 1):
        line = whole.removeprefix("\ufeff") if number == 1 else whole
        if number == 1 and line.lstrip().startswith("["):
            raise FeedError("it is a JSON array; write one object a line, without commas between")
        if line.strip():
            yield _told(number, line)


def _told(number: int, line: str) -> Record | Fault:
    if len(line) == MOST_LINE_CHARS:
        return Fault(number, "is too long")
    try:
        found = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        return Fault(number, f"is no JSON object: {error}")
    if not isinstance(found, dict):
        return Fault(number, "is no JSON object")
    record = named(number, ((name, _text(value)) for name, value in found.items()))
    if not is_clean(line) or not all(map(is_clean, record.values.values())):
        words = "holds bytes that are not in the file's encoding"
        return Fault(number, words, record.values.get("sku", ""))
    return record


def _text(value: Any) -> str:
    """A scalar's text; of {"value": "12.99", "currency": "CNY"} both; of anything else nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        parts = (value.get("value"), value.get("currency"))
        return " ".join(part for part in parts if isinstance(part, str))
    return value if isinstance(value, str) else ""
