"""The door of a web page: a browser's request in, a page, a redirect or a file out.

Never here: what the page says. The one surprising fact: a page is let in twice, before its form is
read (who is it?) and after (did the form come from us?).
"""

import socket
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from aiohttp import web
from markupsafe import Markup

from adserver.accounts.identity import Identity
from adserver.api.problems import Problem, UnauthorizedError
from adserver.console.web import guard
from adserver.console.web.exchange import Call, Download, Html, See, Stream
from adserver.console.web.frame import (
    NOTICE,
    YEAR_S,
    Frame,
    notice_of,
    packed_notice,
    zone_of,
)
from adserver.console.web.incoming import Form, read_form, readable
from adserver.console.web.language import chosen, say
from adserver.console.web.problems import said_as_problems
from adserver.console.web.rendering import render
from adserver.console.web.routes import Page

SIGN_IN = "/sign-in"
ERROR = "error.html"
READ = ("GET", "HEAD")
AT_ONCE = struct.pack("ii", 1, 0)
"""Closed without lingering: the system then resets instead of saying goodbye."""
IN_AN_ADDRESS = "/%?&=+,;:@!$'()*~"
"""What stays as it is where a handler sends a browser to."""


class Refusal(NamedTuple):
    """What an error page says."""

    status: HTTPStatus
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


