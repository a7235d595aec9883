"""Pictures: what is taken comes out as pixels and nothing else; what is not says why."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from adserver.media.containers import PNG_KEPT, png_chunks
from adserver.media.verdict import Cleaned, FileKind, Reason, Refused
from tests.adserver.media import made_files as files
from tests.adserver.media.looking import looked_at, made, reason

NAMES = {"PNG": "a.png", "JPEG": "a.JPG", "WEBP": "a.webp", "GIF": "a.gif"}
SECRET = b"secret words 4711"


@pytest.mark.parametrize("form", NAMES)
def test_a_plain_picture_comes_out_as_it_looked(form: str, tmp_path: Path) -> None:
    content = files.encoded(form)
    found = made(NAMES[form], content, tmp_path)
    assert (found.accepted.w, found.accepted.h) == files.SPLASH
    assert (found.accepted.frames, found.accepted.duration_ms) == (1, 0)
    assert found.accepted.cleaned == ()
    assert found.picture().format == form
    before = Image.open(io.BytesIO(content)).convert("RGB")
    assert _difference(before, found.picture().convert("RGB")) < 3


def _difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures' channels, of 255."""
    pairs = zip(one.tobytes(), other.tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (one.width * one.height * 3)


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_an_animation_keeps_its_frames_and_its_time(form: str, tmp_path: Path) -> None:
    found = made(NAMES[form], files.animation(form, 7, ms=120), tmp_path)
    assert (found.accepted.frames, found.accepted.duration_ms) == (7, 840)
    picture: Any = found.picture()
    assert picture.n_frames == 7
    assert picture.info["loop"] == 0


def test_a_transparent_animation_stays_transparent(tmp_path: Path) -> None:
    frames = []
    for step in range(4):
        frame = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
        frame.paste((255, 0, 0, 255), (step * 10, 0, step * 10 + 10, 64))
        frames.append(frame)
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100, disposal=2)
    picture = made("a.gif", file.getvalue(), tmp_path).picture()
    picture.seek(3)
    assert picture.convert("RGBA").getpixel((35, 30)) == (255, 0, 0, 255)
    assert picture.convert("RGBA").getpixel((5, 30))[3] == 0  # type: ignore[index]


def test_what_a_camera_wrote_is_gone_and_the_picture_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[2] = (39.0, 54.0, 0.0)
    content = files.encoded("JPEG", (200, 100), exif=exif, comment=SECRET)
    found = made("a.jpg", content, tmp_path)
    assert {Cleaned.EXIF, Cleaned.GPS, Cleaned.TURNED, Cleaned.WORDS} <= {*found.accepted.cleaned}
    assert (found.accepted.w, found.accepted.h) == (100, 200)
    assert SECRET not in found.clean
    assert b"Exif" not in found.clean


def test_a_colour_profile_is_applied_and_dropped(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for form in ("PNG", "JPEG", "WEBP"):
        found = made(NAMES[form], files.encoded(form, icc_profile=profile), tmp_path)
        assert found.accepted.cleaned == (Cleaned.COLOURS,)
        assert "icc_profile" not in found.picture().info


def test_words_and_editing_history_are_dropped(tmp_path: Path) -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("Author", SECRET.decode())
    said.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{SECRET.decode()}</x:xmpmeta>")
    found = made("a.png", files.encoded("PNG", pnginfo=said), tmp_path)
    assert {Cleaned.WORDS, Cleaned.XMP} <= {*found.accepted.cleaned}
    assert {name for name, _ in png_chunks(found.clean)} <= PNG_KEPT
    assert SECRET not in made("a.gif", files.encoded("GIF", comment=SECRET), tmp_path).clean
    assert SECRET not in made("a.webp", files.encoded("WEBP", xmp=SECRET), tmp_path).clean


@pytest.mark.parametrize("form", NAMES)
def test_what_follows_the_end_is_cut_off(form: str, tmp_path: Path) -> None:
    found = made(NAMES[form], files.encoded(form) + SECRET * 50, tmp_path)
    assert Cleaned.TRAILING in found.accepted.cleaned
    assert SECRET not in found.clean


@pytest.mark.parametrize("form", NAMES)
def test_a_picture_with_an_archive_behind_it_is_refused(form: str, tmp_path: Path) -> None:
    content = files.encoded(form) + files.archive({"evil.js": b"alert(1)"})
    assert reason(NAMES[form], content, tmp_path) is Reason.TWO_THINGS


@pytest.mark.parametrize("form", NAMES)
def test_a_picture_with_a_page_behind_it_is_refused(form: str, tmp_path: Path) -> None:
    assert reason(NAMES[form], files.encoded(form) + files.SCRIPT, tmp_path) is Reason.TWO_THINGS


def test_markup_in_a_comment_or_in_the_pixels_is_refused(tmp_path: Path) -> None:
    commented = files.encoded("JPEG", comment=b"<?php system($_GET[0]); ?>")
    assert reason("a.jpg", commented, tmp_path) is Reason.TWO_THINGS
    pixels = files.SCRIPT.ljust(16 * 16 * 3, b" ")
    raw = b"".join(b"\x00" + pixels[row * 48 : row * 48 + 48] for row in range(16))
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(raw), len(raw) ^ 0xFFFF) + raw
    assert reason("a.png", files.png(16, 16, stored), tmp_path) is Reason.TWO_THINGS


def test_a_gif_that_is_a_script_is_refused(tmp_path: Path) -> None:
    assert reason("a.gif", files.gif_script(), tmp_path) is Reason.TWO_THINGS


