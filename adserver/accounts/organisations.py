"""Organisations: who works with the house, one for each owner, and the house itself.

Never here: what they own. The one surprising fact: an organisation is made when its first user or
key is, so advertisers, partners and merchants of the command line need none.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Table, insert, select, update

from adserver.accounts.identity import Identity, Role
from adserver.accounts.refusal import refusal
from adserver.accounts.tokens import make_id
from adserver.stores import audit
from adserver.stores.account_tables import ORGANISATIONS
from adserver.stores.partner_tables import MERCHANTS, PARTNERS
from adserver.stores.tables import ADVERTISERS

LONGEST_NAME = 200
LANGUAGES = ("en", "zh")
HOUSE_NAME = "The house"
_KIND = "organisation"
_OWNERS: dict[Role, tuple[Table, str]] = {
    Role.ADVERTISER: (ADVERTISERS, "advertiser_id"),
    Role.PARTNER: (PARTNERS, "partner_id"),
    Role.MERCHANT: (MERCHANTS, "merchant_id"),
}

NAME_WANTED = "a name has 1 to 200 characters"
NO_ZONE = "this is no time zone such as Asia/Shanghai"
NO_LANGUAGE = "this language is not spoken here"
NO_OWNER = "there is nobody of this id"


@dataclass(frozen=True, slots=True)
class Organisation:
    """A client of the house, or the house (role operator, owner "")."""

    organisation_id: str
    role: Role
    owner: str
    name: str
    time_zone: str
    language: str
    made_at: datetime


def ensure(
    connection: Connection, role: Role, owner: str, who: Identity, now: datetime
) -> Organisation:
    """The organisation of an owner, made if there is none yet.

    Raises:
        CatalogError: there is no such advertiser, partner or merchant.
    """
    if found := of_owner(connection, role, owner):
        return found
    name = _name_of(connection, role, owner)
    made = Organisation(make_id("org"), role, owner, name, who.time_zone, who.language, made_at=now)
    values = {name: getattr(made, name) for name in Organisation.__slots__}
    connection.execute(insert(ORGANISATIONS).values(values | {"role": role.value}))
    audit.record(connection, who, "add", _KIND, made.organisation_id, None, made, now)
    return made


def of_owner(connection: Connection, role: Role, owner: str) -> Organisation | None:
    """The organisation of an owner; None when it has none yet."""
    table = ORGANISATIONS
    query = select(table).where(table.c.role == role.value, table.c.owner == owner)
    row = connection.execute(query).first()
    return _organisation(row) if row else None


def find(connection: Connection, organisation_id: str) -> Organisation | None:
    """One organisation; None when there is none of that id."""
    query = select(ORGANISATIONS).where(ORGANISATIONS.c.organisation_id == organisation_id)
    row = connection.execute(query).first()
    return _organisation(row) if row else None


def everyone(connection: Connection) -> list[Organisation]:
    """All organisations, by role and name."""
    found = [_organisation(row) for row in connection.execute(select(ORGANISATIONS))]
    return sorted(found, key=lambda one: (one.role, one.name, one.organisation_id))


def edit(
    connection: Connection, before: Organisation, changes: dict[str, str], who: Identity,
    now: datetime,
) -> Organisation:  # fmt: skip
    """Changes name, time zone or language; what is not named stays.

    Raises:
        CatalogError: a value that cannot be, with its field.
    """
    allowed = {name: changes[name] for name in ("name", "time_zone", "language") if name in changes}
    after: Organisation = replace(before, **allowed)  # type: ignore[arg-type]
    _require(after)
    if after != before:
        table = ORGANISATIONS
        mine = table.c.organisation_id == before.organisation_id
        connection.execute(update(table).where(mine).values(allowed))
        audit.record(connection, who, "edit", _KIND, before.organisation_id, before, after, now)
    return after


def _require(one: Organisation) -> None:
    faults = {
        "name": "" if one.name.strip() and _is_plain(one.name) else NAME_WANTED,
        "time_zone": "" if is_zone(one.time_zone) else NO_ZONE,
        "language": "" if one.language in LANGUAGES else NO_LANGUAGE,
    }
    for field, message in faults.items():
        if message:
            raise refusal(_KIND, one.organisation_id, message, field)


def _is_plain(name: str) -> bool:
    return len(name) <= LONGEST_NAME and name.isprintable()


def is_zone(name: str) -> bool:
    """Whether the system knows a time zone of this name."""
    try:
        ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        return False
    return bool(name)


def _name_of(connection: Connection, role: Role, owner: str) -> str:
    if role is Role.OPERATOR:
        if owner:
            raise refusal(_KIND, owner, NO_OWNER, "owner")
        return HOUSE_NAME
    table, column = _OWNERS[role]
    name = connection.execute(select(table.c.name).where(table.c[column] == owner)).scalar()
    if name is None:
        raise refusal(_KIND, owner, NO_OWNER, "owner")
    return str(name) or owner


def _organisation(row: Row[Any]) -> Organisation:
    return Organisation(
        row.organisation_id,
        Role(row.role),
        row.owner,
        row.name,
        row.time_zone,
        row.language,
        row.made_at,
    )
