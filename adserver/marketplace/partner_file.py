"""Merchants, partners, contracts and coupons as one YAML file that a person can write.

Never here: what becomes of them (`stores.partner_import`). The one surprising fact: the file is no
picture of the whole. What it does not name stays as it is, because nothing about money is removed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from adserver.marketplace.fields import Field, Kind, write_entity
from adserver.marketplace.partnering import (
    PARTNER,
    Agreement,
    contract_kind,
    coupon_kind,
    merchant_kind,
)
from adserver.marketplace.problem import CatalogError, NotationError, Problem, spell_path
from adserver.marketplace.yaml_nodes import Node, compose
from affiliate.merchandise import Merchant
from affiliate.partner import Contract, Coupon, Partner

PARTS = ("merchants", "partners", "contracts", "coupons")
"""The lists of a file, in the order in which they are taken in."""

NOT_WRITTEN = ("key_generation",)
"""Fields that a file does not hold: keys are rotated by a command of their own."""

KindOf = Callable[[str], Kind]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entity of a file: its kind, the attributes that are named, and where it begins."""

    kind: Kind
    values: dict[str, Any]
    line: int

    @property
    def entity_id(self) -> str:
        """Its id, as the file has it."""
        return str(self.values[self.kind.id_field.attribute_name])


@dataclass(frozen=True, slots=True)
class Currencies:
    """What amounts are in: the house's currency for contracts, else the merchant's."""

    house: str
    merchants: Mapping[str, str]

    def kinds(self, part: str) -> KindOf:
        """The kind of an entry of a list, by the merchant that it names."""
        by_merchant = {"merchants": merchant_kind, "coupons": coupon_kind}
        if part in by_merchant:
            return lambda merchant: by_merchant[part](self.merchants.get(merchant, self.house))
        fixed = PARTNER if part == "partners" else contract_kind(self.house)
        return lambda _merchant: fixed


def read_partners(text: str | bytes, currencies: Currencies, zone: ZoneInfo) -> list[Entry]:
    """The entries of a file, merchants first; times without offset are of `zone`.

    Raises:
        CatalogError: with every mistake found and its line.
    """
    root = compose(text)
    problems: list[Problem] = []
    lists = dict(_lists(root, problems))
    told = {
        _text(node, "merchant_id"): currency
        for node in lists.get("merchants", [])
        if (currency := _text(node, "currency"))
    }
    currencies = replace(currencies, merchants={**told, **currencies.merchants})
    entries = []
    for part in PARTS:
        kind_of = currencies.kinds(part)
        for node in lists.get(part, []):
            kind = kind_of(_text(node, "merchant_id"))
            values = dict(_values(kind, node, zone, problems))
            entries.append(Entry(kind, values, node.line))
    if problems:
        raise CatalogError(*sorted(problems, key=lambda problem: problem.line))
    return entries


def _lists(root: Node, problems: list[Problem]) -> Iterator[tuple[str, list[Node]]]:
    if root.pairs is None:
        if not root.is_null:
            problems.append(Problem("", "", "", f"lists expected: {', '.join(PARTS)}", root.line))
        return
    for part, node in root.pairs.items():
        items = [] if node.is_null else node.items
        if part not in PARTS:
            problems.append(Problem("", "", part, _unknown(part, PARTS), root.key_lines[part]))
        elif items is None or any(item.pairs is None for item in items):
            problems.append(
                Problem("", "", part, "a list of things with fields expected", node.line)
            )
        else:
            yield part, items


def _values(
    kind: Kind, node: Node, zone: ZoneInfo, problems: list[Problem]
) -> Iterator[tuple[str, Any]]:
    pairs = node.pairs or {}
    entity_id = _text(node, kind.id_field.name)
    names = [field.name for field in kind.fields if field.name not in NOT_WRITTEN]
    for name in pairs.keys() - set(names):
        line = node.key_lines.get(name, node.line)
        problems.append(Problem(kind.name, entity_id, name, _unknown(name, names), line))
    for field in kind.fields:
        value = pairs.get(field.name)
        if value is None or field.name in NOT_WRITTEN:
            continue
        try:
            yield field.attribute_name, _read(kind, field, value, zone)
        except NotationError as error:
            path = spell_path(field.name, *error.path)
            line = value.line_at(error.path)
            problems.append(Problem(kind.name, entity_id, path, str(error), line))
    if not entity_id:
        message = "is missing: without it a second import would add it again"
        problems.append(Problem(kind.name, "", kind.id_field.name, message, node.line))


def _read(kind: Kind, field: Field, node: Node, zone: ZoneInfo) -> Any:
    if node.is_null:
        if kind.is_required(field):
            raise NotationError("is empty")
        return kind.defaults[field.attribute_name]
    return field.read(node.raw(), zone)


def _text(node: Node, name: str) -> str:
    found = (node.pairs or {}).get(name)
    return (found.text or "") if found else ""


def _unknown(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, 1)
    return f"is not known here; {near[0]}?" if near else f"is not known; {', '.join(names)} are"


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that a file can hold."""

    merchants: Sequence[Merchant]
    partners: Sequence[Partner]
    contracts: Sequence[Contract]
    coupons: Sequence[Coupon]


def write_partners(held: Holdings, currency: str, zone: ZoneInfo, *, banks: bool) -> str:
    """A file of them. Bank accounts are left out unless `banks` is true."""
    currencies = Currencies(currency, {one.merchant_id: one.currency for one in held.merchants})
    contracts = [Agreement.of(one) for one in held.contracts]
    lists: tuple[Sequence[Any], ...] = (held.merchants, held.partners, contracts, held.coupons)
    document = {}
    for part, entities in zip(PARTS, lists, strict=True):
        kind_of = currencies.kinds(part)
        document[part] = [
            _written(kind_of(getattr(one, "merchant_id", "")), one, zone, banks) for one in entities
        ]
    text: str = yaml.safe_dump(
        {part: own for part, own in document.items() if own}, allow_unicode=True, sort_keys=False
    )
    return text


def _written(kind: Kind, entity: Any, zone: ZoneInfo, banks: bool) -> dict[str, Any]:
    fields = write_entity(kind, entity, zone, sparse=True)
    if kind is PARTNER:
        fields["standing"] = entity.standing.value
        for name in ("bank_account", "account_holder"):
            fields.pop(name, None)
            if banks and getattr(entity, name):
                fields[name] = getattr(entity, name)
    if "currency" in kind.by_name:
        fields["currency"] = entity.currency
    return {name: value for name, value in fields.items() if name not in NOT_WRITTEN}
