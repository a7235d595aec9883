"""Files on disk under the hash of their content, and where they are made before they have one.

Never here: whose they are (`adserver.stores.media_files`). The one surprising fact: whoever takes a
file in and whoever sweeps hold the same lock, so that a file is never swept between the moment it
is found here already and the moment a row names it.
"""

import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

DIRECTORY = "media"
THUMBNAIL = "thumb.webp"
NAME = re.compile(r"([0-9a-f]{64})\.(png|jpg|webp|gif|mp4|thumb\.webp)")
_ASIDE = "aside"
_PIECE_BYTES = 1_048_576
_LATE = timedelta(hours=1)


class Shelf:
    """All kept files of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / DIRECTORY
        self.lock = threading.RLock()

    @contextmanager
    def aside(self) -> Iterator[Path]:
        """An empty directory on the same disk; gone with all that is in it when left."""
        parent = self._root / _ASIDE
        parent.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def path(self, sha256: str, extension: str) -> Path:
        """Where a file lies, or would.

        Raises:
            ValueError: this names no file of ours.
        """
        name = f"{sha256}.{extension}"
        if not NAME.fullmatch(name):
            raise ValueError(f"{name[:100]!a} names no file")
        return self._root / sha256[:2] / name

    def keep(self, made: Path, sha256: str, extension: str) -> Path:
        """Moves a file to where it belongs, on disk before this returns."""
        path = self.path(sha256, extension)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with made.open("rb") as file:
                os.fsync(file.fileno())
            made.replace(path)
            _sync(path.parent)
        return path

    def remove(self, sha256: str, extension: str) -> None:
        """Removes a file and its thumbnail."""
        for name in (extension, THUMBNAIL):
            self.path(sha256, name).unlink(missing_ok=True)

    def names(self) -> Iterator[tuple[str, str, float]]:
        """(hash, extension, time of change) of all that is kept, thumbnails included."""
        for shard in sorted(self._root.glob("[0-9a-f][0-9a-f]")):
            for path in sorted(shard.iterdir()):
                found = NAME.fullmatch(path.name)
                if found:
                    yield found[1], found[2], path.stat().st_mtime

    def sweep_aside(self, now: datetime) -> None:
        """Removes what was left aside by a process that was killed."""
        until = (now - _LATE).timestamp()
        for directory in (self._root / _ASIDE).glob("*"):
            with suppress(FileNotFoundError):
                if directory.stat().st_mtime < until:
                    shutil.rmtree(directory, ignore_errors=True)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


_shelves: dict[Path, Shelf] = {}
_opening = threading.Lock()


def shelf_of(data_dir: Path) -> Shelf:
    """The one shelf of a data directory in this process, for it has a lock."""
    with _opening:
        return _shelves.setdefault(data_dir.absolute(), Shelf(data_dir))


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
