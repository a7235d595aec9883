"""Pictures, films and archives for tests, good ones and such as a stranger with bad intent sends.

Never here: a test. The one surprising fact: bombs are built by hand, since no library agrees to
write them.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import av
from PIL import Image

SPLASH = (540, 960)
SCRIPT = b"<script>alert(document.domain)</script>"


def picture(size: tuple[int, int] = SPLASH, seed: int = 0) -> Image.Image:
    """Something to look at, another for each seed."""
    return _mandelbrot(size, seed % 40).copy()


@cache
def _mandelbrot(size: tuple[int, int], seed: int) -> Image.Image:
    shift = seed * 0.07
    area = (-2.0 + shift, -1.5 + shift, 1.0 - shift, 1.5 - 2 * shift)
    return Image.effect_mandelbrot(size, area, 40).convert("RGB")


def encoded(form: str, size: tuple[int, int] = SPLASH, seed: int = 0, **options: Any) -> bytes:
    """A still picture in one format (PNG, JPEG, WEBP, GIF)."""
    file = io.BytesIO()
    mode = options.pop("mode", "RGB")
    picture(size, seed).convert(mode).save(file, form, **options)
    return file.getvalue()


def animation(
    form: str, frames: int = 5, size: tuple[int, int] = (320, 50), ms: int = 100, **options: Any
) -> bytes:
    """An animation of coloured frames."""
    colours = [Image.new("RGB", size, (i * 37 % 256, i // 7 % 256, 99)) for i in range(frames)]
    file = io.BytesIO()
    colours[0].save(
        file, form, save_all=True, append_images=colours[1:], duration=ms, loop=0, **options
    )
    return file.getvalue()


def png(w: int, h: int, data: bytes, *, further: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """A PNG of the size it says, with any compressed data and further chunks."""
    header = struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), *further, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(
        ">I", zlib.crc32(name + content)
    )  # fmt: skip


def png_bomb(side: int = 50_000) -> bytes:
    """50,000 x 50,000 pixels of nothing: 7.5 GB once decoded."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\x00" * (side * 3 + 1)) for _ in range(200))
    return png(side, side, rows + packer.flush())


def gif_of(frames: int, w: int = 64, h: int = 64) -> bytes:
    """A GIF of many equal frames, a few bytes each."""
    head = b"GIF89a" + struct.pack("<HHBBB", w, h, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    control = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
    one = control + b"\x2c" + struct.pack("<HHHHB", 0, 0, w, h, 0) + b"\x02\x02\x44\x01\x00"
    return head + one * frames + b"\x3b"


def gif_with_a_huge_frame() -> bytes:
    """A small GIF whose one frame says that it is 60,000 pixels wide and high."""
    head = b"GIF89a" + struct.pack("<HHBBB", 64, 64, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame + b"\x3b"


def gif_script() -> bytes:
    """A GIF that is JavaScript as well: its width and height open a comment."""
    return (
        b"GIF89a/*\x00\x00\x00\x00\x00" + b"\x21\xfe\x0b*/=alert(1)//\x00" + b"*/=alert(1)//;\x3b"
    )


def webp_bomb() -> bytes:
    """A WebP whose canvas is 16,383 x 16,383 pixels: a gigabyte as soon as it is opened."""
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\x00\x00\x00"
    canvas += (16_382).to_bytes(3, "little") * 2
    body = b"WEBP" + canvas + b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def archive(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of named files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as into:
        for name, content in files.items():
            into.writestr(zipfile.ZipInfo(name), content, method)
    return packed.getvalue()


def zip_bomb(megabytes: int = 200) -> bytes:
    """One file of zeros, a thousandth of its size when packed."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as into,
        into.open("zeros.png", "w", force_zip64=True) as file,
    ):
        for _ in range(megabytes):
            file.write(bytes(1_000_000))
    return packed.getvalue()


def lying_zip(megabytes: int = 60) -> bytes:
    """The same, but every place where it says its size says 1,000 bytes."""
    honest = archive({"zeros.png": bytes(megabytes * 1_000_000)})
    size = struct.pack("<I", megabytes * 1_000_000)
    return honest.replace(size, struct.pack("<I", 1_000))


def zip_with_link() -> bytes:
    """A ZIP with a symbolic link to a file of ours."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as into:
        link = zipfile.ZipInfo("a.png")
        link.external_attr = 0o120777 << 16
        into.writestr(link, "/etc/passwd")
    return packed.getvalue()


def zip_of_many(files: int) -> bytes:
    """A ZIP that only says that it holds many files."""
    return archive({f"{i}.png": b"" for i in range(files)}, zipfile.ZIP_STORED)


def film(size: tuple[int, int] = (360, 640), seconds: float = 1, **wanted: Any) -> bytes:
    """A film; `wanted` may name rate, codec, sound (a codec), pixels, container, said."""
    file = io.BytesIO()
    rate, codec = wanted.get("rate", 10), wanted.get("codec", "libx264")
    with av.open(file, "w", format=wanted.get("container", "mp4")) as out:
        video: Any = out.add_stream(codec, rate=rate)
        video.width, video.height = size
        video.pix_fmt = wanted.get("pixels", "yuv420p")
        if codec == "libx264":
            video.options = {"preset": "ultrafast"}
        sound = wanted.get("sound", "")
        audio: Any = out.add_stream(sound, rate=44_100) if sound else None
        out.metadata.update(wanted.get("said", {}))
        for number in range(int(seconds * rate)):
            frame = av.VideoFrame.from_image(picture(size, number % 3))
            out.mux(video.encode(frame))
        out.mux(video.encode())
        if audio is not None:
            _write_silence(out, audio, seconds)
    return file.getvalue()


def _write_silence(out: Any, audio: Any, seconds: float) -> None:
    for number in range(int(seconds * 44_100 / 1024)):
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        frame.sample_rate, frame.pts = 44_100, number * 1024
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        out.mux(audio.encode(frame))
    out.mux(audio.encode())
