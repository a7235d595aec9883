"""Webhooks in SQL: who wants to be told of what, and the rows that wait to be sent.

Never here: sending (`adserver.webhooks`). The one surprising fact: `announce` in the transaction of
a cause writes a row only for those who asked, so an event that nobody asked for costs one look.
"""

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adserver.stores.webhook_tables import (
    WEBHOOK_DELIVERIES,
    WEBHOOK_WATCHES,
    WEBHOOKS,
)

WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
KEPT_FOR = timedelta(days=30)
KEPT_FOR_BUDGETS = timedelta(days=400)
"""A used budget is seen at every look for as long as it stands; this row says that it was told."""
_HEALTHY_AT_ONCE = 8
_ID_LETTERS = 12
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that wants to be told. `failures` counts attempts in a row that failed."""

    webhook_id: str
    role: str
    owner: str
    url: str
    kinds: tuple[str, ...]
    active: bool
    why_inactive: str
    failures: int
    key_generation: int
    made_by: str
    made_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something to send, or sent, to one webhook. `status` is 0 where nobody answered."""

    seq: int
    webhook_id: str
    event_id: str
    kind: str
    cause: str
    body: str
    made_at: datetime
    due_at: datetime | None
    state: str
    attempts: int
    tried_at: datetime | None
    status: int
    said: str
    took_ms: int


def announce(  # noqa: PLR0913 - whom, what, about what, when
    connection: Connection,
    role: str,
    owner: str,
    kind: str,
    data: object,
    now: datetime,
    cause: str = "",
) -> int:
    """Lets an owner's webhooks know, after this transaction; answers how many want to.

    `data` is a mapping, dataclass or Struct. The same `cause` again is told nobody twice; without
    one every call is an event of its own.
    """
    wanted = 0
    for webhook in of_owner(connection, role, owner):
        if webhook.active and kind in webhook.kinds and webhook.made_at <= now:
            wanted += put(connection, webhook, (kind, cause), data, now)
    return wanted


def put(
    connection: Connection,
    webhook: Webhook,
    kind_and_cause: tuple[str, str],
    data: object,
    now: datetime,
) -> int:
    """A delivery for one webhook, whatever it asked for; 0 when it was told of this cause."""
    kind, cause = kind_and_cause
    event_id = make_id("evt")
    body = {
        "event_id": event_id,
        "kind": kind,
        "occurred_at": now,
        "role": webhook.role,
        "owner": webhook.owner,
        "data": data,
    }
    values = {
        "webhook_id": webhook.webhook_id,
        "event_id": event_id,
        "kind": kind,
        "cause": cause or event_id,
        "body": json.dumps(msgspec.to_builtins(body, enc_hook=str), ensure_ascii=False),
        "made_at": now,
        "due_at": now,
        "state": WAITING,
        "attempts": 0,
        "status": 0,
        "said": "",
        "took_ms": 0,
    }
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(WEBHOOK_DELIVERIES).values(values)
    added = statement.on_conflict_do_nothing().returning(WEBHOOK_DELIVERIES.c.seq)
    return len(connection.execute(added).all())


def make_id(prefix: str) -> str:
    """An id such as "wh_9f0c..."."""
    return f"{prefix}_{secrets.token_hex(_ID_LETTERS)}"


def of_owner(connection: Connection, role: str, owner: str) -> list[Webhook]:
    """An owner's webhooks, the oldest first; removed ones left out."""
    table = WEBHOOKS
    query = select(table).where(
        table.c.role == role, table.c.owner == owner, table.c.removed_at.is_(None)
    )
    found = [_webhook(row) for row in connection.execute(query)]
    return sorted(found, key=lambda one: (one.made_at, one.webhook_id))


def listening(connection: Connection) -> dict[tuple[str, str, str], datetime]:
    """Who wants to be told of what, by (role, owner, kind), and since when."""
    table = WEBHOOKS
    query = select(table).where(table.c.active.is_(True), table.c.removed_at.is_(None))
    found: dict[tuple[str, str, str], datetime] = {}
    for row in connection.execute(query):
        for kind in row.kinds:
            key = (row.role, row.owner, kind)
            found[key] = min(found.get(key, row.made_at), row.made_at)
    return found


def told(connection: Connection, causes: Collection[str]) -> set[str]:
    """Those of these causes of which somebody has been told."""
    column = WEBHOOK_DELIVERIES.c.cause
    wanted, found = sorted(causes), set()
    for start in range(0, len(wanted), _BATCH):
        query = select(column).where(column.in_(wanted[start : start + _BATCH]))
        found |= set(connection.execute(query).scalars())
    return found


def watched(connection: Connection, name: str) -> tuple[datetime, int] | None:
    """How far a watch has come: when it last looked, and the last number it saw."""
    table = WEBHOOK_WATCHES
    row = connection.execute(select(table).where(table.c.name == name)).first()
    return (row.seen_at, row.seen_seq) if row else None


def watch(connection: Connection, name: str, seen_at: datetime, seen_seq: int) -> None:
    """Remembers how far a watch has come."""
    values = {"name": name, "seen_at": seen_at, "seen_seq": seen_seq}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(WEBHOOK_WATCHES).values(values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"seen_at": seen_at, "seen_seq": seen_seq}
        )
    )


