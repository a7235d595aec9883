"""From an uploaded file on disk to a file on the shelf and in an advertiser's library.

Never here: decoding (`adserver.media`), pages. The one surprising fact: a file is on the shelf
before a row names it, and both happen under the shelf's lock, so that the sweep never takes it in
between; a refused file was never anywhere but aside.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter

from adserver.accounts.identity import Identity
from adserver.console.desk import Desk
from adserver.media import checking
from adserver.media.decoder import CLEAN, POSTER, THUMBNAIL
from adserver.media.limits import MB
from adserver.media.shelf import THUMBNAIL as THUMBNAIL_EXTENSION, Shelf, digest_of, shelf_of
from adserver.media.specs import Measures
from adserver.media.verdict import Accepted, FileKind, Reason, Refused
from adserver.stores import audit, database, media_files
from adserver.stores.media_files import MediaFile, Upload

MOST_LIBRARY_BYTES = 2_000 * MB
MOST_FILES = 20
MOST_SECONDS = 90
"""For one form; what is left then is refused and can be sent again."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A file made anew and lying aside."""

    name: str
    accepted: Accepted
    directory: Path

    @property
    def measures(self) -> Measures:
        """What counts when it is held against a format."""
        seen = self.accepted
        length = (self.directory / CLEAN).stat().st_size
        return Measures(seen.kind, seen.w, seen.h, length, seen.duration_ms)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one uploaded file."""

    name: str
    upload: Upload | None = None
    refused: Refused | None = None


Incoming = tuple[str, Path]
"""A file's name, and where it lies."""


@contextmanager
def examining(desk: Desk) -> Iterator[Callable[[Incoming], Examined | Refused]]:
    """Has files made anew, one after the other; what they became lies aside until this is left.

    Raises:
        BusyError: too many are at it already.
    """
    with ExitStack() as stack:
        stack.enter_context(checking.a_place_in_the_queue())

        def examine(incoming: Incoming) -> Examined | Refused:
            name, path = incoming
            aside = stack.enter_context(shelf_of(desk.settings.data_dir).aside())
            verdict = checking.remade(path, name, aside)
            if isinstance(verdict, Refused):
                return verdict
            return Examined(name, verdict, aside)

        yield examine


def take_all(
    desk: Desk, advertiser_id: str, who: Identity, incoming: Sequence[Incoming], now: datetime
) -> list[Taken]:
    """Takes each file into the library, or says why not; files are taken or refused one by one."""
    taken = []
    began = perf_counter()
    try:
        with examining(desk) as examine:
            for name, path in incoming[:MOST_FILES]:
                if perf_counter() - began > MOST_SECONDS:
                    taken.append(Taken(name, refused=Refused(Reason.BUSY)))
                    continue
                found = examine((name, path))
                taken.append(_taken(desk, advertiser_id, who, name, found, now))
    except checking.BusyError:
        taken = [Taken(name, refused=Refused(Reason.BUSY)) for name, _ in incoming[:MOST_FILES]]
    left_out = Refused(Reason.TOO_MANY_FILES, {"most": str(MOST_FILES)})
    return taken + [Taken(name, refused=left_out) for name, _ in incoming[MOST_FILES:]]


def _taken(
    desk: Desk, advertiser_id: str, who: Identity, name: str, found: Examined | Refused,
    now: datetime,
) -> Taken:  # fmt: skip
    if isinstance(found, Refused):
        return Taken(name, refused=found)
    if is_full(desk, advertiser_id):
        return Taken(name, refused=full())
    (upload,) = keep(desk, advertiser_id, who, [found], now)
    return Taken(name, upload=upload)


def is_full(desk: Desk, advertiser_id: str) -> bool:
    """Whether the advertiser's library takes nothing more."""
    with database.reading(desk.engine) as connection:
        return media_files.bytes_of(connection, advertiser_id) >= MOST_LIBRARY_BYTES


def full() -> Refused:
    """What is said then."""
    return Refused(Reason.QUOTA, {"most": str(MOST_LIBRARY_BYTES)})


def keep(
    desk: Desk, advertiser_id: str, who: Identity, examined: list[Examined], now: datetime
) -> list[Upload]:
    """Puts files that were made anew on the shelf and into the library, all in one transaction."""
    shelf = shelf_of(desk.settings.data_dir)
    with shelf.lock:
        files = [_shelved(shelf, one) for one in examined]
        uploads = [
            _upload(file, advertiser_id, one, who, now)
            for file, one in zip(files, examined, strict=True)
        ]
        with database.writing(desk.engine) as connection:
            for upload in uploads:
                if upload.file.poster:
                    media_files.take_in(connection, _poster(shelf, upload.file), now)
                media_files.take_in(connection, upload.file, now)
                media_files.put_in_library(connection, upload)
                audit.record(
                    connection, who, "upload", "file", upload.file.sha256, None, upload, now
                )
    return uploads


def _upload(
    file: MediaFile, advertiser_id: str, one: Examined, who: Identity, now: datetime
) -> Upload:
    cleaned = tuple(str(what) for what in one.accepted.cleaned)
    name = "".join(letter if letter.isprintable() else "?" for letter in one.name)
    return Upload(file, advertiser_id, name, cleaned, now, who.actor)


def _shelved(shelf: Shelf, one: Examined) -> MediaFile:
    seen, made = one.accepted, one.directory / CLEAN
    sha256 = digest_of(made)
    length = made.stat().st_size
    poster = ""
    if seen.kind is FileKind.MP4:
        poster = digest_of(one.directory / POSTER)
        shelf.keep(one.directory / POSTER, poster, FileKind.JPEG)
    shelf.keep(one.directory / THUMBNAIL, sha256, THUMBNAIL_EXTENSION)
    shelf.keep(made, sha256, seen.kind)
    return MediaFile(
        sha256, str(seen.kind), seen.kind.mime, seen.w, seen.h, length, seen.duration_ms,
        seen.frames, seen.look, poster,
    )  # fmt: skip


def _poster(shelf: Shelf, film: MediaFile) -> MediaFile:
    length = shelf.path(film.poster, FileKind.JPEG).stat().st_size
    return replace(
        film, sha256=film.poster, extension=str(FileKind.JPEG), mime=FileKind.JPEG.mime,
        bytes=length, duration_ms=0, frames=1, poster="", look="",
    )  # fmt: skip
