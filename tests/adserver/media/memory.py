"""How much memory a process and its children take while something runs, from /proc.

Never here: a test. The one surprising fact: children are summed up with us, for a decoder in a
child that took gigabytes would take them from the same machine.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY_S = 0.005


class Peak:
    """The most bytes seen, counted from what was taken at the beginning."""

    def __init__(self, root: int) -> None:
        self.idle = resident(root)
        self.most = self.idle

    @property
    def above_idle(self) -> int:
        """How many bytes more than at the beginning."""
        return self.most - self.idle


def resident(own: int) -> int:
    """Bytes of a process and all below it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ProcessLookupError):
            text = stat.read_text()
            parents[int(stat.parent.name)] = int(text.rpartition(")")[2].split()[1])
    family = {own}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    mine = _command(own)
    return sum(_bytes_of(pid) for pid in family if pid == own or _command(pid) != mine)


def _command(pid: int) -> bytes:
    """A child that has not begun its own program yet still has our memory, and is not counted."""
    with suppress(OSError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _bytes_of(pid: int) -> int:
    with suppress(OSError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


@contextmanager
def watched(root: int = 0) -> Iterator[Peak]:
    """Looks every 5 ms until it is left, at this process or at another."""
    root = root or os.getpid()
    peak = Peak(root)
    done = threading.Event()

    def look() -> None:
        while not done.wait(_EVERY_S):
            peak.most = max(peak.most, resident(root))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
