"""The system under demonstration: `adunion` as child processes on a data directory of its own.

Never here: anything in-process; the demo is a stranger to the servers it starts. The one surprising
fact: engine URLs in the environment are not passed on, so a demo never writes into real stores.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from adserver.config import PREFIX, TEST_PREFIX, Settings
from loadtest.http_client import HttpClient

START_LIMIT_S = 120.0
STOP_LIMIT_S = 20.0
LOOK_EVERY_S = 0.1
HISTORY_INTERVAL_S = 10
LOG_TAIL_LINES = 25


class DemoError(Exception):
    """The demo cannot go on; the message says what happened and shows the end of the log."""


@dataclass(frozen=True, slots=True)
class System:
    """One installation: its settings and where its processes write what they say."""

    settings: Settings
    log: Path

    async def run(self, *arguments: str, may_end_with: tuple[int, ...] = ()) -> str:
        """Runs one `adunion` command to its end; answers what it printed.

        Raises:
            DemoError: it failed, with an exit code that is not one of `may_end_with`.
        """
        process = await asyncio.create_subprocess_exec(
            *_adunion(arguments),
            env=environment(self.settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        said = output.decode(errors="replace")
        with self.log.open("a") as log:
            log.write(f"$ adunion {' '.join(arguments)}\n{said}\n")
        if process.returncode not in (0, *may_end_with):
            raise DemoError(f"adunion {' '.join(arguments)} failed:\n{said.strip()}")
        return said

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """`adunion up` in the background; stopped as Ctrl-C would stop it."""
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *_adunion(("up",)),
                env=environment(self.settings),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            await self._until_ready(process)
            yield
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
            except TimeoutError:
                os.killpg(process.pid, signal.SIGKILL)

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        """Waits for the worker's and the console's /readyz."""
        ports = [self.settings.port, self.settings.console_port]
        try:
            async with asyncio.timeout(START_LIMIT_S):
                for port in ports:
                    while not await is_ready(self.settings.host, port):
                        if process.returncode is not None:
                            raise DemoError(f"adunion up ended by itself:\n{self.log_tail()}")
                        await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            raise DemoError(
                f"adunion up was not ready after {START_LIMIT_S:.0f} s:\n{self.log_tail()}"
            ) from None

    def log_tail(self) -> str:
        """The last lines that the processes wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])


def make_system(settings: Settings, directory: Path) -> System:
    """An installation in `directory`, embedded engines only, on ports that are free."""
    directory.mkdir(parents=True, exist_ok=True)
    embedded = replace(
        settings,
        data_dir=directory,
        redis_url="",
        clickhouse_url="",
        clickhouse_cluster="",
        database_url="",
        public_url="",
        port=free_port(settings.host, settings.port),
        console_port=free_port(settings.host, settings.console_port),
        trusted_proxies=1,
        history_interval_s=HISTORY_INTERVAL_S,
    )
    return System(embedded, directory / "adunion.log")


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment with exactly these settings in it."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIX) or name.startswith(TEST_PREFIX)
    }
    defaults = Settings()
    for name in Settings.__slots__:
        value = getattr(settings, name)
        if value != getattr(defaults, name):
            plain[f"{PREFIX}{name.upper()}"] = str(value)
    return plain


def free_port(host: str, preferred: int) -> int:
    """The preferred port, or any other when it is taken."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((host, port))
                return int(probe.getsockname()[1])
    raise DemoError(f"no free port on {host}")


async def is_ready(host: str, port: int) -> bool:
    """Whether GET /readyz answers 200."""
    client = HttpClient(host, port, connections=1, timeout_s=2)
    try:
        return (await client.get("/readyz")).status == 200
    except (OSError, TimeoutError):
        return False
    finally:
        client.close()


async def model_in_force(client: HttpClient, body: bytes, headers: str) -> str:
    """The model version that answers this ad request, which must ask for debug; "" unknown."""
    answer = await client.post_json("/v1/ads", body, headers)
    told = answer.body or answer.header(b"x-debug")
    with suppress(msgspec.MsgspecError):
        decoded = msgspec.json.decode(told)
        return str(decoded.get("debug", decoded).get("model", ""))
    return ""


def _adunion(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "adserver", *arguments]
