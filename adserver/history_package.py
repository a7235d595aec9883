"""What the log says of each creative, as it travels from the console to the workers: one file.

Never here: what is counted (`adserver.eventlog.queries`) or smoothed (`models.ctr`). The one
surprising fact: the console imports this page and not `adserver.reload`, which would bring numba
and the compiled models into a process that never decides anything.
"""

from pathlib import Path

import msgspec

from adserver import publication
from models.domain.history import History

DIRECTORY = Path("published", "history")
FILE = "history.msgpack"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(History)


class HistoryError(Exception):
    """A published history that cannot be read: truncated, or something else."""


def pack(history: History) -> bytes:
    """The file's bytes."""
    return _encoder.encode(history)


def publish(root: Path, history: History, *, keep: int) -> str:
    """Publishes the history and sweeps old versions; answers the version."""
    version = f"h{history.as_of_ms}"
    publication.publish(root, version, {FILE: pack(history)})
    publication.keep_last(root, keep)
    return version


def read(root: Path, version: str) -> History:
    """The history of one published version.

    Raises:
        PublicationError: no such version.
        HistoryError: it cannot be read.
    """
    files = publication.read(root, version)
    if FILE not in files:
        raise HistoryError(f"version {version} holds no {FILE}")
    try:
        return _decoder.decode(files[FILE])
    except msgspec.MsgspecError as error:
        raise HistoryError(f"not a published history: {error}") from error
