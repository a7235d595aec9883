"""The catalog in SQL: read whole, replaced whole, or changed entity by entity.

Never here: what may stand in it (`adserver.marketplace.rules`). The one surprising fact: the row
that counts revisions is also the lock. Every writer takes it first, so what a writer has checked is
still true when it writes, and the revision rises in the same transaction.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, update
from sqlalchemy.dialects import postgresql, sqlite

from adserver.config import Settings
from adserver.marketplace import rules
from adserver.marketplace.difference import Difference, difference
from adserver.marketplace.fields import Kind
from adserver.marketplace.kinds import KINDS, Entity, kind_of
from adserver.marketplace.problem import CatalogError, Problem
from adserver.stores import (
    advertiser_money,
    audit,
    catalog_queries as queries,
    database,
    migrations,
    promotion,
)
from adserver.stores.catalog_rows import row_from_entity
from adserver.stores.promotion import Promotions
from adserver.stores.tables import CATALOG_TABLES
from models.domain.ids import AdvertiserId
from models.domain.marketplace import Marketplace

E = TypeVar("E", bound=Entity)
Progress = Callable[[int], None]
"""Told how many entities have been written so far."""
Witness = Callable[[Connection, Kind | None, Any, Any, datetime], None]
"""Told in the same transaction what an entity was (None: new) and what it has become; of a whole
that was replaced (no kind) only how many entities were added, changed and removed."""

_BATCH_ROWS = 1_000
_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def open_catalog(settings: Settings) -> "SqlCatalog":
    """The catalog that the settings name, its schema brought up to date.

    Raises:
        SettingError: no usable database address.
    """
    engine = database.connect(settings)
    migrations.upgrade(engine)
    return SqlCatalog(engine)


def make_id(kind: Kind) -> str:
    """An id for an entity that was not given one, such as "li_7x0q2m9c4t"."""
    return f"{kind.id_prefix}_{''.join(secrets.choice(_ID_ALPHABET) for _ in range(10))}"


def _unseen(
    _connection: Connection, _kind: Kind | None, _before: Any, _after: Any, _now: datetime
) -> None:
    """The witness of a catalog that nobody acts in."""


class SqlCatalog:
    """A `CatalogStore` with changes of single entities. Plain calls; control plane only."""

    def __init__(self, engine: Engine, witness: Witness = _unseen) -> None:
        self._engine = engine
        self._witness = witness
        dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
        self._insert: Callable[[Any], Any] = dialect.insert

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def acting_for(self, who: audit.Actor) -> "SqlCatalog":
        """The same catalog, each change of which leaves a line of `who`'s in the audit log."""

        def witness(
            connection: Connection, kind: Kind | None, before: Any, after: Any, now: datetime
        ) -> None:
            if kind is None:
                audit.record(connection, who, "replace", "catalog", "", before, after, now)
                return
            action, entity_id = _action(before, after), kind.id_of(after)
            audit.record(connection, who, action, kind.name, entity_id, before, after, now)

        return SqlCatalog(self._engine, witness)

    def revision(self) -> int:
        """How often the catalog was changed; 0 when it never was."""
        with self._engine.connect() as connection:
            return queries.revision(connection)

    def load(self) -> Marketplace:
        """All that is there, archived entities included, ordered by id."""
        return self.load_with_revision()[1]

    def load_with_revision(self) -> tuple[int, Marketplace]:
        """The marketplace and the revision that it is."""
        with database.reading(self._engine) as connection:
            return queries.revision(connection), queries.marketplace(connection)

    def load_for_serving(self, since: datetime) -> tuple[int, Marketplace]:
        """What workers need: all that is in use, and what was in use at `since` or later.

        What ended, was archived or was removed since then is there too, so that late clicks find
        their landing page; all but the ended is marked as not active, and so is what waits for
        review or was rejected.
        """
        with database.reading(self._engine) as connection:
            return queries.revision(connection), queries.for_serving(connection, since)

    def promotions(self, currency: str, now: datetime) -> Promotions:
        """What CPS line items bid now and where they lead, by product, in the engine's currency."""
        with database.reading(self._engine) as connection:
            refs = promotion.promoted(connection)
            return promotion.promotions_of(connection, refs, currency, now)

    def exhausted(self, currency: str) -> frozenset[AdvertiserId]:
        """The prepaid advertisers that have nothing left to spend, in the engine's currency."""
        with database.reading(self._engine) as connection:
            return advertiser_money.exhausted(connection, currency)

    def get(self, noun: type[E], entity_id: str) -> E:
        """One entity, archived or not.

        Raises:
            CatalogError: there is none of that id.
        """
        kind = kind_of(noun)
        with database.reading(self._engine) as connection:
            entity: E = queries.require(connection, kind, entity_id).entity
            return entity

    def find(self, noun: type[E], parent: str = "", *, archived: bool = False) -> list[E]:
        """The entities of a kind, of one parent where given, ordered by id."""
        kind = kind_of(noun)
        with database.reading(self._engine) as connection:
            found = queries.current(connection, kind, parent, include_archived=archived)
        return sorted(found, key=kind.id_of)

    def add(self, entity: Entity, now: datetime) -> int:
        """Adds an entity; answers the new revision.

        Raises:
            CatalogError: its id is taken, or a rule refuses it.
        """
        return self.add_all([entity], now)

    def add_all(self, entities: Sequence[Entity], now: datetime) -> int:
        """Adds entities, all or none; answers the new revision.

        Raises:
            CatalogError: an id is taken, or a rule refuses one of them.
        """
        with self._changing(now) as (connection, revision):
            for entity in entities:
                kind = kind_of(type(entity))
                if queries.find(connection, kind, kind.id_of(entity)):
                    raise queries.refusal(
                        kind, kind.id_of(entity), "is there already", kind.id_field.name
                    )
                self._write(connection, entity, now)
        return revision

    def put(self, entity: Entity, now: datetime) -> int:
        """Adds an entity or takes the place of the one with its id; answers the new revision.

        Raises:
            CatalogError: a rule refuses it.
        """
        with self._changing(now) as (connection, revision):
            self._write(connection, entity, now)
        return revision

    def edit(self, noun: type[E], entity_id: str, change: Callable[[E], E], now: datetime) -> E:
        """Changes an entity as it is now, whoever else is writing; answers what it became.

        Raises:
            CatalogError: there is none of that id, or a rule refuses what it would become.
        """
        kind = kind_of(noun)
        with self._changing(now) as (connection, _):
            changed = change(queries.require(connection, kind, entity_id).entity)
            if kind.id_of(changed) != entity_id:
                raise queries.refusal(kind, entity_id, "keeps its id", kind.id_field.name)
            self._write(connection, changed, now)
        return changed

    def archive(self, noun: type[E], entity_id: str, now: datetime) -> E:
        """Takes an entity out of use, with all that belongs to it; it stays and can be restored."""
        return self.edit(noun, entity_id, lambda entity: replace(entity, active=False), now)

    def restore(self, noun: type[E], entity_id: str, now: datetime) -> E:
        """Takes an archived entity into use again."""
        return self.edit(noun, entity_id, lambda entity: replace(entity, active=True), now)

    def replace(
        self,
        marketplace: Marketplace,
        now: datetime,
        *,
        if_revision: int | None = None,
        progress: Progress = lambda _done: None,
    ) -> int:
        """Makes the catalog equal to this marketplace, whole or not at all; answers its revision.

        A marketplace that is there already changes nothing, the revision included. `if_revision`
        refuses when somebody has changed the catalog since that revision.

        Raises:
            CatalogError: a rule refuses it, or the catalog has moved on.
        """
        rules.require_sound(rules.problems_in(marketplace))
        with database.writing(self._engine) as connection:
            revision = queries.lock(connection)
            if if_revision is not None and revision != if_revision:
                raise CatalogError(
                    Problem("", "", "", "the catalog was changed meanwhile; look again")
                )
            changes = difference(queries.marketplace(connection), marketplace)
            if changes.is_empty:
                return revision
            self._apply(connection, changes, now, progress)
            self._witness(connection, None, None, _counts(changes), now)
            return queries.raise_revision(connection, revision, now)

    @contextmanager
    def _changing(self, now: datetime) -> Iterator[tuple[Connection, int]]:
        """A write transaction that holds the lock, and the revision it will leave."""
        with database.writing(self._engine) as connection:
            revision = queries.lock(connection)
            yield connection, revision + 1
            queries.raise_revision(connection, revision, now)

    def _write(self, connection: Connection, entity: Entity, now: datetime) -> None:
        kind = kind_of(type(entity))
        rules.require_sound(
            rules.problems_of(entity, lambda name, other: queries.is_known(connection, name, other))
        )
        known = queries.find(connection, kind, kind.id_of(entity), removed=True)
        archived_at = known.archived_at if known else None
        self._upsert(connection, kind, [row_from_entity(entity, now, archived_at)])
        before = known.entity if known and known.removed_at is None else None
        if before != entity:
            self._witness(connection, kind, before, entity, now)

    def _upsert(self, connection: Connection, kind: Kind, rows: list[dict[str, Any]]) -> None:
        table = CATALOG_TABLES[kind.name]
        key = kind.id_field.attribute_name
        statement = self._insert(table)
        others = {column.name: column for column in statement.excluded if column.name != key}
        connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=others), rows)

    def _apply(
        self, connection: Connection, changes: Difference, now: datetime, progress: Progress
    ) -> None:
        done = 0
        for kind in KINDS.values():
            table = CATALOG_TABLES[kind.name]
            key = table.c[kind.id_field.attribute_name]
            archived = queries.archived(connection, kind)
            entities = (*changes.added[kind.name], *changes.changed[kind.name])
            for batch in _batches(entities):
                rows = [row_from_entity(one, now, archived.get(kind.id_of(one))) for one in batch]
                self._upsert(connection, kind, rows)
                done += len(batch)
                progress(done)
            for ids in _batches(changes.removed[kind.name]):
                connection.execute(update(table).where(key.in_(ids)).values(removed_at=now))
                done += len(ids)
                progress(done)


def _action(before: Any, after: Any) -> str:
    if before is None:
        return "add"
    if before.active != after.active:
        return "restore" if after.active else "archive"
    return "edit"


def _counts(changes: Difference) -> dict[str, dict[str, int]]:
    return {
        what: {kind: len(ids) for kind, ids in getattr(changes, what).items() if ids}
        for what in ("added", "changed", "removed")
    }


def _batches(values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(values), _BATCH_ROWS):
        yield values[start : start + _BATCH_ROWS]
