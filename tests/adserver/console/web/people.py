"""People and programs with a way into a console: users with sessions, keys of organisations.

Never here: pages. The one surprising fact: a session is begun directly, since hashing a password
takes a tenth of a second on purpose; signing in by the form has tests of its own.
"""

from datetime import UTC, datetime

from adserver.accounts import keys, organisations, sessions, users
from adserver.accounts.identity import COMMAND, Role
from adserver.console.desk import Desk
from adserver.stores import database
from tests.adserver.console.web.running import Browser

_NO_PASSWORD = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"


def session_of(desk: Desk, role: Role, owner: str = "", email: str = "") -> str:
    """A session's token for a (new) user of an owner's organisation, who must exist."""
    now = datetime.now(UTC)
    address = email or f"{owner or role}@people.example".lower()
    with database.writing(desk.engine) as connection:
        organisation = organisations.ensure(connection, role, owner, COMMAND, now)
        known = users.by_email(connection, address)
        user = known[0] if known else users.add(
            connection, organisation.organisation_id, address, _NO_PASSWORD, now
        )  # fmt: skip
    return sessions.begin(desk.engine, user.user_id, now)


def browser_of(desk: Desk, port: int, role: Role, owner: str = "") -> Browser:
    """Somebody of this owner, signed in."""
    return Browser(port, {"adunion_session": session_of(desk, role, owner)})


def key_of(desk: Desk, role: Role, owner: str = "") -> str:
    """An API key of an owner, who must exist."""
    now = datetime.now(UTC)
    with database.writing(desk.engine) as connection:
        organisation = organisations.ensure(connection, role, owner, COMMAND, now)
    return keys.make(desk.engine, organisation.organisation_id, "a test", COMMAND, now)[1]


def program_of(desk: Desk, port: int, role: Role, owner: str = "") -> Browser:
    """A program with a key of this owner."""
    bearer = f"Bearer {key_of(desk, role, owner)}"
    return Browser(port, headers={"Authorization": bearer, "Accept": "application/json"})
