"""A Marketplace written as a catalog file.

Nested, ordered by id, the same bytes for the same market.

Never here: reading it back (`reading`). The one surprising fact: the emitter is our own forty
lines, because the file is meant to be read in a diff: short lists on one line, defaults left out.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from adserver.marketplace.fields import Kind, write_entity
from adserver.marketplace.kinds import KINDS, UTC_ZONE, children_of, entities, line_item_zones
from adserver.marketplace.reading import VERSION
from models.domain.marketplace import Marketplace

_WIDEST = 92
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/+-]*(?:[ .:][A-Za-z0-9_/+-]+)*")
_PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d[0-9:.]*[+-]\d\d:\d\d")
_PLAIN_HOURS = re.compile(r"[a-z]{3}(-[a-z]{3})? [0-9]+\.\.[0-9]+")
_PLAIN_RANGE = re.compile(r"[0-9][0-9.]*\.\.[0-9.]*|[1-9][0-9]*x[0-9]+|[0-9]+/[a-z_/]+")
_YAML_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
_ESCAPED = re.compile(
    r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def write_catalog(marketplace: Marketplace, currency: str) -> str:
    """The catalog file of a marketplace whose amounts are in `currency`."""
    zones = line_item_zones(marketplace)
    by_parent: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for kind in KINDS.values():
        for entity in sorted(entities(marketplace, kind), key=kind.id_of):
            by_parent[kind.name, kind.parent_of(entity)].append(entity)
    lines = [f"version: {VERSION}", f"currency: {currency}"]
    for kind in KINDS.values():
        if not kind.parent:
            lines.extend(_list_of(kind, by_parent, "", zones, 0))
    return "\n".join(lines) + "\n"


def _list_of(
    kind: Kind,
    by_parent: dict[tuple[str, str], list[Any]],
    parent: str,
    zones: dict[str, ZoneInfo],
    indent: int,
) -> Iterator[str]:
    found = by_parent.get((kind.name, parent), [])
    if found:
        yield f"{' ' * indent}{kind.plural}:"
    for entity in found:
        zone = zones.get(kind.parent_of(entity), UTC_ZONE)
        written = write_entity(kind, entity, zone, sparse=True)
        if kind.parent_field:
            del written[kind.parent_field.name]
        yield from _as_item(_mapping(written, indent + 4), indent + 2)
        for child in children_of(kind):
            yield from _list_of(child, by_parent, kind.id_of(entity), zones, indent + 4)


def _as_item(lines: Iterator[str], indent: int) -> Iterator[str]:
    """A mapping's lines as an item of a list: a dash before the first."""
    for place, line in enumerate(lines):
        yield f"{' ' * indent}- {line[indent + 2 :]}" if place == 0 else line


def _mapping(values: dict[str, Any], indent: int) -> Iterator[str]:
    for name, value in values.items():
        head = f"{' ' * indent}{name}:"
        flow = _flow(value)
        if len(head) + len(flow) < _WIDEST or not isinstance(value, list | dict):
            yield f"{head} {flow}"
        elif isinstance(value, dict):
            yield head
            yield from _mapping(value, indent + 2)
        else:
            yield head
            for item in value:
                yield from _item(item, indent + 2)


def _item(value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _as_item(_mapping(value, indent + 2), indent)
    else:
        yield f"{' ' * indent}- {_flow(value)}"


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _scalar(value) if isinstance(value, str) else str(value)


def _scalar(value: str) -> str:
    """Text bare where every YAML reader takes it for that text, else in double quotes."""
    bare = any(
        plain.fullmatch(value) for plain in (_PLAIN, _PLAIN_TIME, _PLAIN_HOURS, _PLAIN_RANGE)
    )
    if bare and value.lower() not in _YAML_WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\U{ord(found[0]):08x}", quoted)
