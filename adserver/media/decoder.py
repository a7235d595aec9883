"""The child process in which strangers' files are opened: one file, limited memory and time.

Started by `adserver.media.checking` as `python -m adserver.media.decoder`; reads a job from its
standard input and writes a verdict to its standard output. Never here: secrets; it is started
without our environment. The one surprising fact: the limits are taken first and the decoders are
imported after, so that even they cannot get round them.
"""

import os
import resource
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from adserver.media import limits
from adserver.media.sniffing import kind_of
from adserver.media.verdict import FileKind, Reason, Refused, RefusedFileError, Verdict

CLEAN, THUMBNAIL, POSTER = "clean", "thumbnail", "poster"
_NICE = 10


class Job(msgspec.Struct, frozen=True):
    """What to look at, under which name it came, and where to write what is made of it."""

    source: str
    name: str
    into: str
    archive: bool = False


def main() -> None:
    """One job."""
    take_limits()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(_judged(job)))


def take_limits() -> None:
    """Memory, processor time, sizes of files; none can be raised again."""
    for what, most in (
        (resource.RLIMIT_AS, limits.ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_DATA, limits.DATA_BYTES),
        (resource.RLIMIT_CPU, limits.CPU_S),
        (resource.RLIMIT_FSIZE, limits.OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(what, (most, most))
    os.nice(_NICE)


def _judged(job: Job) -> Verdict:
    try:
        work = _work(job)
        return work()
    except RefusedFileError as refusal:
        return refusal.verdict
    except MemoryError:
        return Refused(Reason.TOO_MUCH_MEMORY)
    except (OSError, SyntaxError, ValueError, EOFError, ArithmeticError, LookupError, TypeError):
        traceback.print_exc()  # into complaints.txt, beside the verdict
        return Refused(Reason.BROKEN)  # Pillow's and FFmpeg's words for a file that makes no sense


def _work(job: Job) -> Callable[[], Verdict]:
    source, into = Path(job.source), Path(job.into)
    if job.archive:
        from adserver.media.archives import unpack  # noqa: PLC0415 - after the limits

        return partial(unpack, source, into)
    kind = kind_of(source, job.name)
    if kind is FileKind.MP4:
        from adserver.media.films import remake_film  # noqa: PLC0415 - slow to import

        return partial(remake_film, source, into / CLEAN, into / THUMBNAIL, into / POSTER)
    from adserver.media.pictures import remake_picture  # noqa: PLC0415 - slow to import

    return partial(remake_picture, source, kind, into / CLEAN, into / THUMBNAIL)


if __name__ == "__main__":
    main()
