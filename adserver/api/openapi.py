"""`GET /openapi.json`: OpenAPI 3.1, its schemas made from the very types that parse the bytes.

Never here: a schema written by hand. The one surprising fact: the routes are made from the same
table as the document, so an endpoint cannot exist undocumented (`api.endpoints`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec

from adserver.api.exchange import JSON
from adserver.api.problems import PROBLEM_JSON, ProblemDocument

REF = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one path takes and answers. `answers` maps a status to its body's type.

    `also` are further media types of a 200; `uploads` says that files come as a multipart form.
    """

    summary: str
    tag: str
    body: type | None = None
    answers: Mapping[int, type | None] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] = ()
    security: tuple[str, ...] = ()
    media_type: str = JSON
    also: tuple[str, ...] = ()
    uploads: bool = False


SECURITY = {
    "app_key": {"type": "apiKey", "in": "header", "name": "X-App-Key"},
    "advertiser_key": {"type": "http", "scheme": "bearer"},
    "merchant_key": {"type": "http", "scheme": "bearer"},
    "partner_key": {"type": "http", "scheme": "bearer"},
    "api_key": {"type": "http", "scheme": "bearer"},
}
TOKEN = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "Signed, opaque; from the answer of POST /v1/ads.",
    "schema": {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+$"},
}
AS_VERDICT = {
    "name": "f",
    "in": "query",
    "description": "j answers the verdict as JSON instead.",
    "schema": {"type": "string", "enum": ["j"]},
}
SIGNATURE = {
    "name": "X-Signature",
    "in": "header",
    "required": True,
    "description": 't=<unix>,v1=<hex HMAC-SHA256 of "t.body">, at most 5 minutes old.',
    "schema": {"type": "string"},
}
MULTIPART = "multipart/form-data"
FILES = {"type": "object", "additionalProperties": {"type": "string"}}
NO_AD_REASON = {"X-No-Ad-Reason": {"schema": {"type": "string"}}}


def document(
    operations: Mapping[tuple[str, str], Operation],
    version: str,
    title: str = "adunion serving plane",
) -> bytes:
    """The document for operations by (method, path)."""
    paths: dict[str, dict[str, Any]] = {}
    schemas, components = _schemas(operations.values())
    for (method, path), operation in operations.items():
        paths.setdefault(path, {})[method.lower()] = _described(operation, schemas)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": title, "version": version},
            "paths": paths,
            "components": {"schemas": components, "securitySchemes": SECURITY},
        }
    )


def _schemas(operations: Iterable[Operation]) -> tuple[dict[type, Any], dict[str, Any]]:
    """A reference for each type, and the components they refer to."""
    types: list[type] = [ProblemDocument]
    for operation in operations:
        types += [kind for kind in (operation.body, *operation.answers.values()) if kind]
    unique = list(dict.fromkeys(types))
    references, components = msgspec.json.schema_components(unique, ref_template=REF)
    return dict(zip(unique, references, strict=True)), components


def _described(operation: Operation, schemas: Mapping[type, Any]) -> dict[str, Any]:
    responses = {
        str(status): _response(status, kind, operation.media_type, schemas)
        for status, kind in operation.answers.items()
    }
    for status in operation.problems:
        responses[str(status)] = _response(status, ProblemDocument, PROBLEM_JSON, schemas)
    described: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": responses,
    }
    if operation.parameters:
        described["parameters"] = list(operation.parameters)
    if operation.security:
        described["security"] = [{name: []} for name in operation.security]
    if operation.body:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schemas[operation.body]}},
        }
    if operation.uploads:
        described["requestBody"] = {"required": True, "content": {MULTIPART: {"schema": FILES}}}
    for media_type in operation.also:
        responses["200"]["content"][media_type] = {"schema": {"type": "string"}}
    return described


def _response(
    status: int, kind: type | None, media_type: str, schemas: Mapping[type, Any]
) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if kind is not None:
        response["content"] = {media_type: {"schema": schemas[kind]}}
    elif media_type != JSON and status == HTTPStatus.OK:
        response["content"] = {media_type: {}}
    if status == HTTPStatus.NO_CONTENT:
        response["headers"] = NO_AD_REASON
    return response
