"""The fields of every kind as Markdown tables, for `adunion catalog fields` and docs/catalog.md.

Never here: the words themselves; they stand in `buying`, `selling` and `assets`.
"""

from collections.abc import Iterator
from typing import Any

from adserver.marketplace import assets
from adserver.marketplace.fields import Field, Kind
from adserver.marketplace.kinds import UTC_ZONE

_HEAD = ("| field | written as | meaning | when not given |", "| --- | --- | --- | --- |")


def field_table(kind: Kind) -> str:
    """One row a field, in the order they are written."""
    return "\n".join((*_HEAD, *(_row(kind, field) for field in kind.fields)))


def asset_table() -> str:
    """One row for each field of a creative's file."""
    return "\n".join((*_HEAD, *_asset_rows()))


def _asset_rows() -> Iterator[str]:
    for name, (notation, meaning) in assets.FIELDS.items():
        default = _code(assets.LEFT_OUT[name]) if name in assets.LEFT_OUT else "required"
        yield f"| `{name}` | {notation.metavar} | {meaning} | {default} |"


def _row(kind: Kind, field: Field) -> str:
    default = "required"
    if not kind.is_required(field):
        value = kind.defaults[field.attribute_name]
        default = _code(field.write(value, UTC_ZONE))
    return f"| `{field.name}` | {_written_as(field)} | {field.meaning} | {default} |"


def _written_as(field: Field) -> str:
    if field.name in {"targeting", "assets"}:
        return "see below"
    choices = field.notation.metavar.strip("[]").split("|")
    shape = " or ".join(choices) if len(choices) > 1 else field.notation.metavar
    return f"list of {shape}" if field.notation.many else shape


def _code(value: Any) -> str:
    if value in (None, "", [], {}):
        return "-"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"
