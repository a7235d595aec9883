"""The worker's kill switches: looks at what the console published, four times a second.

Never here: what is switched off for whom to see (`reload.Live.under`, `api`). The one surprising
fact: a worker that starts and cannot read the switches that are there serves no ads. Nobody can
tell then what must not be shown; what was never published forbids nothing.
"""

import asyncio
import logging

from adserver import metrics, switch_package
from adserver.config import Settings
from adserver.reload import Current, Watched
from adserver.switch_package import ALL_OFF, NOTHING_OFF, Switches

LOOK_S = 0.25

log = logging.getLogger(__name__)


class Switchboard:
    """Puts what is switched off into force. `begin` before the first snapshot, then `run`."""

    def __init__(self, settings: Settings, current: Current) -> None:
        root = settings.data_dir / switch_package.DIRECTORY
        self._watched = Watched("switches", root, switch_package.read)
        self._current = current

    def begin(self) -> None:
        """What was published last, before anything is served; the console need not be there."""
        self._watched.look()
        self._current.switches = self._in_force()

    async def run(self) -> None:
        """Looks until cancelled. A failure is logged, and the switches in force stay."""
        while True:
            try:
                await asyncio.to_thread(self._watched.look)
                await self._current.switch(self._in_force())
            except Exception:
                log.exception("the kill switches could not be read; those in force stay")
                metrics.RELOADS.add("switches_failed")
            await asyncio.sleep(LOOK_S)

    def _in_force(self) -> Switches:
        watched = self._watched
        if watched.content is not None:
            return watched.content
        return ALL_OFF if watched.is_troubled else NOTHING_OFF
