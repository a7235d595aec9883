"""Which database a setting names."""

from pathlib import Path

import pytest

from adserver.config import SettingError, Settings
from adserver.stores.database import connect, connect_url


def test_without_an_address_sqlite_lies_in_the_data_directory(tmp_path: Path) -> None:
    engine = connect(Settings(data_dir=tmp_path / "deep" / "var"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()
    assert (tmp_path / "deep" / "var" / "catalog.sqlite").exists()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_postgres_address_uses_the_driver_that_is_installed(scheme: str) -> None:
    engine = connect_url(f"{scheme}://user:secret@db.example/ads")
    assert engine.url.drivername == "postgresql+psycopg"
    engine.dispose()


@pytest.mark.parametrize("address", ["mysql://h/x", "not an address", "redis://h"])
def test_another_database_is_refused_by_name(address: str) -> None:
    with pytest.raises(SettingError, match="ADUNION_DATABASE_URL"):
        connect_url(address)
