"""Draws creatives: small real PNG files, a soft gradient with a few shapes, without any library.

Never here: what a picture is used for. The surprising fact: a picture has 16 colours and two pixels
share a byte, which is why several hundred full-screen ones are written in a few seconds.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

COLOURS = 16


class Picture(NamedTuple):
    """A file that was written: its name, size and hash."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class PictureBook:
    """A directory of pictures."""

    directory: Path

    def draw(self, title: str, width: int, height: int, rng: np.random.Generator) -> Picture:
        """Draws one and keeps it as `title`.png."""
        content = draw(width, height, rng)
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / f"{title}.png").write_bytes(content)
        return Picture(f"{title}.png", len(content), hashlib.sha256(content).hexdigest())


def draw(width: int, height: int, rng: np.random.Generator) -> bytes:
    """A PNG of this size (an even width): eight shades of a background, eight of a motif."""
    canvas = _background(width, height)
    for _ in range(int(rng.integers(3, 7))):
        _disc(canvas, rng)
    return _png(canvas, _palette(rng))


def _background(width: int, height: int) -> NDArray[np.uint8]:
    shades = np.arange(height) * (COLOURS // 2) // height
    return np.repeat(shades.astype(np.uint8)[:, None], width, axis=1)


def _disc(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """One filled circle; only the rows and columns it covers are touched."""
    height, width = canvas.shape
    radius = int(rng.integers(min(width, height) // 8, min(width, height) // 3))
    x, y = int(rng.integers(width)), int(rng.integers(height))
    rows = slice(max(0, y - radius), min(height, y + radius))
    columns = slice(max(0, x - radius), min(width, x + radius))
    down = np.arange(rows.start, rows.stop)[:, None] - y
    across = np.arange(columns.start, columns.stop)[None, :] - x
    inside = down * down + across * across < radius * radius
    canvas[rows, columns][inside] = rng.integers(COLOURS // 2, COLOURS)


def _palette(rng: np.random.Generator) -> NDArray[np.uint8]:
    dark, light, motif = rng.integers(0, 256, (3, 3))
    steps = np.linspace(0, 1, COLOURS // 2)[:, None]
    background = dark * (1 - steps) + light * steps
    shapes = motif * (0.5 + steps / 2)
    return np.concatenate([background, shapes]).astype(np.uint8)


def _png(canvas: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    height, width = canvas.shape
    packed = (canvas[:, 0::2] << 4) | canvas[:, 1::2]
    lines = np.concatenate([np.zeros((height, 1), np.uint8), packed], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"PLTE", palette.tobytes())
        + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 1))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
