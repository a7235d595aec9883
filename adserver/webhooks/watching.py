"""Looks for what happened since it last looked, and puts it down for those who want to be told.

Never here: sending (`delivering`). The one surprising fact: it looks a little further back than it
must, because a transaction may commit after one that began later; a cause is told once anyway.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from adserver.stores import database, webhooks
from adserver.webhooks.happenings import SEEN_BY_TIME, Happening, commissions, newest_seq

OVERLAP = timedelta(minutes=30)  # longer than any closing takes to commit
REMEMBER_EVERY = timedelta(minutes=1)
_WATCH = "sql"
Wanted = dict[tuple[str, str, str], datetime]
"""Since when somebody wants to be told: by (role, owner, kind)."""


class Watcher:
    """Watches the SQL database; one per console."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def look(self, now: datetime) -> int:
        """Puts down what is new; answers how much that was. Blocks."""
        with database.reading(self._engine) as connection:
            wanted = webhooks.listening(connection)
            if not wanted:
                return 0
            seen = webhooks.watched(connection, _WATCH)
            newest = newest_seq(connection)
            found = _new(connection, wanted, seen, now) if seen else []
        seen_at = seen[0] if seen else datetime.min.replace(tzinfo=now.tzinfo)
        if found or now - seen_at >= REMEMBER_EVERY:
            with database.writing(self._engine) as connection:
                put_down(connection, found)
                webhooks.watch(connection, _WATCH, now, newest)
        return len(found)


def put_down(connection: Connection, found: Iterable[Happening]) -> int:
    """Announces happenings; answers how many calls that makes."""
    return sum(
        webhooks.announce(connection, one.role, one.owner, one.kind, one.data, one.at, one.cause)
        for one in found
    )


def untold(connection: Connection, found: Iterable[Happening], wanted: Wanted) -> list[Happening]:
    """Those that somebody wants to be told and has not been."""
    asked = [one for one in found if _is_wanted(one, wanted)]
    told = webhooks.told(connection, {one.cause for one in asked})
    return [one for one in asked if one.cause not in told]


def _new(
    connection: Connection, wanted: Wanted, seen: tuple[datetime, int], now: datetime
) -> list[Happening]:
    seen_at, seen_seq = seen
    found = [one for find in SEEN_BY_TIME for one in find(connection, seen_at - OVERLAP, now)]
    for (_, owner, kind), since in wanted.items():
        if kind == "commission.changed":
            one = commissions(connection, owner, seen_seq, since)
            found += [one] if one else []
    return untold(connection, found, wanted)


def _is_wanted(one: Happening, wanted: Wanted) -> bool:
    since = wanted.get((one.role, one.owner, one.kind))
    return since is not None and since <= one.at
