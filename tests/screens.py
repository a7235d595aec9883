"""Takes the pictures of docs/screens: `make screens`, or `python -m tests.screens [FILE]`.

It runs the demo with few requests, signs in as each of its people and looks at their main pages.
FILE has what a demo printed that is running already, which is looked at instead. Never here: a
test. The one surprising fact: some phones ask for ads meanwhile, so that the live page has a pulse.
"""

import io
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from PIL import Image
from playwright.sync_api import Browser, Page
from rich.console import Console

from adserver.accounts.identity import Role
from tests.browsers import browser, visiting
from tests.journeys import walking

TO = Path(__file__).parents[1] / "docs" / "screens"
LIMIT_S = 900.0
DESK, PHONE = (1360, 900), (390, 844)
TALLEST = 1_700
COLOURS = (256, 128, 64, 32)
MOST_BYTES = 145_000
PERSON = re.compile(r"^  (\w+) +(\S+@\S+) +(\S+) *(\S*)$", re.MULTILINE)
KEY = re.compile(r"(http://\S+)/v1/ads -H 'X-App-Key: (\S+)'")
CONSOLE = re.compile(r"The console is at (\S+)/sign-in")
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
Deed = Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that is up, as it told of itself: `people` are (email, password, owner) by role."""

    console: str
    serving: str
    key: str
    people: dict[str, tuple[str, str, str]]


def stay(_page: Page) -> None:
    """Looks at the page as it comes."""


def following(*selectors: str) -> Deed:
    """Follows links, one after the other."""

    def follow(page: Page) -> None:
        for selector in selectors:
            page.locator(selector).first.click()
            page.wait_for_load_state()

    return follow


def ask_forecast(page: Page) -> None:
    """Fills in a line item and asks what it would bring."""
    page.locator("[name=name]").fill("Tea in autumn")
    page.locator("[name=bid]").fill("18")
    page.locator("[name=daily_budget]").fill("300")
    page.locator("[name=do][value=forecast]").click()
    page.locator(".stats").wait_for()


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: whose page, of which route, and what is done there first."""

    name: str
    role: str
    route: str
    says: str
    language: str = "en"
    theme: str = "light"
    size: tuple[int, int] = DESK
    deed: Deed = field(default=stay)


OUT = Console(highlight=False)
_A, _P, _H = "/advertisers/{advertiser_id}", "/partners/{partner_id}", "/house"
_BUSIEST = "main .card:last-of-type a[href*='/line-items/']"
SHOTS = (
    Shot("sign-in", "", "/sign-in", "The way in; language and theme can be chosen before."),
    Shot("advertiser-home", "advertiser", _A, "Money, and what needs attention."),
    Shot(
        "advertiser-forecast",
        "advertiser",
        f"{_A}/campaigns/{{campaign_id}}/line-items/new",
        "A line item's form, with what it would bring and what limits it.",
        deed=ask_forecast,
    ),
    Shot(
        "advertiser-line-item",
        "advertiser",
        _A,
        "A line item while it runs: spend against plan, hours, click rate with its interval.",
        deed=following(_BUSIEST),
    ),
    Shot(
        "advertiser-why",
        "advertiser",
        _A,
        "Why a line item does not deliver more, in words and counts.",
        "zh",
        deed=following(_BUSIEST, ".page-head a[href$='/why']"),
    ),
    Shot("advertiser-creatives", "advertiser", f"{_A}/creatives", "Creatives and their review."),
    Shot(
        "advertiser-creative-new",
        "advertiser",
        f"{_A}/creatives/files",
        "A new creative in the frames of the formats that its file fits.",
        theme="dark",
        deed=following(".gallery a[href*='/new?file=']"),
    ),
    Shot("operator-home", "operator", _H, "What waits for an operator to decide."),
    Shot(
        "operator-review",
        "operator",
        f"{_H}/review/{{creative_id}}",
        "A creative under review: the file, how it will look, the verdict.",
    ),
    Shot(
        "operator-live",
        "operator",
        f"{_H}/live",
        "Requests, latencies, reasons of empty answers, backlog.",
        theme="dark",
    ),
    Shot(
        "operator-settlement",
        "operator",
        f"{_H}/settlement/{{period}}/{{currency}}",
        "A month of the settlement calendar with its payouts.",
    ),
    Shot(
        "operator-model",
        "operator",
        f"{_H}/models/{{version}}",
        "A click model: its figures, and predicted against observed rates.",
    ),
    Shot(
        "operator-switches",
        "operator",
        f"{_H}/switches",
        "Kill switches, in force within two seconds.",
        "zh",
        "dark",
    ),
    Shot("partner-earnings", "partner", f"{_P}/earnings", "Five figures and their bridge."),
    Shot(
        "partner-why",
        "partner",
        f"{_P}/earnings/why",
        "Why an earning is what it is, and what happens to it next.",
    ),
    Shot(
        "partner-integration",
        "partner",
        f"{_P}/apps/{{app_id}}/integration",
        "The check of an app's integration: its last requests, in words.",
    ),
    Shot("partner-audience", "partner", f"{_P}/audience", "An app's users beside the network's."),
    Shot(
        "partner-links", "partner", f"{_P}/links/new", "The link maker, hot products first.", "zh"
    ),
    Shot(
        "merchant-orders",
        "merchant",
        "/merchants/{merchant_id}/orders",
        "A merchant's orders, and what each of them costs.",
    ),
    Shot("advertiser-home-phone", "advertiser", _A, "The same on a phone.", size=PHONE),
    Shot(
        "partner-earnings-phone",
        "partner",
        f"{_P}/earnings",
        "Earnings on a phone, dark, in Chinese.",
        "zh",
        "dark",
        PHONE,
    ),
    Shot("design", "operator", "/design", "The design system on its own page."),
)


