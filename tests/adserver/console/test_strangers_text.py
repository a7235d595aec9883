"""What strangers type is text wherever it is shown: on pages, in REST answers, in spreadsheets.

Never here: how forms are found and filled (`strangers`). The one surprising fact: no page has a
script, a style or a handler of its own, so a walk can refuse them all without telling good from
bad; that is also what the Content-Security-Policy says.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import pytest

from adserver.accounts.identity import Role
from adserver.console.areas import AREAS
from adserver.console.media_route import media_routes
from tests.adserver.console.api_strangers import ApiStranger, filled
from tests.adserver.console.routed import routed_desk
from tests.adserver.console.strangers import PAGES, Form, Read, Stranger, route_of
from tests.adserver.console.web.people import browser_of, program_of
from tests.adserver.console.web.running import Browser, listening
from tests.adserver.media import made_files

STRINGS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'x{{7*7}}x",
    "javascript:alert(1)//",
    '=HYPERLINK("https://evil.example")',
    " \uff1d1+1",
    "\u202egnp.exe",
    'https://evil.example/"><script>alert(1)</script>',
    '"<script>alert(1)</script>"@evil.example',
    "<b>" * 3_333 + "x",
)
UNESCAPED = ("<script>alert(1)", "<img src=x", "'-alert(1)-'", "x49x", "<b><b>")
BEGIN = ("/", "/account", "/account/audit", "/design", "/reference")
OWNED = ("/advertisers/adv1", "/partners/p1", "/merchants/m1", "/house/house-ads")
READABLE = tuple(
    filled(page.path)
    for page in PAGES
    if page.method == "GET" and "{" not in filled(page.path) and page.path != "/sign-in"
)
"""Pages and tables whose address is known beforehand; some have no link on an empty day."""
WHO = {
    "adv1": (Role.ADVERTISER, "adv1"),
    "p1": (Role.PARTNER, "p1"),
    "m1": (Role.MERCHANT, "m1"),
    "operator": (Role.OPERATOR, ""),
}
FEED = """<rss xmlns:g="http://base.google.com/ns/1.0"><channel>{items}</channel></rss>"""
ITEM = """<item><g:id>sku{n}</g:id><title>{text}</title><description>{text}</description>
<link>https://shop.example/{n}</link><g:price>10.00 CNY</g:price><g:brand>{text}</g:brand>
<g:image_link>https://shop.example/{n}.png</g:image_link></item>"""
NUMBER = re.compile(r"[-+]?[0-9.]+(%|ppm)?")
MOST_FORMS_OF_A_ROUTE = 2


@dataclass
class Walked:
    """The pages after everybody has typed everything everywhere."""

    strangers: list[Stranger]
    api: ApiStranger
    offered: set[str]
    operator: Browser
    program: Browser


def begin_of(name: str) -> tuple[str, ...]:
    return BEGIN + OWNED + READABLE if name == "operator" else BEGIN


def forms_of(stranger: Stranger) -> list[tuple[str, Form]]:
    """Some forms of each route that take words."""
    found, of_route = [], Counter[str]()
    for page, read in stranger.wander(*begin_of(stranger.name)):
        for form in read.forms:
            route = route_of(urljoin(page, form.action or page), form.method.upper())
            if route and form.texts and of_route[route] < MOST_FORMS_OF_A_ROUTE:
                of_route[route] += 1
                found.append((page, form))
    return found


def typed_everywhere(stranger: Stranger) -> set[str]:
    """Every string into every form; answers the routes of those forms."""
    offered = set()
    for page, form in forms_of(stranger):
        action = urljoin(page, form.action or page)
        if form.method == "get":
            stranger.ask(action, form, STRINGS)
            continue
        offered.add(route_of(action, "POST"))
        harmless: set[str] = set()
        for text in STRINGS:
            learned = set(harmless) if text is STRINGS[0] else harmless | stranger.own_words(form)
            stranger.type_into(page, form, text, learned)
            harmless |= learned if text is STRINGS[0] else set()
    return offered


def uploaded(adv1: Browser, operator: Browser) -> None:
    """Files with names, and products with words, that nobody means well with."""
    library = "/advertisers/adv1/creatives/files"
    name = "'-alert(1)-'<img src=x onerror=alert(1)>.png"
    files = [("files", name, made_files.encoded("PNG")), ("files", f"<b><b>{name}.svg", b"<svg/>")]
    assert adv1.upload(library, {}, files).status == 200
    texts = [text.replace("&", "&amp;").replace("<", "&lt;") for text in STRINGS[:6]]
    items = "".join(ITEM.format(n=n, text=text) for n, text in enumerate(texts))
    feed = [("feed", "feed<img src=x>.xml", FEED.format(items=items).encode())]
    shop = "/house/merchants/m1"
    assert operator.upload(f"{shop}/feed", {}, feed, on=shop).status in {200, 303}


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    directory = tmp_path_factory.mktemp("strangers")
    with (
        routed_desk(directory) as desk,
        listening(desk, AREAS, media_routes(desk.settings)) as port,
    ):
        strangers = [Stranger(name, browser_of(desk, port, *who)) for name, who in WHO.items()]
        operator, program = strangers[-1].browser, program_of(desk, port, Role.OPERATOR)
        uploaded(strangers[0].browser, operator)
        offered = set[str]().union(*(typed_everywhere(one) for one in strangers))
        api = ApiStranger(program)
        api.type_into_everything(STRINGS)
        for one in strangers:
            for _ in one.wander(*begin_of(one.name)):
                pass
        yield Walked(strangers, api, offered, operator, program)