def find(connection: Connection, webhook_id: str) -> Webhook | None:
    """One webhook; None when there is none of that id, or it was removed."""
    table = WEBHOOKS
    query = select(table).where(table.c.webhook_id == webhook_id, table.c.removed_at.is_(None))
    row = connection.execute(query).first()
    return _webhook(row) if row else None


def add(connection: Connection, webhook: Webhook) -> None:
    """Adds a webhook."""
    values = {name: getattr(webhook, name) for name in Webhook.__slots__}
    connection.execute(WEBHOOKS.insert().values(values | {"kinds": list(webhook.kinds)}))


def change(connection: Connection, webhook_id: str, values: dict[str, Any]) -> None:
    """Sets columns of a webhook."""
    query = update(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id)
    connection.execute(query.values(values))


def deliveries(
    connection: Connection, webhook_id: str, before_seq: int, limit: int
) -> list[Delivery]:
    """What a webhook was sent, newest first; `before_seq` 0 begins at the newest."""
    table = WEBHOOK_DELIVERIES
    query = select(table).where(table.c.webhook_id == webhook_id)
    if before_seq:
        query = query.where(table.c.seq < before_seq)
    rows = connection.execute(query.order_by(table.c.seq.desc()).limit(limit))
    return [_delivery(row) for row in rows]


def delivery(connection: Connection, webhook_id: str, event_id: str) -> Delivery | None:
    """What a webhook was sent of one event."""
    table = WEBHOOK_DELIVERIES
    query = select(table).where(table.c.webhook_id == webhook_id, table.c.event_id == event_id)
    row = connection.execute(query).first()
    return _delivery(row) if row else None


def due(connection: Connection, now: datetime, limit: int) -> list[tuple[Webhook, Delivery]]:
    """What is to be sent now, the oldest first.

    Of a webhook that fails one at a time, of the others a few, so that nobody makes others wait.
    """
    rows = connection.execute(_ranked(now, limit)).all()
    wanted = {row.webhook_id for row in rows}
    hooks = select(WEBHOOKS).where(WEBHOOKS.c.webhook_id.in_(wanted))
    webhooks = {row.webhook_id: _webhook(row) for row in connection.execute(hooks)}
    return [(webhooks[row.webhook_id], _delivery(row)) for row in rows]


def replay(connection: Connection, one: Delivery, now: datetime) -> None:
    """Lets a delivery be sent again, as the same event and from the first attempt."""
    again = {"due_at": now, "state": WAITING, "attempts": 0, "said": "", "status": 0}
    query = update(WEBHOOK_DELIVERIES).where(WEBHOOK_DELIVERIES.c.seq == one.seq)
    connection.execute(query.values(again))


def give_up(connection: Connection, webhook_id: str, why: str) -> None:
    """Ends what waits to be sent to a webhook."""
    table = WEBHOOK_DELIVERIES
    waits = (table.c.webhook_id == webhook_id) & (table.c.state == WAITING)
    connection.execute(update(table).where(waits).values(due_at=None, state=FAILED, said=why))


def end(connection: Connection, seq: int, values: dict[str, Any]) -> None:
    """Notes what became of an attempt."""
    query = update(WEBHOOK_DELIVERIES).where(WEBHOOK_DELIVERIES.c.seq == seq)
    connection.execute(query.values(values))


def forget(connection: Connection, now: datetime) -> int:
    """Removes what is done and 30 days old, of budgets 400; answers how much that was."""
    table = WEBHOOK_DELIVERIES
    is_of_budget = table.c.kind.startswith("budget.", autoescape=True)
    is_old = (table.c.made_at < now - KEPT_FOR) & ~is_of_budget
    is_very_old = table.c.made_at < now - KEPT_FOR_BUDGETS
    done = table.c.due_at.is_(None) & (is_old | is_very_old)
    return connection.execute(delete(table).where(done)).rowcount


def _ranked(now: datetime, limit: int) -> Select[Any]:
    table, hooks = WEBHOOK_DELIVERIES, WEBHOOKS
    rank = func.row_number().over(
        partition_by=table.c.webhook_id, order_by=(table.c.due_at, table.c.seq)
    )
    at_once = case((hooks.c.failures > 0, 1), else_=_HEALTHY_AT_ONCE)
    waiting = (
        select(table, rank.label("rank"), at_once.label("at_once"))
        .join(hooks, hooks.c.webhook_id == table.c.webhook_id)
        .where(table.c.due_at <= now, hooks.c.active.is_(True))
        .subquery()
    )
    columns = [waiting.c[column.name] for column in table.columns]
    query = select(*columns).where(waiting.c.rank <= waiting.c.at_once)
    return query.order_by(waiting.c.due_at, waiting.c.seq).limit(limit)


def _webhook(row: Row[Any]) -> Webhook:
    values = {name: getattr(row, name) for name in Webhook.__slots__}
    return Webhook(**(values | {"kinds": tuple(row.kinds)}))


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(*(getattr(row, name) for name in Delivery.__slots__))
