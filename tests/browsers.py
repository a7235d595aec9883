"""A Chromium without a screen, one for all tests that need it, and axe to look for barriers.

Never here: a test. The one surprising fact: whatever a page logs as an error (a blocked script, a
missing file) fails the test that saw it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
SERIOUS = frozenset({"serious", "critical"})


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for as long as the context is open."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def visiting(of: Browser, *, tolerated: str = "", **options: Any) -> Iterator[Page]:
    """A page with cookies of its own; errors that it logs are raised when it is left.

    `tolerated` are words of an error that is expected, such as "status of 401". Nothing moves.
    """
    context = of.new_context(**{"reduced_motion": "reduce", **options})
    page = context.new_page()
    errors: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not (tolerated and tolerated in message.text):
            errors.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
        assert errors == []
    finally:
        context.close()


def barriers(page: Page) -> list[str]:
    """What axe finds serious or critical on the page as it stands, a line each."""
    page.evaluate(_axe())
    found = page.evaluate("() => axe.run()")
    return [
        f"{one['id']}: {one['help']}: {json.dumps([node['target'] for node in one['nodes']][:5])}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
