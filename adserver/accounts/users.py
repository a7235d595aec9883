"""Users: people with an e-mail address and a password, each of one organisation.

Never here: how they prove it (`sign_in`) and how they come in (`invitations`). The one surprising
fact: users are never removed, only disabled, because the audit log speaks of them.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from adserver.accounts import passwords
from adserver.accounts.identity import Identity
from adserver.accounts.refusal import refusal
from adserver.accounts.tokens import make_id
from adserver.stores import audit
from adserver.stores.account_tables import ORGANISATIONS, SESSIONS, USERS

LONGEST_EMAIL = 254
THEMES = ("auto", "light", "dark")
KIND = "user"

NO_EMAIL = "this is no e-mail address"
TAKEN = "somebody with this e-mail address has an account already"
NOT_YOURSELF = "you cannot disable your own account"
LAST_ONE = "the organisation would be left without anybody who can sign in"


@dataclass(frozen=True, slots=True)
class User:
    """A person. `language` "" means the organisation's."""

    user_id: str
    organisation_id: str
    email: str
    language: str
    theme: str
    disabled: bool
    made_at: datetime
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class Own:
    """Somebody who acts before being signed in, for the audit log."""

    actor: str
    organisation_id: str

    @classmethod
    def of(cls, user: User) -> "Own":
        """The user themselves."""
        return cls(user.email, user.organisation_id)


def email_key(email: str) -> str:
    """An address as it is compared: whatever its case."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


def require_email(email: str) -> str:
    """The address without the blanks around it.

    Raises:
        CatalogError: it is none, or too long.
    """
    email = email.strip()
    name, at, domain = email.rpartition("@")
    is_one = bool(name and at and domain) and email.isprintable() and " " not in email
    if not is_one or max(len(email), len(email_key(email))) > LONGEST_EMAIL:
        raise refusal(KIND, "", NO_EMAIL, "email")
    return email


def add(connection: Connection, organisation_id: str, email: str, kept: str, now: datetime) -> User:
    """Adds a user with the hash of a password (`passwords.hash_of`), and leaves the line.

    The line is the user's own: nobody else knows the password that was chosen.

    Raises:
        CatalogError: the address is none, or somebody has it.
    """
    email = require_email(email)
    if by_email(connection, email):
        raise refusal(KIND, "", TAKEN, "email")
    user = User(make_id("u"), organisation_id, email, "", THEMES[0], False, now, None)
    values = {name: getattr(user, name) for name in User.__slots__}
    values |= {"email_key": email_key(email), "password_hash": kept}
    connection.execute(insert(USERS).values(values))
    audit.record(connection, Own.of(user), "add", KIND, user.user_id, None, user, now)
    return user


def by_email(connection: Connection, email: str) -> tuple[User, str] | None:
    """The user of an address and the hash of the password; None when there is none."""
    query = select(USERS).where(USERS.c.email_key == email_key(email))
    row = connection.execute(query).first()
    return (_user(row), str(row.password_hash)) if row else None


def find(connection: Connection, user_id: str) -> User | None:
    """One user; None when there is none of that id."""
    row = connection.execute(select(USERS).where(USERS.c.user_id == user_id)).first()
    return _user(row) if row else None


def of_organisation(connection: Connection, organisation_id: str) -> list[User]:
    """Everybody of an organisation, by address."""
    query = select(USERS).where(USERS.c.organisation_id == organisation_id)
    found = [_user(row) for row in connection.execute(query)]
    return sorted(found, key=lambda user: user.email)


def prefer(connection: Connection, user_id: str, language: str, theme: str) -> None:
    """Remembers how somebody likes the pages; no line is left for that."""
    values = {"language": language, "theme": theme}
    connection.execute(update(USERS).where(USERS.c.user_id == user_id).values(values))


def seen(connection: Connection, user: User, now: datetime) -> None:
    """Remembers when somebody signed in."""
    mine = USERS.c.user_id == user.user_id
    connection.execute(update(USERS).where(mine).values(signed_in_at=now))


def set_password(
    connection: Connection, user: User, kept: str, who: Identity | None, now: datetime,
    *, keep_session: str = "",
) -> None:  # fmt: skip
    """Gives a user the hash of a new password, and ends all sessions but `keep_session`.

    `who` None: the user, by a link that was sent.
    """
    query = update(USERS).where(USERS.c.user_id == user.user_id)
    connection.execute(query.values(password_hash=kept))
    ended = delete(SESSIONS).where(SESSIONS.c.user_id == user.user_id)
    connection.execute(ended.where(SESSIONS.c.session_id != keep_session))
    actor = who or Own.of(user)
    after = {"password": "new"}
    audit.record(connection, actor, "change password", KIND, user.user_id, None, after, now)


def checked_hash(password: str, email: str) -> str:
    """What is kept of a password that may be taken.

    Raises:
        CatalogError: it may not, with the reason.
    """
    if fault := passwords.fault_of(password, email):
        raise refusal(KIND, "", fault, "password")
    return passwords.hash_of(password)


def set_disabled(
    connection: Connection, user: User, disabled: bool, who: Identity, now: datetime
) -> None:
    """Shuts somebody out at once, or lets them in again.

    Raises:
        CatalogError: it is oneself, or the last one who could sign in.
    """
    _lock(connection, user.organisation_id)
    if disabled and user.user_id == who.user_id:
        raise refusal(KIND, user.user_id, NOT_YOURSELF)
    if disabled and _others(connection, user) == 0:
        raise refusal(KIND, user.user_id, LAST_ONE)
    query = update(USERS).where(USERS.c.user_id == user.user_id)
    connection.execute(query.values(disabled=disabled))
    if disabled:
        connection.execute(delete(SESSIONS).where(SESSIONS.c.user_id == user.user_id))
    before, after = {"disabled": user.disabled}, {"disabled": disabled}
    action = "disable" if disabled else "enable"
    audit.record(connection, who, action, KIND, user.user_id, before, after, now)


def _lock(connection: Connection, organisation_id: str) -> None:
    table = ORGANISATIONS
    query = select(table.c.organisation_id).where(table.c.organisation_id == organisation_id)
    connection.execute(query.with_for_update()).scalar()


def _others(connection: Connection, user: User) -> int:
    query = select(func.count()).where(
        USERS.c.organisation_id == user.organisation_id,
        USERS.c.user_id != user.user_id,
        USERS.c.disabled.is_(False),
    )
    return int(connection.execute(query).scalar_one())


def _user(row: Row[Any]) -> User:
    return User(*(getattr(row, name) for name in User.__slots__))
