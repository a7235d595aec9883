from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from adserver.config import Settings
from adserver.console import look
from adserver.console.web.rendering import THEMES
from tests.adserver.console.web.running import Browser as Visitor, desk_over, listening
from tests.browsers import barriers, browser, visiting

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("console"))
    with desk_over(settings) as desk, listening(desk, (look.AREA,)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def visitor(address: str) -> Visitor:
    return Visitor(int(address.rpartition(":")[2]))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("tongue", ["en-GB", "zh-CN"])
def test_the_design_page_has_no_barrier(
    address: str, chromium: Browser, theme: str, tongue: str
) -> None:
    with visiting(chromium, color_scheme=theme, locale=tongue) as page:
        page.goto(f"{address}/design")
        assert page.get_attribute("html", "lang") == ("en" if tongue == "en-GB" else "zh-CN")
        assert barriers(page) == []


def test_on_a_phone_nothing_sticks_out(address: str, chromium: Browser) -> None:
    with visiting(chromium, viewport=PHONE) as page:
        page.goto(f"{address}/design")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        assert barriers(page) == []


def test_a_chosen_theme_stays(address: str, chromium: Browser) -> None:
    with visiting(chromium, color_scheme="light") as page:
        page.goto(f"{address}/design?from=here")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="Dark").click()
        assert page.url == f"{address}/design?from=here"
        page.goto(f"{address}/design")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
        assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"


def test_the_first_thing_the_keyboard_reaches_skips_the_menu(
    address: str, chromium: Browser
) -> None:
    with visiting(chromium) as page:
        page.goto(f"{address}/design")
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.locator(":focus").get_attribute("id") == "content"


def test_a_dangerous_button_asks_first(address: str, chromium: Browser) -> None:
    with visiting(chromium) as page:
        page.goto(f"{address}/design")
        page.get_by_role("button", name="Delete").click()
        assert page.get_by_role("dialog").is_visible()
        page.get_by_role("button", name="Cancel").click()
        assert page.get_by_role("dialog").count() == 0
        assert page.url == f"{address}/design"


def test_a_plot_says_what_is_under_the_pointer(address: str, chromium: Browser) -> None:
    with visiting(chromium) as page:
        page.goto(f"{address}/design")
        page.locator(".plot .mark-rect path[aria-label]").first.hover()
        assert page.locator(".plot-tip").inner_text() == "00: 40"


def test_a_picture_is_shown_before_it_is_sent(address: str, chromium: Browser) -> None:
    with visiting(chromium) as page:
        page.goto(f"{address}/design")
        picture = {"name": "a.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}
        page.get_by_label("Picture or video").set_input_files([picture])  # type: ignore[list-item]
        page.wait_for_selector(".drop-preview li")
        assert page.locator(".drop-preview li").inner_text() == "a.svg"


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example", "/\\evil", ""])
def test_the_switch_never_leads_out_of_the_house(visitor: Visitor, place: str) -> None:
    reply = visitor.submit("/look", {"language": "zh", "next": place}, on="/design")
    assert (reply.status, reply.headers["Location"]) == (303, "/")
    assert 'lang="zh-CN"' in visitor.get("/design")


def test_a_choice_that_does_not_exist_is_not_kept(visitor: Visitor) -> None:
    fields = {"language": "xx", "theme": "<script>", "next": "/design"}
    reply = visitor.submit("/look", fields, on="/design")
    assert reply.headers["Location"] == "/design"
    assert [each for each in visitor.cookies.values() if each in fields.values()] == []
    assert set(THEMES) == {"auto", "light", "dark"}


def test_files_of_ours_are_kept_for_ever_and_unknown_ones_are_not_there(visitor: Visitor) -> None:
    page = visitor.get("/design")
    sheet = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    reply = visitor.call("GET", sheet)
    assert reply.status == 200
    assert "immutable" in reply.headers["Cache-Control"]
    assert reply.headers["Content-Type"].startswith("text/css")
    assert visitor.call("GET", "/static/console.css").status == 404
    assert visitor.call("GET", "/static/..%2Flayout.html").status == 404


def test_no_page_holds_a_script_or_a_style(visitor: Visitor) -> None:
    page = visitor.get("/design")
    assert " style=" not in page
    assert "<style" not in page
    assert page.count("<script") == page.count("<script src=") == 1
