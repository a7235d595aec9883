"""What a worker passes on to the console of its data directory, over the console's unix socket.

Never here: what is passed on. The one surprising fact: a console that is away, busy or killed
halfway answers nothing, and the sender is told to come again; what it sends is idempotent.
"""

from pathlib import Path

import aiohttp

from adserver.api.exchange import JSON, Answer, Request
from adserver.api.problems import UnavailableError
from adserver.eventlog.store_console import SOCKET_NAME

ANSWER_TIMEOUT_S = 60.0
MOST_AT_ONCE = 64
RETRY_AFTER = "Retry-After"
PASSED_ON = ("Authorization", "X-Signature", "Content-Type", "Content-Encoding")
_AWAY = "the console is not there; nothing was booked for certain, so send the same again"


class ConsoleRelay:
    """A line to the console. Opened inside a running loop, closed with it."""

    def __init__(self, data_dir: Path) -> None:
        path = str(data_dir.resolve() / SOCKET_NAME)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path, limit=MOST_AT_ONCE),
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Closes the line."""
        await self._session.close()

    async def pass_on(self, request: Request) -> Answer:
        """What the console answers to a request, its body and the headers that speak for it.

        Raises:
            UnavailableError: no console answers.
        """
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        try:
            async with self._session.request(
                request.method,
                f"http://console{request.path}",
                data=request.body,
                headers=headers,
            ) as answer:
                body = await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError):
            raise UnavailableError(_AWAY, headers=((RETRY_AFTER, "1"),)) from None
        again = answer.headers.get(RETRY_AFTER)
        kept = ((RETRY_AFTER, again),) if again else ()
        return Answer(answer.status, body, answer.headers.get("Content-Type", JSON), kept)
