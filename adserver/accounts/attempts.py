"""How often somebody may try a password: counted in SQL before it is checked.

Never here: passwords. The one surprising fact: a try is counted first and given back when it was
right, so a thousand tries at once get no further than a thousand one after the other.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, delete, literal, update
from sqlalchemy.dialects import postgresql, sqlite

from adserver.accounts.tokens import digest_of
from adserver.stores.account_tables import SIGN_IN_ATTEMPTS

_NETWORK_BITS = 64  # of an IPv6 address: what one subscriber has
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `attempts` wrong ones of one subject within `window`."""

    name: str
    attempts: int
    window: timedelta


FROM_ADDRESS = Limit("address", 100, timedelta(minutes=15))
ON_ACCOUNT = Limit("account", 60, timedelta(hours=1))
ON_ACCOUNT_FROM_ADDRESS = Limit("both", 10, timedelta(minutes=15))
"""The closest one: who is shut out by somebody else's tries can still come from elsewhere."""


@dataclass(frozen=True, slots=True)
class Try:
    """One try: on whose account (an `email_key`, a user's id), from where."""

    account: str
    address: str

    def subjects(self) -> list[tuple[Limit, str]]:
        """What is counted, in the order in which every try locks it."""
        network = network_of(self.address)
        return [
            (ON_ACCOUNT_FROM_ADDRESS, _subject("both", f"{self.account}\n{network}")),
            (ON_ACCOUNT, _subject("account", self.account)),
            (FROM_ADDRESS, _subject("address", network)),
        ]


def count(connection: Connection, tried: Try, now: datetime) -> int:
    """Counts a try; answers for how many seconds no more is listened to (0: go on)."""
    waits = [_counted(connection, limit, subject, now) for limit, subject in tried.subjects()]
    return max(waits)


def forgive(connection: Connection, tried: Try, now: datetime) -> None:
    """Gives a right try back, and forgets the wrong ones on this account from this address."""
    table = SIGN_IN_ATTEMPTS
    (_, both), *others = tried.subjects()
    connection.execute(delete(table).where(table.c.subject == both))
    for _, subject in others:
        counted = (table.c.subject == subject) & (table.c.attempts > 0)
        connection.execute(update(table).where(counted).values(attempts=table.c.attempts - 1))
    connection.execute(delete(table).where(table.c.began_at < now - _KEPT))


def network_of(address: str) -> str:
    """What stands for an address: itself, or the /64 of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), _NETWORK_BITS), strict=False))
    return str(found)


def _counted(connection: Connection, limit: Limit, subject: str, now: datetime) -> int:
    table = SIGN_IN_ATTEMPTS
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"subject": subject, "began_at": now, "attempts": 1}
    is_over = table.c.began_at <= now - limit.window
    statement = dialect.insert(table).values(row)
    counted = statement.on_conflict_do_update(
        index_elements=["subject"],
        set_={
            "attempts": case((is_over, 1), else_=table.c.attempts + 1),
            "began_at": case((is_over, literal(now, table.c.began_at.type)),
                             else_=table.c.began_at),
        },
    ).returning(table.c.attempts, table.c.began_at)  # fmt: skip
    attempts, began_at = connection.execute(counted).one()
    if attempts <= limit.attempts:
        return 0
    return int((began_at + limit.window - now).total_seconds()) + 1


def _subject(kind: str, text: str) -> str:
    return f"{kind}:{digest_of(text)}"
