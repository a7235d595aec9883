"""Options of the command line made from a kind's fields, and the values they give.

Never here: a field (`adserver.marketplace.buying`, `selling`). The one surprising fact: an option
and a field of the catalog file are read by the same notation, so both know the same spellings.
"""

from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import click

from adserver.marketplace.fields import Field, Kind
from adserver.marketplace.notation import Raw
from adserver.marketplace.problem import NotationError
from adserver.marketplace.targeting_notation import (
    read_values,
    require_attribute,
)
from models.domain.campaign import Rule, Targeting

Given = dict[str, Any]
"""What click hands over: parameter names to text, tuples of text, or None."""


def option_of(field: Field) -> str:
    """The option's name without dashes in front, "" for fields that have none."""
    return field.name.replace("_", "-") if field.option is None else field.option


def field_options(kind: Kind, *, required: bool) -> Callable[[Any], Any]:
    """Decorates a command with an option for each field; the required ones are if asked for."""

    def decorate(command: Any) -> Any:
        for option in reversed(list(_options(kind, required))):
            command = option(command)
        return command

    return decorate


def _options(kind: Kind, required: bool) -> Iterator[Callable[[Any], Any]]:
    for field in kind.fields:
        name = option_of(field)
        if not name or (field is kind.id_field and not required):
            continue
        needed = required and kind.is_required(field) and field is not kind.id_field
        yield click.option(
            f"--{name}",
            field.name,
            metavar=field.notation.metavar,
            multiple=_is_repeated(field),
            required=needed,
            help=field.meaning + _more(kind, field),
        )
        if name == "target":
            yield click.option(
                "--exclude",
                metavar=field.notation.metavar,
                multiple=True,
                help="Who may not see it, whatever --target says. Repeatable.",
            )


def _more(kind: Kind, field: Field) -> str:
    if field is kind.id_field:
        return " Made up when not given."
    return " Repeatable." if _is_repeated(field) else ""


def _is_repeated(field: Field) -> bool:
    return field.notation.many or option_of(field) in {"target", "asset"}


def given_values(kind: Kind, given: Given, zone: ZoneInfo, before: Any = None) -> dict[str, Any]:
    """The attributes that the options give. `before` is the entity that is being edited.

    Raises:
        UsageError: an option that is not written as it should be, named.
    """
    values: dict[str, Any] = {}
    for field in kind.fields:
        written = given.get(field.name)
        if field.name == "targeting":
            targeting = before.targeting if before else Targeting()
            values |= _targeting(targeting, written or (), given.get("exclude") or ())
        elif written not in (None, ()):
            values[field.attribute_name] = _read(field, _raw(field, written), zone)
    return values


def _raw(field: Field, written: Any) -> Raw:
    if option_of(field) == "asset":
        return [_pairs(one) for one in written]
    if field.notation.many:
        return [part.strip() for one in written for part in one.split(",") if part.strip()]
    return str(written)


def _pairs(written: str) -> Raw:
    """ "role=image,url=..." as a mapping."""
    pairs = [part.partition("=") for part in written.split(",")]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _read(field: Field, raw: Raw, zone: ZoneInfo) -> Any:
    try:
        return field.read(raw, zone)
    except NotationError as error:
        raise click.UsageError(f"--{option_of(field)}: {error}") from None


def _targeting(
    before: Targeting, include: tuple[str, ...], exclude: tuple[str, ...]
) -> dict[str, Any]:
    """Each option replaces one list of one attribute; a list given twice is joined."""
    lists: dict[tuple[str, str], frozenset[str]] = {}
    for side, options in (("include", include), ("exclude", exclude)):
        for written in options:
            name, values = _attribute("target" if side == "include" else side, written)
            lists[name, side] = lists.get((name, side), frozenset()) | values
    if not lists:
        return {}
    rules = {}
    for name in {name for name, _ in lists}:
        rule: Rule = getattr(before, name)
        rules[name] = Rule(
            lists.get((name, "include"), rule.include), lists.get((name, "exclude"), rule.exclude)
        )
    fields = {name: getattr(before, name) for name in Targeting.__dataclass_fields__}
    return {"targeting": Targeting(**{**fields, **rules})}


def _attribute(option: str, written: str) -> tuple[str, frozenset[str]]:
    """ "country=CHN,JPN" as the attribute and its values."""
    name, equals, values = written.partition("=")
    name = name.strip().replace("-", "_")
    if not equals:
        raise click.UsageError(f"--{option} takes ATTRIBUTE=VALUE,VALUE, such as country=CHN,JPN")
    try:
        require_attribute(name)
        wanted: list[Raw] = [value.strip() for value in values.split(",") if value.strip()]
        return name, read_values(name, wanted)
    except NotationError as error:
        raise click.UsageError(f"--{option} {written}: {error}") from None
