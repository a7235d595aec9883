"""Who is alive.

A lock file that a process holds as long as it runs, let go of by the kernel when it dies.

Never here: what the lock protects. The one surprising fact: the file stays behind when its holder
ends; only the lock on it says anything, and a killed process cannot keep it.
"""

import fcntl
import os
import time
from pathlib import Path

LOOK_AGAIN_S = 0.02


class HeldError(Exception):
    """Somebody else holds the lock; the message says who, as far as the file tells."""


class Held:
    """A lock that this process holds until `release`."""

    def __init__(self, path: Path, who: str, patience_s: float = 0.0) -> None:
        """Takes the lock, waiting `patience_s` for it.

        Raises:
            HeldError: another process, or another place in this one, has it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._taken(time.monotonic() + patience_s):
            holder = os.pread(self._descriptor, 200, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise HeldError(f"{path} is held by {holder or 'another process'}") from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{who} (process {os.getpid()})\n".encode(), 0)

    def _taken(self, until: float) -> bool:
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
                time.sleep(LOOK_AGAIN_S)
            else:
                return True

    def release(self) -> None:
        """Lets go. Only once."""
        os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of this file right now."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
