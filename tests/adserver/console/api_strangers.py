"""A program that sends markup in every text of every REST call that takes a body.

Never here: a test. The one surprising fact: bodies are built from the published schemas, and what
a call refuses by its field is replaced by something harmless, until it takes the rest.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from adserver.console.areas import AREAS
from adserver.console.web.description import described
from tests.adserver.api.running import Reply
from tests.adserver.console.routed import MINE
from tests.adserver.console.strangers import BY_KIND, guessed
from tests.adserver.console.web.running import Browser

DOCUMENT = json.loads(described((area.name, one) for area in AREAS for one in area.endpoints))
KNOWN = {
    **MINE,
    "campaign_id": "cmp1",
    "line_item_id": "li1",
    "creative_id": "cr1",
    "app_id": "app1",
    "placement_id": "pl1",
    "partner": "p1",
    "merchant": "m1",
    "period": "2026-11",
    "currency": "CNY",
}
MOST_TRIES = 12
WRITES = ("post", "put", "patch")


@dataclass
class ApiStranger:
    """Somebody with an operator's key."""

    program: Browser
    taken: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    answers: list[tuple[str, Reply]] = field(default_factory=list)
    number: int = 0
    path: str = ""

    def type_into_everything(self, texts: tuple[str, ...]) -> None:
        """Every text into every call with a JSON body."""
        for path, method, schema in writes():
            harmless: set[str] = set()
            for text in texts:
                self._type(path, method, schema, text, harmless)

    def lists(self) -> list[str]:
        """The paths of all lists, their parameters filled in where something is known."""
        return [
            filled(path)
            for path, methods in DOCUMENT["paths"].items()
            if "get" in methods and not re.search(r"\{", filled(path))
        ]

    def _type(
        self, path: str, method: str, schema: Mapping[str, Any], text: str, harmless: set[str]
    ) -> None:
        self.path = path
        for _ in range(MOST_TRIES):
            self.number += 1
            body = self._body(schema, text, harmless, "")
            reply = self.program.call(
                method.upper(),
                filled(path),
                json.dumps(body).encode(),
                Content_Type="application/json",
            )
            what = f"{method.upper()} {path}"
            self.answers.append((what, reply))
            if reply.status >= 500 and reply.status != 503:
                self.broken.append(f"{what} answered {reply.status} to {str(body)[:200]}")
            if reply.status < 300:
                self.taken[what] += 1
                self.refused.pop(what, None)
                return
            said = json.loads(reply.body)
            if what not in self.taken:
                self.refused[what] = f"{reply.status} {said.get('detail')} {said.get('field', '')}"
            place = re.sub(r"/\d+", "", said.get("field", ""))
            if reply.status == 404 or place in harmless or not place:
                return
            harmless.add(place)

    def _body(self, schema: Mapping[str, Any], text: str, harmless: set[str], place: str) -> Any:
        schema = resolved(schema)
        kind = schema.get("type")
        if place in harmless or "const" in schema or "enum" in schema:
            return self._meant_well(schema, place)
        if kind == "object":
            given = schema.get("properties", {}).items()
            return {name: self._body(one, text, harmless, f"{place}/{name}") for name, one in given}
        if kind == "array":
            return [self._body(schema.get("items", {}), text, harmless, place)]
        is_words = kind == "string" and "format" not in schema
        return text if is_words else self._meant_well(schema, place)

    def _meant_well(self, schema: Mapping[str, Any], place: str) -> Any:
        kind, name = schema.get("type"), place.rpartition("/")[2]
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        if name == "kinds":
            return ["creative.reviewed" if "advertiser" in self.path else "statement.closed"]
        if "default" in schema:
            return schema["default"]
        if kind == "string":
            return self._word(name, schema.get("format", ""))
        if kind in {"integer", "number"}:
            return max(int(schema.get("minimum", 0)), 1)
        return {"boolean": False, "array": [], "object": {}}.get(str(kind))

    def _word(self, name: str, form: str) -> str:
        if form == "date-time":
            return "2026-12-01T10:00:00Z"
        if form in BY_KIND:
            return BY_KIND[form].format(n=self.number)
        if name in KNOWN:
            return KNOWN[name]
        return guessed(name, self.number)


def writes() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every call that takes a JSON body: its path, method and the body's schema."""
    for path, methods in DOCUMENT["paths"].items():
        for method in WRITES:
            content = methods.get(method, {}).get("requestBody", {}).get("content", {})
            if "application/json" in content:
                yield path, method, content["application/json"]["schema"]


def filled(path: str) -> str:
    """The path with ids of things that exist."""
    return re.sub(r"\{(\w+)\}", lambda found: KNOWN.get(found[1], found[0]), path)


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference in the document leads to; of several things, the first that is one."""
    while "$ref" in schema or "anyOf" in schema:
        if "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
            continue
        found: Any = DOCUMENT
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema
