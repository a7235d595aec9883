"""A walk over the console's pages along their own links, and what must hold on each of them.

Never here: a test. The one surprising fact: nobody lists the addresses. Whatever a person can reach
by links from the first page is visited, once for each route, so a page that nothing leads to is
found missing.
"""

import html
import re
from collections import deque
from urllib.parse import urlsplit

from playwright.sync_api import APIResponse, ConsoleMessage, Page

from adserver.console.areas import AREAS
from adserver.console.web.routes import OWNERS

HREF = re.compile(r'href="(/[^"]*)"')
GIVEN = re.compile(r"\{\w+(?::[^}]*)?\}")
MOST_OF_ONE_ROUTE = 3
LONGEST_TAB = 60
ROUTES = {
    page.path: re.compile(GIVEN.sub("[^/]+", page.path))
    for area in AREAS
    for page in area.pages
    if page.method == "GET"
}
FIELDS = "main form :is(input:not([type=hidden]), select, textarea, button)"
IN_FORM = "document.activeElement.closest('main form') !== null"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def route_of(address: str) -> str:
    """The route that answers an address, "" for none of the areas'; plain paths before patterns."""
    path = urlsplit(address).path
    if path in ROUTES:
        return path
    return next((route for route, pattern in ROUTES.items() if pattern.fullmatch(path)), "")


def reached(page: Page, console: str, begin: str) -> dict[str, str]:
    """An address for each route that links lead to from `begin`; each must answer 200."""
    found: dict[str, list[str]] = {route_of(begin): [begin]}
    waiting = deque([begin])
    while waiting:
        address = waiting.popleft()
        answer = page.request.get(console + address)
        assert answer.status == 200, (address, answer.status)
        for link in links_of(answer):
            known = found.setdefault(route_of(link), [])
            if link not in known and len(known) < MOST_OF_ONE_ROUTE:
                known.append(link)
                waiting.append(link)
    return {route: addresses[0] for route, addresses in found.items() if route}


def links_of(answer: APIResponse) -> list[str]:
    """Where a page leads inside the console; pictures, styles and other servers left out."""
    if not answer.headers["content-type"].startswith("text/html"):
        return []
    links = [html.unescape(link).partition("#")[0] for link in HREF.findall(answer.text())]
    return [link for link in links if link and not link.startswith(("/static/", "/media/"))]


def is_page(answer: APIResponse) -> bool:
    """Whether a browser shows it, rather than keeps it as a file."""
    is_html = answer.headers["content-type"].startswith("text/html")
    return is_html and "attachment" not in answer.headers.get("content-disposition", "")


def faults(page: Page, console: str, addresses: list[str]) -> list[str]:
    """What is wrong on pages: an error that was logged, something that sticks out sideways."""
    found: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(f"{page.url}: {message.text} {message.location}")

    page.on("console", heard)
    for address in addresses:
        page.goto(console + address)
        if (much := page.evaluate(SIDEWAYS)) > 0:
            found.append(f"{address}: {much} px wider than the screen")
    page.remove_listener("console", heard)
    return found


def out_of_reach(page: Page, console: str, addresses: list[str]) -> list[str]:
    """Pages with a form to which neither the skip link nor a fair number of tabs leads."""
    return [address for address in addresses if not _tabs_into_form(page, console + address)]


def _tabs_into_form(page: Page, url: str) -> bool:
    page.goto(url)
    if page.locator(FIELDS).count() == 0:
        return True
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for _ in range(LONGEST_TAB):
        page.keyboard.press("Tab")
        if page.evaluate(IN_FORM):
            return True
    return False


def beginning_of(role: str, owner: str) -> str:
    """The first page of somebody's area."""
    name = next((name for name, one in OWNERS.items() if one == role), "")
    return f"/{name.removesuffix('_id')}s/{owner}" if name else "/house"
