"""The API reference as a page: the OpenAPI document, read aloud.

Never here: what the API is; whatever the document says is shown. The one surprising fact: it is
rendered on the server, so it needs no network, no script, and prints.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from adserver.accounts.identity import Role
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html, Reply
from adserver.console.web.language import N_
from adserver.console.web.routes import Area, MenuEntry, Page

PATH = "/reference"
TEMPLATE = "reference.html"
TITLE = N_("API reference")
LAST = 950  # in the menu
DEEPEST = 4  # objects inside objects are shown so far


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a body: where it stands, what it is, whether it must be there."""

    name: str
    kind: str
    needed: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Described:
    """An operation as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    parameters: tuple[tuple[str, str, str, str], ...]
    body: tuple[Field, ...]
    answers: tuple[tuple[str, str, tuple[Field, ...]], ...]


def reference_area(document: bytes) -> Area:
    """The page of a document; everybody who is signed in may read it."""
    page = Page("GET", PATH, _handler(document))
    return Area("reference", (page,), menu=tuple(MenuEntry(r, PATH, TITLE, LAST) for r in Role))


def _handler(document: bytes) -> Any:
    @cache
    def sections() -> list[tuple[str, list[Described]]]:
        return list(_sections(msgspec.json.decode(document)))

    def page(desk: Desk, _call: Call) -> Reply:
        console = f"http://{desk.settings.host}:{desk.settings.console_port}"
        addresses = {"serving": desk.settings.base_url, "console": console}
        return Html(TEMPLATE, {"sections": sections(), **addresses})

    return page


def _sections(document: dict[str, Any]) -> Iterator[tuple[str, list[Described]]]:
    tags: dict[str, list[Described]] = {}
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            described = _described(method.upper(), path, operation, schemas)
            tags.setdefault(operation["tags"][0], []).append(described)
    yield from sorted(tags.items())


def _described(method: str, path: str, operation: Any, schemas: Any) -> Described:
    body = operation.get("requestBody", {}).get("content", {})
    return Described(
        re.sub(r"\W+", "-", f"{method}{path}").strip("-").lower(),
        method,
        path,
        operation["summary"],
        tuple(
            (one["name"], one["in"], _kind(one["schema"]), one.get("description", ""))
            for one in operation.get("parameters", ())
        ),
        tuple(_fields(next(iter(body.values()))["schema"], schemas)) if body else (),
        tuple(_answers(operation["responses"], schemas)),
    )


def _answers(responses: Mapping[str, Any], schemas: Any) -> Iterator[tuple[str, str, Any]]:
    for status, response in responses.items():
        content = response.get("content", {}).get("application/json", {})
        fields = tuple(_fields(content["schema"], schemas)) if content.get("schema") else ()
        yield status, response["description"], fields


def _fields(schema: Any, schemas: Any, before: str = "", depth: int = 0) -> Iterator[Field]:
    """The fields of an object, those of objects in it after them under dotted names."""
    own = _resolved(schema, schemas)
    needed = own.get("required", ())
    for name, inner in own.get("properties", {}).items():
        place = f"{before}{name}"
        meaning = inner.get("description", "")
        yield Field(place, _kind(inner), name in needed, meaning)
        if depth < DEEPEST:
            nested, many = _nested(inner)
            if nested:
                yield from _fields(nested, schemas, f"{place}{'[]' if many else ''}.", depth + 1)


def _nested(schema: Any) -> tuple[Any, bool]:
    """The schema of what stands inside, and whether it stands there many times."""
    for option in schema.get("anyOf", [schema]):
        if "$ref" in option:
            return option, False
        items = option.get("items", {})
        if isinstance(items, dict) and "$ref" in items:
            return items, True
    return None, False


def _resolved(schema: Any, schemas: Any) -> Any:
    reference = schema.get("$ref", "")
    return schemas[reference.rsplit("/", 1)[1]] if reference else schema


def _kind(schema: Any) -> str:
    """The type in one word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " | ".join(_kind(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or "anything")
