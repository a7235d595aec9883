"""Which database a setting names."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from adserver.config import SettingError, Settings
from adserver.stores.database import commits, connect, connect_url, reading, writing


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


def test_a_file_that_somebody_is_just_making_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite"
    maker = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN IMMEDIATE")
    release = Timer(0.2, maker.close)
    release.start()
    engine = connect_url(f"sqlite:///{file}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()
    release.join()


def test_only_what_was_committed_by_this_thread_counts(tmp_path: Path) -> None:
    engine = connect_url(f"sqlite:///{tmp_path / 'counted.sqlite'}")
    before = commits()
    with reading(engine) as connection:
        connection.execute(text("SELECT 1"))
    with pytest.raises(OperationalError), writing(engine) as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (1)"))
    assert commits() == before
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE t (a INTEGER)"))
    assert commits() == before + 1
    with ThreadPoolExecutor(1) as other:
        assert other.submit(commits).result() == 0
    engine.dispose()
