"""The console's web application: every area's doors behind one set of headers.

Never here: an area. The one surprising fact: pages and REST calls are the same handlers' shape
behind two doors, so what a person may do, a program may do.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Middleware

from adserver.api.problems import PROBLEM_JSON, problem_answer
from adserver.console.desk import Desk
from adserver.console.web.assets import static_routes
from adserver.console.web.description import described
from adserver.console.web.frame import Frame
from adserver.console.web.headers import on_answer
from adserver.console.web.page_door import PageDoor, Refusal, refused, stranger
from adserver.console.web.reference import reference_area
from adserver.console.web.rest_door import RestDoor
from adserver.console.web.routes import Area

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MISTAKE = "our mistake, and it has been logged"


def make_app(
    desk: Desk, areas: Iterable[Area], further: Iterable[web.AbstractRouteDef] = ()
) -> web.Application:
    """The application; `further` are routes that need no door (health, files)."""
    areas = tuple(areas)
    document = described((area.name, one) for area in areas for one in area.endpoints)
    areas = (*areas, reference_area(document))
    frame = Frame.of(desk, areas)
    app = web.Application(middlewares=[_caught(frame)])
    app.add_routes(further)
    app.add_routes(static_routes())
    for page in (page for area in areas for page in area.pages):
        _add(app, page.method, page.path, PageDoor(frame, page).answer)
    for endpoint in (endpoint for area in areas for endpoint in area.endpoints):
        _add(app, endpoint.method, endpoint.path, RestDoor(frame, endpoint).answer)

    async def describe(_: web.Request) -> web.Response:
        return web.Response(body=document, content_type="application/json")

    async def close(_: web.Application) -> None:
        frame.threads.shutdown(wait=True, cancel_futures=True)

    app.router.add_get("/openapi.json", describe)
    app.on_response_prepare.append(on_answer)
    app.on_cleanup.append(close)
    return app


def _add(app: web.Application, method: str, path: str, handler: Handler) -> None:
    if method == "GET":
        app.router.add_get(path, handler)  # and HEAD
    else:
        app.router.add_route(method, path, handler)


def _caught(frame: Frame) -> Middleware:
    """What no door caught: paths that nobody has, and broken invariants."""

    @web.middleware
    async def caught(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            return _told(frame, request, error)
        except Exception:
            log.exception("%s %s broke an invariant", request.method, ascii(request.path[:80]))
            return _told(frame, request, web.HTTPInternalServerError(reason=MISTAKE))

    return caught


def _told(frame: Frame, request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    allowed = error.headers.get("Allow")
    headers = (("Allow", allowed),) if allowed else ()
    status = HTTPStatus(error.status)
    if "text/html" in request.headers.get("Accept", ""):
        refusal = Refusal(status, error.reason, headers)
        return refused(frame, request, stranger(frame, request), refusal)
    answer = problem_answer(status, error.reason, headers=headers)
    told = {"Content-Type": PROBLEM_JSON, **dict(headers)}
    return web.Response(status=answer.status, body=answer.body, headers=told)
