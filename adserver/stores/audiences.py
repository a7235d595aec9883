"""The counted users of every app, kept in SQL: replaced whole, read by a page.

Never here: counting (`reports.portrait`). The one surprising fact: there is one counting at a time;
who reads during a replacement sees all of the old one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select

from adserver.stores import database
from adserver.stores.report_tables import AUDIENCE_CELLS, AUDIENCE_COUNTS, AUDIENCE_REQUESTS

_BATCH_ROWS = 1_000

Cells = Mapping[tuple[str, str], int]
"""Users by (dimension, value)."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Users of some scopes, and the requests of one app; counted over [since, until)."""

    since: datetime
    until: datetime
    scopes: Mapping[str, Cells]
    requests: int
    opted_out: int


def replace_all(
    engine: Engine,
    users: Mapping[tuple[str, str, str], int],
    requests: Mapping[str, tuple[int, int]],
    between: tuple[datetime, datetime],
) -> None:
    """Keeps a counting in the place of the last: users by (scope, dimension, value).

    `requests` are by app: all, and those of users who opted out.
    """
    cells = [
        {"scope": scope, "dimension": dimension, "value": value, "users": count}
        for (scope, dimension, value), count in users.items()
    ]
    asked = [
        {"app_id": app, "requests": every, "opted_out": out}
        for app, (every, out) in requests.items()
    ]
    with database.writing(engine) as connection:
        for table in (AUDIENCE_CELLS, AUDIENCE_REQUESTS, AUDIENCE_COUNTS):
            connection.execute(delete(table))
        for table, rows in ((AUDIENCE_CELLS, cells), (AUDIENCE_REQUESTS, asked)):
            for start in range(0, len(rows), _BATCH_ROWS):
                connection.execute(insert(table), rows[start : start + _BATCH_ROWS])
        known = {"id": 1, "since": between[0], "until": between[1]}
        connection.execute(insert(AUDIENCE_COUNTS), [known])


def audience_of(engine: Engine, app_id: str, scopes: tuple[str, ...]) -> Audience | None:
    """The users of these scopes, and the app's requests; None while nothing was counted yet."""
    with database.reading(engine) as connection:
        counted = connection.execute(select(AUDIENCE_COUNTS)).mappings().one_or_none()
        if counted is None:
            return None
        found: dict[str, dict[tuple[str, str], int]] = {scope: {} for scope in scopes}
        query = select(AUDIENCE_CELLS).where(AUDIENCE_CELLS.c.scope.in_(scopes))
        for row in connection.execute(query):
            found[row.scope][row.dimension, row.value] = row.users
        own = select(AUDIENCE_REQUESTS).where(AUDIENCE_REQUESTS.c.app_id == app_id)
        asked = connection.execute(own).mappings().one_or_none()
    return Audience(
        counted["since"],
        counted["until"],
        found,
        asked["requests"] if asked else 0,
        asked["opted_out"] if asked else 0,
    )
