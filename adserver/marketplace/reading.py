"""A catalog file read into a Marketplace, every mistake named by line and field.

Entities may stand inside what they belong to, or in lists of their own that name it. Never here:
the fields (`buying`, `selling`) and the rules (`rules`). The one surprising fact: advertisers are
read first wherever they stand, because a line item's times are read in its advertiser's zone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from adserver.marketplace import rules
from adserver.marketplace.fields import Field, Kind
from adserver.marketplace.kinds import KINDS, UTC_ZONE, children_of
from adserver.marketplace.problem import SHOWN, CatalogError, NotationError, Problem, spell_path
from adserver.marketplace.time_notation import zone_named
from adserver.marketplace.yaml_nodes import Node, Progress, compose
from models.domain.marketplace import Marketplace

VERSION = 1
_BY_PLURAL = {kind.plural: kind for kind in KINDS.values()}


def read_catalog(
    text: str | bytes, currency: str, progress: Progress = lambda _line: None
) -> Marketplace:
    """The marketplace of a catalog file whose amounts are in `currency`, checked by every rule.

    `progress` is told the line that has been reached.

    Raises:
        CatalogError: with every mistake found and its line.
    """
    reader = _Reader(compose(text, progress), currency)
    marketplace = reader.marketplace()
    if not reader.problems:
        reader.problems.extend(
            reader.located(problem) for problem in rules.problems_in(marketplace)
        )
    if reader.problems:
        raise CatalogError(*sorted(reader.problems, key=lambda problem: problem.line))
    return marketplace


@dataclass(slots=True)
class _Written:
    """An entity as it was found: its node, and the id of the entity it stood in ("" for none)."""

    node: Node
    inside: str


@dataclass(slots=True)
class _Reader:
    root: Node
    currency: str
    problems: list[Problem] = field(default_factory=list)
    found: dict[str, list[_Written]] = field(default_factory=dict)
    nodes: dict[tuple[str, str], Node] = field(default_factory=dict)
    zones: dict[str, ZoneInfo] = field(default_factory=dict)

    def marketplace(self) -> Marketplace:
        self.found = {name: [] for name in KINDS}
        self._gather_root()
        read = {}
        for kind in KINDS.values():
            built = list(self._entities(kind))
            read[kind.plural] = tuple(sorted(built, key=kind.id_of))
        return Marketplace(**read)

    def located(self, problem: Problem) -> Problem:
        """A rule's problem with the line of the field it is about."""
        node = self.nodes.get((problem.kind, problem.entity_id))
        return replace(problem, line=node.line_at((problem.field,)) if node else 0)

    def _complain(
        self, message: str, line: int, path: str = "", who: tuple[str, str] = ("", "")
    ) -> None:
        self.problems.append(Problem(*who, path, message, line))
        if len(self.problems) > 5 * SHOWN:
            raise CatalogError(*sorted(self.problems, key=lambda problem: problem.line))

    def _gather_root(self) -> None:
        if self.root.is_null:
            return
        if self.root.pairs is None:
            self._complain(
                "a catalog begins with fields such as advertisers: and apps:", self.root.line
            )
            return
        heads: dict[str, Callable[[Node], str | None]] = {
            "version": self._version,
            "currency": self._currency,
        }
        for name, node in self.root.pairs.items():
            if name in _BY_PLURAL:
                self._gather(_BY_PLURAL[name], node, "", name)
            elif name in heads:
                message = heads[name](node)
                if message:
                    self._complain(message, node.line, name)
            else:
                self._unknown(name, self.root, [*heads, *_BY_PLURAL])

    def _version(self, node: Node) -> str | None:
        return None if node.text == str(VERSION) else f"this engine reads version {VERSION}"

    def _currency(self, node: Node) -> str | None:
        if node.text == self.currency:
            return None
        return f"this engine counts in {self.currency} (ADUNION_CURRENCY)"

    def _gather(self, kind: Kind, node: Node, inside: str, path: str) -> None:
        """Notes every entity of a list, and those that stand inside it."""
        if node.is_null:
            return
        if node.items is None:
            self._complain(f"a list of {kind.title}s expected", node.line, path)
            return
        for place, item in enumerate(node.items):
            if item.pairs is None:
                self._complain(
                    f"{kind.a_title} with its fields expected", item.line, f"{path}[{place}]"
                )
                continue
            self.found[kind.name].append(_Written(item, inside))
            entity_id = item.pairs.get(kind.id_field.name)
            for child in children_of(kind):
                if child.plural in item.pairs:
                    own = (entity_id.text if entity_id else "") or ""
                    self._gather(child, item.pairs[child.plural], own, child.plural)

    def _entities(self, kind: Kind) -> Iterator[Any]:
        for written in self.found[kind.name]:
            entity = self._entity(kind, written)
            if entity is not None:
                self._remember_zone(kind, entity)
                yield entity

    def _remember_zone(self, kind: Kind, entity: Any) -> None:
        if kind.name == "advertiser":
            self.zones[entity.advertiser_id] = zone_named(entity.time_zone) or UTC_ZONE
        elif kind.name == "campaign":
            self.zones[f"campaign {entity.campaign_id}"] = self.zones.get(
                entity.advertiser_id, UTC_ZONE
            )

    def _entity(self, kind: Kind, written: _Written) -> Any:
        pairs = written.node.pairs or {}
        id_node = pairs.get(kind.id_field.name)
        who = (kind.name, (id_node.text if id_node else "") or "")
        before = len(self.problems)
        if who in self.nodes and who[1]:
            twice = f"{who[1]} is used twice, first at line {self.nodes[who].line}"
            self._complain(twice, written.node.line, kind.id_field.name, who)
        self.nodes[who] = written.node
        values = self._inherited(kind, written, who)
        for name in pairs:
            if name in kind.by_name:
                self._read_field(kind.by_name[name], written.node, values, who)
            elif name not in {child.plural for child in children_of(kind)}:
                known = [*kind.by_name, *(child.plural for child in children_of(kind))]
                self._unknown(name, written.node, known, who)
        for missing in kind.fields:
            if (
                kind.is_required(missing)
                and missing.attribute_name not in values
                and missing.name not in pairs
            ):
                self._complain("is missing", written.node.line, missing.name, who)
        return kind.noun(**values) if len(self.problems) == before else None

    def _inherited(self, kind: Kind, written: _Written, who: tuple[str, str]) -> dict[str, Any]:
        """What an entity has from where it stands: the id of what it belongs to."""
        parent = kind.parent_field
        if parent is None or not written.inside:
            return {}
        named = (written.node.pairs or {}).get(parent.name)
        if named and named.text != written.inside:
            self._complain(f"stands inside {written.inside}", named.line, parent.name, who)
        return {parent.attribute_name: written.inside}

    def _read_field(
        self, field_: Field, entity: Node, values: dict[str, Any], who: tuple[str, str]
    ) -> None:
        """Reads one field into `values`, or complains at the very part that is wrong."""
        node = (entity.pairs or {})[field_.name]
        if node.is_null:
            if KINDS[who[0]].is_required(field_):
                self._complain("has no value", node.line, field_.name, who)
            return
        zone = self.zones.get(f"campaign {values.get('campaign_id')}", UTC_ZONE)
        path: tuple[str | int, ...] = (field_.name,)
        try:
            value = values[field_.attribute_name] = field_.read(node.raw(), zone)
            message = field_.notation.check(value)
        except NotationError as error:
            message, path = str(error), (*path, *error.path)
        if message:
            self._complain(message, entity.line_at(path), spell_path(*path), who)

    def _unknown(
        self, name: str, node: Node, known: list[str], who: tuple[str, str] = ("", "")
    ) -> None:
        close = get_close_matches(name, known, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"
        self._complain(f"is not known{hint}", node.key_lines.get(name, node.line), name[:80], who)
