"""`/preview`: a phone in the browser that does what an app does, for demos and integrations.

Never here: a shortcut. The page calls `POST /v1/ads` and the beacons like any app, with an app's
key; all that is its own is the list of the app's placements. The one surprising fact: what it
shows is counted and billed like everything else, unless its test switch is on.
"""

from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from adserver.api.exchange import Answer, Request
from adserver.api.problems import NotFoundError
from adserver.api.serving import Serving
from models.domain.placement import Format

PATH = "/preview"
PLACEMENTS_PATH = "/preview/placements"
HTML = "text/html"
CSS, SCRIPT = "text/css", "text/javascript"
FILES = {"tokens.css": CSS, "preview.css": CSS, "preview.js": SCRIPT, "words.js": SCRIPT}

_PAGE = "preview.html"
_OWN = "api/preview_files"
_FOLDERS = {"tokens.css": "console/static"}  # the colours of both planes stand in one place
_UTF_8 = "; charset=utf-8"
_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' https: http:; "
        "img-src 'self' data: https: http:; media-src 'self' https: http:; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-cache"),
)


class PlacementOut(Struct, frozen=True):
    """A placement of the app, for the page's choice."""

    placement_id: str
    name: str
    format: Format
    sizes: tuple[tuple[int, int], ...]


class PlacementsOut(Struct, frozen=True):
    """The app of the key, and its placements by id."""

    app_id: str
    name: str
    placements: list[PlacementOut]


async def page(_: Request) -> Answer:
    """`GET /preview`."""
    return Answer(200, _bytes_of(_PAGE), HTML + _UTF_8, _HEADERS)


async def file(request: Request) -> Answer:
    """`GET /preview/{name}`: the page's style sheet and scripts.

    Raises:
        NotFoundError: it has no such file.
    """
    name = request.path.rpartition("/")[2]
    if name not in FILES:
        raise NotFoundError("the preview has no such file")
    return Answer(200, _bytes_of(name), FILES[name] + _UTF_8, _HEADERS)


async def placements(serving: Serving, request: Request) -> Answer:
    """`GET /preview/placements`: what the app of X-App-Key may ask ads for.

    Raises:
        UnauthorizedError: no key, or nobody's.
        UnavailableError: no catalog is loaded yet.
    """
    live = serving.live()
    app = serving.app(request.headers.get("X-App-Key"), live)
    own = sorted(
        (each for each in live.snapshot.catalog.placements.values() if each.app_id == app.app_id),
        key=lambda each: each.placement_id,
    )
    listed = [PlacementOut(p.placement_id, p.name, p.format, tuple(p.sizes)) for p in own]
    return Answer(200, msgspec.json.encode(PlacementsOut(app.app_id, app.name, listed)))


@cache
def _bytes_of(name: str) -> bytes:
    return files("adserver").joinpath(_FOLDERS.get(name, _OWN), name).read_bytes()
