"""Sessions of people in browsers: a cookie's token, and who stands behind it.

Never here: passwords (`sign_in`) and cookies (`adserver.console.web`). The one surprising fact: a
session is seen to be used at most once a minute, and not at all while the database is busy, so that
looking at a page never waits for a writer.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, insert, select, update
from sqlalchemy.exc import OperationalError

from adserver.accounts.identity import Identity, Role
from adserver.accounts.tokens import digest_of, make_id, make_token
from adserver.stores import database
from adserver.stores.account_tables import ORGANISATIONS, SESSIONS, USERS

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=1)
LONGEST_TOKEN = 100


def begin(engine: Engine, user_id: str, now: datetime) -> str:
    """Begins a session; answers the token that its cookie holds and that is kept nowhere."""
    with database.writing(engine) as connection:
        return begin_within(connection, user_id, now)


def begin_within(connection: Connection, user_id: str, now: datetime) -> str:
    """As `begin`, in a transaction."""
    token = make_token()
    row = {
        "token_hash": digest_of(token),
        "session_id": make_id("s"),
        "user_id": user_id,
        "began_at": now,
        "seen_at": now,
    }
    connection.execute(insert(SESSIONS).values(row))
    return token


def identity_of_session(engine: Engine, token: str, now: datetime) -> Identity | None:
    """Who holds this token; None when it is over or nobody's, or the user is disabled."""
    if len(token) > LONGEST_TOKEN:
        return None
    with database.reading(engine) as connection:
        row = connection.execute(_alive(token, now)).first()
    if row is None:
        return None
    if now - row.seen_at >= SEEN_EVERY:
        _see(engine, token, now)
    return _identity(row)


def end(engine: Engine, token: str) -> None:
    """Ends the session of a token, if there is one."""
    with database.writing(engine) as connection:
        connection.execute(delete(SESSIONS).where(SESSIONS.c.token_hash == digest_of(token)))


def end_others(connection: Connection, who: Identity) -> int:
    """Ends all sessions of a user but the one that acts; answers how many there were."""
    query = delete(SESSIONS).where(
        SESSIONS.c.user_id == who.user_id, SESSIONS.c.session_id != who.session_id
    )
    return connection.execute(query).rowcount


def count(connection: Connection, user_id: str, now: datetime) -> int:
    """How many sessions a user has."""
    query = select(SESSIONS.c.session_id).where(
        SESSIONS.c.user_id == user_id,
        SESSIONS.c.seen_at > now - IDLE,
        SESSIONS.c.began_at > now - LONGEST,
    )
    return len(connection.execute(query).all())


def _alive(token: str, now: datetime) -> Select[Any]:
    joined = SESSIONS.join(USERS, USERS.c.user_id == SESSIONS.c.user_id).join(
        ORGANISATIONS, ORGANISATIONS.c.organisation_id == USERS.c.organisation_id
    )
    return (
        select(
            SESSIONS.c.session_id,
            SESSIONS.c.seen_at,
            USERS.c.user_id,
            USERS.c.email,
            USERS.c.language.label("own_language"),
            ORGANISATIONS,
        )
        .select_from(joined)
        .where(
            SESSIONS.c.token_hash == digest_of(token),
            SESSIONS.c.seen_at > now - IDLE,
            SESSIONS.c.began_at > now - LONGEST,
            USERS.c.disabled.is_(False),
        )
    )


def _identity(row: Row[Any]) -> Identity:
    return Identity(
        role=Role(row.role),
        owner=row.owner,
        actor=row.email,
        organisation_id=row.organisation_id,
        organisation_name=row.name,
        user_id=row.user_id,
        session_id=row.session_id,
        time_zone=row.time_zone,
        language=row.own_language or row.language,
    )


def _see(engine: Engine, token: str, now: datetime) -> None:
    mine = SESSIONS.c.token_hash == digest_of(token)
    with suppress(OperationalError), database.writing_at_once(engine) as connection:
        later = mine & (SESSIONS.c.seen_at < now)
        connection.execute(update(SESSIONS).where(later).values(seen_at=now))