class PageDoor:
    """One page's door."""

    def __init__(self, frame: Frame, page: Page) -> None:
        self._frame = frame
        self._page = page

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The page, or in words why not."""
        call = stranger(self._frame, request)
        try:
            call = await self._frame.in_thread(partial(self._admitted, request, call))
            async with read_form(request, self._page.upload_bytes) as form:
                return await self._frame.in_thread(partial(self._handled, request, call, form))
        except UnauthorizedError:
            return self._to_sign_in(request)
        except Problem as problem:
            refusal = Refusal(problem.status, problem.detail, problem.headers)
            return refused(self._frame, request, call, refusal)

    def _admitted(self, request: web.Request, call: Call) -> Call:
        page, desk = self._page, self._frame.desk
        with said_as_problems():
            who = guard.identity_of_session(desk.engine, request.cookies, call.now)
        for value in (*call.query.keys(), *call.query.values()):
            readable(value)
        if who is None and not page.public:
            raise UnauthorizedError("sign in first")
        if who is not None and not page.public:
            guard.let_in(who, page.roles, call.params)
        return known(self._frame, request, call, who)

    def _handled(self, request: web.Request, call: Call, form: Form) -> web.Response:
        if request.method not in READ:
            sent = form.fields.popall(guard.CSRF, [""])[0]
            keyring = self._frame.desk.keyring
            guard.believe(keyring, request.cookies, request.headers, sent)
        filled = replace(call, form=form.fields, files=form.files)
        with said_as_problems():
            reply = self._page.handler(self._frame.desk, filled)
        if isinstance(reply, See):
            return _seen_elsewhere(self._frame, request, reply)
        if isinstance(reply, Download):
            return _download(reply)
        if isinstance(reply, Stream):
            return _streamed(self._frame, request, reply)
        return shown(self._frame, request, filled, reply)

    def _to_sign_in(self, request: web.Request) -> web.StreamResponse:
        wanted = request.path_qs if request.method in READ else "/"
        return web.Response(status=303, headers={"Location": f"{SIGN_IN}?next={quote(wanted)}"})


def stranger(frame: Frame, request: web.Request) -> Call:
    """The call as it stands before anybody looked who makes it."""
    language = _language(request, None)
    return Call(
        method=request.method,
        path=request.path,
        who=None,
        now=datetime.now(UTC),
        params=dict(request.match_info),
        query=request.query,
        address=frame.address(request),
        language=language,
        zone=zone_of(frame, None),
        cookies=request.cookies,
        _=partial(say, language),
    )


def known(frame: Frame, request: web.Request, call: Call, who: Identity | None) -> Call:
    """The call with who makes it."""
    language = _language(request, who)
    zone = zone_of(frame, who)
    return replace(call, who=who, language=language, zone=zone, _=partial(say, language))


def shown(frame: Frame, request: web.Request, call: Call, html: Html) -> web.Response:
    """A page as a response; a visitor without session gets the cookie that forms are tied to."""
    cookies = dict(request.cookies)
    fresh = ""
    if call.who is None and guard.VISITOR not in cookies:
        fresh = guard.new_visitor()
        cookies[guard.VISITOR] = fresh
    notice = notice_of(request)
    text = render(
        html.template,
        html.values,
        call,
        menu=frame.menu(call),
        csrf=_hidden(guard.form_token(frame.desk.keyring, cookies)),
        notice=notice,
    )
    response = web.Response(text=text, content_type="text/html", status=html.status)
    if fresh:
        set_cookie(frame, request, response, guard.VISITOR, fresh)
    if notice:
        response.del_cookie(NOTICE, path="/")
    return response


def refused(frame: Frame, request: web.Request, call: Call, refusal: Refusal) -> web.StreamResponse:
    """A problem in words, on a page."""
    values = {"status": refusal.status.value, "detail": refusal.detail}
    response = shown(frame, request, call, Html(ERROR, values, refusal.status))
    for name, value in refusal.headers:
        response.headers[name] = value
    return response


def set_cookie(
    frame: Frame, request: web.Request, response: web.Response, name: str, value: str
) -> None:
    """Sets a cookie that scripts cannot read; an empty value deletes it."""
    if not value:
        response.del_cookie(name, path="/")
        return
    passed_on = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    known = frame.desk.settings.console_address.startswith("https:")
    secure = known or "https" in (request.scheme, passed_on)
    lasting = None if name == guard.SESSION else YEAR_S
    response.set_cookie(
        name, value, max_age=lasting, path="/", secure=secure, httponly=True, samesite="Lax"
    )


def _seen_elsewhere(frame: Frame, request: web.Request, see: See) -> web.Response:
    if not is_local(see.path):
        raise ValueError(f"a redirect leads out of the house: {see.path!r}")
    response = web.Response(
        status=HTTPStatus.SEE_OTHER, headers={"Location": quote(see.path, IN_AN_ADDRESS)}
    )
    for name, value in see.cookies.items():
        set_cookie(frame, request, response, name, value)
    if see.notice:
        set_cookie(frame, request, response, NOTICE, packed_notice(see.notice))
    return response


def is_local(path: str) -> bool:
    """Whether a browser that is sent there stays in the house.

    Browsers drop tabs and line ends, and take a backslash for a slash.
    """
    plain = path.isprintable() and "\\" not in path
    return plain and path.startswith("/") and not path.startswith("//")


def _download(download: Download) -> web.Response:
    headers = {"Content-Type": download.media_type}
    if download.name:
        headers["Content-Disposition"] = _as_file(download.name)
    if download.cache_s:
        headers["Cache-Control"] = f"public, max-age={download.cache_s}, immutable"
    return web.Response(body=download.body, headers=headers)


def _streamed(frame: Frame, request: web.Request, stream: Stream) -> web.Response:
    headers = {"Content-Type": stream.media_type, "Content-Disposition": _as_file(stream.name)}
    return web.Response(body=_made_in_threads(frame, request, stream.pieces), headers=headers)


async def _made_in_threads(
    frame: Frame, request: web.Request, pieces: Iterator[bytes]
) -> AsyncIterator[bytes]:
    """Each piece in a thread of the frame, asked for when the one before has been sent."""
    try:
        while (piece := await frame.in_thread(partial(next, pieces, None))) is not None:
            yield piece
    except BaseException:
        _reset(request)
        raise


def _reset(request: web.Request) -> None:
    """Ends a connection with a reset: over HTTP/1.0 a file that just ends is taken for whole."""
    transport = request.transport
    if transport is None:
        return
    plug = transport.get_extra_info("socket")
    if plug is not None:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    transport.abort()


def _as_file(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name)}"


def _language(request: web.Request, who: Identity | None) -> str:
    return chosen(request.cookies, request.headers.get("Accept-Language", ""), who)


def _hidden(token: str) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(guard.CSRF, token)
