"""`adunion up`: a whole engine on this machine, as child processes that are kept alive.

Never here: what the children do. The one surprising fact: the embedded Redis is nobody's child. It
stays as long as any command of this data directory uses it, and `up` is one of them.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import click
from rich.console import Console

from adserver import config, embedded, keyring, publication
from adserver.config import Settings
from adserver.embedded import EmbeddedRedisError
from adserver.marketplace import package
from adserver.stores.catalog_publisher import DIRECTORY

CHILDREN = ("console", "serve")
STOP_LIMIT_S = 20.0
LOOK_AGAIN_S = 0.2
LONGEST_PAUSE_S = 10.0
LIVED_WELL_S = 30.0
PR_SET_PDEATHSIG = 1

out = Console(stderr=True, highlight=False)


@click.command("up")
def command() -> None:
    """Run a whole engine on this machine: Redis if none is configured, console, one worker.

    \b
    A child that dies is started again. Ctrl-C stops everything.
      adunion up
      ADUNION_DATA_DIR=/srv/ads ADUNION_PORT=80 adunion up
    """
    settings = config.from_environment()
    keyring.load(settings)  # made once, before two children could race for it
    try:
        with embedded.redis_running(settings):
            asyncio.run(supervise(settings))
    except EmbeddedRedisError as error:
        raise click.ClickException(str(error)) from error


async def supervise(settings: Settings) -> None:
    """Runs the children until a signal, then stops them."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keepers = [asyncio.create_task(keep_running(name, stop)) for name in CHILDREN]
    welcome = asyncio.create_task(greet(settings))
    await stop.wait()
    out.print("stopping ...")
    welcome.cancel()
    await asyncio.gather(*keepers)


async def keep_running(name: str, stop: asyncio.Event) -> None:
    """Keeps `adunion NAME` alive; a child that keeps dying is started ever less often."""
    pause_s = LOOK_AGAIN_S
    while not stop.is_set():
        began = monotonic()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "adserver", name),
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()),
        )
        ended = asyncio.create_task(child.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            await _stopped(child, ended)
            return
        pause_s = LOOK_AGAIN_S if monotonic() - began > LIVED_WELL_S else pause_s * 2
        pause_s = min(pause_s, LONGEST_PAUSE_S)
        out.print(f"[yellow]{name} ended ({child.returncode}); again in {pause_s:.1f} s[/]")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause_s)


async def _stopped(child: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
    with suppress(ProcessLookupError):
        child.terminate()
    done, _ = await asyncio.wait((ended,), timeout=STOP_LIMIT_S)
    if not done:
        child.kill()
        await ended


def _die_with_parent(parent: int) -> Callable[[], None]:
    """Between fork and exec: the kernel is to stop the child should `up` be killed (Linux)."""
    if sys.platform != "linux":
        return lambda: None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask


async def greet(settings: Settings) -> None:
    """Says where things listen, and what to try next, once they do."""
    await _answers(settings.host, settings.console_port, "/healthz")
    out.print(f"[bold]console[/]  http://{settings.host}:{settings.console_port}")
    if publication.current(settings.data_dir / DIRECTORY) is None:
        out.print("no catalog yet; the worker gets ready when one is there:")
        out.print("  adunion catalog import catalog.yaml")
    await _answers(settings.host, settings.port, "/readyz")
    out.print(f"[bold]worker[/]   {settings.base_url}  (/openapi.json describes it)")
    for line in first_steps(settings):
        out.print(line, soft_wrap=True)


def first_steps(settings: Settings) -> list[str]:
    """A curl line that gets an ad from the first app of the published catalog."""
    root = settings.data_dir / DIRECTORY
    version = publication.current(root)
    marketplace = package.read(root, version) if version else None
    if marketplace is None or not marketplace.placements:
        return ["the catalog has no placement yet: adunion placement add --help"]
    placement = marketplace.placements[0]
    (app,) = [app for app in marketplace.apps if app.app_id == placement.app_id]
    key = keyring.load(settings).api_key("app", app.app_id, app.key_generation)
    body = f'{{"request_id":"first","placement_id":"{placement.placement_id}","test":1}}'
    return [
        'ask for a test ad (leave out "test" for a real one):',
        f"  curl -i {settings.base_url}/v1/ads -H 'X-App-Key: {key}' \\",
        f"    -H 'Content-Type: application/json' -d '{body}'",
    ]


async def _answers(host: str, port: int, path: str) -> None:
    """Returns when GET answers 200."""
    while True:
        if await _is_ok(host, port, path):
            return
        await asyncio.sleep(LOOK_AGAIN_S)


async def _is_ok(host: str, port: int, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        line = await reader.readline()
    except OSError:
        return False
    writer.close()
    return b" 200 " in line
