import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ranking.slate import NoAdReason
from tests.adserver.api import billboard
from tests.adserver.api.running import Client, Worker, running, settings_in
from tests.browsers import barriers, browser, visiting

PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
COUNTED = "counted"


@pytest.fixture(scope="module")
def hung() -> Iterator[tuple[str, list[str]]]:
    with billboard.hanging() as hanging:
        yield hanging


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, redis_embedded_url: str, hung: tuple[str, list[str]]
) -> Iterator[Worker]:
    settings = settings_in(tmp_path_factory.mktemp("preview"), redis_embedded_url)
    with running(settings, billboard.one_ad_each(hung[0])) as started:
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@contextmanager
def looking(house: Worker, chromium: Browser, tolerated: str = "") -> Iterator[Page]:
    """The page with the app's key, from an address of its own."""
    options = {
        "user_agent": PERSON,
        "locale": "en-GB",
        "viewport": {"width": 1500, "height": 950},
        "extra_http_headers": {"X-Forwarded-For": house.client().address},
    }
    with visiting(chromium, tolerated=tolerated, **options) as page:
        page.goto(f"http://127.0.0.1:{house.port}/preview?key={house.key('app1')}")
        yield page


@pytest.fixture
def phone(house: Worker, chromium: Browser) -> Iterator[Page]:
    with looking(house, chromium) as page:
        yield page


def show(phone: Page, form: str) -> None:
    phone.get_by_label("Placement").fill(f"pl_{form}")
    phone.get_by_role("button", name="Show the ad").click()


def told(phone: Page, what: str, note: str) -> None:
    """The log has an entry of this kind that says so."""
    entries = phone.locator(".entry").filter(has=phone.get_by_text(what, exact=True))
    expect(entries.filter(has=phone.get_by_text(note, exact=True))).not_to_have_count(0)


def test_a_splash_is_labelled_counts_down_and_can_be_skipped_at_once(phone: Page) -> None:
    show(phone, "splash")
    skip = phone.get_by_role("button", name=re.compile(r"Skip \d"))
    expect(skip).to_be_visible()
    expect(phone.locator(".over .ad-label")).to_have_text("Ad · Advertiser One")
    told(phone, "Impression", COUNTED)
    told(phone, "Viewable", COUNTED)
    skip.click()
    expect(phone.locator(".over")).to_be_hidden()
    expect(phone.locator(".entry").first).to_contain_text("Closed after")


def test_a_splash_goes_away_by_itself(phone: Page) -> None:
    show(phone, "splash")
    expect(phone.locator(".over")).to_be_visible()
    expect(phone.locator(".over")).to_be_hidden(timeout=6_000)
    expect(phone.locator(".entry").first).to_contain_text("Shown to its end")


def test_a_banner_is_counted_and_its_tap_lands(phone: Page, hung: tuple[str, list[str]]) -> None:
    show(phone, "banner")
    phone.locator(".banner").click()
    told(phone, "Click", COUNTED)
    with phone.context.expect_page() as opened:
        phone.get_by_role("link", name="Open this page").click()
    opened.value.wait_for_load_state()
    assert opened.value.url.startswith(hung[0] + billboard.LANDING + "?click_id=")
    opened.value.close()


def test_a_native_card_stands_among_the_stories(phone: Page) -> None:
    show(phone, "native")
    card = phone.locator(".feed .native")
    expect(card).to_contain_text("Autumn by the lake")
    expect(card).to_contain_text("Boats, bread and books")
    expect(card.get_by_text("See the houses")).to_be_visible()
    told(phone, "Viewable", COUNTED)


def test_an_interstitial_can_be_closed(phone: Page) -> None:
    show(phone, "interstitial")
    told(phone, "Viewable", COUNTED)
    phone.get_by_role("button", name="Close").click()
    expect(phone.locator(".over")).to_be_hidden()


def test_a_reward_is_given_after_the_end_only(phone: Page) -> None:
    show(phone, "rewarded_video")
    phone.get_by_role("button", name="Close").click()
    expect(phone.get_by_role("alertdialog")).to_be_visible()
    phone.get_by_role("alertdialog").get_by_role("button", name="Close").click()
    expect(phone.locator(".entry").first).to_contain_text("no reward")
    show(phone, "rewarded_video")
    expect(phone.get_by_text("You have earned the reward")).to_be_visible(timeout=10_000)
    expect(phone.locator(".entry").nth(0)).to_contain_text("The app gives the reward")


