"""Engines of a journey's own, which it may stop."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import engines


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is entered here is left at the end of the test."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def redis(short_dir: Path, stack: ExitStack) -> engines.Running:
    """A Redis that keeps its data over a stop, as the house recommends."""
    directory = short_dir / "redis"
    directory.mkdir()
    return stack.enter_context(engines.redis_server(directory, "", "--appendonly", "yes"))


@pytest.fixture
def own_redis(redis: engines.Running) -> str:
    """Its URL."""
    return redis.url


@pytest.fixture
def clickhouse(short_dir: Path, stack: ExitStack) -> engines.Running:
    """A ClickHouse server that the test may stop."""
    directory = short_dir / "clickhouse"
    directory.mkdir()
    return stack.enter_context(engines.clickhouse_server(directory))
