"""The console's socket: read-only, its owner's, and as good as the store itself."""

import asyncio
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from adserver.console import query_socket
from adserver.eventlog.store_chdb import ChdbStore
from adserver.eventlog.store_console import SOCKET_NAME, ConsoleStore
from adserver.ports import EventStore, StatementRefusedError, StoreAwayError
from tests.adserver.eventlog.fakes import MemoryStore


def ready() -> bool:
    return True


@pytest.fixture
async def console(short_dir: Path) -> AsyncIterator[ConsoleStore]:
    """A client of a console that holds chDB."""
    store = ChdbStore(short_dir / "events")
    store.execute("CREATE TABLE things (n UInt64, t String) ENGINE = MergeTree ORDER BY n")
    async with query_socket.listening(store, short_dir, ready) as path:
        yield ConsoleStore(path)
    store.close()


async def ask(store: EventStore, sql: str, **parameters: Any) -> Mapping[str, list[Any]]:
    return await asyncio.to_thread(store.query, sql, parameters)


async def test_a_query_answers_its_columns(console: ConsoleStore) -> None:
    found = await ask(console, "SELECT %(t)s AS t, toUInt64(2) AS n, [1.5] AS a", t="it's 广告")
    assert found == {"t": ["it's 广告"], "n": [2], "a": [[1.5]]}
    assert await ask(console, "SELECT n, t FROM things") == {"n": [], "t": []}
    assert await asyncio.to_thread(console.version) >= (26, 0)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO things VALUES (1, 'a')",
        "DROP TABLE things",
        "SELECT 1 INTO OUTFILE '/tmp/anything'",
        "WITH 1 AS x INSERT INTO things SELECT x, 'a'",
        "SET readonly = 0",
        "SELECT 1; DROP TABLE things",
        "",
        "\x00",
    ],
)
async def test_what_does_not_only_read_is_refused(console: ConsoleStore, sql: str) -> None:
    with pytest.raises(StatementRefusedError):
        await ask(console, sql)
    assert await ask(console, "SELECT count() AS n FROM things") == {"n": [0]}


@pytest.mark.parametrize(
    "sql",
    ["SELECT ';' AS n;\n", "select 'into outfile' as n", "  \n SHOW TABLES", 'SELECT 1 AS ";"'],
)
async def test_what_only_reads_is_answered(console: ConsoleStore, sql: str) -> None:
    assert await ask(console, sql)


async def test_a_wrong_statement_is_refused_with_the_stores_own_words(
    console: ConsoleStore,
) -> None:
    with pytest.raises(StatementRefusedError, match="nowhere"):
        await ask(console, "SELECT * FROM nowhere")


async def test_the_client_does_not_write_either(console: ConsoleStore) -> None:
    with pytest.raises(StatementRefusedError):
        console.execute("DROP TABLE things")
    with pytest.raises(StatementRefusedError):
        console.insert("things", {"n": [1], "t": ["a"]})


async def test_only_the_owner_may_open_the_socket_and_it_goes_when_the_console_goes(
    short_dir: Path,
) -> None:
    async with query_socket.listening(MemoryStore(), short_dir, ready) as path:
        mode = await asyncio.to_thread(path.stat)
        assert stat.S_IMODE(mode.st_mode) == 0o600
    assert not (short_dir / SOCKET_NAME).exists()


async def test_the_socket_a_killed_console_left_is_replaced(short_dir: Path) -> None:
    (short_dir / SOCKET_NAME).touch()
    async with query_socket.listening(MemoryStore(), short_dir, ready) as path:
        assert path.is_socket()


async def test_a_store_that_is_away_is_away_for_the_client_too(short_dir: Path) -> None:
    class Away(MemoryStore):
        def query(self, *_asked: object) -> dict[str, list[Any]]:
            raise StoreAwayError("ClickHouse is away")

    async with query_socket.listening(Away(), short_dir, ready) as path:
        with pytest.raises(StoreAwayError, match="ClickHouse is away"):
            await ask(ConsoleStore(path), "SELECT 1")


async def test_until_its_tables_are_made_the_store_counts_as_away(short_dir: Path) -> None:
    async with query_socket.listening(MemoryStore(), short_dir, lambda: False) as path:
        with pytest.raises(StoreAwayError, match="being prepared"):
            await ask(ConsoleStore(path), "SELECT 1")


def test_without_a_console_the_client_says_where_it_looked(short_dir: Path) -> None:
    with pytest.raises(StoreAwayError, match=r"console\.sock"):
        ConsoleStore(short_dir / SOCKET_NAME).query("SELECT 1")


async def test_a_data_directory_with_too_long_a_path_is_refused_by_name(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    with pytest.raises(OSError, match="shorter ADUNION_DATA_DIR"):
        async with query_socket.listening(MemoryStore(), deep, ready):
            raise AssertionError("it must not listen")
