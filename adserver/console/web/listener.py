"""What stands behind the port: HTTP as aiohttp reads it, and a calm answer to what is none.

Never here: any path. The one surprising fact: aiohttp would log a traceback for every line of
nonsense and say the sender's bytes back to them; here it is one line, and nothing is said back.
Bodies are taken as they are: nothing that was packed is unpacked, so nothing grows.
"""

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from adserver.api.problems import PROBLEM_JSON, problem_answer
from adserver.console.web.headers import complete

log = logging.getLogger(__name__)

MOST_LINE_BYTES = 65_536
NO_HTTP = "this is no HTTP request that can be understood"


class Listener(web.AppRunner):
    """Serves an application; a query may be long, since it may carry filters and a cursor."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler,
            request_factory=made.request_factory,
            access_log=None,
            max_line_size=MOST_LINE_BYTES,
            auto_decompress=False,
        )


class _Server(web.Server):
    """A server whose connections stay calm."""

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """A connection, and what it says when no application was reached or one broke."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """One line in the log, and an answer without a byte of the sender's."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        log.info("no HTTP from %s: %s", request.remote, type(exc).__name__)
        problem = problem_answer(HTTPStatus.BAD_REQUEST, NO_HTTP)
        answer = web.Response(status=400, body=problem.body, content_type=PROBLEM_JSON)
        complete(answer)
        answer.force_close()
        return answer
