from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from adserver.stores import migrations
from adserver.stores.database import connect_url
from tests.adserver.stores.sql_databases import database_url
from tests.adserver.webhooks.ears import Ear, listening

__all__ = ["database_url"]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect_url(database_url)
    migrations.upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def ear() -> Iterator[Ear]:
    with listening() as heard:
        yield heard
