"""The headers that keep a browser on our side, on every answer of the port.

Never here: caching of files (`web.assets`). The one surprising fact: pictures may come from
anywhere, because a creative of the catalog names any address; scripts and styles come from us
alone, and none stands in a page.
"""

from aiohttp import web

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: https: http:",
        "media-src 'self' https: http:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
PRIVATE = "no-store"
SERVER = "adunion"
"""No versions: they are nobody's business."""


async def on_answer(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """A signal of the application; it hears of every answer, refusals of aiohttp's own too."""
    complete(response)


def complete(response: web.StreamResponse) -> None:
    """Adds to one answer what is not set already."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", PRIVATE)
    response.headers["Server"] = SERVER
