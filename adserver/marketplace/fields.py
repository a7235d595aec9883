"""What a field and a kind of entity are; the tables themselves are `buying` and `selling`.

Never here: a field of any particular kind. The one surprising fact: a field without default in the
domain's dataclass is required; nothing says so a second time.
"""

from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from adserver.marketplace.notation import Notation, Raw
from adserver.marketplace.time_notation import localised

Findings = Iterator[tuple[str, str]]
"""(field, message) for each thing that is wrong."""


def _nothing(_value: Any) -> Iterator[tuple[str, str]]:
    yield from ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one kind of entity.

    `name` is what the catalog file and --json say; `attribute` is the domain's name where it
    differs. `option` is its name on the command line where that differs, "" for none. `refers_to`
    yields (kind, id) for every entity the value names. `local` marks instants in the advertiser's
    zone.
    """

    name: str
    notation: Notation
    meaning: str
    attribute: str = ""
    option: str | None = None
    local: bool = False
    refers_to: Callable[[Any], Iterator[tuple[str, str]]] = _nothing

    @property
    def attribute_name(self) -> str:
        """The attribute of the domain's dataclass."""
        return self.attribute or self.name

    def read(self, raw: Raw, zone: ZoneInfo) -> Any:
        """The value as the domain has it.

        Raises:
            NotationError: it is not written as it should be.
        """
        value = self.notation.read(raw)
        return localised(value, zone) if self.local else value

    def write(self, value: Any, zone: ZoneInfo) -> Any:
        """The value as YAML and JSON show it; None stays None."""
        if value is None:
            return None
        return self.notation.write(value.astimezone(zone) if self.local else value)


@dataclass(frozen=True)
class Kind:
    """One kind of entity: its noun, its fields in the order they are written, and its own rules.

    The first field is the id. `parent` is the kind it belongs to, named by the field `parent_id`
    in the domain. `within` yields what two fields together get wrong.
    """

    name: str
    plural: str
    noun: type[Any]
    id_prefix: str
    fields: tuple[Field, ...]
    parent: str = ""
    within: Callable[[Any], Findings] = _nothing
    by_name: dict[str, Field] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {field_.name: field_ for field_ in self.fields})

    @property
    def title(self) -> str:
        """As a sentence says it: "line item"."""
        return self.name.replace("_", " ")

    @property
    def a_title(self) -> str:
        """With its article: "an app"."""
        return f"{'an' if self.title[0] in 'aeiou' else 'a'} {self.title}"

    @property
    def id_field(self) -> Field:
        """The field that names the entity."""
        return self.fields[0]

    @property
    def parent_field(self) -> Field | None:
        """The field that names what the entity belongs to."""
        return self.by_name[f"{self.parent}_id"] if self.parent else None

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Values of the attributes that may be left out."""
        found = {}
        for attribute in fields(self.noun):
            if attribute.default is not MISSING:
                found[attribute.name] = attribute.default
            elif attribute.default_factory is not MISSING:
                found[attribute.name] = attribute.default_factory()
        return found

    def is_required(self, field_: Field) -> bool:
        """Whether the field must be given."""
        return field_.attribute_name not in self.defaults

    def id_of(self, entity: Any) -> str:
        """The entity's id."""
        return str(getattr(entity, self.id_field.attribute_name))

    def parent_of(self, entity: Any) -> str:
        """The id of what the entity belongs to, "" for kinds that stand alone."""
        return str(getattr(entity, f"{self.parent}_id")) if self.parent else ""


def write_entity(
    kind: Kind, entity: Any, zone: ZoneInfo, *, sparse: bool = False
) -> dict[str, Any]:
    """The entity's fields as YAML and JSON show them.

    `sparse` leaves out those at their default.
    """
    written = {}
    for field_ in kind.fields:
        value = getattr(entity, field_.attribute_name)
        if sparse and kind.defaults.get(field_.attribute_name, MISSING) == value:
            continue
        written[field_.name] = field_.write(value, zone)
    return written
