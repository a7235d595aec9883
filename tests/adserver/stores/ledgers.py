"""A ledger in an empty database, on SQLite and on PostgreSQL.

Never here: a test.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from adserver.stores import migrations
from adserver.stores.database import connect_url
from adserver.stores.ledger import SqlLedger
from tests.adserver.stores.sql_databases import database_url
from tests.affiliate.bookings import ZONE

__all__ = ["database_url", "engine", "ledger"]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine of a database that has all tables and nothing in them."""
    opened = connect_url(database_url)
    migrations.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def ledger(engine: Engine) -> SqlLedger:
    """An empty ledger whose months are those of Shanghai."""
    return SqlLedger(engine, ZONE)
