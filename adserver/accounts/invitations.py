"""Invitations: links that let somebody choose a password, once and for a few days.

Never here: sending them; there is no mail in this house, so who invites sees the link and passes it
on. The one surprising fact: a forgotten password is an invitation too, of somebody who is there
already.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from adserver.accounts import users
from adserver.accounts.identity import Identity
from adserver.accounts.refusal import refusal
from adserver.accounts.tokens import digest_of, make_id, make_token
from adserver.accounts.users import User
from adserver.stores import audit, database
from adserver.stores.account_tables import INVITATIONS

VALID = timedelta(days=7)
RESET_VALID = timedelta(days=1)
LONGEST_TOKEN = 100
MOST_OPEN = 100
_KIND = "invitation"

NOT_VALID = "this link has been used, withdrawn or is too old; ask for another one"
TOO_MANY = "100 invitations are open; withdraw one first"


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that was made. `user_id` is set when it lets somebody choose another password."""

    invitation_id: str
    organisation_id: str
    email: str
    user_id: str | None
    made_by: str
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None
    withdrawn_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Whether it may still be used."""
        return self.used_at is None and self.withdrawn_at is None and now < self.ends_at


def invite(
    connection: Connection, organisation_id: str, email: str, who: Identity, now: datetime
) -> tuple[Invitation, str]:
    """Invites somebody; answers the invitation and its token, shown this once.

    Raises:
        CatalogError: the address is none, or somebody has it; too many are open.
    """
    email = users.require_email(email)
    if users.by_email(connection, email):
        raise refusal(_KIND, "", users.TAKEN, "email")
    if len(open_of(connection, organisation_id, now)) >= MOST_OPEN:
        raise refusal(_KIND, "", TOO_MANY)
    made = Invitation(
        make_id(), organisation_id, email, None, who.actor, now, now + VALID, None, None
    )
    return made, _keep(connection, made, "invite", who)


def reset(
    connection: Connection, user: User, who: Identity, now: datetime
) -> tuple[Invitation, str]:
    """A link with which a user chooses another password; earlier ones end."""
    table = INVITATIONS
    others = (table.c.user_id == user.user_id) & table.c.used_at.is_(None)
    connection.execute(update(table).where(others).values(withdrawn_at=now))
    made = Invitation(
        make_id(), user.organisation_id, user.email, user.user_id, who.actor, now,
        now + RESET_VALID, None, None,
    )  # fmt: skip
    return made, _keep(connection, made, "allow another password", who)


def withdraw(
    connection: Connection, organisation_id: str, invitation_id: str, who: Identity, now: datetime
) -> Invitation | None:
    """Ends an open invitation; None when the organisation has none of that id that is open."""
    found = [i for i in open_of(connection, organisation_id, now) if _is(i, invitation_id)]
    if not found:
        return None
    mine = INVITATIONS.c.invitation_id == invitation_id
    connection.execute(update(INVITATIONS).where(mine).values(withdrawn_at=now))
    after = {"withdrawn_at": now}
    audit.record(connection, who, "withdraw", _KIND, invitation_id, found[0], after, now)
    return found[0]


def open_of(connection: Connection, organisation_id: str, now: datetime) -> list[Invitation]:
    """An organisation's open invitations, the newest first."""
    table = INVITATIONS
    query = select(table).where(
        table.c.organisation_id == organisation_id,
        table.c.used_at.is_(None),
        table.c.withdrawn_at.is_(None),
        table.c.ends_at > now,
    )
    found = [_invitation(row) for row in connection.execute(query)]
    return sorted(found, key=lambda one: (one.made_at, one.invitation_id), reverse=True)


def of_token(connection: Connection, token: str, now: datetime) -> Invitation | None:
    """The invitation behind a link; None when it may not be used, whatever the reason."""
    if len(token) > LONGEST_TOKEN:
        return None
    query = select(INVITATIONS).where(INVITATIONS.c.token_hash == digest_of(token))
    row = connection.execute(query).first()
    found = _invitation(row) if row else None
    return found if found is not None and found.is_open(now) else None


def accept(engine: Engine, token: str, password: str, now: datetime) -> str:
    """Uses a link with the password that was chosen; answers the user's id.

    A user that is disabled stays so, with the new password.

    Raises:
        CatalogError: the link may not be used, the password cannot be taken, or somebody has got
            the address meanwhile.
    """
    with database.reading(engine) as connection:
        found = of_token(connection, token, now)
    if found is None:
        raise refusal(_KIND, "", NOT_VALID)
    kept = users.checked_hash(password, found.email)
    try:
        with database.writing(engine) as connection:
            _use(connection, found, now)
            return _give(connection, found, kept, now)
    except IntegrityError:  # another link for the same address was used in this instant
        raise refusal(_KIND, "", users.TAKEN, "email") from None


def _use(connection: Connection, found: Invitation, now: datetime) -> None:
    """Marks it as used, unless somebody was faster."""
    table = INVITATIONS
    unused = (
        (table.c.invitation_id == found.invitation_id)
        & table.c.used_at.is_(None)
        & table.c.withdrawn_at.is_(None)
    )
    if connection.execute(update(table).where(unused).values(used_at=now)).rowcount != 1:
        raise refusal(_KIND, "", NOT_VALID)


def _give(connection: Connection, found: Invitation, kept: str, now: datetime) -> str:
    if found.user_id is None:
        return users.add(connection, found.organisation_id, found.email, kept, now).user_id
    user = users.find(connection, found.user_id)
    if user is None:
        raise LookupError(f"invitation {found.invitation_id} is for nobody")
    users.set_password(connection, user, kept, None, now)
    return user.user_id


def _keep(connection: Connection, made: Invitation, action: str, who: Identity) -> str:
    token = make_token()
    values = {name: getattr(made, name) for name in Invitation.__slots__}
    connection.execute(insert(INVITATIONS).values(values | {"token_hash": digest_of(token)}))
    audit.record(connection, who, action, _KIND, made.invitation_id, None, made, made.made_at)
    return token


def _is(one: Invitation, invitation_id: str) -> bool:
    return one.invitation_id == invitation_id


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(*(getattr(row, name) for name in Invitation.__slots__))
