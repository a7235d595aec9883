"""Kill switches in SQL: what is off, since when, why and by whom; and how workers get to know.

Never here: what a switch does to an answer (`adserver.reload`, `adserver.api`). The one surprising
fact: a switch needs no catalog entry to stay off. What was archived and comes back comes back
switched off.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select

from adserver import publication, switch_package
from adserver.marketplace.kinds import KINDS
from adserver.marketplace.problem import Sentence
from adserver.stores import audit, catalog_queries, database
from adserver.stores.switch_tables import SWITCHES
from adserver.switch_package import Switches

EVERYTHING = ""
"""The id that goes with `SwitchKind.EVERYTHING`."""
MAX_REASON = 500


class SwitchKind(StrEnum):
    """What can be switched off."""

    EVERYTHING = "everything"
    APP = "app"
    ADVERTISER = "advertiser"
    CAMPAIGN = "campaign"
    LINE_ITEM = "line_item"
    CREATIVE = "creative"


class SwitchError(ValueError):
    """A switch that cannot be thrown; `field` names what is wrong: "entity_id" or "reason"."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that is off. `entity_id` is "" for everything."""

    kind: SwitchKind
    entity_id: str
    reason: str
    switched_by: str
    switched_at: datetime


def all_switches(connection: Connection) -> list[Switch]:
    """What is off, the newest first."""
    rows = connection.execute(select(SWITCHES)).mappings()
    found = [_switch(dict(row)) for row in rows]
    return sorted(found, key=lambda one: (one.switched_at, one.kind, one.entity_id), reverse=True)


def find(connection: Connection, kind: SwitchKind, entity_id: str) -> Switch | None:
    """One switch that is off; None when it is not."""
    own = (SWITCHES.c.kind == kind) & (SWITCHES.c.entity_id == entity_id)
    row = connection.execute(select(SWITCHES).where(own)).mappings().one_or_none()
    return _switch(dict(row)) if row else None


def switch_off(
    connection: Connection, wanted: tuple[SwitchKind, str], reason: str, who: audit.Actor,
    now: datetime,
) -> Switch:  # fmt: skip
    """Switches something off, or gives another reason for what is off already.

    Raises:
        SwitchError: nothing of that id is in the catalog, or there is no reason.
    """
    kind, entity_id = wanted
    reason = reason.strip()
    if not 0 < len(reason) <= MAX_REASON:
        raise SwitchError(
            Sentence("say why, in up to %(most)s characters", most=MAX_REASON), "reason"
        )
    _require_known(connection, kind, entity_id)
    before = find(connection, kind, entity_id)
    made = Switch(kind, entity_id, reason, who.actor[:320], now)
    _forget(connection, kind, entity_id)
    connection.execute(insert(SWITCHES).values(_row(made)))
    audit.record(connection, who, "switch_off", kind, entity_id, before, made, now)
    return made


def switch_on(
    connection: Connection, wanted: tuple[SwitchKind, str], who: audit.Actor, now: datetime
) -> bool:
    """Switches something on again; False when it was not off."""
    kind, entity_id = wanted
    before = find(connection, kind, entity_id)
    if before is None:
        return False
    _forget(connection, kind, entity_id)
    audit.record(connection, who, "switch_on", kind, entity_id, before, None, now)
    return True


def in_force(switched: Iterable[Switch]) -> Switches:
    """The switches as workers take them."""
    ids: dict[SwitchKind, set[str]] = {kind: set() for kind in SwitchKind}
    for one in switched:
        ids[one.kind].add(one.entity_id)
    return Switches(
        everything=bool(ids[SwitchKind.EVERYTHING]),
        apps=frozenset(ids[SwitchKind.APP]),
        advertisers=frozenset(ids[SwitchKind.ADVERTISER]),
        campaigns=frozenset(ids[SwitchKind.CAMPAIGN]),
        line_items=frozenset(ids[SwitchKind.LINE_ITEM]),
        creatives=frozenset(ids[SwitchKind.CREATIVE]),
    )


class SwitchPublisher:
    """Remembers what it last published; one per console."""

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        self._engine = engine
        self._root = data_dir / switch_package.DIRECTORY
        self._published: Switches | None = None

    def look(self, now: datetime) -> str | None:
        """Publishes what is off if that is new; answers the version.

        A house in which nothing was ever switched off has no publication.
        """
        with database.reading(self._engine) as connection:
            wanted = in_force(all_switches(connection))
        if wanted == self._published:
            return None
        version = None
        if wanted != Switches() or publication.current(self._root) is not None:
            version = switch_package.publish(self._root, wanted, int(now.timestamp() * 1000))
        self._published = wanted
        return version


def _require_known(connection: Connection, kind: SwitchKind, entity_id: str) -> None:
    if kind is SwitchKind.EVERYTHING:
        if entity_id != EVERYTHING:
            raise SwitchError(Sentence("everything has no id"), "entity_id")
        return
    noun = KINDS[kind.value]
    if not entity_id or catalog_queries.find(connection, noun, entity_id) is None:
        named = {"kind": noun.title, "id": repr(entity_id)}
        raise SwitchError(Sentence("there is no %(kind)s %(id)s", **named), "entity_id")


def _forget(connection: Connection, kind: SwitchKind, entity_id: str) -> None:
    own = (SWITCHES.c.kind == kind) & (SWITCHES.c.entity_id == entity_id)
    connection.execute(delete(SWITCHES).where(own))


def _row(one: Switch) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "entity_id": one.entity_id,
        "reason": one.reason,
        "switched_by": one.switched_by,
        "switched_at": one.switched_at,
    }


def _switch(row: dict[str, Any]) -> Switch:
    return Switch(**(row | {"kind": SwitchKind(row["kind"])}))
