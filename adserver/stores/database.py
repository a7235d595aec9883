"""The SQL database: SQLite in the data directory, or PostgreSQL where a URL is given.

Never here: tables and queries. The one surprising fact: SQLite's driver would begin transactions
when it thinks fit, so it is told not to and `writing` says BEGIN IMMEDIATE; two writers then wait
for each other instead of failing halfway.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from adserver.config import SettingError, Settings

WAIT_MS = 15_000
AT_ONCE_MS = 50
_WRITES = "adunion_writes"
_PAUSE_S = 0.01
_of_thread = local()


def connect(settings: Settings) -> Engine:
    """The engine of the database that the settings name. Nothing is opened yet.

    Raises:
        SettingError: a database that is neither SQLite nor PostgreSQL.
    """
    if settings.database_url:
        return connect_url(settings.database_url)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return connect_url(f"sqlite:///{settings.data_dir / 'catalog.sqlite'}")


def connect_url(address: str) -> Engine:
    """As `connect`, for one address. "postgres://" and "postgresql://" use psycopg."""
    try:
        url = make_url(address)
    except (ValueError, ArgumentError):
        raise SettingError(
            "ADUNION_DATABASE_URL is not an address such as postgresql://..."
        ) from None
    family = url.drivername.split("+")[0]
    if family in {"postgres", "postgresql"}:
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if family != "sqlite":
        raise SettingError(f"ADUNION_DATABASE_URL: {family} is neither postgresql nor sqlite")
    engine = create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (f"busy_timeout={WAIT_MS}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    _log_ahead(connection)


def _log_ahead(connection: Any) -> None:
    """Turns the log on, again and again for a file that another is just turning it on for.

    SQLite refuses the second at once there, however long it was asked to wait.
    """
    until = monotonic() + WAIT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
            sleep(_PAUSE_S)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: committed at the end, rolled back on any exception."""
    with engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection
    _of_thread.commits = commits() + 1


def commits() -> int:
    """How many transactions of `writing` this thread has committed.

    A number that stands still tells that nothing was written meanwhile.
    """
    return int(getattr(_of_thread, "commits", 0))


@contextmanager
def writing_at_once(engine: Engine) -> Iterator[Connection]:
    """As `writing`, for what may be left undone: it fails where it would wait for somebody.

    Raises:
        OperationalError: another writer was there.
    """
    if engine.dialect.name == "postgresql":
        with writing(engine) as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {AT_ONCE_MS}")
            yield connection
        return
    with engine.connect() as connection:
        _wait_up_to(connection, AT_ONCE_MS)
        try:
            with connection.execution_options(**{_WRITES: True}).begin():
                yield connection
        finally:
            _wait_up_to(connection, WAIT_MS)


def _wait_up_to(connection: Connection, wait_ms: int) -> None:
    """How long SQLite waits for other writers, from now on in this connection."""
    driver = connection.connection.dbapi_connection
    if driver is not None:
        driver.cursor().execute(f"PRAGMA busy_timeout={wait_ms}").close()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the database, whatever is written meanwhile."""
    steady = engine
    if engine.dialect.name == "postgresql":
        steady = engine.execution_options(isolation_level="REPEATABLE READ")
    with steady.begin() as connection:
        yield connection
