"""Keeps kill switches and the experiment that runs published, four times a second.

Never here: what is published (`stores.switches`, `stores.experiments`). The one surprising fact:
each is a loop and a publication of its own, so a catalog that takes long to write never delays a
switch.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.stores import database
from adserver.stores.experiments import ExperimentPublisher
from adserver.stores.switches import SwitchPublisher

log = logging.getLogger(__name__)

LOOK_S = 0.25


@asynccontextmanager
async def publishing_switches(settings: Settings) -> AsyncIterator[None]:
    """Publishes for as long as the context is open; the schema is there already."""
    engine = database.connect(settings)
    publisher = SwitchPublisher(engine, settings.data_dir)
    trials = ExperimentPublisher(engine, settings.data_dir)

    async def look() -> None:
        version = await asyncio.to_thread(publisher.look, datetime.now(UTC))
        if version is not None:
            log.warning("kill switches %s are published", version)

    async def look_at_trials() -> None:
        version = await asyncio.to_thread(trials.look, datetime.now(UTC))
        if version is not None:
            log.info("experiment %s is published", version)

    try:
        async with (
            repeating("switch publisher", LOOK_S, look),
            repeating("experiment publisher", LOOK_S, look_at_trials),
        ):
            yield
    finally:
        await asyncio.to_thread(engine.dispose)
