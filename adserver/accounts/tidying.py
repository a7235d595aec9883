"""Removes what is over: sessions that ended by themselves.

Never here: anything that a person made; users, keys and invitations stay.
"""

from datetime import datetime

from sqlalchemy import Engine, delete, or_

from adserver.accounts.sessions import IDLE, LONGEST
from adserver.stores import database
from adserver.stores.account_tables import SESSIONS


def tidy(engine: Engine, now: datetime) -> int:
    """Removes sessions that nobody can use any more; answers how many."""
    over = or_(SESSIONS.c.seen_at <= now - IDLE, SESSIONS.c.began_at <= now - LONGEST)
    with database.writing(engine) as connection:
        return connection.execute(delete(SESSIONS).where(over)).rowcount
