"""A call as handlers see it, and the replies they give.

Never here: sockets. Handlers are plain functions, called in a thread: they may ask the database and
the event store and wait for it. The one surprising fact: a call that reaches a handler with an
owner in its path has been proven to come from that owner or an operator (`web.guard`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from multidict import MultiDict, MultiMapping

from adserver.accounts.identity import Identity

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form, already on disk; it is deleted when the handler returns."""

    name: str
    path: Path
    size: int


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    `params` are the path's, `query` the query's, `form` a page's form without its CSRF token,
    `data` the decoded body of a REST call. `cursor` and `limit` are set for REST lists. `_` says a
    text in the caller's language. `who` is None on public pages only.
    """

    method: str
    path: str
    who: Identity | None
    now: datetime
    params: Mapping[str, str] = field(default_factory=dict)
    query: MultiMapping[str] = field(default_factory=MultiDict)
    form: MultiMapping[str] = field(default_factory=MultiDict)
    files: Mapping[str, tuple[Upload, ...]] = field(default_factory=dict)
    data: Any = None
    cursor: str = ""
    limit: int = 50
    address: str = ""
    language: str = "en"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    cookies: Mapping[str, str] = field(default_factory=dict)
    _: Callable[[str], str] = _same

    @property
    def identity(self) -> Identity:
        """Who calls; for handlers that are never reached by strangers."""
        if self.who is None:
            raise LookupError(f"{self.path} was reached by a stranger")
        return self.who


@dataclass(frozen=True, slots=True)
class Html:
    """A page: a template of `console/templates` and what it shows."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class See:
    """303 to a path of ours after a form was taken; `notice` is shown there once.

    `cookies` are set (an empty value deletes one).
    """

    path: str
    notice: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes with a name, such as a CSV or a picture. `name` "" shows them in place."""

    body: bytes
    media_type: str
    name: str = ""
    cache_s: int = 0


@dataclass(frozen=True, slots=True)
class Stream:
    """A file of any length, made while it is sent; each piece in a thread, none kept.

    A piece that cannot be made resets the connection, so nobody takes a part for the whole, not
    even over HTTP/1.0, where a file has no other end than the connection's.
    """

    pieces: Iterator[bytes]
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a REST list, and where it goes on ("" at the end)."""

    items: list[Any]
    next_cursor: str = ""


Reply = Html | See | Download | Stream
