"""Reads of the SQL catalog inside somebody's transaction, and the lock that writers share.

Never here: what a transaction is for (`catalog`). The one surprising fact: rows are ordered in
Python, because PostgreSQL orders text by the rules of a language and ids must come as bytes.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select, update

from adserver.marketplace.fields import Kind
from adserver.marketplace.kinds import KINDS
from adserver.marketplace.problem import CatalogError, Problem
from adserver.stores.catalog_rows import Kept, kept_from_row
from adserver.stores.creative_reviews import with_approved_landing
from adserver.stores.tables import CATALOG_REVISION, CATALOG_TABLES
from models.domain.campaign import Creative, Review
from models.domain.marketplace import Marketplace


def lock(connection: Connection) -> int:
    """Takes the one row that every writer takes first; answers the revision it holds."""
    table = CATALOG_REVISION
    return int(connection.execute(select(table.c.revision).with_for_update()).scalar_one())


def raise_revision(connection: Connection, revision: int, now: datetime) -> int:
    """Makes the revision one more than the one that was locked; answers it."""
    raised = revision + 1
    connection.execute(update(CATALOG_REVISION).values(revision=raised, changed_at=now))
    return raised


def revision(connection: Connection) -> int:
    """How often the catalog was changed."""
    return int(connection.execute(select(CATALOG_REVISION.c.revision)).scalar_one())


def select_kept(connection: Connection, kind: Kind, query: Select[Any]) -> list[Kept]:
    """The rows that `query` selects from the kind's table."""
    return [kept_from_row(kind, row) for row in connection.execute(query).mappings()]


def marketplace(connection: Connection) -> Marketplace:
    """All that was not removed, ordered by id."""
    found = {}
    for kind in KINDS.values():
        table = CATALOG_TABLES[kind.name]
        own = select_kept(connection, kind, select(table).where(table.c.removed_at.is_(None)))
        found[kind.plural] = tuple(sorted((one.entity for one in own), key=kind.id_of))
    return Marketplace(**found)


def find(
    connection: Connection, kind: Kind, entity_id: str, *, removed: bool = False
) -> Kept | None:
    """One row, None when there is none; removed ones only where wanted."""
    table = CATALOG_TABLES[kind.name]
    query = select(table).where(table.c[kind.id_field.attribute_name] == entity_id)
    found = select_kept(
        connection, kind, query if removed else query.where(table.c.removed_at.is_(None))
    )
    return found[0] if found else None


def require(connection: Connection, kind: Kind, entity_id: str) -> Kept:
    """One row that must be there.

    Raises:
        CatalogError: there is none.
    """
    found = find(connection, kind, entity_id)
    if found is None:
        raise refusal(kind, entity_id, f"there is no such {kind.title}")
    return found


def is_known(connection: Connection, kind_name: str, entity_id: str) -> bool:
    """Whether something may refer to it."""
    return find(connection, KINDS[kind_name], entity_id) is not None


def refusal(kind: Kind, entity_id: str, message: str, field: str = "") -> CatalogError:
    """One problem as an exception."""
    return CatalogError(Problem(kind.name, entity_id, field, message))


def current(
    connection: Connection, kind: Kind, parent: str, *, include_archived: bool
) -> list[Any]:
    """The entities of a kind, of one parent where given, archived ones where wanted."""
    table = CATALOG_TABLES[kind.name]
    query = select(table).where(table.c.removed_at.is_(None))
    if parent:
        query = query.where(table.c[f"{kind.parent}_id"] == parent)
    if not include_archived:
        query = query.where(table.c.archived_at.is_(None))
    return [one.entity for one in select_kept(connection, kind, query)]


def for_serving(connection: Connection, since: datetime) -> Marketplace:
    """What is in use, and what was at `since` or later (`SqlCatalog.load_for_serving`)."""
    found = {}
    for kind in KINDS.values():
        table = CATALOG_TABLES[kind.name]
        lately = [or_(column.is_(None), column >= since) for column in _ends(table)]
        rows = select_kept(connection, kind, select(table).where(and_(*lately)))
        found[kind.name] = {kind.id_of(one.entity): _in_force(one.entity) for one in rows}
    creatives = with_approved_landing(connection, [*found["creative"].values()])
    found["creative"] = {one.creative_id: one for one in creatives}
    return _without_orphans(found)


def _in_force(entity: Any) -> Any:
    """The entity as workers see it: what was not approved is as if archived."""
    if isinstance(entity, Creative) and entity.review is not Review.APPROVED:
        return replace(entity, active=False)
    return entity


def _ends(table: Any) -> list[Any]:
    """The columns that say when an entity went out of use."""
    return [table.c[name] for name in ("archived_at", "removed_at", "ends_at") if name in table.c]


def _without_orphans(found: dict[str, dict[str, Any]]) -> Marketplace:
    """Drops what belongs to something that went out of use long ago."""
    whole = {}
    for kind in KINDS.values():
        if kind.parent:
            parents = found[kind.parent]
            own = found[kind.name]
            found[kind.name] = {i: e for i, e in own.items() if kind.parent_of(e) in parents}
        whole[kind.plural] = tuple(entity for _, entity in sorted(found[kind.name].items()))
    return Marketplace(**whole)


def archived(connection: Connection, kind: Kind) -> dict[str, datetime]:
    """When each archived entity of a kind was archived, by id."""
    table = CATALOG_TABLES[kind.name]
    key = table.c[kind.id_field.attribute_name]
    query = select(key, table.c.archived_at).where(table.c.archived_at.is_not(None))
    return {str(entity_id): at for entity_id, at in connection.execute(query)}
