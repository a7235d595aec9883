"""Publications: directories of files that one process writes and others take up whole.

A root holds one directory per version and a file CURRENT that names the version in force. Never
here: what the files mean. The one surprising fact: a publication is never changed once it has its
name, so whoever has read CURRENT may read that version's files at leisure, without a lock.
"""

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

POINTER = "CURRENT"
ASIDE_KEPT_S = 3_600
_ASIDE = ".aside-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class PublicationError(Exception):
    """A version that is not there, or a name that cannot be one."""


def publish(root: Path, version: str, files: Mapping[str, bytes]) -> None:
    """Makes `files` (plain names to contents) the version in force at `root`.

    Everything is on disk before the pointer moves. Publishing a version that is already there keeps
    the files it has and moves the pointer.

    Raises:
        PublicationError: a version or file name that is not plain letters, digits, ".", "_", "-".
        OSError: the disk refuses; the version in force stays what it was.
    """
    add(root, version, files)
    point(root, version)


def add(root: Path, version: str, files: Mapping[str, bytes]) -> None:
    """Puts a version beside the one in force, without moving the pointer.

    Raises:
        PublicationError: as `publish`.
    """
    for name in (version, *files):
        _require_plain(name)
    root.mkdir(parents=True, exist_ok=True)
    aside = root / f"{_ASIDE}{version}-{secrets.token_hex(4)}"
    aside.mkdir()
    try:
        for name, content in files.items():
            _write(aside / name, content)
        _sync_directory(aside)
        if not (root / version).exists():
            _take_name(aside, root / version)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _sync_directory(root)


def point(root: Path, version: str) -> None:
    """Moves the pointer to a version that is there; this is also how one rolls back.

    Raises:
        PublicationError: no such version.
    """
    _require_plain(version)
    if not (root / version).is_dir():
        raise PublicationError(f"{root} has no version {version}")
    aside = root / f"{_ASIDE}{POINTER}-{secrets.token_hex(4)}"
    _write(aside, version.encode())
    aside.replace(root / POINTER)
    _sync_directory(root)


def current(root: Path) -> str | None:
    """The version in force, None while nothing has been published."""
    try:
        version = (root / POINTER).read_text().strip()
    except FileNotFoundError:
        return None
    return version or None


def read(root: Path, version: str) -> dict[str, bytes]:
    """The files of a version by name.

    Raises:
        PublicationError: no such version (most often: swept by `keep_last` since CURRENT was read).
    """
    _require_plain(version)
    try:
        paths = sorted((root / version).iterdir())
        return {path.name: path.read_bytes() for path in paths if path.is_file()}
    except FileNotFoundError:
        raise PublicationError(f"{root} has no version {version}") from None


def versions(root: Path) -> list[str]:
    """The versions that are there, oldest first."""
    if not root.is_dir():
        return []
    found = [path for path in root.iterdir() if path.is_dir() and _NAME.fullmatch(path.name)]
    return [path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime_ns, path))]


def keep_last(root: Path, n: int) -> list[str]:
    """Removes all but the `n` newest versions and the one in force; answers what it removed.

    A version loses its name before its files, so that nobody reads half of one. What writers that
    were killed left behind goes too, when it is old.
    """
    in_force = current(root)
    found = versions(root)
    gone = [version for version in found[: max(len(found) - n, 0)] if version != in_force]
    for version in gone:
        aside = root / f"{_ASIDE}{version}-{secrets.token_hex(4)}"
        with suppress(FileNotFoundError):  # somebody else is at it too
            (root / version).rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
    _sweep(root)
    return gone


def _sweep(root: Path) -> None:
    """Removes what lies aside for longer than any writer takes."""
    until = datetime.now(UTC).timestamp() - ASIDE_KEPT_S
    for path in root.glob(f"{_ASIDE}*"):
        with suppress(FileNotFoundError):  # its writer has just given it its name
            if path.stat().st_mtime < until:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def _require_plain(name: str) -> None:
    if not _NAME.fullmatch(name) or name == POINTER:
        raise PublicationError(f"{name!r} cannot name a version or a file of one")


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _take_name(aside: Path, path: Path) -> None:
    """Two writers of one version may race: the first wins, for both bring the same files."""
    try:
        aside.rename(path)
    except OSError:
        if not path.is_dir():
            raise


def _sync_directory(path: Path) -> None:
    """Without this a crash may forget the names of files whose contents it kept."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
