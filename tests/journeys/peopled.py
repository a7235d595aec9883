"""An installation with people who can sign in, and how they look at its pages in a browser.

Never here: a test. Ad requests of a crowd are in its log before anybody looks, so that forecasts
and reports have figures. The one surprising fact: everything is made by `adunion` commands, as an
operator would make it; the pages are the tests' matter.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect

from adserver.__main__ import main
from tests.browsers import barriers, visiting
from tests.journeys.installation import Crowd, Installation, installation

PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
CROWD, CROWD_S = 4, 5.0
ADVERTISER, PARTNER, MERCHANT = "adv1", "p_reader", "shop1"
OWNERS = {"operator": "", "advertiser": ADVERTISER, "partner": PARTNER, "merchant": MERCHANT}
ELSEWHERE = "https://cdn.example/**"
"""Where the catalog's own pictures are: a server of the wide web, which is played."""
GREY = bytes.fromhex("474946383961010001008000008080800000002c00000000010001000002024401003b")
SET_UP = (
    ("partner", "apply", "--id", PARTNER, "--name", "Reader", "--email", "money@reader.example"),
    ("partner", "approve", PARTNER),
    ("contract", "add", "--id", "c_reader", "--partner", PARTNER, "--ad-share", "70%",
     "--share", "90%"),
    ("app", "edit", "app1", "--partner", PARTNER),
    ("merchant", "add", "--id", MERCHANT, "--name", "Shop", "--home-url", "https://shop.example/"),
    ("fund", "create", "support"),
    ("link", "make", PARTNER, MERCHANT, "--name", "newsletter"),
)  # fmt: skip
ORDERS = (
    "order_id,line_id,version,status,occurred_at,paid_minor,currency\n"
    f"o-1,1,1,paid,{datetime.now(UTC).isoformat()},19900,CNY\n"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in, and whose pages they see."""

    role: str
    owner: str
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody looks at pages."""

    language: str
    theme: str
    width: int = 1360


@dataclass(frozen=True, slots=True)
class Peopled:
    """The processes, and who may look at them, by role."""

    house: Installation
    people: dict[str, Person]

    @property
    def console(self) -> str:
        """Where the console listens."""
        return self.house.settings.console_address

    @contextmanager
    def signed_in(
        self, chromium: Browser, role: str, manner: Manner, tolerated: str = ""
    ) -> Iterator[Page]:
        """A page of its own, after the form of /sign-in and the buttons for language and theme."""
        person = self.people[role]
        size = {"width": manner.width, "height": 900}
        with visiting(chromium, tolerated=tolerated, viewport=size, locale="en-GB") as page:
            page.context.route(ELSEWHERE, lambda route: route.fulfill(body=GREY))
            page.goto(f"{self.console}/sign-in")
            page.locator(f"button[name=language][value={manner.language}]").click()
            page.locator(f"button[name=theme][value={manner.theme}]").click()
            page.locator("[name=email]").fill(person.email)
            page.locator("[name=password]").fill(person.password)
            page.locator("form[action='/sign-in'] .button").click()
            expect(page.locator(".me")).to_contain_text(person.email)
            expect(page.locator("html")).to_have_attribute("data-theme", manner.theme)
            expect(page.locator("html")).to_have_attribute("lang", tag_of(manner.language))
            yield page

    @contextmanager
    def phone(self, chromium: Browser, address: str, manner: Manner) -> Iterator[Page]:
        """The serving plane's phone with the key of app1, from an address of its own."""
        options: dict[str, Any] = {
            "user_agent": PERSON,
            "viewport": {"width": 1500, "height": 950},
            "color_scheme": manner.theme,
            "extra_http_headers": {"X-Forwarded-For": address},
        }
        at = f"{self.house.settings.base_url}/preview"
        with visiting(chromium, **options) as page:
            page.goto(f"{at}?key={self.house.app_key()}&language={manner.language}")
            yield page


def tag_of(language: str) -> str:
    """What the html element says of a language."""
    return {"en": "en", "zh": "zh-CN"}[language]


def sound(page: Page) -> None:
    """The page has no barrier that axe calls serious."""
    assert barriers(page) == [], page.url


@contextmanager
def peopled(redis_url: str) -> Iterator[Peopled]:
    """Started, with people, after a crowd has looked at ads of app1 for a while."""
    with (
        tempfile.TemporaryDirectory(prefix="ad-") as name,
        installation(
            Path(name) / "var", redis_url, explore_epsilon_ppm=0, explore_new_impressions=0
        ) as house,
    ):
        for arguments in SET_UP:
            adunion(house, *arguments)
        _sell(house)
        people = {role: _person(house, role, owner) for role, owner in OWNERS.items()}
        asyncio.run(_begin(house))
        yield Peopled(house, people)


def adunion(house: Installation, *arguments: str) -> str:
    """What a command prints; it must not fail."""
    environment = {
        "ADUNION_DATA_DIR": str(house.settings.data_dir),
        "ADUNION_TOKEN_KEYS": house.settings.token_keys,
        "ADUNION_SECRET_KEY": house.settings.secret_key,
    }
    result = CliRunner().invoke(main, arguments, env=environment, prog_name="adunion")
    assert result.exit_code == 0, (arguments, result.output)
    return result.output


def _person(house: Installation, role: str, owner: str) -> Person:
    email = f"{role}@people.example"
    whose = ("--role", role, *(("--owner", owner) if owner else ()))
    told = json.loads(adunion(house, "admin", "create", "--email", email, *whose, "--json"))
    return Person(role, owner, email, told["password"])


def _sell(house: Installation) -> None:
    """The merchant has told of an order."""
    file = house.settings.data_dir / "orders.csv"
    file.write_text(ORDERS)
    adunion(house, "orders", "import", str(file), "--merchant", MERCHANT)


async def _begin(house: Installation) -> None:
    await house.started()
    crowd = Crowd(house.settings.base_url, house.app_key(), seed=7)
    living = asyncio.create_task(crowd.live(CROWD))
    await asyncio.sleep(CROWD_S)
    crowd.stop()
    await living
    await house.drained(crowd.expected())
