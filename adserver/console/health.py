"""Whether the console is alive and ready, and what it has counted.

`/healthz`, `/readyz`, `/metrics`.

Never here: the loops themselves. The one surprising fact: a console whose event store is away is
not ready, but it goes on publishing catalogs, and the workers notice nothing.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web

from adserver import metrics
from adserver.api.problems import PROBLEM_JSON, problem_answer
from adserver.config import Settings
from adserver.console.web.listener import Listener

OK = b'{"status":"ok"}'


class Readiness:
    """Named conditions that must all hold."""

    def __init__(self, conditions: dict[str, Callable[[], bool]]) -> None:
        self._conditions = conditions

    def missing(self) -> list[str]:
        """The conditions that do not hold."""
        return [name for name, holds in self._conditions.items() if not holds()]

    async def answer(self, _: web.Request) -> web.Response:
        """200 when all hold, else 503 with those that do not."""
        missing = self.missing()
        if not missing:
            return web.Response(body=OK, content_type="application/json")
        problem = problem_answer(
            HTTPStatus.SERVICE_UNAVAILABLE, f"waiting for {', '.join(missing)}"
        )
        return web.Response(status=503, body=problem.body, content_type=PROBLEM_JSON)


def health_routes(readiness: Readiness) -> list[web.RouteDef]:
    """The three routes; they need no session and no key."""
    return [
        web.get("/healthz", _healthz),
        web.get("/readyz", readiness.answer),
        web.get("/metrics", _metrics),
    ]


@asynccontextmanager
async def listening(settings: Settings, app: web.Application) -> AsyncIterator[int]:
    """Serves the control plane's port; yields its number.

    Raises:
        OSError: the port is taken.
    """
    runner = Listener(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.console_port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(body=OK, content_type="application/json")


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=metrics.page(), headers={"Content-Type": metrics.CONTENT_TYPE})