def test_the_log_shows_what_was_sent_without_the_key(phone: Page, house: Worker) -> None:
    show(phone, "banner")
    asked = phone.locator(".entry").filter(has_text="Ads asked for")
    asked.locator("summary").click()
    text = asked.inner_text()
    assert "POST /v1/ads" in text
    assert '"placement_id": "pl_banner"' in text
    assert '"funnel"' in text
    assert house.key("app1") not in text
    assert house.key("app1") not in phone.url


def test_a_refusal_is_said_in_words(house: Worker, chromium: Browser) -> None:
    with looking(house, chromium, "status of 400") as phone:
        show(phone, "nowhere")
        expect(phone.get_by_role("alert")).to_have_text("Refused: no such placement")


def test_an_answer_without_an_ad_says_why(house: Worker, chromium: Browser) -> None:
    with looking(house, chromium) as phone:
        phone.get_by_text("Who looks, and on what").click()
        phone.get_by_label("Country").fill("NOR")
        show(phone, "interstitial")
        expect(phone.locator("#toast")).to_have_text("No ad: no ad is for this country")


def test_a_key_that_nobody_has_is_said_before_anything_is_shown(
    house: Worker, chromium: Browser
) -> None:
    with looking(house, chromium, "status of 401") as phone:
        phone.get_by_label("App key").fill("nobody")
        phone.get_by_label("App key").blur()
        expect(phone.get_by_role("alert")).to_contain_text("X-App-Key")


def test_a_picture_that_is_not_there_is_not_reported(house: Worker, chromium: Browser) -> None:
    with looking(house, chromium, "status of 404") as phone:
        show(phone, "gone")
        expect(phone.locator("#toast")).to_contain_text("could not be loaded")
        assert phone.locator(".what").get_by_text("Impression", exact=True).count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_preview_has_no_barrier(house: Worker, chromium: Browser, theme: str) -> None:
    at = f"http://127.0.0.1:{house.port}/preview?key={house.key('app1')}&language=zh"
    with visiting(chromium, color_scheme=theme, user_agent=PERSON) as page:
        page.goto(at)
        expect(page.locator(".chip")).to_have_count(len(billboard.PLACEMENTS))
        assert page.get_attribute("html", "lang") == "zh-CN"
        assert barriers(page) == []
        page.get_by_label("广告位").fill("pl_splash")
        page.get_by_role("button", name="展示广告").click()
        expect(page.locator(".over")).to_be_visible()
        assert barriers(page) == []


def test_on_a_phone_nothing_sticks_out(house: Worker, chromium: Browser) -> None:
    with visiting(chromium, viewport={"width": 390, "height": 844}) as page:
        page.goto(f"http://127.0.0.1:{house.port}/preview")
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_placements_are_the_apps_own(house: Worker) -> None:
    client = house.client()
    listed = client.call("GET", "/preview/placements", X_App_Key=client.app_key)
    assert listed.status == 200
    assert listed.json["app_id"] == "app1"
    assert len(listed.json["placements"]) == len(billboard.PLACEMENTS)
    assert client.call("GET", "/preview/placements", X_App_Key="nobody").status == 401


def test_nothing_else_of_the_directory_is_served(house: Worker) -> None:
    client: Client = house.client()
    page = client.call("GET", "/preview")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    for path in ("/preview/preview.html", "/preview/..%2Fads.py", "/preview/", "/preview/x/y.js"):
        assert client.call("GET", path).status == 404, path


def test_both_languages_say_the_same_things() -> None:
    source = Path(__file__).parents[3] / "adserver/api/preview_files"
    english, chinese = re.findall(
        r"^  (?:en|zh): \{(.*?)^  \},", (source / "words.js").read_text(), re.DOTALL | re.MULTILINE
    )
    names = [re.findall(r"^    (\w+):", words, re.MULTILINE) for words in (english, chinese)]
    assert names[0] == names[1]
    assert {f"none_{reason}" for reason in NoAdReason} <= set(names[0])
    page = (source / "preview.html").read_text()
    script = (source / "preview.js").read_text()
    used = set(re.findall(r'data-(?:say|label)="(\w+)"', page)) | set(
        re.findall(r'\bsay\("(\w+)"', script)
    )
    assert used - set(names[0]) == set()
