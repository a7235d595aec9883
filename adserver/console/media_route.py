"""`GET /media/{sha256}.{ext}`: uploaded files, for apps and for the console's own pages.

Never here: who may upload. The one surprising fact: everybody may fetch every file, because apps
have no session; a name is 256 bits that nobody guesses, and what it names never changes.
"""

from aiohttp import web

from adserver.config import Settings
from adserver.media.shelf import NAME, THUMBNAIL, shelf_of
from adserver.media.verdict import FileKind

YEAR_S = 31_536_000
HEADERS = {
    "Cache-Control": f"public, max-age={YEAR_S}, immutable",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}
"""What is served never runs, wherever it is shown: its type is ours, and it is in a sandbox."""


def media_routes(settings: Settings) -> list[web.RouteDef]:
    """The route; ranges and conditional requests are aiohttp's work."""
    shelf = shelf_of(settings.data_dir)

    async def serve(request: web.Request) -> web.StreamResponse:
        found = NAME.fullmatch(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound(reason="there is no such file")
        sha256, extension = found.groups()
        path = shelf.path(sha256, extension)
        if not path.is_file():
            raise web.HTTPNotFound(reason="there is no such file")
        kind = FileKind.WEBP if extension == THUMBNAIL else FileKind(extension)
        return web.FileResponse(path, headers={**HEADERS, "Content-Type": kind.mime})

    return [web.get("/media/{name}", serve)]
