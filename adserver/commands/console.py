"""`adunion console`: the control plane of a data directory, until SIGTERM or SIGINT.

Never here: how it is put together (`console.plane`). The one surprising fact: it may be stopped at
any time, even killed; workers serve on and their events wait on disk.
"""

import asyncio
import logging
import signal

import click

from adserver import config
from adserver.config import Settings
from adserver.console.niceness import step_back
from adserver.console.plane import control_plane
from adserver.embedded import EmbeddedRedisError
from adserver.eventlog.liveness import HeldError

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@click.command("console")
def command() -> None:
    """Run the control plane: event log, histories, catalog publisher.

    \b
    One console per data directory. It answers on ADUNION_CONSOLE_PORT:
      /readyz    200 once the event store is ready
      /metrics   backlog, shipped rows, lag, failures, for Prometheus
    Other commands read the event log through it while it runs (console.sock in the data directory).
    """
    settings = config.from_environment()
    logging.basicConfig(level=settings.log_level.upper(), format=LOG_FORMAT)
    try:
        asyncio.run(control(settings))
    except (HeldError, EmbeddedRedisError, OSError) as error:
        raise click.ClickException(str(error)) from error


async def control(settings: Settings) -> None:
    """Works until a signal says stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with control_plane(settings):
        step_back()  # only now: the embedded Redis must not be as nice as we are
        await stop.wait()
