"""Problems of the control plane's port as RFC 9457 documents, like those of the serving plane.

Never here: what is refused. The one surprising fact: what reaches this unnamed is a broken
invariant, logged and answered 500, as `api.routes` does it.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from adserver.api.exchange import Answer
from adserver.api.problems import Problem, problem_answer

log = logging.getLogger(__name__)


@web.middleware
async def as_problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turns what a handler raises into a document."""
    try:
        return await handler(request)
    except Problem as problem:
        return _response(problem.answer())
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        allowed = error.headers.get("Allow")
        headers = (("Allow", allowed),) if allowed else ()
        return _response(problem_answer(HTTPStatus(error.status), error.reason, headers=headers))
    except Exception:
        log.exception("%s %s broke an invariant", request.method, ascii(request.path[:80]))
        mistake = "our mistake, and it has been logged"
        return _response(problem_answer(HTTPStatus.INTERNAL_SERVER_ERROR, mistake))


def _response(answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **dict(answer.headers)}
    return web.Response(status=answer.status, body=answer.body, headers=headers)
