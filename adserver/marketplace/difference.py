"""What would change if one marketplace took the place of another.

Never here: making it so (`adserver.stores.catalog`).
"""

from dataclasses import dataclass
from typing import Any

from adserver.marketplace.kinds import KINDS, entities
from models.domain.marketplace import Marketplace


@dataclass(frozen=True, slots=True)
class Difference:
    """By kind name: entities that are new, entities as they will be, and ids that are gone."""

    added: dict[str, tuple[Any, ...]]
    changed: dict[str, tuple[Any, ...]]
    removed: dict[str, tuple[str, ...]]

    @property
    def is_empty(self) -> bool:
        """Nothing would change."""
        return not any((*self.added.values(), *self.changed.values(), *self.removed.values()))

    @property
    def removes(self) -> int:
        """How many entities would be gone."""
        return sum(map(len, self.removed.values()))

    def counts(self) -> list[tuple[str, int, int, int]]:
        """(kind, added, changed, removed) for each kind that changes."""
        rows = [
            (name, len(self.added[name]), len(self.changed[name]), len(self.removed[name]))
            for name in KINDS
        ]
        return [row for row in rows if any(row[1:])]


def difference(stored: Marketplace, wanted: Marketplace) -> Difference:
    """From `stored` to `wanted`, ids in order."""
    found = Difference({}, {}, {})
    for kind in KINDS.values():
        before = {kind.id_of(entity): entity for entity in entities(stored, kind)}
        after = {kind.id_of(entity): entity for entity in entities(wanted, kind)}
        found.added[kind.name] = tuple(after[i] for i in sorted(after.keys() - before.keys()))
        found.removed[kind.name] = tuple(sorted(before.keys() - after.keys()))
        both = sorted(before.keys() & after.keys())
        found.changed[kind.name] = tuple(after[i] for i in both if before[i] != after[i])
    return found
