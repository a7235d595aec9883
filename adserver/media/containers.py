"""Where the parts of a picture's or film's file begin and end, without decoding any.

Never here: what the parts mean. The one surprising fact: decoders forgive files that go on after
their end or stop before it; so the ends are looked for here.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from adserver.media.verdict import FileKind, Reason, RefusedFileError

PNG_WORDS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_TRAILER, _EXTENSION, _IMAGE = 0x3B, 0x21, 0x2C
_COMMENT, _PLAIN_TEXT = 0xFE, 0x01
_MOST_BOXES = 10_000
_BOXES = frozenset(
    b"ftyp styp moov mdat moof mfra sidx ssix prft pdin emsg free skip wide uuid meta udta".split()
)


def broken() -> RefusedFileError:
    """What is raised for a file that ends too early or makes no sense."""
    return RefusedFileError(Reason.BROKEN)


def end_of(kind: FileKind, content: bytes) -> int:
    """Where a picture's file ends by its own account, at most its length.

    Raises:
        RefusedFileError: it ends too early.
    """
    ends = {
        FileKind.PNG: _png_end,
        FileKind.GIF: _gif_end,
        FileKind.WEBP: _riff_end,
        FileKind.JPEG: _jpeg_end,
    }
    end = ends[kind](content)
    if end > len(content):
        raise broken()
    return end


def png_chunks(content: bytes) -> Iterator[tuple[bytes, int]]:
    """(name, end) of each chunk up to IEND.

    Raises:
        RefusedFileError: a chunk is longer than the file.
    """
    at = 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        name = content[at + 4 : at + 8]
        at += 12 + length
        if at > len(content):
            break
        yield name, at
        if name == b"IEND":
            return
    raise broken()


def _png_end(content: bytes) -> int:
    return [end for _, end in png_chunks(content)][-1]


def _riff_end(content: bytes) -> int:
    (length,) = struct.unpack_from("<I", content, 4)
    return 8 + int(length)


def riff_chunks(content: bytes) -> Iterator[bytes]:
    """The names of a WebP's chunks."""
    at, end = 12, min(_riff_end(content), len(content))
    while at + 8 <= end:
        (length,) = struct.unpack_from("<I", content, at + 4)
        yield content[at : at + 4]
        at += 8 + length + (length & 1)


def _jpeg_end(content: bytes) -> int:
    end = content.rfind(b"\xff\xd9")
    if end < 0:
        raise broken()
    return end + 2


def gif_has_words(content: bytes) -> bool:
    """Whether a GIF has comments or plain text beside its pictures."""
    return any(label in {_COMMENT, _PLAIN_TEXT} for label, _ in _gif_blocks(content))


def _gif_end(content: bytes) -> int:
    return [end for _, end in _gif_blocks(content)][-1]


def _gif_blocks(content: bytes) -> Iterator[tuple[int, int]]:
    """(label or introducer, end) of each block up to the trailer."""
    try:
        at = 13 + _table_bytes(content[10])
        while True:
            introducer = content[at]
            if introducer == _TRAILER:
                yield introducer, at + 1
                return
            label = content[at + 1] if introducer == _EXTENSION else introducer
            at = _skip_block(content, at, introducer)
            yield label, at
    except IndexError:
        raise broken() from None


def _skip_block(content: bytes, at: int, introducer: int) -> int:
    if introducer == _EXTENSION:
        return _skip_pieces(content, at + 2)
    if introducer == _IMAGE:
        return _skip_pieces(content, at + 11 + _table_bytes(content[at + 9]))
    raise broken()


def _skip_pieces(content: bytes, at: int) -> int:
    while content[at]:
        at += 1 + content[at]
    return at + 1


def _table_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


class Film(NamedTuple):
    """An MP4's boxes but for those with its pictures and sound, and whether more follows them."""

    content: bytes
    goes_on: bool


def film_without_pictures(path: Path) -> Film:
    """What a script could hide in.

    Raises:
        RefusedFileError: a box is longer than the file.
    """
    kept = bytearray()
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        for _ in range(_MOST_BOXES):
            name, length = _box(file, at, size)
            if name != b"mdat":
                file.seek(at)
                kept += file.read(length)
            at += length
            if at >= size:
                return Film(bytes(kept), goes_on=not name)
    raise broken()


def _box(file: BinaryIO, at: int, size: int) -> tuple[bytes, int]:
    """A box's name and length; what is no box reaches to the end and has no name."""
    file.seek(at)
    head = file.read(16)
    if len(head) < 8 or head[4:8] not in _BOXES:
        return b"", size - at
    length, name = struct.unpack(">I4s", head[:8])
    if length == 1 and len(head) == 16:
        (length,) = struct.unpack(">Q", head[8:])
    elif length == 0:
        length = size - at
    if length < 8 or at + length > size:
        raise broken()
    return name, length
