"""All texts that the console may say, where they stand; and those that have no Chinese yet.

Never here: a test. `python -m tests.adserver.console.web.texts AREA` prints what an area's
catalogue lacks, ready to be filled in. The one surprising fact: a text that is not a literal
(`call._(reason)`) must be marked with `N_` where it is written, or be a `Sentence`; a sentence's
template stands in the call, or in a name that is given a literal in the same module.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from jinja2.ext import babel_extract

from adserver.console.web.language import LOCALE, read_catalogue

ADSERVER = Path(__file__).parents[4] / "adserver"
TEMPLATES = ADSERVER / "console/templates"
KEYWORDS = ("_", "gettext", "ngettext")
OPTIONS = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}


class Said(NamedTuple):
    """A text and where it stands; `area` is the folder of its template or module."""

    area: str
    place: str
    text: str


def in_templates() -> Iterator[Said]:
    """What templates say."""
    for file in sorted(TEMPLATES.rglob("*.html")):
        within = file.relative_to(TEMPLATES)
        area = within.parts[0] if len(within.parts) > 1 else "look"
        with file.open("rb") as opened:
            for line, _, found, _ in babel_extract(opened, KEYWORDS, (), OPTIONS):
                texts = [found] if isinstance(found, str) else found or ()
                for text in texts:
                    if isinstance(text, str) and text:
                        yield Said(area, f"{within}:{line}", text)


def in_code() -> Iterator[Said]:
    """What modules say by `_` and `N_`."""
    for file in sorted(ADSERVER.rglob("*.py")):
        within = file.relative_to(ADSERVER)
        tree = ast.parse(file.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                for text in _texts(tree, _name(node.func), node.args[0]):
                    yield Said(within.parts[-2], f"{within}:{node.lineno}", text)


def _texts(tree: ast.Module, marker: str, said: ast.expr) -> Iterator[str]:
    """The literals that a call of `_`, `N_` or `Sentence` says."""
    if marker not in {"_", "N_", "Sentence"}:
        return
    if isinstance(said, ast.Constant) and isinstance(said.value, str):
        yield said.value
    elif isinstance(said, ast.IfExp):
        yield from _texts(tree, marker, said.body)
        yield from _texts(tree, marker, said.orelse)
    elif isinstance(said, ast.Name) and marker == "Sentence":
        for given in ast.walk(tree):
            if isinstance(given, ast.Assign) and _name(given.targets[0]) == said.id:
                yield from _texts(tree, marker, given.value)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


@cache
def catalogues() -> dict[str, Catalog]:
    """The Chinese catalogues by area."""
    return {file.stem: read_catalogue(file, "zh") for file in sorted((LOCALE / "zh").glob("*.po"))}


@cache
def untranslated() -> list[Said]:
    """Texts without Chinese anywhere, each once."""
    known = {
        text
        for catalogue in catalogues().values()
        for message in catalogue
        if message.id and message.string and any(message.string)
        for text in ([message.id] if isinstance(message.id, str) else message.id)
    }
    lacking: dict[str, Said] = {}
    for said in (*in_templates(), *in_code()):
        if said.text not in known:
            lacking.setdefault(said.text, said)
    return list(lacking.values())


def main() -> None:
    """Prints entries to fill in, of one area or of all."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for said in untranslated():
        if wanted in ("", said.area):
            quoted = said.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            sys.stdout.write(f'#: {said.place}\nmsgid "{quoted}"\nmsgstr ""\n\n')


if __name__ == "__main__":
    main()
