"""Has a stranger's file looked at by a child process, and believes it only so far.

Never here: decoding; this process never opens what a stranger sent. The one surprising fact: one
child runs at a time, so that its memory is the memory of all uploads together, and only a few
callers may wait for it, so that uploads never take all threads of the console.
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

import adserver
from adserver.media import limits
from adserver.media.decoder import CLEAN, POSTER, THUMBNAIL, Job
from adserver.media.verdict import Accepted, FileKind, Reason, Refused, Unpacked, Verdict

log = logging.getLogger(__name__)

MOST_WAITING = 3
_MOST_VERDICT_BYTES = 262_144
_ANSWER, _COMPLAINTS = "verdict.json", "complaints.txt"
_ROOT = Path(adserver.__file__).parents[1]

_verdicts: msgspec.json.Decoder[Verdict] = msgspec.json.Decoder(Verdict)
_waiting = threading.BoundedSemaphore(MOST_WAITING)
_decoding = threading.Lock()


class BusyError(Exception):
    """Too many uploads are being looked at already."""


@contextmanager
def a_place_in_the_queue() -> Iterator[None]:
    """Held by a request while it has files looked at.

    Raises:
        BusyError: all places are taken.
    """
    if not _waiting.acquire(blocking=False):
        raise BusyError
    try:
        yield
    finally:
        _waiting.release()


def remade(source: Path, name: str, into: Path) -> Accepted | Refused:
    """Has a file made anew into the empty directory `into`: clean, thumbnail, poster for films.

    Takes up to 25 s; whatever happens to the child, this answers.
    """
    verdict = _asked(Job(str(source.absolute()), name[-200:], str(into.absolute())), into)
    if isinstance(verdict, Accepted):
        return _measured(verdict, into)
    return verdict if isinstance(verdict, Refused) else Refused(Reason.BROKEN)


def unpacked(source: Path, into: Path) -> Unpacked | Refused:
    """Has an archive taken apart into the empty directory `into`, as files "0", "1", ..."""
    job = Job(str(source.absolute()), "", str(into.absolute()), archive=True)
    verdict = _asked(job, into)
    if isinstance(verdict, Unpacked) and len(verdict.names) <= limits.MOST_ZIP_FILES:
        return verdict
    return verdict if isinstance(verdict, Refused) else Refused(Reason.ZIP_BROKEN)


def _asked(job: Job, into: Path) -> Verdict:
    command = [sys.executable, "-P", "-s", "-m", "adserver.media.decoder"]
    with (
        _decoding,
        (into / _ANSWER).open("wb") as out,
        (into / _COMPLAINTS).open("wb") as err,
        subprocess.Popen(  # noqa: S603 - our own module; the file's name goes through a pipe
            command, stdin=subprocess.PIPE, stdout=out, stderr=err, cwd=into, env=_environment()
        ) as child,
    ):
        try:
            child.communicate(msgspec.json.encode(job), timeout=limits.WALL_S)
        except subprocess.TimeoutExpired:
            child.kill()
            return Refused(Reason.TOO_SLOW)
    return _verdict(child.returncode, into)


def _environment() -> dict[str, str]:
    """Nothing of ours: secrets stand in the environment."""
    return {"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}


def _verdict(status: int, into: Path) -> Verdict:
    answer = (into / _ANSWER).read_bytes()[:_MOST_VERDICT_BYTES]
    if status == 0:
        try:
            return _verdicts.decode(answer)
        except msgspec.MsgspecError:
            log.warning("the decoder answered %d bytes that are no verdict", len(answer))
            return Refused(Reason.BROKEN)
    complaints = (into / _COMPLAINTS).read_bytes()[-2_000:]
    if status == -9 or status == -24:  # SIGKILL, SIGXCPU: the limit of processor time
        return Refused(Reason.TOO_SLOW)
    if b"MemoryError" in complaints or b"Cannot allocate memory" in complaints:
        return Refused(Reason.TOO_MUCH_MEMORY)
    log.warning("the decoder ended with %d: %s", status, ascii(complaints[-500:].decode("latin-1")))
    return Refused(Reason.BROKEN)


def _measured(accepted: Accepted, into: Path) -> Accepted | Refused:
    """The verdict, if what lies there can be what it tells of."""
    wanted = [CLEAN, THUMBNAIL, *([POSTER] if accepted.kind is FileKind.MP4 else [])]
    files = [into / name for name in wanted]
    are_plain = all(file.is_file() and not file.is_symlink() for file in files)
    sizes = [os.path.getsize(file) for file in files] if are_plain else [0]
    sound = (
        min(sizes) > 0
        and sizes[0] <= limits.MOST_BYTES[accepted.kind]
        and max(sizes) <= limits.LARGEST_FILE_BYTES
        and 0 < accepted.w <= limits.MOST_SIDE
        and 0 < accepted.h <= limits.MOST_SIDE
        and 0 <= accepted.duration_ms <= limits.MOST_FILM_MS
        and 0 < accepted.frames <= limits.MOST_PACKETS
        and len(accepted.look) in {0, 16}
    )
    return accepted if sound else Refused(Reason.BROKEN)
