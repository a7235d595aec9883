"""The event store on servers: ClickHouse from 18.16 on, over its native protocol.

Never here: SQL of our own. The one surprising fact: after a broken connection nobody knows whether
an insert arrived. It is reported as "away", the shipper sends the same rows again, and readers drop
the copies.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ServerException

from adserver.eventlog.binding import bind
from adserver.eventlog.ddl import SINCE
from adserver.eventlog.schema import BY_NAME
from adserver.ports import StatementRefusedError, StoreAwayError

# The driver logs each refused connection with a traceback; the shipper says it better, once.
logging.getLogger("clickhouse_driver.connection").setLevel(logging.ERROR)

CONNECT_TIMEOUT_S = 3
ANSWER_TIMEOUT_S = 120


class ClickHouseStore:
    """A server, or the node of a cluster that this process talks to. Connects when first used.

    Writing and reading have a connection each, so neither waits for the other.
    """

    def __init__(self, url: str, cluster: str = "") -> None:
        """`url` is the driver's.

        Clickhouse://user:password@host:9000/database (clickhouses:// for TLS).
        """
        self._cluster = cluster
        self._writer = _client(url)
        self._reader = _client(url)
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._version: tuple[int, int] | None = None

    def execute(self, statement: str) -> None:
        """Runs DDL. Raises `StoreAwayError`, `StatementRefusedError`."""
        with self._writing:
            _run(self._writer, statement)

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]], name: str = "") -> None:
        """Inserts columns as one block. Raises `StoreAwayError`, `StatementRefusedError`."""
        kinds = {column.name: column.kind for column in BY_NAME[table].columns}
        values = [_as_the_driver_wants(kinds[key], column) for key, column in columns.items()]
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES"
        settings: dict[str, Any] = {}
        if name and self.version() >= SINCE["dedup_token"]:
            settings["insert_deduplication_token"] = name
        if self._cluster:
            settings["insert_distributed_sync"] = 1  # acknowledged means: on the node that keeps it
        with self._writing:
            _run(self._writer, statement, values, settings=settings, columnar=True)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
        """Runs one SELECT. Raises `StoreAwayError`, `StatementRefusedError`."""
        with self._reading:
            columns, kinds = _run(
                self._reader,
                bind(sql, parameters),
                settings={"readonly": 1},
                columnar=True,
                with_column_types=True,
            )
        names = [name for name, _ in kinds]
        found = columns or [()] * len(names)  # no rows, no columns, says the driver
        return {name: list(column) for name, column in zip(names, found, strict=True)}

    def version(self) -> tuple[int, int]:
        """The server's (major, minor), asked once."""
        if self._version is None:
            text = self.query("SELECT version() AS version")["version"][0]
            major, minor, *_ = text.split(".")
            self._version = int(major), int(minor)
        return self._version

    def close(self) -> None:
        """Waits for running statements and disconnects."""
        with self._writing, self._reading:
            self._writer.disconnect()
            self._reader.disconnect()


def _client(url: str) -> Client:
    joint = "&" if "?" in url else "?"
    client: Client = Client.from_url(
        f"{url}{joint}connect_timeout={CONNECT_TIMEOUT_S}&send_receive_timeout={ANSWER_TIMEOUT_S}"
    )
    return client


def _as_the_driver_wants(kind: str, values: Sequence[Any]) -> list[Any]:
    """UUIDs as hex, and always a list of our own: the driver writes into it."""
    return [value.hex() for value in values] if kind == "UUID" else list(values)


def _run(client: Client, statement: str, *values: Any, **options: Any) -> Any:
    try:
        return client.execute(statement, *values, **options)
    except ServerException as refusal:
        message = str(refusal.message).removeprefix("DB::Exception: ")
        raise StatementRefusedError(message.partition("Stack trace:")[0].strip()) from refusal
    except (Error, OSError, EOFError) as trouble:
        client.disconnect()
        raise StoreAwayError(f"ClickHouse is away: {trouble}") from trouble
