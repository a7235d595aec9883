"""The console steps back: where both want a core, the worker that answers an app gets it.

Never here: what is done in the meantime. The one surprising fact: niceness belongs to threads and
is inherited, by processes too. So the embedded Redis is started first, and the thread that would
start it again stays as it was, for nobody may make himself less nice again.
"""

import logging
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from adserver.embedded import WATCH_THREAD

log = logging.getLogger(__name__)

NICENESS = 10
_TASKS = Path("/proc/self/task")


def step_back(niceness: int = NICENESS) -> None:
    """Makes every thread of this process, and all that they start, at least so nice.

    On systems without /proc nothing is done.
    """
    if sys.platform != "linux" or not _TASKS.is_dir():
        return
    kept = {thread.native_id for thread in threading.enumerate() if thread.name == WATCH_THREAD}
    for task in sorted(int(path.name) for path in _TASKS.iterdir()):
        if task not in kept:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                if os.getpriority(os.PRIO_PROCESS, task) < niceness:
                    os.setpriority(os.PRIO_PROCESS, task, niceness)
    log.debug("the console steps back to niceness %d", niceness)
