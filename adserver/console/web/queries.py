"""Query parameters against what their endpoint declares: the schema that is published is checked.

Never here: which parameters there are (`Endpoint.query`). The one surprising fact: parameters that
nobody declared are ignored, as unknown fields of a body are.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from adserver.api.problems import BadRequestError

Declared = Mapping[str, tuple[Mapping[str, Any], str]]
LONGEST = 1_000
_FIRST, _LAST = 1970, 9998  # years; beyond them a time zone leads out of the calendar


def checked(query: Mapping[str, str], declared: Declared) -> None:
    """Returns when every declared parameter that was sent is what its schema says.

    Raises:
        BadRequestError: one is not; the field is its name.
    """
    for name, (schema, _) in declared.items():
        if name in query and (fault := _fault(query[name], schema)):
            raise BadRequestError(fault, f"/{name}")


def _fault(text: str, schema: Mapping[str, Any]) -> str:
    if "enum" in schema and text not in schema["enum"]:
        return f"one of {', '.join(map(str, schema['enum']))} expected"
    if schema.get("type") == "integer":
        return _number_fault(text, schema)
    if len(text) > schema.get("maxLength", LONGEST):
        return "this is too long"
    kind = schema.get("format", "")
    return _time_fault(text, kind) if kind in {"date", "date-time"} else ""


def _number_fault(text: str, schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**53)
    try:
        fits = len(text) <= len(str(high)) + 1 and low <= int(text) <= high
    except ValueError:
        fits = False
    return "" if fits else f"a whole number from {low} to {high} expected"


def _time_fault(text: str, kind: str) -> str:
    try:
        when = datetime.fromisoformat(text) if kind == "date-time" else date.fromisoformat(text)
    except ValueError:
        return f"a {kind} such as 2026-11-22 expected"
    if isinstance(when, datetime) and when.tzinfo is None:
        return "a time with its offset expected"
    return "" if _FIRST < when.year < _LAST else "nothing happened then"
