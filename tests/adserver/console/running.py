"""A console that really runs, in a thread of the test run with a loop of its own.

Never here: a test. The one surprising fact: it is ready only when its event store is, which takes
chDB some seconds the first time.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from adserver.config import Settings
from adserver.console.plane import control_plane
from tests.adserver.api.running import READY_LIMIT_S, Client


class Console(threading.Thread):
    """A console's thread."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="console", daemon=True)
        self.settings = settings
        self.port = 0
        self.failure: BaseException | None = None
        self._own_loop = asyncio.new_event_loop()
        self._asked_to_stop = asyncio.Event()
        self._listens = threading.Event()

    def run(self) -> None:
        try:
            self._own_loop.run_until_complete(self._work())
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            self.failure = error
        finally:
            self._listens.set()
            self._own_loop.run_until_complete(self._own_loop.shutdown_default_executor())
            self._own_loop.close()

    async def _work(self) -> None:
        async with control_plane(self.settings) as port:
            self.port = port
            self._listens.set()
            await self._asked_to_stop.wait()

    def listening(self) -> "Console":
        self.start()
        self._listens.wait(READY_LIMIT_S)
        assert self.port, self.failure
        return self

    def finish(self) -> None:
        if not self._own_loop.is_closed():
            self._own_loop.call_soon_threadsafe(self._asked_to_stop.set)
        self.join(READY_LIMIT_S)
        assert self.failure is None, self.failure


@contextmanager
def running_console(settings: Settings) -> Iterator[Client]:
    """A console that is ready; gives a client of its port."""
    console = Console(settings).listening()
    client = Client(console.port, "127.0.0.1")
    try:
        for _ in range(600):
            if client.call("GET", "/readyz").status == 200:
                break
            threading.Event().wait(0.05)
        else:
            raise AssertionError("the console did not become ready")
        yield client
    finally:
        client.close()
        console.finish()
