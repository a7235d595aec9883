"""Which endpoint answers which path, and the one place where a problem becomes bytes.

Never here: what an endpoint does. The one surprising fact: this is the only code of the serving
plane that catches every exception; what reaches it unnamed is a broken invariant, logged and
answered 500.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from adserver import metrics
from adserver.api.exchange import Answer, Endpoint, Request
from adserver.api.problems import MethodNotAllowedError, NotFoundError, Problem, problem_answer

log = logging.getLogger(__name__)

Methods = Mapping[str, Endpoint]


class Routes:
    """Endpoints by path and method; a path that ends in "/" takes anything after it."""

    def __init__(self, table: Mapping[str, Methods]) -> None:
        self._exact = {path: methods for path, methods in table.items() if path[-1] != "/"}
        self._under = {path: methods for path, methods in table.items() if path[-1] == "/"}

    async def answer(self, request: Request) -> Answer:
        """The endpoint's answer, or the problem it raised. Never raises."""
        try:
            answer = await self._endpoint(request)(request)
        except Problem as problem:
            answer = problem.answer()
        except Exception:
            log.exception("%s %s broke an invariant", request.method, ascii(request.path[:80]))
            answer = problem_answer(
                HTTPStatus.INTERNAL_SERVER_ERROR, "our mistake, and it has been logged"
            )
        metrics.REQUESTS.add(str(answer.status))
        return answer

    def _endpoint(self, request: Request) -> Endpoint:
        """Raises NotFoundError or MethodNotAllowedError."""
        methods = self._exact.get(request.path) or self._under.get(
            request.path[: request.path.rfind("/") + 1]
        )
        if methods is None:
            raise NotFoundError("nothing lives at this path")
        endpoint = methods.get(request.method)
        if endpoint is None:
            allowed = ", ".join(methods)
            raise MethodNotAllowedError(f"this path takes {allowed}", headers=(("Allow", allowed),))
        return endpoint
