"""A database with an organisation and a person in it, once on each engine.

Never here: a test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine

from adserver.accounts import organisations, users
from adserver.accounts.identity import COMMAND, Identity, Role
from adserver.accounts.users import User
from adserver.stores import audit, database, migrations
from adserver.stores.audit import Line, Sought
from adserver.stores.database import connect_url
from tests import builders

NOW = builders.NOW
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ANN, PASSWORD = "ann@house.example", "correct horse battery"


@dataclass(frozen=True)
class House:
    """The database, Ann, and who she is when she acts."""

    engine: Engine
    ann: User
    who: Identity

    def add(self, email: str, password: str = PASSWORD) -> User:
        """Another person of the same organisation."""
        kept = users.checked_hash(password, email)
        with database.writing(self.engine) as connection:
            return users.add(connection, self.who.organisation_id, email, kept, NOW)

    def log(self) -> list[Line]:
        """The audit log, newest first."""
        with database.reading(self.engine) as connection:
            return audit.lines(connection, Sought(), 1_000)

    def actions(self) -> list[str]:
        """What the log says was done, the first thing first."""
        return [line.action for line in reversed(self.log())]


@contextmanager
def house_at(database_url: str) -> Iterator[House]:
    """A new house."""
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    with database.writing(engine) as connection:
        own = organisations.ensure(connection, Role.OPERATOR, "", COMMAND, NOW)
        kept = users.checked_hash(PASSWORD, ANN)
        ann = users.add(connection, own.organisation_id, ANN, kept, NOW)
    who = Identity(Role.OPERATOR, "", ANN, own.organisation_id, own.name, ann.user_id, "s_none")
    try:
        yield House(engine, ann, who)
    finally:
        engine.dispose()
