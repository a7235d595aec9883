"""A feed's bytes: plain or gz, in whichever encoding, and how much of them has been read.

Never here: rows. The one surprising fact: a byte that does not fit the encoding is kept as a lone
surrogate, so that it costs the row it is in and nothing else.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from adserver.feeds.record import FeedError

GZIP_MAGIC = b"\x1f\x8b"
LOOK_BYTES = 1 << 18
PIECE_CHARS = 1 << 16
MOST_LINE_CHARS = 1 << 20
"""A line that is longer is no row: a feed without line breaks must not fill the memory."""
FREE_BYTES, MOST_GROWTH = 1 << 27, 100
"""Nobody waits for gigabytes of nothing: feeds grow some ten times when they are unpacked."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")
_LONE = re.compile("[\ud800-\udfff]")
_FEW = 10
_NO_TEXT = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})
"""Encodings of Python's own in which no feed is written; some take hours for a megabyte."""


class Source:
    """An open feed: its text by lines or by pieces. `head` is how it begins, in bytes."""

    def __init__(self, file: BinaryIO, size: int, encoding: str) -> None:
        self._file, self._size = file, max(size, 1)
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        content: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=file) if packed else file
        self._content = content
        with _readable():
            self.head = content.read(LOOK_BYTES)
            content.seek(0)
        if encoding and not _is_known(encoding):
            raise FeedError(f"there is no encoding {encoding!r}")
        self.encoding = codecs.lookup(encoding or encoding_of(self.head)).name
        self._text = io.TextIOWrapper(
            content, encoding=self.encoding, errors="surrogateescape", newline=""
        )

    @property
    def done(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(self._file.tell() / self._size, 1.0)

    def lines(self) -> Iterator[str]:
        """Every line with its end; of one that is too long only the beginning.

        Raises:
            FeedError: damaged, or not in this encoding.
        """
        while line := self._line():
            yield line
            rest = line
            while len(rest) == MOST_LINE_CHARS and not rest.endswith("\n"):
                rest = self._line()

    def pieces(self) -> Iterator[str]:
        """All text, a piece at a time.

        Raises:
            FeedError: damaged, or not in this encoding.
        """
        while True:
            with _readable():
                piece = self._text.read(PIECE_CHARS)
            if not piece:
                return
            self._require_honest()
            yield piece

    def _line(self) -> str:
        with _readable():
            line = self._text.readline(MOST_LINE_CHARS)
        self._require_honest()
        return line

    def _require_honest(self) -> None:
        grown = self._content.tell()
        if grown > FREE_BYTES and grown > MOST_GROWTH * self._file.tell():
            raise FeedError(f"the gz file grows more than {MOST_GROWTH} times: it is no feed")


@contextmanager
def opened(path: Path, encoding: str = "") -> Iterator[Source]:
    """The file as a source; without an `encoding` it is found out.

    Raises:
        FeedError: no such encoding, or a damaged gz file.
        OSError: no such file.
    """
    with path.open("rb") as file:
        yield Source(file, path.stat().st_size, encoding)


def encoding_of(head: bytes) -> str:
    """The encoding a file seems to be in: what it declares, else UTF-8, GB18030 or Windows-1252.

    A file that is UTF-8 but for a few bytes is UTF-8.
    """
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    declared = _DECLARED.match(head.lstrip())
    if declared and _is_known(declared[1].decode()):
        return declared[1].decode()
    as_utf8 = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
    bad = as_utf8.count("\ufffd")
    good = sum(letter > "\x7f" for letter in as_utf8) - bad
    if not bad or good > _FEW * bad:
        return "utf-8"
    try:
        codecs.getincrementaldecoder("gb18030")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "gb18030"


def is_clean(text: str) -> bool:
    """Whether all of it was in the encoding."""
    return not _LONE.search(text)


def _is_known(encoding: str) -> bool:
    try:
        name = codecs.lookup(encoding).name
        b"ab".decode(name)  # refuses what is no text, such as zlib
    except LookupError:
        return False
    except UnicodeError:
        pass
    return name.replace("-", "_") not in _NO_TEXT


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except EOFError:
        raise FeedError("the gz file ends in the middle") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FeedError(f"the gz file is damaged: {error}") from None
    except UnicodeError as error:
        raise FeedError(f"the encoding is another one: {error}") from None
