"""`GET /openapi.json` of the control plane, made from the endpoints' own types.

Never here: a schema written by hand. The one surprising fact: every endpoint has the same handful
of problems, so they are added here and an area names only its own.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from adserver.api.openapi import Operation, document
from adserver.console.web.queries import LONGEST
from adserver.console.web.rest_door import LONGEST_CURSOR, LONGEST_KEY, MOST_ITEMS, WRITES
from adserver.console.web.routes import Endpoint
from adserver.console.web.tables import CSV

EVERY = (400, 401, 404, 503)
EVERY_WRITE = (409, 413, 415, 422)
NO_CONTENT = 204
CURSOR = {
    "name": "cursor",
    "in": "query",
    "description": "The next_cursor of the page before; opaque.",
    "schema": {"type": "string", "maxLength": LONGEST_CURSOR, "pattern": "^[A-Za-z0-9_-]*$"},
}
LIMIT = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body within 24 hours do nothing twice and answer the same.",
    "schema": {"type": "string", "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
}
ID = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^/\\s]+$"}
HEALTH: dict[tuple[str, str], Operation] = {
    ("GET", "/healthz"): Operation("Alive", "health", answers={200: None}),
    ("GET", "/readyz"): Operation("Warm", "health", answers={200: None}, problems=(503,)),
    ("GET", "/metrics"): Operation(
        "Prometheus text", "health", answers={200: None}, media_type="text/plain"
    ),
    ("GET", "/openapi.json"): Operation("This document", "health", answers={200: None}),
}


def described(endpoints: Iterable[tuple[str, Endpoint]]) -> bytes:
    """The document of (area, endpoint) pairs."""
    operations = dict(HEALTH)
    for area, endpoint in endpoints:
        operations[endpoint.method, endpoint.path] = _operation(area, endpoint)
    return document(operations, version("adunion"), "adunion control plane")


def _operation(area: str, endpoint: Endpoint) -> Operation:
    is_write = endpoint.method in WRITES
    always = {*EVERY, *(EVERY_WRITE if is_write else ())}
    answer = _list_of(endpoint.answer) if endpoint.listed else endpoint.answer
    return Operation(
        endpoint.summary,
        area,
        body=endpoint.body,
        answers={NO_CONTENT if answer is None else endpoint.status: answer},
        problems=tuple(sorted(always | set(endpoint.problems))),
        parameters=tuple(_parameters(endpoint, is_write)),
        security=("api_key",),
        also=(CSV,) if endpoint.listed else (),
        uploads=bool(endpoint.upload_bytes),
    )


def _parameters(endpoint: Endpoint, is_write: bool) -> Iterable[Mapping[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", endpoint.path):
        yield {"name": name, "in": "path", "required": True, "schema": ID}
    for name, (schema, meaning) in endpoint.query.items():
        limits = {"maxLength": LONGEST} if schema.get("type") == "string" else {}
        yield {
            "name": name,
            "in": "query",
            "description": meaning,
            "schema": {**limits, **schema},
        }
    if endpoint.listed:
        yield CURSOR
        yield LIMIT
    if is_write:
        yield IDEMPOTENCY_KEY


_LISTS: dict[Any, Any] = {}


def _list_of(kind: Any) -> Any:
    """The type of a page of a list, one for each kind of item."""
    if kind not in _LISTS:
        fields = [("items", list[kind]), ("next_cursor", str)]
        _LISTS[kind] = msgspec.defstruct(
            f"{kind.__name__}List",
            fields,
            namespace={"__doc__": "A page of a list; next_cursor is empty at its end."},
        )
    return _LISTS[kind]
