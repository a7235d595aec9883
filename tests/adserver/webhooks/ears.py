"""An address that hears webhooks: a real HTTP server on loopback, in a thread of its own.

Never here: a test.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Ear:
    """What was heard: (path, headers, body). `answers` are given one after the other, then 200."""

    url: str = ""
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def bodies(self) -> list[Any]:
        """The bodies as JSON."""
        return [json.loads(body) for _, _, body in self.heard]


@contextmanager
def listening() -> Iterator[Ear]:
    """An ear on a free port."""
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            ear.heard.append((self.path, dict(self.headers), self.rfile.read(length)))
            self.send_response(ear.answers.pop(0) if ear.answers else 200)
            for name, value in ear.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    ear.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield ear
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
