"""The audit log: who changed what, from what to what; written in the transaction of the change.

Never here: who may read it (`adserver.console.account`). The one surprising fact: a name that
stands for a secret is kept as "(kept secret)", whoever hands it over, because the log can never be
cleaned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, insert, select

from adserver.stores.account_tables import AUDIT_LOG
from adserver.stores.audit_reach import HOUSE, Reach, numbers_of

SECRET_NAMES = frozenset({
    "password", "password_hash", "secret", "secret_hash", "signing_secret", "token", "token_hash",
    "api_key",
})  # fmt: skip
HIDDEN = "(kept secret)"
_SHOWN_OF_ACCOUNT = 4
_MOST = {"actor": 254, "action": 64, "kind": 64, "entity_id": 255}


class Actor(Protocol):
    """Who acts; `adserver.accounts.identity.Identity` is one."""

    @property
    def actor(self) -> str:
        """An e-mail address, "key:" and a key's id, or "command"."""

    @property
    def organisation_id(self) -> str:
        """Whose log the line belongs to; "" for the command line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log. `before` is None for what is new, `after` for what is gone."""

    seq: int
    at: datetime
    actor: str
    organisation_id: str
    action: str
    kind: str
    entity_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Sought:
    """What a reader of the log looks for; "" means any. `before_seq` 0 begins at the newest.

    With a `reach` the reader gets its organisation's own lines and what the house did to its
    things, and everybody of the house is called "house".
    """

    organisation_id: str = ""
    actor: str = ""
    kind: str = ""
    entity_id: str = ""
    before_seq: int = 0
    reach: Reach | None = None


def record(  # noqa: PLR0913 - a line of the log has that many columns
    connection: Connection,
    who: Actor,
    action: str,
    kind: str,
    entity_id: str,
    before: object,
    after: object,
    now: datetime,
) -> None:
    """Adds a line in the transaction of the change that it tells.

    `before` and `after` are mappings, dataclasses or Structs: the whole of the thing or the fields
    that count; None where it was not there. `action` is a verb such as "edit" or "approve".
    """
    told = {"actor": who.actor, "action": action, "kind": kind, "entity_id": entity_id}
    row = {name: _plain(text)[: _MOST[name]] for name, text in told.items()}
    values = {"before": _document(before), "after": _document(after)}
    times = {"at": now, "organisation_id": who.organisation_id}
    connection.execute(insert(AUDIT_LOG).values(row | values | times))


def lines(connection: Connection, sought: Sought, limit: int) -> list[Line]:
    """The newest lines that fit, newest first."""
    table = AUDIT_LOG
    query = select(table).order_by(table.c.seq.desc()).limit(limit)
    for name in ("organisation_id", "kind", "entity_id"):
        if wanted := getattr(sought, name):
            query = query.where(table.c[name] == wanted)
    if sought.before_seq:
        query = query.where(table.c.seq < sought.before_seq)
    if sought.reach is None:
        by = query.where(table.c.actor == sought.actor) if sought.actor else query
        return [_line(row) for row in connection.execute(by)]
    within = query.where(_within(sought.reach, sought.actor))
    return [_as_read(_line(row), sought.reach) for row in connection.execute(within)]


def changes(line: Line) -> list[tuple[str, Any, Any]]:
    """The fields of a line that differ: (name, before, after), in the order of the names."""
    before, after = line.before or {}, line.after or {}
    names = sorted(before.keys() | after.keys())
    return [
        (name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _within(reach: Reach, actor: str) -> ColumnElement[bool]:
    """What this reader may see of what somebody did; numbers, so that each part has its index."""
    own = select(AUDIT_LOG.c.seq).where(AUDIT_LOG.c.organisation_id == reach.organisation_id)
    if actor == HOUSE:
        return AUDIT_LOG.c.seq.in_(numbers_of(reach))
    if actor:
        return AUDIT_LOG.c.seq.in_(own.where(AUDIT_LOG.c.actor == actor))
    return AUDIT_LOG.c.seq.in_(own.union_all(numbers_of(reach)))


def _as_read(line: Line, reach: Reach) -> Line:
    is_own = line.organisation_id == reach.organisation_id
    return line if is_own else replace(line, actor=HOUSE, organisation_id="")


def _line(row: Row[Any]) -> Line:
    return Line(*(getattr(row, name) for name in Line.__slots__))


def _document(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    built = msgspec.to_builtins(value, str_keys=True, enc_hook=str)
    if not isinstance(built, Mapping):
        raise TypeError(f"the audit log keeps mappings, not {type(value).__name__}")
    return {name: _kept(name, one) for name, one in built.items()}


def _kept(name: str, value: Any) -> Any:
    if name in SECRET_NAMES and value:
        return HIDDEN
    if name == "bank_account" and isinstance(value, str):
        return f"…{value[-_SHOWN_OF_ACCOUNT:]}" if value else ""
    if isinstance(value, Mapping):
        return {inner: _kept(inner, one) for inner, one in value.items()}
    if isinstance(value, list):
        return [_kept("", one) for one in value]
    return _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    """What every database keeps of a text."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
