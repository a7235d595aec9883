"""Fresh SQL databases for contract tests: a SQLite file, and a database on a PostgreSQL server.

Never here: a test. `test_catalog` and its neighbours import the fixtures.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests import schemas

ENGINES = ["sqlite", "postgresql"]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with the schema and nothing in it, once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{schemas.furnish(tmp_path)}"
        return
    server = request.getfixturevalue("postgres_url")
    with _created(server, f" TEMPLATE {schemas.original_on(make_url(server))}") as address:
        yield address


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without even a schema, once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / schemas.FILE}"
        return
    with _created(request.getfixturevalue("postgres_url")) as address:
        yield address


@contextmanager
def _created(server: str, like: str = "") -> Iterator[str]:
    url, name = make_url(server), f"t{secrets.token_hex(6)}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}{like}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()
