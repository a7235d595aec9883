"""Pictures decoded whole and written anew: only their pixels survive.

Runs in the child process alone (`decoder`). Never here: films. The one surprising fact: Pillow is
told which decoder to use, so that a file cannot choose one of its forty others.
"""

import io
from pathlib import Path

from PIL import ExifTags, GifImagePlugin, Image, ImageCms, ImageOps, ImageSequence

from adserver.media import containers, limits
from adserver.media.containers import PNG_KEPT, PNG_WORDS
from adserver.media.likeness import look_of
from adserver.media.sniffing import require_one_thing, webp_size
from adserver.media.verdict import Accepted, Cleaned, FileKind, Reason, RefusedFileError

THUMBNAIL_SIDE = 480
MOST, MOST_WEBP = limits.MOST_SIZE, limits.MOST_WEBP_SIZE
MOST_LOSSLESS_PIXELS = 1080 * 1920
"""WebP's lossless encoder takes thirty bytes a pixel; larger pictures lose next to nothing."""
_DECODERS = {
    FileKind.PNG: "PNG",
    FileKind.JPEG: "JPEG",
    FileKind.WEBP: "WEBP",
    FileKind.GIF: "GIF",
}
_GIF_FRAME_MS = 100  # what browsers show a frame for that says 0 or 10
_GIF_LEAST_MS = 20

GifImagePlugin.LOADING_STRATEGY = (
    GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY  # keeps palettes as they are
)
Image.MAX_IMAGE_PIXELS = None  # `_require_size` says it with numbers


def remake_picture(source: Path, kind: FileKind, clean: Path, thumbnail: Path) -> Accepted:
    """Writes the picture anew to `clean`, and a small one of its first frame to `thumbnail`.

    Raises:
        RefusedFileError: it is too large, broken, or more than a picture.
    """
    content = source.read_bytes()
    require_one_thing(content, source)
    end = containers.end_of(kind, content)
    if kind is FileKind.WEBP:
        _require_size(*webp_size(content), MOST_WEBP)
    with Image.open(source, formats=[_DECODERS[kind]]) as picture:
        _require_size(*picture.size)
        durations = _durations(picture, kind)
        cleaned = _found_in(picture, kind, content)
        if len(durations) > 1:
            _write_animation(picture, kind, clean, durations)
        else:
            cleaned |= _write_still(picture, kind, clean, content)
    if end < len(content):
        cleaned.add(Cleaned.TRAILING)
    return _looked_at(clean, kind, durations, cleaned, thumbnail)


def _require_size(w: int, h: int, most: tuple[int, int] = MOST) -> None:
    if w * h > most[0] * most[1] or max(w, h) > limits.MOST_SIDE:
        in_all = f"{most[0]} x {most[1]}"
        raise RefusedFileError(Reason.TOO_MANY_PIXELS, w=w, h=h, side=limits.MOST_SIDE, most=in_all)
    if min(w, h) < limits.LEAST_SIDE:
        raise RefusedFileError(Reason.TOO_FEW_PIXELS, w=w, h=h, least=limits.LEAST_SIDE)


