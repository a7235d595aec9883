"""Every page of the operators in both languages, and every route for those it is not for."""

import pytest

from adserver.console.operators.area import AREA
from adserver.console.partners import area as partners
from tests.adserver.console.account.people import ANN, CLIO, OPERATOR, House

NEEDS_THE_LOG = {"/house/live", "/api/v1/house/live"}
HOUSE = (AREA, partners.AREA)  # the partners' area has a list of the house's: apps' own ads
PAGES = sorted(
    page.path
    for area in HOUSE
    for page in area.pages
    if page.method == "GET"
    and page.path.startswith("/house")
    and "{" not in page.path
    and page.path not in NEEDS_THE_LOG
)
SHEETS = [path for path in PAGES if path.endswith(".csv")]
LISTS = sorted(
    one.path.removeprefix("/api/v1")
    for area in HOUSE
    for one in area.endpoints
    if one.method == "GET"
    and one.path.startswith("/api/v1/house")
    and "{" not in one.path
    and one.path not in NEEDS_THE_LOG
)


@pytest.mark.parametrize("path", [path for path in PAGES if path not in SHEETS])
def test_a_page_of_an_empty_house_says_what_to_do_in_both_languages(
    house: House, path: str
) -> None:
    browser = house.browser(OPERATOR)
    assert "<h1>" in browser.get(path)
    browser.cookies["adunion_language"] = "zh"
    assert "<h1>" in browser.get(path)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_there_for_programs_and_as_a_spreadsheet(house: House, path: str) -> None:
    assert house.call(OPERATOR, "GET", path).status == 200
    if path != "/house":
        sheet = house.call(OPERATOR, "GET", path, Accept="text/csv")
        assert sheet.status == 200
        assert sheet.headers["Content-Type"].startswith("text/csv")


@pytest.mark.parametrize("path", SHEETS)
def test_every_table_is_a_spreadsheet_with_the_columns_that_programs_get(
    house: House, path: str
) -> None:
    browser = house.browser(OPERATOR)
    sheet = browser.call("GET", path)
    assert sheet.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in sheet.headers["Content-Disposition"]
    assert path in browser.get(path.removesuffix(".csv"))
    program = house.call(OPERATOR, "GET", path.removesuffix(".csv"), Accept="text/csv")
    assert sheet.body.splitlines()[0] == program.body.splitlines()[0]


def test_every_list_has_its_spreadsheet() -> None:
    endpoints = {one.path: one for area in HOUSE for one in area.endpoints if one.listed}
    lists = {path.removeprefix("/api/v1") for path in endpoints} & set(LISTS)
    assert lists == {path.removesuffix(".csv") for path in SHEETS}


def test_no_route_is_there_for_other_roles_or_strangers(house: House) -> None:
    browsers = [house.browser(ANN), house.browser(CLIO)]
    for page in AREA.pages:
        path = page.path.replace("{", "x").replace("}", "x")
        for browser in browsers:
            if page.method == "GET":
                assert browser.call("GET", path).status == 404, path
        assert house.browser().call("GET", path).status in {303, 404, 405}, path
    for endpoint in AREA.endpoints:
        path = endpoint.path.removeprefix("/api/v1").replace("{", "x").replace("}", "x")
        for email in (ANN, CLIO):
            assert house.call(email, endpoint.method, path, {}).status == 404, path
