"""Archives of many files, taken apart without believing what they say of themselves.

Runs in the child process alone (`decoder`). Never here: what is in the files. The one surprising
fact: no name of an archive ever becomes a path; its files are written under numbers.
"""

import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from adserver.media import limits
from adserver.media.verdict import Reason, RefusedFileError, Unpacked

_PIECE_BYTES = 65_536
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_END = b"PK\x05\x06"
_END_BYTES = 22 + 65_535
_LONGEST_NAME = 200
_IGNORED = ("__MACOSX/", ".DS_Store", "Thumbs.db")


def unpack(source: Path, into: Path) -> Unpacked:
    """Writes the archive's files to `into` as "0", "1", ... and answers their names in order.

    Folders are left out, and so is what systems add of their own.

    Raises:
        RefusedFileError: a bomb, a name that leads elsewhere, a link, a password.
    """
    _require_few(source)
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [one for one in archive.infolist() if not _is_left_out(one)]
            if not 0 < len(entries) <= limits.MOST_ZIP_FILES:
                most = limits.MOST_ZIP_FILES
                raise RefusedFileError(Reason.ZIP_FILES, files=len(entries), most=most)
            names = [_checked_name(entry) for entry in entries]
            _require_each_once(names)
            _write_all(archive, entries, into)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise RefusedFileError(Reason.ZIP_BROKEN) from error
    return Unpacked(tuple(names))


def _require_few(source: Path) -> None:
    """Reads the count of files from the end of the archive, before all of them are listed."""
    size = source.stat().st_size
    with source.open("rb") as file:
        file.seek(max(size - _END_BYTES, 0))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise RefusedFileError(Reason.ZIP_BROKEN)
    files, directory_bytes = struct.unpack_from("<HI", tail, at + 10)
    if files > 10 * limits.MOST_ZIP_FILES or directory_bytes > limits.MIB:
        raise RefusedFileError(Reason.ZIP_FILES, files=files, most=limits.MOST_ZIP_FILES)


def _is_left_out(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename
    return entry.is_dir() or name.startswith(_IGNORED[0]) or name.endswith(_IGNORED[1:])


def _checked_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name, which leads nowhere else."""
    name = entry.filename
    path = PurePosixPath(name)
    shown = ascii(name[:60])
    mode = entry.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        raise RefusedFileError(Reason.ZIP_LINK, name=shown)
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name
    if leads_out or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise RefusedFileError(Reason.ZIP_NAME, name=shown)
    if entry.flag_bits & 1:
        raise RefusedFileError(Reason.ZIP_ENCRYPTED, name=shown)
    if entry.compress_type not in _METHODS:
        raise RefusedFileError(Reason.ZIP_METHOD, name=shown)
    if entry.file_size > limits.LARGEST_FILE_BYTES:
        most = limits.LARGEST_FILE_BYTES
        raise RefusedFileError(Reason.TOO_MANY_BYTES, bytes=entry.file_size, most=most)
    return name


def _require_each_once(names: list[str]) -> None:
    seen = set()
    for name in names:
        if name.casefold() in seen:
            raise RefusedFileError(Reason.ZIP_TWICE, name=ascii(name[:60]))
        seen.add(name.casefold())


def _write_all(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], into: Path) -> None:
    left = limits.MOST_ZIP_BYTES
    for number, entry in enumerate(entries):
        left -= _write_one(archive, entry, into / str(number), left)


def _write_one(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, most_bytes: int
) -> int:
    """Writes a file piece by piece; what it said of its size is not believed."""
    written = 0
    with archive.open(entry) as packed, path.open("wb") as file:
        while piece := packed.read(_PIECE_BYTES):
            written += len(piece)
            if written > most_bytes or written > limits.LARGEST_FILE_BYTES:
                raise RefusedFileError(Reason.ZIP_BYTES, most=limits.MOST_ZIP_BYTES)
            file.write(piece)
    return written
