"""What may stand in a marketplace: the one place where files, commands and calls are checked.

Each field's own check is in its notation, what fields of one entity say together is in its kind;
here are the checks that need the other entities: references and ids used twice. The one surprising
fact: nothing here raises; problems are collected, so that all of them can be shown at once.
"""

from collections.abc import Callable, Iterator
from typing import Any

from adserver.marketplace.fields import Kind
from adserver.marketplace.kinds import KINDS, entities, kind_of
from adserver.marketplace.problem import CatalogError, Problem, Sentence
from models.domain.marketplace import Marketplace

Knows = Callable[[str, str], bool]
"""Whether there is an entity of (kind name, id)."""


def problems_of(entity: Any, knows: Knows) -> Iterator[Problem]:
    """Everything that is wrong with one entity among those that `knows` tells of."""
    kind = kind_of(type(entity))
    entity_id = kind.id_of(entity)
    for field, message in _findings(kind, entity, knows):
        yield Problem(kind.name, entity_id, field, message)


def _findings(kind: Kind, entity: Any, knows: Knows) -> Iterator[tuple[str, str]]:
    sound = True
    for field in kind.fields:
        value = getattr(entity, field.attribute_name)
        if value is None and not kind.is_required(field):
            continue
        message = field.notation.check(value)
        if message:
            sound = False
            yield field.name, message
        for other, other_id in field.refers_to(value):
            if not knows(other, other_id):
                title = Sentence(KINDS[other].title)
                nobody = "there is no %(kind)s %(name)s"
                yield field.name, Sentence(nobody, kind=title, name=repr(other_id))
    if sound:
        yield from kind.within(entity)


def problems_in(marketplace: Marketplace) -> Iterator[Problem]:
    """Everything that is wrong with a whole marketplace."""
    known: dict[str, set[str]] = {name: set() for name in KINDS}
    for kind in KINDS.values():
        for entity in entities(marketplace, kind):
            entity_id = kind.id_of(entity)
            if entity_id in known[kind.name]:
                yield Problem(kind.name, entity_id, kind.id_field.name, Sentence("is used twice"))
            known[kind.name].add(entity_id)
    for kind in KINDS.values():
        for entity in entities(marketplace, kind):
            yield from problems_of(entity, lambda other, other_id: other_id in known[other])


def require_sound(problems: Iterator[Problem]) -> None:
    """Raises CatalogError when there is any problem."""
    found = tuple(problems)
    if found:
        raise CatalogError(*found)