def main() -> None:
    """Takes all pictures and writes their list."""
    TO.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 1:
        take_all(told(Path(sys.argv[1]).read_text()))
        return
    with tempfile.TemporaryDirectory(prefix="ad-") as name, demonstrated(Path(name)) as demo:
        take_all(demo)


@contextmanager
def demonstrated(directory: Path) -> Iterator[Demo]:
    """A demo of its own, ended with the context."""
    printed = directory / "printed"
    with printed.open("w") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "adserver", "demo", "--requests", "3000"],
            env={"ADUNION_DATA_DIR": str(directory)}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    deadline = time.monotonic() + LIMIT_S
    try:
        while not CONSOLE.search(printed.read_text()) or "merchant@" not in printed.read_text():
            assert running.poll() is None, printed.read_text()
            assert time.monotonic() < deadline, printed.read_text()
            time.sleep(1)
        yield told(printed.read_text())
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(60)


def told(printed: str) -> Demo:
    """What a demo printed of itself."""
    console, ads = CONSOLE.search(printed), KEY.search(printed)
    assert console is not None, printed
    assert ads is not None, printed
    people = {role: (email, word, owner) for role, email, word, owner in PERSON.findall(printed)}
    return Demo(console[1], ads[1], ads[2], people)


def take_all(demo: Demo) -> None:
    """Every shot, the phone, the list."""
    with browser() as chromium, pulse(demo):
        addresses = {role: reached(chromium, demo, role) for role in demo.people}
        for shot in SHOTS:
            with looking(chromium, demo, shot) as page:
                owner = addresses.get(shot.role, {})
                page.goto(demo.console + owner.get(shot.route, shot.route))
                shot.deed(page)
                keep(page, shot.name)
        phone(chromium, demo)
    lines = [f"![{one.name}]({one.name}.png)\n{one.says}\n" for one in SHOTS]
    head = "# The console in pictures\n\nTaken by `make screens` of the demo's data.\n"
    last = "![preview](preview.png)\nThe phone of the serving plane, with a real ad and its log.\n"
    (TO / "README.md").write_text("\n".join((head, *lines, last)))


def reached(chromium: Browser, demo: Demo, role: str) -> dict[str, str]:
    """Where somebody's links lead, by route."""
    with looking(chromium, demo, Shot("", role, "", "")) as page:
        begin = walking.beginning_of(Role(role), demo.people[role][2])
        return walking.reached(page, demo.console, begin)


@contextmanager
def looking(chromium: Browser, demo: Demo, shot: Shot) -> Iterator[Page]:
    """Somebody signed in who looks in the shot's manner; nobody for role ""."""
    size = {"width": shot.size[0], "height": shot.size[1]}
    with visiting(chromium, viewport=size, locale="en-GB", timezone_id="Asia/Shanghai") as page:
        page.goto(f"{demo.console}/sign-in")
        page.locator(f"button[name=language][value={shot.language}]").click()
        page.locator(f"button[name=theme][value={shot.theme}]").click()
        if shot.role:
            email, word, _ = demo.people[shot.role]
            page.locator("[name=email]").fill(email)
            page.locator("[name=password]").fill(word)
            page.locator("form[action='/sign-in'] .button").click()
            page.locator(".me").wait_for(state="attached")
        yield page


def keep(page: Page, name: str) -> None:
    """The page as a small picture: as tall as it is, to a limit, in few colours."""
    page.wait_for_load_state("networkidle")
    size = page.viewport_size or {"width": DESK[0], "height": DESK[1]}
    tall = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size(
        {"width": size["width"], "height": min(max(tall, size["height"]), TALLEST)}
    )
    drawn = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in COLOURS:
        small = io.BytesIO()
        drawn.quantize(colours, kmeans=3, dither=Image.Dither.NONE).save(
            small, "PNG", optimize=True
        )
        if small.tell() < MOST_BYTES:
            break
    (TO / f"{name}.png").write_bytes(small.getvalue())
    click.echo(f"{name}.png {small.tell() // 1024} kB, {colours} colours")


def phone(chromium: Browser, demo: Demo) -> None:
    """The preview with a native ad in it."""
    options = {"width": 1500, "height": 950}
    with visiting(chromium, viewport=options, user_agent=AGENT, locale="en-GB") as page:
        page.goto(f"{demo.serving}/preview?key={demo.key}")
        page.locator(".chip").first.wait_for()
        page.locator(".chip", has_text="native").first.click()
        page.locator("#ask .go .button").click()
        page.locator(".feed .native .media").first.wait_for()
        page.wait_for_timeout(1_500)
        keep(page, "preview")


@contextmanager
def pulse(demo: Demo) -> Iterator[None]:
    """Ten requests a second, as long as the context is open."""
    ended = threading.Event()
    slots = asked(demo, "/preview/placements", None)["placements"]

    def ask() -> None:
        number = 0
        while not ended.wait(0.1):
            number += 1
            slot = slots[number % len(slots)]["placement_id"]
            body = {"request_id": f"pulse-{time.time_ns()}", "placement_id": slot,
                    "user": {"id": f"u{number:06}"}}  # fmt: skip
            asked(demo, "/v1/ads", json.dumps(body).encode())

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def asked(demo: Demo, path: str, body: bytes | None) -> dict[str, list[dict[str, str]]]:
    """What the serving plane answers."""
    headers = {"X-App-Key": demo.key, "Content-Type": "application/json", "User-Agent": AGENT}
    request = urllib.request.Request(demo.serving + path, body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, list[dict[str, str]]] = json.load(answer)
        return found


if __name__ == "__main__":
    main()
