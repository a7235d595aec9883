"""The door of a REST call: JSON in, JSON or CSV out, problems as RFC 9457 documents.

Never here: what a call does. The one surprising fact: a write with an Idempotency-Key that was seen
before is answered from memory, and two at once with one key are done one after the other. One that
was cut short after it wrote something, or by a machine that died, is refused when it comes again.
"""

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import Any

import msgspec
from aiohttp import web

from adserver.accounts import idempotency
from adserver.api.exchange import JSON
from adserver.api.problems import BadRequestError, Problem, UnsupportedMediaTypeError
from adserver.console.web import guard
from adserver.console.web.exchange import Call, Listed
from adserver.console.web.frame import Frame
from adserver.console.web.incoming import read_body, read_form, readable
from adserver.console.web.page_door import known, stranger
from adserver.console.web.problems import decoded, said_as_problems
from adserver.console.web.queries import checked
from adserver.console.web.routes import Endpoint
from adserver.console.web.tables import CSV, csv_of
from adserver.stores import database

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
NEXT = "X-Next-Cursor"
LONGEST_KEY = 200
LONGEST_CURSOR = 1_000
MOST_ITEMS = 200
USUAL_ITEMS = 50
_one_at_a_time: defaultdict[int, Lock] = defaultdict(Lock)


class RestDoor:
    """One endpoint's door."""

    def __init__(self, frame: Frame, endpoint: Endpoint) -> None:
        self._frame = frame
        self._endpoint = endpoint

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What the endpoint answers."""
        try:
            return await self._answer(request)
        except Problem as problem:
            answer = problem.answer()
            headers = {"Content-Type": answer.content_type, **dict(answer.headers)}
            return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        endpoint = self._endpoint
        call = await self._frame.in_thread(partial(self._admitted, request))
        if endpoint.upload_bytes:
            async with read_form(request, endpoint.upload_bytes) as form:
                filled = replace(call, form=form.fields, files=form.files)
                return await self._frame.in_thread(partial(self._handled, request, filled, b""))
        body = await read_body(request, self._frame.desk.settings.max_body_bytes)
        if body and endpoint.body is not None and request.content_type != JSON:
            raise UnsupportedMediaTypeError("send the body as application/json")
        return await self._frame.in_thread(partial(self._decided, request, call, body))

    def _admitted(self, request: web.Request) -> Call:
        call = stranger(self._frame, request)
        authorization = request.headers.get("Authorization", "")
        with said_as_problems():
            who = guard.identity_of_key(self._frame.desk.engine, authorization, call.now)
        guard.let_in(who, self._endpoint.roles, call.params)
        for value in (*call.query.keys(), *call.query.values()):
            readable(value)
        checked(call.query, self._endpoint.query)
        call = known(self._frame, request, call, who)
        return _paged(call) if self._endpoint.listed else call

    def _decided(self, request: web.Request, call: Call, body: bytes) -> web.Response:
        data = None
        if self._endpoint.body is not None:
            data = decoded(body, self._endpoint.body)
        return self._handled(request, replace(call, data=data), body)

    def _handled(self, request: web.Request, call: Call, body: bytes) -> web.Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key or request.method not in WRITES:
            return self._response(request, self._answered(call))
        if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise BadRequestError(f"Idempotency-Key has at most {LONGEST_KEY} ASCII characters")
        return self._once(request, call, key, body)

    def _once(self, request: web.Request, call: Call, key: str, body: bytes) -> web.Response:
        engine, now = self._frame.desk.engine, datetime.now(UTC)
        asked = idempotency.Asked(
            call.identity.organisation_id,
            f"{request.method} {request.path}",
            key,
            _digest(call, body),
        )
        with _alone(asked), said_as_problems():
            kept = idempotency.begin(engine, asked, now)
            if kept is None:
                before = database.commits()
                try:
                    response = self._response(request, self._answered(call))
                except Exception:  # whatever it was goes on; only the key is seen to here
                    if database.commits() == before:  # else its work is done, at least in part
                        idempotency.forget(engine, asked)
                    raise
                said = response.body
                whole = said if isinstance(said, bytes) else b""
                idempotency.keep(engine, asked, idempotency.Kept(response.status, whole))
                return response
        headers = {"Idempotent-Replayed": "true"}
        return web.Response(status=kept.status, body=kept.body, content_type=JSON, headers=headers)

    def _answered(self, call: Call) -> Any:
        with said_as_problems():
            return self._endpoint.handler(self._frame.desk, call)

    def _response(self, request: web.Request, value: Any) -> web.Response:
        status = self._endpoint.status
        if isinstance(value, Listed):
            return self._listed(request, value)
        if value is None:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        return web.Response(status=status, body=msgspec.json.encode(value), content_type=JSON)

    def _listed(self, request: web.Request, listed: Listed) -> web.Response:
        cursor = packed_cursor(listed.next_cursor)
        if CSV in request.headers.get("Accept", ""):
            text = csv_of(self._endpoint.answer, listed.items)
            headers = {NEXT: cursor} if cursor else {}
            return web.Response(text=text, content_type=CSV, charset="utf-8", headers=headers)
        body = msgspec.json.encode({"items": listed.items, "next_cursor": cursor})
        return web.Response(body=body, content_type=JSON)


def packed_cursor(text: str) -> str:
    """A cursor as callers see it: opaque."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def unpacked_cursor(cursor: str) -> str:
    """What `packed_cursor` packed.

    Raises:
        BadRequestError: it packed nothing like it.
    """
    try:
        packed = cursor[:LONGEST_CURSOR].encode("ascii")
        text = base64.b64decode(packed + b"=" * (-len(packed) % 4), b"-_", validate=True).decode()
    except ValueError:
        raise BadRequestError("this is no cursor of ours", "/cursor") from None
    return readable(text)


def _paged(call: Call) -> Call:
    text = call.query.get("limit", str(USUAL_ITEMS))
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_ITEMS))
    if not is_number or not 1 <= int(text) <= MOST_ITEMS:
        raise BadRequestError(f"a number from 1 to {MOST_ITEMS} expected", "/limit")
    return replace(call, cursor=unpacked_cursor(call.query.get("cursor", "")), limit=int(text))


def _digest(call: Call, body: bytes) -> str:
    digest = hashlib.sha256(body)
    digest.update(json.dumps(sorted(call.query.items())).encode())
    digest.update(json.dumps(sorted(call.form.items())).encode())
    for name, uploads in sorted(call.files.items()):
        for upload in uploads:
            digest.update(f"{name}:{upload.name}:{upload.size}:".encode())
            with upload.path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


@contextmanager
def _alone(asked: idempotency.Asked) -> Iterator[None]:
    """The only call with this key; keys share 1,024 locks."""
    with _one_at_a_time[hash(asked) % 1024]:
        yield
