"""The event store behind the console's unix socket.

What other commands of this machine read while it holds chDB.

Never here: writing. The one surprising fact: it is plain HTTP over a socket that only its owner may
open, so `curl --unix-socket` can talk to it too.
"""

import http.client
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from adserver.eventlog.binding import bind
from adserver.ports import StatementRefusedError, StoreAwayError

SOCKET_NAME = "console.sock"
QUERY_PATH = "/query"
ANSWER_TIMEOUT_S = 600


class ConsoleStore:
    """Reads through the console of a data directory."""

    def __init__(self, socket_path: Path, otherwise: str = "") -> None:
        """`otherwise` is what to say, besides, when nobody answers there."""
        self._path = socket_path
        self._otherwise = otherwise

    def execute(self, statement: str) -> None:
        """Refused: only the console writes."""
        raise StatementRefusedError(f"the console's socket only reads: {statement[:40]}")

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]], name: str = "") -> None:
        """Refused: only the console writes."""
        raise StatementRefusedError(
            f"the console's socket only reads: {table}, {len(columns)} columns, {name}"
        )

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
        """Runs one SELECT in the console. Raises `StoreAwayError`, `StatementRefusedError`."""
        connection = _UnixConnection(self._path)
        try:
            connection.request("POST", QUERY_PATH, bind(sql, parameters).encode())
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as trouble:
            message = f"no console answers on {self._path}"
            raise StoreAwayError(f"{message}: {self._otherwise or trouble}") from trouble
        finally:
            connection.close()
        if answer.status == http.client.OK:
            columns: dict[str, list[Any]] = msgspec.msgpack.decode(body)
            return columns
        message = body.decode(errors="replace")
        if answer.status == http.client.SERVICE_UNAVAILABLE:
            raise StoreAwayError(message)
        raise StatementRefusedError(message)

    def version(self) -> tuple[int, int]:
        """The (major, minor) of the engine behind the console."""
        major, minor, *_ = self.query("SELECT version() AS version")["version"][0].split(".")
        return int(major), int(minor)

    def close(self) -> None:
        """Nothing is kept open between queries."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP to a path instead of a host."""

    def __init__(self, path: Path) -> None:
        super().__init__("console", timeout=ANSWER_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
