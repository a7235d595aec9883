"""Databases whose schema stands already: copies of one that went through every migration once.

Going through them all takes a third of a second, which some thousand tests need not do again. Never
here: a schema of our own making; `upgrade` made the original, and `tests/adserver/stores/
test_migrations.py` tries it on empty databases.
"""

import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, text

from adserver.config import Settings
from adserver.stores import database, migrations

FILE = "catalog.sqlite"


def furnish(directory: Path) -> Path:
    """Puts an installation's database into its data directory, if it has none; answers its file."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / FILE
    if not file.exists():
        file.write_bytes(_original())
    return file


@cache
def original_on(server: URL) -> str:
    """The name of the database on a PostgreSQL server that others are copied from."""
    name = "original"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    address = server.set(database=name).render_as_string(hide_password=False)
    _upgraded(database.connect_url(address))
    return name


@cache
def _original() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        _upgraded(database.connect(Settings(data_dir=Path(name))))
        file = Path(name) / FILE
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()


def _upgraded(engine: Engine) -> None:
    migrations.upgrade(engine)
    engine.dispose()
