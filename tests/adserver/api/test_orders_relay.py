"""`POST /v1/orders` at a worker without a console: strangers turned away, others told to wait.

What a console answers is tested in `tests/adserver/console`.
"""

import http.server
import json
import os
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adserver.api.console_relay import ConsoleRelay
from adserver.api.exchange import Request
from adserver.api.problems import UnavailableError
from adserver.api.signing import signature
from adserver.eventlog.store_console import SOCKET_NAME
from tests.adserver.api.running import Client, Reply, Worker


def send(worker: Worker, client: Client, body: bytes = b"{}", **headers: str) -> Reply:
    keyring = worker.serving.keyring
    secret = keyring.signing_secret("merchant", "m1", 1)
    given = {
        "Content_Type": "application/json",
        "Authorization": f"Bearer {keyring.api_key('merchant', 'm1', 1)}",
        "X_Signature": signature(secret, int(datetime.now(UTC).timestamp()), body),
    }
    return client.call("POST", "/v1/orders", body, **(given | headers))


def test_without_a_console_a_merchant_is_told_to_come_again(worker: Worker, client: Client) -> None:
    reply = send(worker, client)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert reply.json["detail"].startswith("the console is not there")


def test_a_stranger_is_turned_away_without_asking_anybody(worker: Worker, client: Client) -> None:
    assert send(worker, client, X_Signature="t=1,v1=00").status == 401
    assert send(worker, client, Authorization="Bearer m1.1.00").status == 401
    assert send(worker, client, Content_Type="text/plain").status == 415


def test_a_batch_may_be_larger_than_other_bodies(worker: Worker, client: Client) -> None:
    body = json.dumps({"orders": ["x" * 300_000]}).encode()
    assert send(worker, client, body).status == 503
    assert client.call("POST", "/v1/ads", body, Content_Type="application/json").status == 413
    assert worker.client().call("POST", "/v1/orders", b"", Content_Length="4194305").status == 413


class Dying(http.server.BaseHTTPRequestHandler):
    """A console that is killed after it has read a request."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def dying_console(short_dir: Path) -> Iterator[Path]:
    server = UnixServer(str(short_dir / SOCKET_NAME), Dying)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield short_dir
    server.shutdown()
    server.server_close()
    thread.join()
    os.unlink(short_dir / SOCKET_NAME)


async def test_a_console_killed_halfway_is_a_console_that_is_away(dying_console: Path) -> None:
    relay = ConsoleRelay(dying_console)
    with pytest.raises(UnavailableError, match="send the same again"):
        await relay.pass_on(Request("POST", "/v1/orders", "", {}, b"{}", ""))
    await relay.close()
