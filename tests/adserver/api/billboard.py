"""A house with one ad per format, and the pictures and the film that they show, over HTTP.

Never here: a test. The one surprising fact: pictures are drawn and the film is cut here, so that a
browser really loads what the ad names.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av
from PIL import Image, ImageDraw

from models.domain.campaign import Asset, Creative, Rule, Targeting
from models.domain.marketplace import Marketplace
from models.domain.placement import Format
from tests.builders import creative, line_item, marketplace, placement

SIZES = {
    Format.SPLASH: (1080, 1920),
    Format.BANNER: (640, 100),
    Format.NATIVE: (1200, 627),
    Format.INTERSTITIAL: (1080, 1920),
    Format.REWARDED_VIDEO: (640, 360),
}
GONE = "gone"
PLACEMENTS = {**{str(form): form for form in Format}, GONE: Format.BANNER}
"""Names and formats."""

FILM_S = 2
FILM = "film.mp4"
LANDING = "/landing"


@contextmanager
def hanging() -> Iterator[tuple[str, list[str]]]:
    """The pictures' server: its address, and the paths that were asked of it."""
    asked: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body, kind = _content(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def one_ad_each(address: str) -> Marketplace:
    """A line item, a creative and a placement ("pl_splash" ...) for each format.

    The interstitial is for China only; "pl_gone" shows a banner whose picture is not there.
    """
    only_china = Targeting(country=Rule(include=frozenset({"CHN"})))
    return marketplace(
        line_items=tuple(
            line_item(
                line_item_id=f"li_{name}",
                targeting=only_china if name == Format.INTERSTITIAL else Targeting(),
            )
            for name in PLACEMENTS
        ),
        creatives=tuple(_creative(name, form, address) for name, form in PLACEMENTS.items()),
        placements=tuple(
            placement(placement_id=f"pl_{name}", name=name, format=form, sizes=(_size(name, form),))
            for name, form in PLACEMENTS.items()
        ),
    )


def _size(name: str, form: Format) -> tuple[int, int]:
    """The slot, so that nobody else's creative fits in."""
    return (1, 1) if name == GONE else SIZES[form]


def _creative(name: str, form: Format, address: str) -> Creative:
    w, h = _size(name, form)
    film = form is Format.REWARDED_VIDEO
    file, mime = (FILM, "video/mp4") if film else (f"{name}.png", "image/png")
    shown = Asset("video" if film else "image", f"{address}/{file}", w, h, mime, 1, "ab" * 32)
    return creative(
        creative_id=f"cr_{name}",
        line_item_id=f"li_{name}",
        format=form,
        w=w,
        h=h,
        title="Autumn by the lake",
        description="Boats, bread and books: a weekend an hour from town.",
        cta="See the houses",
        landing_url=address + LANDING,
        duration_ms=3_000 if form is Format.SPLASH else 0,
        assets=(shown,),
    )


def _content(path: str) -> tuple[bytes, str]:
    name = path.partition("?")[0].removeprefix("/")
    if name == FILM:
        return _film(), "video/mp4"
    form = name.removesuffix(".png")
    if form in set(Format):
        return _picture(*SIZES[Format(form)]), "image/png"
    return (
        (b"<!doctype html><title>Landed</title>", "text/html")
        if path.startswith(LANDING)
        else (b"", "text/plain")
    )


@cache
def _picture(w: int, h: int, at: int = 0) -> bytes:
    """A lake in the evening."""
    out = io.BytesIO()
    _drawn(w, h, at).save(out, "PNG")
    return out.getvalue()


def _drawn(w: int, h: int, at: int) -> Image.Image:
    sky = Image.linear_gradient("L").resize((w, h))
    picture = Image.merge(
        "RGB", [sky.point(lambda v, c=c: min(255, c + v // 2)) for c in (60, 80, 150)]
    )
    draw = ImageDraw.Draw(picture)
    r = min(w, h) // 5
    x, y = w * (3 + at % 4) // 8, h // 3
    draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 214, 140))
    draw.polygon(
        [(0, h), (0, h * 2 // 3), (w // 3, h // 2), (w * 2 // 3, h * 5 // 8), (w, h // 2), (w, h)],
        fill=(32, 54, 74),
    )
    draw.rectangle((0, h * 5 // 6, w, h), fill=(46, 92, 122))
    return picture


@cache
def _film() -> bytes:
    """Two seconds, VP9 in a form that every Chromium plays."""
    out = io.BytesIO()
    w, h = SIZES[Format.REWARDED_VIDEO]
    with av.open(out, "w", format="mp4") as film:
        stream = film.add_stream("libvpx-vp9", rate=4)
        stream.width, stream.height, stream.pix_fmt = w, h, "yuv420p"
        for at in range(4 * FILM_S):
            frame = av.VideoFrame.from_image(_drawn(w, h, at))
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return out.getvalue()
