"""Entities of the catalog as rows of their tables, and back.

Never here: SQL. The one surprising fact: rows are turned into entities by msgspec, from the types
of the domain's own dataclasses, so a new field needs no line here.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from adserver.marketplace.fields import Kind
from models.domain.campaign import Rule, Targeting


@dataclass(frozen=True, slots=True)
class Kept:
    """An entity as it is kept, with when it was archived or removed."""

    entity: Any
    archived_at: datetime | None
    removed_at: datetime | None


def kept_from_row(kind: Kind, row: RowMapping) -> Kept:
    """What a row holds. An entity that was removed is not active."""
    archived_at, removed_at = row["archived_at"], row["removed_at"]
    names = [field.name for field in fields(kind.noun) if field.name != "active"]
    values = {name: row[name] for name in names}
    values["active"] = archived_at is None and removed_at is None
    return Kept(msgspec.convert(values, kind.noun), archived_at, removed_at)


def row_from_entity(entity: Any, now: datetime, archived_at: datetime | None) -> dict[str, Any]:
    """The row of an entity written now. `archived_at` is when it was archived, if it was before."""
    row = {field.name: _to_column(getattr(entity, field.name)) for field in fields(entity)}
    active = row.pop("active")
    archived = None if active else archived_at or now
    return {**row, "changed_at": now, "archived_at": archived, "removed_at": None}


def _to_column(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return msgspec.to_builtins(value)
    if isinstance(value, Targeting):
        return _restrictions(value)
    return value


def _restrictions(targeting: Targeting) -> dict[str, dict[str, list[str]]]:
    """Only what restricts anything: a row for everybody holds {}."""
    rules = {field.name: getattr(targeting, field.name) for field in fields(targeting)}
    return {name: _lists(rule) for name, rule in rules.items() if rule != Rule()}


def _lists(rule: Rule) -> dict[str, list[str]]:
    sides = {"include": rule.include, "exclude": rule.exclude}
    return {side: sorted(values) for side, values in sides.items() if values}
