"""The schema: up from empty on both databases, and equal to what the tables say."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from adserver.config import SettingError
from adserver.stores import migrations
from adserver.stores.database import connect_url
from adserver.stores.tables import METADATA
from tests.adserver.stores.sql_databases import empty_database_url

__all__ = ["empty_database_url"]


WORD_INDEXES = ("product_search", "ix_product_documents_words")
"""What each engine finds words with, which the other one does not have."""


def is_ours(name: str | None, _kind: str, _parents: object) -> bool:
    return not (name or "").startswith(WORD_INDEXES)


def test_from_empty_the_schema_becomes_what_the_tables_say(empty_database_url: str) -> None:
    engine = connect_url(empty_database_url)
    with engine.connect() as connection:
        assert migrations.reached(connection) is None
    migrations.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": is_ours}
        )
        assert compare_metadata(context, METADATA) == []
        assert migrations.reached(connection) == migrations.newest()
    engine.dispose()


def test_coming_again_changes_nothing(empty_database_url: str) -> None:
    engine = connect_url(empty_database_url)
    migrations.upgrade(engine)
    migrations.upgrade(engine)
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(empty_database_url: str) -> None:
    engine = connect_url(empty_database_url)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingError, match="at step 9999 of a newer adunion"):
        migrations.upgrade(engine)
    with engine.connect() as connection:
        assert migrations.reached(connection) == "9999"
    engine.dispose()


def test_several_processes_may_arrive_at_once(empty_database_url: str) -> None:
    def arrive(_number: int) -> None:
        engine = connect_url(empty_database_url)
        migrations.upgrade(engine)
        engine.dispose()

    with ThreadPoolExecutor(4) as arrivals:
        assert list(arrivals.map(arrive, range(4))) == [None] * 4