def test_a_pdf_and_a_picture_in_one_is_refused(tmp_path: Path) -> None:
    content = files.encoded("JPEG", comment=b"%PDF-1.7 obj")
    assert reason("a.jpg", content, tmp_path) is Reason.TWO_THINGS


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.png", b"", Reason.EMPTY),
        ("a.png", b"hello", Reason.UNKNOWN_TYPE),
        ("a.png", b"\x7fELF\x02\x01\x01", Reason.UNKNOWN_TYPE),
        ("a.svg", b'<svg onload="alert(1)"/>', Reason.SVG),
        ("a.png", b'<?xml version="1.0"?>\n<!-- x --><svg><script/></svg>', Reason.SVG),
        ("a.gif", b"\xef\xbb\xbf <!DOCTYPE svg PUBLIC><svg/>", Reason.SVG),
        ("a.jpg", b"<!doctype html><body>", Reason.HTML),
        ("a.jpg", b"  <SCRIPT>alert(1)</SCRIPT>", Reason.HTML),
        ("a.zip", files.archive({"a.png": b"x"}), Reason.ARCHIVE),
        ("a.png", files.encoded("JPEG"), Reason.WRONG_EXTENSION),
        ("a", files.encoded("PNG"), Reason.WRONG_EXTENSION),
        ("a.png.exe", files.encoded("PNG"), Reason.WRONG_EXTENSION),
        ("a.gif", files.encoded("PNG"), Reason.WRONG_EXTENSION),
        ("a.png", files.encoded("PNG", (8, 8)), Reason.TOO_FEW_PIXELS),
        ("a.png", files.animation("PNG", 4), Reason.ANIMATED_PNG),
        ("a.png", files.encoded("PNG") + bytes(6_000_000), Reason.TOO_MANY_BYTES),
    ],
)
def test_what_is_no_picture_of_ours_is_refused(
    name: str, content: bytes, why: Reason, tmp_path: Path
) -> None:
    assert reason(name, content, tmp_path) is why


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.png", files.png_bomb(), Reason.TOO_MANY_PIXELS),
        ("a.png", files.png(4_096, 4_096, b""), Reason.TOO_MANY_PIXELS),
        ("a.webp", files.webp_bomb(), Reason.TOO_MANY_PIXELS),
        ("a.gif", files.gif_of(10_000), Reason.TOO_MANY_FRAMES),
        ("a.gif", files.gif_of(301), Reason.TOO_MANY_FRAMES),
        ("a.gif", files.gif_of(20, 3_000, 1_500), Reason.TOO_MANY_FRAMES),
        ("a.gif", files.gif_with_a_huge_frame(), Reason.TOO_MANY_PIXELS),
        ("a.gif", files.animation("GIF", 40, ms=1_000), Reason.TOO_LONG),
    ],
)
def test_what_would_grow_when_decoded_is_refused(
    name: str, content: bytes, why: Reason, tmp_path: Path
) -> None:
    assert reason(name, content, tmp_path) is why


@pytest.mark.parametrize("form", NAMES)
def test_a_picture_that_ends_early_is_refused(form: str, tmp_path: Path) -> None:
    content = files.encoded(form)
    for share in (0.1, 0.5, 0.95):
        cut = content[: int(len(content) * share)]
        assert reason(NAMES[form], cut, tmp_path) is Reason.BROKEN


def test_damage_anywhere_never_gets_past_as_something_else(tmp_path: Path) -> None:
    for form, name in NAMES.items():
        content = bytearray(files.encoded(form, (64, 64)))
        for at in range(12, len(content), max(len(content) // 5, 1)):
            damaged = bytes(content[:at] + b"\xff\x00\xff" + content[at + 3 :])
            found = looked_at(name, damaged, tmp_path)
            if not isinstance(found, Refused):
                assert found.picture().format == form


def test_a_text_bomb_inside_a_png_is_refused(tmp_path: Path) -> None:
    packed = zlib.compress(bytes(200_000_000), 9)
    bomb = files.png(
        16, 16, zlib.compress(bytes(16 * 49)), further=[(b"zTXt", b"a\x00\x00" + packed)]
    )
    found = looked_at("a.png", bomb, tmp_path)
    assert isinstance(found, Refused)
    assert found.reason in {Reason.BROKEN, Reason.TOO_MUCH_MEMORY}


def test_the_largest_picture_and_the_largest_animation_are_taken(tmp_path: Path) -> None:
    large = made("a.png", files.encoded("PNG", (2160, 3840)), tmp_path)
    assert (large.accepted.w, large.accepted.h) == (2160, 3840)
    long = made("a.gif", files.animation("GIF", 300, (320, 200), ms=100), tmp_path)
    assert long.accepted.frames == 300
    assert long.accepted.kind is FileKind.GIF


def test_sixteen_bits_and_cmyk_come_out_as_screens_show_them(tmp_path: Path) -> None:
    deep = Image.new("I;16", (64, 64))
    deep.putpixel((1, 1), 65_535)
    file = io.BytesIO()
    deep.save(file, "PNG")
    assert made("a.png", file.getvalue(), tmp_path).picture().getpixel((1, 1)) == 255
    file = io.BytesIO()
    Image.new("CMYK", (64, 64), (0, 255, 255, 0)).save(file, "JPEG")
    red = made("a.jpg", file.getvalue(), tmp_path).picture()
    assert red.mode == "RGB"
    assert red.getpixel((9, 9))[0] > 200  # type: ignore[index]


def test_a_thumbnail_is_small_and_webp(tmp_path: Path) -> None:
    found = made("a.png", files.encoded("PNG"), tmp_path)
    small = Image.open(io.BytesIO(found.thumbnail))
    assert small.format == "WEBP"
    assert max(small.size) == 480
