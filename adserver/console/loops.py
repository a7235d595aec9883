"""The console's loops: work that is done again and again, each failure logged, none fatal.

Never here: the work. The one surprising fact: the pause comes after the work, so a slow round never
overlaps the next one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prometheus_client import Counter

log = logging.getLogger(__name__)

FAILURES = Counter("adunion_console_loop_failures_total", "Failed rounds of a loop", ["loop"])


@asynccontextmanager
async def repeating(
    name: str, every_s: float, work: Callable[[], Awaitable[object]]
) -> AsyncIterator[None]:
    """Does `work`, pauses, and does it again, for as long as the context is open."""
    task = asyncio.create_task(_repeat(name, every_s, work), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def _repeat(name: str, every_s: float, work: Callable[[], Awaitable[object]]) -> None:
    last = ""
    while True:
        try:
            await work()
            last = ""
        except Exception as failure:
            FAILURES.labels(name).inc()
            if str(failure) != last:  # the same trouble is told once, not four times a second
                log.exception("%s failed; trying again every %.1f s", name, every_s)
            last = str(failure)
        await asyncio.sleep(every_s)
