"""The console's loops: work that is done again and again, each failure logged, none fatal.

Never here: the work. The one surprising fact: the pause comes after the work, so a slow round never
overlaps the next one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import Counter

log = logging.getLogger(__name__)

FAILURES = Counter("adunion_console_loop_failures_total", "Failed rounds of a loop", ["loop"])


@dataclass(frozen=True, slots=True)
class Failing:
    """A loop whose last round failed, since when it fails, and what went wrong last."""

    loop: str
    since: datetime
    failure: str


_failing: dict[str, Failing] = {}


def failing() -> list[Failing]:
    """The loops of this process whose last round failed, by name."""
    return [_failing[name] for name in sorted(_failing)]


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
        _failing.pop(name, None)


async def _repeat(name: str, every_s: float, work: Callable[[], Awaitable[object]]) -> None:
    last = ""
    while True:
        try:
            await work()
            last = ""
            _failing.pop(name, None)
        except Exception as failure:
            FAILURES.labels(name).inc()
            since = _failing[name].since if name in _failing else datetime.now(UTC)
            _failing[name] = Failing(name, since, str(failure)[:300] or type(failure).__name__)
            if str(failure) != last:  # the same trouble is told once, not four times a second
                log.exception("%s failed; trying again every %.1f s", name, every_s)
            last = str(failure)
        await asyncio.sleep(every_s)
