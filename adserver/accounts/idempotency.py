"""Answers to writes that carried an Idempotency-Key, kept for a day.

Never here: doing anything twice or once (`adserver.console.web.rest_door`). The one surprising
fact: an answer may hold a secret that is shown once, so it is kept as nobody can read it who does
not send the Idempotency-Key again, of which only a hash is kept.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from adserver.accounts.tokens import digest_of
from adserver.stores import database
from adserver.stores.account_tables import REMEMBERED_ANSWERS

KEPT_FOR = timedelta(hours=24)


class OtherBodyError(ValueError):
    """The key was used before, for a call with another body."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call: whose, "METHOD path", the key it carries, and a hash of its body."""

    organisation_id: str
    what: str
    key: str
    body_hash: str

    @property
    def call_hash(self) -> str:
        """What stands for whose call with which key."""
        return digest_of(self._text())

    def seal(self, body: bytes) -> bytes:
        """A body that only this call can read, or one that was sealed as it was before."""
        stream = hashlib.shake_256(b"answer\n" + self._text().encode()).digest(len(body))
        return bytes(a ^ b for a, b in zip(body, stream, strict=True))

    def _text(self) -> str:
        return f"{self.organisation_id}\n{self.what}\n{self.key}"


@dataclass(frozen=True, slots=True)
class Kept:
    """What was answered."""

    status: int
    body: bytes


def remembered(engine: Engine, asked: Asked, now: datetime) -> Kept | None:
    """What was answered to this call before; None when it is new or was forgotten.

    Raises:
        OtherBodyError: the key was used for another body.
    """
    table = REMEMBERED_ANSWERS
    fresh = (table.c.call_hash == asked.call_hash) & (table.c.asked_at > now - KEPT_FOR)
    with database.reading(engine) as connection:
        row = connection.execute(select(table).where(fresh)).first()
    if row is None:
        return None
    if row.body_hash != asked.body_hash:
        raise OtherBodyError("this Idempotency-Key was used before with another body")
    return Kept(row.status, asked.seal(bytes(row.body)))


def keep(engine: Engine, asked: Asked, answer: Kept, now: datetime) -> None:
    """Keeps an answer, and forgets those that are a day old. The first one of a call stays."""
    table = REMEMBERED_ANSWERS
    values = {
        "call_hash": asked.call_hash,
        "body_hash": asked.body_hash,
        "status": answer.status,
        "body": asked.seal(answer.body),
        "asked_at": now,
    }
    with database.writing(engine) as connection:
        connection.execute(delete(table).where(table.c.asked_at <= now - KEPT_FOR))
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(table).values(values).on_conflict_do_nothing())
