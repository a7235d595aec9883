"""The console steps back, and the embedded Redis does not."""

import os
import subprocess
import sys

TOLD = """
import os, subprocess, sys, threading, time
from adserver.console.niceness import step_back
from adserver.embedded import WATCH_THREAD
stop = threading.Event()
for name in ("report", WATCH_THREAD):
    threading.Thread(target=stop.wait, name=name, daemon=True).start()
step_back()
found = {
    thread.name: os.getpriority(os.PRIO_PROCESS, thread.native_id)
    for thread in threading.enumerate()
}
asked = [sys.executable, "-c", "import os; print(os.nice(0))"]
child = subprocess.run(asked, capture_output=True, text=True)
print(found["MainThread"], found["report"], found[WATCH_THREAD], child.stdout.strip())
stop.set()
"""


def test_every_thread_steps_back_but_the_one_that_restarts_redis() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    told = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["10", "10", str(before), "10"]
