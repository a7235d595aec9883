"""The console's own files: the style sheet, the script, the icons; each under a name with its hash.

Never here: what people upload. The one surprising fact: files are read once, at first use, and
served from memory; a changed file has a new name, so browsers may keep the old one for ever.
"""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).parents[1] / "static"
PREFIX = "/static/"
FOR_EVER = "public, max-age=31536000, immutable"
_HASH_CHARS = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served: its bytes and what they are."""

    body: bytes
    media_type: str


@cache
def address(name: str) -> str:
    """Where a file of `console/static` is: "/static/console.0a1b2c.css".

    Raises:
        LookupError: there is no such file; a template is wrong.
    """
    return _addresses()[name]


@cache
def assets() -> Mapping[str, Asset]:
    """Every file by its address."""
    return {
        _addresses()[file.name]: Asset(file.read_bytes(), _media_type(file)) for file in _files()
    }


def static_routes() -> list[web.RouteDef]:
    """The routes that serve them; needs no session."""
    return [web.get(PREFIX + "{name}", _serve)]


async def _serve(request: web.Request) -> web.Response:
    asset = assets().get(PREFIX + request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return web.Response(
        body=asset.body, content_type=asset.media_type, charset="utf-8", headers=headers
    )


@cache
def _addresses() -> Mapping[str, str]:
    return {file.name: PREFIX + _hashed(file) for file in _files()}


def _files() -> list[Path]:
    return sorted(file for file in STATIC.iterdir() if file.is_file())


def _hashed(file: Path) -> str:
    return f"{file.stem}.{sha256(file.read_bytes()).hexdigest()[:_HASH_CHARS]}{file.suffix}"


def _media_type(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"
