"""API keys: programs' way in, made by people, shown once.

Never here: the keys of apps, advertisers' postbacks and merchants' orders, which are derived
(`adserver.keyring`). The one surprising fact: a key is its organisation's, not its maker's, and
outlives the maker's account; it is revoked by itself.
"""

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update
from sqlalchemy.exc import OperationalError

from adserver.accounts.identity import Identity, Role
from adserver.accounts.refusal import refusal
from adserver.accounts.tokens import digest_of, make_id, make_token
from adserver.stores import audit, database
from adserver.stores.account_tables import API_KEYS, ORGANISATIONS

PREFIX = "adu"
USED_EVERY = timedelta(minutes=1)
MOST_KEYS = 50
LONGEST_NAME = 200
_LONGEST_KEY = 200
_KIND = "api_key"

NAME_WANTED = "say in 1 to 200 characters what the key is for"
TOO_MANY = "an organisation has at most 50 keys in force; revoke one first"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key without its secret."""

    key_id: str
    organisation_id: str
    name: str
    made_by: str
    made_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def make(
    engine: Engine, organisation_id: str, name: str, who: Identity, now: datetime
) -> tuple[KeyRecord, str]:
    """Makes a key; answers it and its text "adu_<id>_<secret>", which cannot be shown again.

    Raises:
        CatalogError: no name, or too many keys.
    """
    with database.writing(engine) as connection:
        return make_within(connection, organisation_id, name, who, now)


def make_within(
    connection: Connection, organisation_id: str, name: str, who: Identity, now: datetime
) -> tuple[KeyRecord, str]:
    """As `make`, in a transaction."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise refusal(_KIND, "", NAME_WANTED, "name")
    secret = make_token()
    record = KeyRecord(make_id(), organisation_id, name, who.actor, now, None, None)
    values = {field: getattr(record, field) for field in KeyRecord.__slots__}
    if _in_force(connection, organisation_id) >= MOST_KEYS:
        raise refusal(_KIND, "", TOO_MANY)
    connection.execute(insert(API_KEYS).values(values | {"secret_hash": digest_of(secret)}))
    audit.record(connection, who, "add", _KIND, record.key_id, None, record, now)
    return record, f"{PREFIX}_{record.key_id}_{secret}"


def identity_of_key(engine: Engine, text: str, now: datetime) -> Identity | None:
    """Whom a key acts for; None for text that is no key in force."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not secret or len(text) > _LONGEST_KEY or not text.isascii():
        return None
    joined = API_KEYS.join(
        ORGANISATIONS, ORGANISATIONS.c.organisation_id == API_KEYS.c.organisation_id
    )
    columns = (API_KEYS.c.key_id, API_KEYS.c.secret_hash, API_KEYS.c.used_at, ORGANISATIONS)
    in_force = (API_KEYS.c.key_id == key_id) & API_KEYS.c.revoked_at.is_(None)
    with database.reading(engine) as connection:
        row = connection.execute(select(*columns).select_from(joined).where(in_force)).first()
    if row is None or not hmac.compare_digest(row.secret_hash, digest_of(secret)):
        return None
    if row.used_at is None or now - row.used_at >= USED_EVERY:
        _use(engine, key_id, now)
    return _identity(row)


def revoke(
    engine: Engine, organisation_id: str, key_id: str, who: Identity, now: datetime
) -> KeyRecord | None:
    """Ends a key for good; None when the organisation has none of that id.

    One that was revoked before stays as it is.
    """
    with database.writing(engine) as connection:
        before = next((k for k in list_of(connection, organisation_id) if k.key_id == key_id), None)
        if before is None or before.revoked_at is not None:
            return before
        mine = API_KEYS.c.key_id == key_id
        connection.execute(update(API_KEYS).where(mine).values(revoked_at=now))
        after = next(k for k in list_of(connection, organisation_id) if k.key_id == key_id)
        audit.record(connection, who, "revoke", _KIND, key_id, before, after, now)
    return after


def list_of(connection: Connection, organisation_id: str) -> list[KeyRecord]:
    """An organisation's keys, those in force first, then the newest first."""
    query = select(API_KEYS).where(API_KEYS.c.organisation_id == organisation_id)
    found = [_record(row) for row in connection.execute(query)]
    found.sort(key=lambda one: (one.made_at, one.key_id), reverse=True)
    return sorted(found, key=lambda one: one.revoked_at is not None)


def _in_force(connection: Connection, organisation_id: str) -> int:
    query = select(func.count()).where(
        API_KEYS.c.organisation_id == organisation_id, API_KEYS.c.revoked_at.is_(None)
    )
    return int(connection.execute(query).scalar_one())


def _use(engine: Engine, key_id: str, now: datetime) -> None:
    mine = API_KEYS.c.key_id == key_id
    with suppress(OperationalError), database.writing_at_once(engine) as connection:
        connection.execute(update(API_KEYS).where(mine).values(used_at=now))


def _identity(row: Row[Any]) -> Identity:
    return Identity(
        role=Role(row.role),
        owner=row.owner,
        actor=f"key:{row.key_id}",
        organisation_id=row.organisation_id,
        organisation_name=row.name,
        time_zone=row.time_zone,
        language=row.language,
    )


def _record(row: Row[Any]) -> KeyRecord:
    return KeyRecord(*(getattr(row, name) for name in KeyRecord.__slots__))
