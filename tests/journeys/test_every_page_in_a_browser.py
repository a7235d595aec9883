"""Every page of the console that has something to show, in a browser on a phone's screen.

The routes are the areas' own, the addresses those that pages link to. What no link leads to in this
house is named here, with what it would need.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from adserver.accounts.identity import Role
from adserver.console.areas import AREAS
from tests.browsers import browser
from tests.journeys import walking
from tests.journeys.peopled import OWNERS, Manner, Peopled, peopled

PHONE = 390
CANNOT_BE_HAD = frozenset(
    {
        "/invitations/{token}",  # an invitation, which is used once
        "/design",  # for those who build pages
        "/sign-in",  # nobody who is signed in is led there
        "/house/settlement/{period}/{currency}/bank-file",  # payouts that wait for the bank
        "/house/payouts/{payout}",
        "/house/models/{version}",  # a model that was trained
        "/house/models/{version}/card",
        "/house/experiments/{experiment}",
        "/partners/{partner_id}/statements/{period}/{currency}",  # a month that was closed
        "/partners/{partner_id}/statements/{period}/{currency}/statement.csv",
        "/advertisers/{advertiser_id}/balance.csv",  # money that moved
        "/advertisers/{advertiser_id}/webhooks/{webhook_id}",  # an address that is told
        "/partners/{partner_id}/webhooks/{webhook_id}",
    }
)
SOMETIMES = {"/partners/{partner_id}/audience.csv"}  # as soon as somebody was counted


@pytest.fixture(scope="module")
def house(redis_embedded_url: str) -> Iterator[Peopled]:
    with peopled(redis_embedded_url) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def addresses_of(house: Peopled, chromium: Browser, role: str) -> dict[str, str]:
    """What somebody can reach, by route."""
    with house.signed_in(chromium, role, Manner("en", "light")) as page:
        return walking.reached(page, house.console, walking.beginning_of(Role(role), OWNERS[role]))


@pytest.mark.timeout(300)
def test_an_operator_is_led_to_every_page(house: Peopled, chromium: Browser) -> None:
    there = set(addresses_of(house, chromium, "operator"))
    routes = {page.path for area in AREAS for page in area.pages if page.method == "GET"}
    assert routes - there - SOMETIMES == CANNOT_BE_HAD


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("role", OWNERS)
def test_every_page_answers_fits_a_phone_and_logs_no_error(
    house: Peopled, chromium: Browser, role: str, language: str
) -> None:
    there = addresses_of(house, chromium, role)
    theme = "light" if language == "en" else "dark"
    with house.signed_in(chromium, role, Manner(language, theme, PHONE)) as page:
        pages = [
            address
            for address in there.values()
            if walking.is_page(page.request.get(house.console + address))
        ]
        assert len(pages) >= 10
        assert walking.faults(page, house.console, pages) == []
        if language == "en":
            assert walking.out_of_reach(page, house.console, pages) == []
