from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adserver.console.partners.office import Office, opened_office
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    """An office on each database."""
    with opened_office(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Office]:
    """An office on SQLite, where one engine is enough."""
    with opened_office(f"sqlite:///{tmp_path / 'catalog.sqlite'}", tmp_path) as opened:
        yield opened