@pytest.mark.parametrize(
    "page",
    [
        "<script>alert(1)</script>",
        "<script src=//evil.example></script>",
        "<p onclick=x>",
        "<p STYLE='x'>",
        "<style>p{}</style>",
        "<a href=' java\nscript:alert(1)'>",
        "<form action=javascript:x>",
        "<svg><use xlink:href=data:x>",
        "<iframe>",
        "<meta http-equiv=refresh>",
    ],
)
def test_a_reader_sees_what_would_run(page: str) -> None:
    assert Read(page).runs


def test_no_page_holds_anything_that_runs(walked: Walked) -> None:
    faults = []
    for one in walked.strangers:
        for path, reply in one.pages.items():
            if not reply.headers.get("Content-Type", "").startswith("text/html"):
                continue
            text = reply.body.decode()
            runs = [*Read(text).runs, *(mark for mark in UNESCAPED if mark in text)]
            faults += [f"{one.name} {path}: {what}" for what in runs]
    assert faults == []


def test_nothing_that_is_typed_breaks_a_page(walked: Walked) -> None:
    assert [fault for one in walked.strangers for fault in one.broken] == []
    assert walked.api.broken == []


def test_the_walk_has_been_nearly_everywhere(walked: Walked) -> None:
    """It proves nothing where it has not been: what is left needs a month, a model, a payout."""
    been = {route_of(path) for one in walked.strangers for path in one.pages}
    read = {page.path for page in PAGES if page.method == "GET"}
    assert len(been & read) > 0.8 * len(read), sorted(read - been)
    taken = {route for one in walked.strangers for route in one.taken}
    assert len(taken) >= 25, sorted(walked.offered - taken)
    assert len(walked.api.taken) >= 15, walked.api.refused


def test_what_was_typed_is_shown_as_it_was_typed(walked: Walked) -> None:
    """Nothing is silently taken out; it is escaped."""
    pages = " ".join(
        reply.body.decode(errors="replace")
        for one in walked.strangers
        for path, reply in one.pages.items()
        if not path.startswith("POST")
    )
    assert pages.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 20
    assert pages.count("&#39;-alert(1)-&#39;x{{7*7}}x") > 20


def sheets(walked: Walked) -> Iterator[tuple[str, str]]:
    """Every CSV of every page and of every REST list."""
    for one in walked.strangers:
        for path, reply in one.pages.items():
            if reply.headers.get("Content-Type", "").startswith("text/csv"):
                yield path, reply.body.decode()
    for path in walked.api.lists():
        reply = walked.program.call("GET", path, Accept="text/csv")
        if reply.status == 200 and reply.headers["Content-Type"].startswith("text/csv"):
            yield path, reply.body.decode()


def test_no_spreadsheet_holds_a_formula(walked: Walked) -> None:
    faults, seen = [], 0
    for path, text in sheets(walked):
        seen += 1
        for row in csv.reader(io.StringIO(text)):
            for cell in row:
                bare = cell.lstrip()
                if bare[:1] in "=+-@\uff1d\uff0b\uff0d\uff20" and not NUMBER.fullmatch(bare or "0"):
                    faults.append(f"{path}: {cell[:60]}")
    assert faults == []
    assert seen > 15
    assert any("'=HYPERLINK" in text for _, text in sheets(walked))


def test_rest_answers_say_that_they_are_no_pages(walked: Walked) -> None:
    for what, reply in walked.api.answers:
        kind = reply.headers.get("Content-Type", "")
        assert "html" not in kind, what
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        with suppress(ValueError):
            json.loads(reply.body)
    assert len(walked.api.answers) > 200


def test_no_link_of_a_page_leads_to_a_scheme_that_runs(walked: Walked) -> None:
    kinds = Counter(
        urlsplit(link).scheme
        for one in walked.strangers
        for reply in one.pages.values()
        if reply.headers.get("Content-Type", "").startswith("text/html")
        for link in Read(reply.body.decode()).links
    )
    assert set(kinds) <= {"", "http", "https", "mailto"}
