"""The event store inside this process: chDB, the ClickHouse engine as a library.

Never here: SQL of our own. The one surprising fact: a data directory has one process. chDB would
refuse a second one with a riddle, so a lock beside the directory is asked first and names whoever
holds it.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import chdb
import pyarrow as pa

from adserver.eventlog.binding import bind
from adserver.eventlog.liveness import Held
from adserver.eventlog.schema import BY_NAME
from adserver.ports import StatementRefusedError

_ARROW: dict[str, pa.DataType] = {
    "UUID": pa.binary(16),
    "UInt8": pa.uint8(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "Float64": pa.float64(),
    "String": pa.string(),
    "Bytes": pa.binary(),
    "Array(String)": pa.list_(pa.string()),
    "Array(UInt32)": pa.list_(pa.uint32()),
}


class ChdbStore:
    """An open data directory.

    Writing and reading have a connection each, so neither waits for the other.

    Do not fork while it is open: the engine's threads do not survive in the child.
    """

    def __init__(self, directory: Path, who: str = "adunion", threads: int = 0) -> None:
        """Opens or makes the directory. A statement uses `threads` threads, 0: one a core.

        Raises:
            HeldError: another process has it open.
        """
        self._lock = Held(directory.with_name(directory.name + ".lock"), who)
        try:
            at_most = f"max_threads={threads}" if threads else ""
            self._writer = chdb.connect(f"{directory}?{at_most}")
            self._reader = chdb.connect(f"{directory}?mode=ro&{at_most}")
        except RuntimeError:
            self._lock.release()
            raise
        self._writing = threading.Lock()
        self._reading = threading.Lock()

    def execute(self, statement: str) -> None:
        """Runs DDL. Raises `StatementRefusedError`."""
        with self._writing:
            self._run(self._writer, statement, "CSV")

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]], name: str = "") -> None:
        """Inserts columns as one block. Raises `StatementRefusedError`, for a full disk too."""
        kinds = {column.name: _ARROW[column.kind] for column in BY_NAME[table].columns}
        arrays = {key: pa.array(values, kinds[key]) for key, values in columns.items()}
        block = pa.table(arrays)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, block.schema) as stream:
            stream.write_table(block)
        statement = f"INSERT INTO {table} ({', '.join(columns)})"
        if name:
            statement += f" SETTINGS insert_deduplication_token = '{name}'"
        with self._writing:
            try:
                with self._writer.send_insert(statement, "ArrowStream") as insert:
                    insert.append(sink.getvalue().to_pybytes())
                    insert.finish()
            except RuntimeError as refusal:
                raise StatementRefusedError(_first_line(refusal)) from refusal

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
        """Runs one SELECT on the read-only connection. Raises `StatementRefusedError`."""
        with self._reading:
            table = self._run(self._reader, bind(sql, parameters), "ArrowTable")
        return {
            name: column.to_pylist()
            for name, column in zip(table.column_names, table.columns, strict=True)
        }

    def version(self) -> tuple[int, int]:
        """The engine's (major, minor)."""
        major, minor, *_ = self.query("SELECT version() AS version")["version"][0].split(".")
        return int(major), int(minor)

    def close(self) -> None:
        """Waits for running statements, closes the directory and lets others have it."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()
            self._lock.release()

    def _run(self, connection: Any, statement: str, form: str) -> Any:
        try:
            return connection.query(statement, form)
        except RuntimeError as refusal:
            raise StatementRefusedError(_first_line(refusal)) from refusal


def _first_line(refusal: RuntimeError) -> str:
    return str(refusal).strip().partition("\n")[0][:1000]
