from collections.abc import Iterator

import pytest

from tests.adserver.accounts.houses import House, house_at
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    with house_at(database_url) as made:
        yield made
