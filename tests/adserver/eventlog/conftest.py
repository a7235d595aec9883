"""The event store in both its forms, and events to fill it with."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_driver import Client

from adserver.eventlog.ddl import prepare
from adserver.eventlog.outbox import WorkerOutbox
from adserver.eventlog.store_chdb import ChdbStore
from adserver.eventlog.store_clickhouse import ClickHouseStore
from adserver.ports import EventStore

MAX_ROWS = 100_000


@pytest.fixture
def clickhouse_database(clickhouse_url: str) -> Iterator[str]:
    """The URL of a database of one test's own."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with Client.from_url(clickhouse_url) as client:
        client.execute(f"CREATE DATABASE {name}")
        yield f"{clickhouse_url.rpartition('/')[0]}/{name}"
        client.execute(f"DROP DATABASE {name}")


@pytest.fixture(params=["chdb", "clickhouse"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    """An empty event store with its tables, once in-process and once on Debian's server."""
    opened: EventStore
    if request.param == "chdb":
        opened = ChdbStore(tmp_path / "events", "a test")
    else:
        opened = ClickHouseStore(request.getfixturevalue("clickhouse_database"))
    prepare(opened)
    yield opened
    opened.close()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[WorkerOutbox]:
    """The outbox of worker w0."""
    opened = WorkerOutbox(tmp_path / "outbox", "w0", MAX_ROWS)
    yield opened
    opened.close()
