"""What a file is by its first bytes, and whether it is a second thing as well.

Never here: decoding. The one surprising fact: a file that is two things at once (a picture with a
script or an archive in it) is refused although making it anew would clean it: nobody makes one by
accident.
"""

import re
import struct
import zipfile
from pathlib import Path

from adserver.media.limits import MOST_BYTES
from adserver.media.verdict import FileKind, Reason, RefusedFileError

EXTENSIONS = {
    "png": FileKind.PNG,
    "jpg": FileKind.JPEG,
    "jpeg": FileKind.JPEG,
    "webp": FileKind.WEBP,
    "gif": FileKind.GIF,
    "mp4": FileKind.MP4,
    "m4v": FileKind.MP4,
}
_BEGINNINGS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), FileKind.PNG),
    (re.compile(rb"\xff\xd8\xff"), FileKind.JPEG),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), FileKind.WEBP),
    (re.compile(rb"GIF8[79]a"), FileKind.GIF),
    (re.compile(rb"....ftyp(?!qt  )", re.DOTALL), FileKind.MP4),
)
_ELSE = (
    (re.compile(rb"....ftypqt  ", re.DOTALL), Reason.QUICKTIME),
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), Reason.ARCHIVE),
    (re.compile(rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\x1f\x8b\x08"), Reason.ARCHIVE),
    (re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml.*?)?(<!--.*?-->\s*)*(<!doctype\s+svg.*?)?<svg",
                re.DOTALL | re.IGNORECASE), Reason.SVG),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body|script|iframe)",
                re.IGNORECASE), Reason.HTML),
)  # fmt: skip
_MARKUP = re.compile(rb"<script|<\?php|<html|<!doctype|<iframe|__HALT_COMPILER", re.IGNORECASE)
_PACKED = re.compile(rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c")
_HEAD_BYTES = 4_096


def kind_of(path: Path, name: str) -> FileKind:
    """What the file is, when its name says the same and it is not too long.

    Raises:
        RefusedFileError: none of ours, another than its name says, or too long.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise RefusedFileError(Reason.EMPTY)
    found = next((kind for pattern, kind in _BEGINNINGS if pattern.match(head)), None)
    if found is None:
        raise RefusedFileError(_what_else(head))
    extension = Path(name).suffix.lower().lstrip(".")
    if EXTENSIONS.get(extension) is not found:
        raise RefusedFileError(
            Reason.WRONG_EXTENSION, extension=f".{extension}"[:12], kind=found.name
        )
    if path.stat().st_size > MOST_BYTES[found]:
        raise RefusedFileError(
            Reason.TOO_MANY_BYTES, bytes=path.stat().st_size, most=MOST_BYTES[found]
        )
    return found


def _what_else(head: bytes) -> Reason:
    matches = (reason for pattern, reason in _ELSE if pattern.match(head))
    return next(matches, Reason.UNKNOWN_TYPE)


def require_one_thing(content: bytes, path: Path) -> None:
    """Returns when the content is nothing beside a picture or film.

    `content` are the parts in which a script could hide (of a film: all but its pictures).

    Raises:
        RefusedFileError: it holds markup, begins like a script, or is an archive at the same time.
    """
    if _MARKUP.search(content):
        raise RefusedFileError(Reason.TWO_THINGS, what="HTML")
    if content[4:6] == b"/*" or content[6:8] == b"/*":
        raise RefusedFileError(Reason.TWO_THINGS, what="JavaScript")
    if b"%PDF-" in content[:1024]:
        raise RefusedFileError(Reason.TWO_THINGS, what="PDF")
    if _PACKED.search(content):
        raise RefusedFileError(Reason.TWO_THINGS, what="RAR")
    if _is_archive(path):
        raise RefusedFileError(Reason.TWO_THINGS, what="ZIP")


def _is_archive(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(archive.filelist)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error):
        return False


def webp_size(head: bytes) -> tuple[int, int]:
    """The canvas of a WebP by its first chunk; (0, 0) when it cannot be told.

    Pillow allots the canvas as soon as it opens such a file, so this has to be known before.
    """
    chunk = head[12:16]
    if chunk == b"VP8X" and len(head) >= 30:
        w, h = head[24:27], head[27:30]
        return int.from_bytes(w, "little") + 1, int.from_bytes(h, "little") + 1
    if chunk == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and len(head) >= 30:
        w, h = struct.unpack("<HH", head[26:30])
        return w & 0x3FFF, h & 0x3FFF
    return 0, 0
