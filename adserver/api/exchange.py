"""One request in, one answer out: the two nouns that the server and the endpoints share.

Never here: sockets (`api.server`) or what any path means (`api.routes`). The one surprising fact:
an endpoint never sees a half-sent body; it is called when the last byte is here.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

JSON = "application/json"


class Request(NamedTuple):
    """A whole HTTP request.

    `path` is as sent, not percent-decoded. `headers` ignores case. `address` is the peer's IP
    address, or the one that the trusted proxies saw.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    address: str


class Answer(NamedTuple):
    """A whole HTTP response. `headers` are ASCII without line breaks."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


Endpoint = Callable[[Request], Awaitable[Answer]]
