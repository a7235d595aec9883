"""Answers to writes that carried an Idempotency-Key, kept for a day.

A call is written down before its work begins and its answer when it is done, so that a machine that
dies in between leaves a trace: the call's retry is told so instead of doing the work twice.

Never here: the work (`adserver.console.web.rest_door`). The one surprising fact: an answer may hold
a secret that is shown once, so it is kept as nobody can read it who does not send the
Idempotency-Key again, of which only a hash is kept.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adserver.accounts.tokens import digest_of
from adserver.stores import database
from adserver.stores.account_tables import REMEMBERED_ANSWERS

KEPT_FOR = timedelta(hours=24)
BEGUN = 0  # the status of a call that has no answer yet


class KeyRefusedError(ValueError):
    """The key was used before: for another body, or for a call that never came to its end."""


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


def begin(engine: Engine, asked: Asked, now: datetime) -> Kept | None:
    """Writes down that a call begins; its answer, when it has been answered before.

    Forgets what is a day old.

    Raises:
        KeyRefusedError: the key was used for another body, or for a call without an answer.
    """
    table = REMEMBERED_ANSWERS
    values = {
        "call_hash": asked.call_hash,
        "body_hash": asked.body_hash,
        "status": BEGUN,
        "body": b"",
        "asked_at": now,
    }
    with database.writing(engine) as connection:
        connection.execute(delete(table).where(table.c.asked_at <= now - KEPT_FOR))
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        new = dialect.insert(table).values(values).on_conflict_do_nothing()
        if connection.execute(new.returning(table.c.call_hash)).first():
            return None
        row = connection.execute(select(table).where(_of(asked))).one()
    if row.body_hash != asked.body_hash:
        raise KeyRefusedError("this Idempotency-Key was used before with another body")
    if row.status == BEGUN:
        raise KeyRefusedError(
            "a call with this Idempotency-Key is under way or was cut short: "
            "see whether its work is done, and send what is missing with a new key"
        )
    return Kept(row.status, asked.seal(bytes(row.body)))


def keep(engine: Engine, asked: Asked, answer: Kept) -> None:
    """Keeps the answer of a call that has begun."""
    done = {"status": answer.status, "body": asked.seal(answer.body)}
    with database.writing(engine) as connection:
        connection.execute(update(REMEMBERED_ANSWERS).where(_of(asked)).values(done))


def forget(engine: Engine, asked: Asked) -> None:
    """Frees the key of a call that failed before it wrote anything."""
    with database.writing(engine) as connection:
        connection.execute(delete(REMEMBERED_ANSWERS).where(_of(asked)))


def _of(asked: Asked) -> ColumnElement[bool]:
    return REMEMBERED_ANSWERS.c.call_hash == asked.call_hash