def _durations(picture: Image.Image, kind: FileKind) -> list[int]:
    """Milliseconds of each frame, one 0 for a still picture; every frame is decoded for it."""
    frames = getattr(picture, "n_frames", 1)
    if kind is FileKind.JPEG or frames == 1:
        return [0]
    if kind is FileKind.PNG:
        raise RefusedFileError(Reason.ANIMATED_PNG)
    w, h = picture.size
    most = min(limits.MOST_FRAMES, limits.MOST_FRAME_PIXELS // (w * h))
    if frames > most:
        raise RefusedFileError(Reason.TOO_MANY_FRAMES, frames=frames, most=most)
    durations = []
    for frame in ImageSequence.Iterator(picture):
        _require_size(*frame.size)
        frame.load()
        shown = int(frame.info.get("duration", 0))
        durations.append(shown if shown >= _GIF_LEAST_MS else _GIF_FRAME_MS)
    if sum(durations) > limits.MOST_ANIMATION_MS:
        most_s = limits.MOST_ANIMATION_MS // 1000
        raise RefusedFileError(Reason.TOO_LONG, seconds=sum(durations) // 1000, most=most_s)
    picture.seek(0)
    return durations


def _found_in(picture: Image.Image, kind: FileKind, content: bytes) -> set[Cleaned]:
    """What the file says beside its pixels."""
    picture.load()
    found = set()
    exif = picture.getexif()
    if exif:
        found.add(Cleaned.EXIF)
    if exif.get_ifd(ExifTags.IFD.GPSInfo):
        found.add(Cleaned.GPS)
    if any("xmp" in str(name).lower() for name in picture.info):
        found.add(Cleaned.XMP)
    if "comment" in picture.info or _has_words(kind, content):
        found.add(Cleaned.WORDS)
    return found


def _has_words(kind: FileKind, content: bytes) -> bool:
    if kind is FileKind.PNG:
        return any(name in PNG_WORDS for name, _ in containers.png_chunks(content))
    return kind is FileKind.GIF and containers.gif_has_words(content)


def _write_still(picture: Image.Image, kind: FileKind, clean: Path, content: bytes) -> set[Cleaned]:
    shown, done = _upright_in_srgb(picture)
    if kind is FileKind.PNG:
        _with_only_pixels(shown).save(clean, "PNG", optimize=False)
    elif kind is FileKind.GIF:
        _with_only_pixels(shown).save(clean, "GIF")
    elif kind is FileKind.WEBP:
        small = picture.width * picture.height <= MOST_LOSSLESS_PIXELS
        lossless = small and b"VP8L" in containers.riff_chunks(content)
        bare = _bare(shown, "RGBA" if shown.has_transparency_data else "RGB")
        bare.save(clean, "WEBP", lossless=lossless, quality=90, method=4, exact=False)
    else:
        _write_jpeg(picture, shown, clean, kept=not done)
    return done


def _write_jpeg(picture: Image.Image, shown: Image.Image, clean: Path, *, kept: bool) -> None:
    """With its own tables where nothing else was changed, so that it loses next to nothing."""
    if kept and picture.format == "JPEG" and picture.mode in {"L", "RGB"}:
        picture.info.clear()
        picture.save(clean, "JPEG", quality="keep", exif=b"", optimize=True)
        return
    bare = _bare(shown, shown.mode if shown.mode in {"L", "RGB"} else "RGB")
    bare.save(clean, "JPEG", quality=92, optimize=True)


def _upright_in_srgb(picture: Image.Image) -> tuple[Image.Image, set[Cleaned]]:
    """The picture as it is meant to be seen without what tells how (EXIF, colour profile)."""
    done = set()
    profile = picture.info.get("icc_profile")
    shown = picture
    if profile:
        done.add(Cleaned.COLOURS)
        shown = _in_srgb(shown, profile)
    if picture.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        done.add(Cleaned.TURNED)
        shown = ImageOps.exif_transpose(shown)
    return shown, done


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """In the colours that screens assume; as it is when its profile makes no sense."""
    alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    modes = {"CMYK": "CMYK", "L": "L"}
    plain = picture if picture.mode in modes else picture.convert("RGB")
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(plain, own, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
    shown = turned or plain
    if alpha is not None:
        shown.putalpha(alpha)
    shown.info = dict(picture.info)
    return shown


def _with_only_pixels(picture: Image.Image) -> Image.Image:
    """In a mode that PNG and GIF write; transparency is of the pixels, all else is dropped.

    In place: a copy of the largest picture would be 33 MB.
    """
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    picture.info = {name: picture.info[name] for name in ("transparency",) if name in picture.info}
    return picture


def _bare(picture: Image.Image, mode: str) -> Image.Image:
    """In this mode, without anything that was said of it."""
    bare = picture if picture.mode == mode else picture.convert(mode)
    bare.info = {}
    return bare


def _write_animation(
    picture: Image.Image, kind: FileKind, clean: Path, durations: list[int]
) -> None:
    """Frame by frame, so that no two are in memory as pixels."""
    loop = picture.info.get("loop")
    times = {} if loop is None else {"loop": int(loop)}
    if kind is FileKind.WEBP:
        picture.save(
            clean, "WEBP", save_all=True, duration=durations, quality=85, method=2,
            background=(0, 0, 0, 0), exif="", xmp="", icc_profile="", **times,
        )  # fmt: skip
        return
    clear = 2 if picture.has_transparency_data else 0
    frames = (_with_only_pixels(frame.copy()) for frame in ImageSequence.Iterator(picture))
    next(frames).save(
        clean, "GIF", save_all=True, append_images=frames, duration=durations, disposal=clear,
        **times,
    )  # fmt: skip


def _looked_at(
    clean: Path, kind: FileKind, durations: list[int], cleaned: set[Cleaned], thumbnail: Path
) -> Accepted:
    """What was written, looked at as strictly as what came in."""
    content = clean.read_bytes()
    require_one_thing(content, clean)
    if len(content) > limits.MOST_BYTES[kind]:
        raise RefusedFileError(Reason.GREW, bytes=len(content), most=limits.MOST_BYTES[kind])
    if kind is FileKind.PNG and {name for name, _ in containers.png_chunks(content)} - PNG_KEPT:
        raise RefusedFileError(Reason.BROKEN)
    with Image.open(clean, formats=[_DECODERS[kind]]) as picture:
        w, h = picture.size
        look = write_thumbnail(picture, thumbnail)
    return Accepted(kind, w, h, sum(durations), len(durations), look, tuple(sorted(cleaned)))


def write_thumbnail(picture: Image.Image, path: Path) -> str:
    """Writes the picture, at most 480 pixels wide and high, as WebP; answers what it looks like."""
    picture.load()
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if picture.mode in {"P", "1"}:  # without colours in between
        picture = picture.convert(mode)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    small = _bare(picture, mode)
    small.save(path, "WEBP", quality=80, method=4)
    return look_of(small)
