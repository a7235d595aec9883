"""Every page of the area over real HTTP: for its owner, for an operator, for nobody else."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from adserver.accounts.identity import Role
from adserver.console.advertisers.area import AREA
from adserver.stores.catalog import SqlCatalog
from models.domain.campaign import Advertiser, Campaign, LineItem
from models.domain.ids import AdvertiserId
from tests.adserver.console.advertisers.house import NOW, House, show_ads, with_log
from tests.adserver.console.web.people import browser_of
from tests.adserver.console.web.running import Browser, listening

PARAMS = {"campaign_id": "cmp1", "line_item_id": "li1", "top_up_id": "tu_none"}
BUTTONS = (
    ("pause", "paused", True),
    ("resume", "paused", False),
    ("archive", "active", False),
    ("restore", "active", True),
)
GETS = [page.path for page in AREA.pages if page.method == "GET"]


class Open:
    """A house with a port."""

    def __init__(self, house: House, port: int) -> None:
        self.house = house
        self.port = port
        self.ann = browser_of(house.desk, port, Role.ADVERTISER, "adv1")

    @property
    def catalog(self) -> SqlCatalog:
        return self.house.desk.catalog


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    with with_log(tmp_path_factory.mktemp("console")) as house:
        show_ads(house, 40, clicks=3)
        with listening(house.desk) as port:
            yield Open(house, port)


def address(path: str, owner: str = "adv1") -> str:
    return path.format(advertiser_id=owner, **PARAMS)


@pytest.mark.parametrize("path", GETS)
def test_its_owner_and_operators_see_a_page(opened: Open, path: str) -> None:
    operator = browser_of(opened.house.desk, opened.port, Role.OPERATOR)
    for browser in (opened.ann, operator):
        assert browser.get(address(path))


@pytest.mark.parametrize("path", GETS)
def test_everybody_else_sees_that_there_is_nothing(opened: Open, path: str) -> None:
    stranger = browser_of(opened.house.desk, opened.port, Role.ADVERTISER, "adv2")
    assert stranger.call("GET", address(path)).status == 404
    assert Browser(opened.port).call("GET", address(path)).status == 303


@pytest.mark.parametrize("path", [path for path in GETS if "_id}/" in path or path[-1] == "}"])
def test_a_foreign_thing_under_an_own_path_is_not_there(opened: Open, path: str) -> None:
    foreign = {"campaign_id": "cmp2", "line_item_id": "li9"}
    if not any(name in path for name in foreign):
        return
    wanted = path.format(advertiser_id="adv1", **{**PARAMS, **foreign})
    reply = opened.ann.call("GET", wanted)
    assert reply.status == 404
    assert b"Foreign" not in reply.body


@pytest.mark.parametrize("path", [page.path for page in AREA.pages if page.method == "POST"])
def test_a_form_of_a_stranger_changes_nothing(opened: Open, path: str) -> None:
    stranger = browser_of(opened.house.desk, opened.port, Role.ADVERTISER, "adv2")
    before = opened.catalog.revision()
    own = "/advertisers/adv2/campaigns/new"
    assert stranger.submit(address(path), {"name": "Mine"}, on=own).status == 404
    assert opened.catalog.revision() == before


def test_a_campaign_and_a_line_item_are_made_by_form(opened: Open) -> None:
    ann = opened.ann
    reply = ann.submit("/advertisers/adv1/campaigns/new", {"name": "<b>Spring</b>"})
    assert reply.status == 303
    page = ann.get(reply.headers["Location"])
    assert "&lt;b&gt;Spring&lt;/b&gt;" in page
    assert "<b>Spring</b>" not in page
    new = f"{reply.headers['Location']}/line-items/new"
    filled = {"name": "Morning", "pricing": "cpm", "bid": "12.50", "starts_at": "2026-11-20T08:00",
              "pacing": "even", "daily_budget": "500", "include_os": ["android"],
              "include_country": "CHN, JPN", "cap_impressions": ["3", ""],
              "cap_each": ["day/campaign", "day/line_item"]}  # fmt: skip
    refused = ann.submit(new, {**filled, "bid": "much", "include_country": "China"})
    assert refused.status == 422
    said = refused.body.decode()
    assert "is not an amount" in said
    assert "three-letter country code" in said
    assert 'value="Morning"' in said
    kept = ann.submit(new, filled)
    assert kept.status == 303
    item = opened.catalog.get(LineItem, kept.headers["Location"].rpartition("/")[2])
    assert item.bid_micros == 12_500_000
    assert item.targeting.country.include == {"CHN", "JPN"}
    assert item.starts_at.isoformat() == "2026-11-20T00:00:00+00:00"
    assert "Needs a creative" in ann.get(kept.headers["Location"])


def test_the_forecast_button_saves_nothing_and_keeps_what_was_typed(opened: Open) -> None:
    new = "/advertisers/adv1/campaigns/cmp1/line-items/new"
    before = opened.catalog.revision()
    filled = {"name": "", "pricing": "cpm", "bid": "9.75", "starts_at": "2026-11-20T08:00",
              "pacing": "even", "do": "forecast"}  # fmt: skip
    reply = opened.ann.submit(new, filled)
    assert reply.status == 200
    assert 'value="9.75"' in reply.body.decode()
    assert opened.catalog.revision() == before


def test_the_buttons_of_a_campaign(opened: Open) -> None:
    ann, page = opened.ann, "/advertisers/adv1/campaigns/cmp1"
    for deed, field, value in BUTTONS:
        assert ann.submit(f"{page}/{deed}", {}, on=page).status == 303
        assert getattr(opened.catalog.get(Campaign, "cmp1"), field) is value


def test_what_is_wrong_with_a_form_is_said_in_chinese_to_who_reads_chinese(opened: Open) -> None:
    ann = browser_of(opened.house.desk, opened.port, Role.ADVERTISER, "adv1")
    ann.cookies["adunion_language"] = "zh"
    wrong = {"name": "x" * 300, "pricing": "cpm", "bid": "much", "starts_at": "soon",
             "pacing": "even", "daily_budget": "-1", "include_country": "China",
             "cap_impressions": ["0"], "cap_each": ["day/campaign"]}  # fmt: skip
    reply = ann.submit("/advertisers/adv1/campaigns/cmp1/line-items/new", wrong)
    said = html.unescape(reply.body.decode())
    assert reply.status == 422
    for chinese in ("现在是 300 个", "'much' 不是金额", "而不是 'soon'", "必须大于零",
                    "'China' 不是三个字母的国家代码", "允许的展示次数必须为 1 到"):  # fmt: skip
        assert chinese in said
    assert not re.search(r"\b(must|expected|is not)\b", re.sub(r"<[^>]*>", "", said))


def test_pages_of_india_say_from_when_to_when_a_day_runs(opened: Open) -> None:
    adv1 = AdvertiserId("adv1")
    before = opened.catalog.get(Advertiser, adv1)
    now = opened.house.now
    opened.catalog.edit(Advertiser, adv1, lambda one: replace(one, time_zone="Asia/Kolkata"), now)
    pages = ("", "/campaigns", "/campaigns/cmp1", "/line-items/li1")
    shown = [opened.ann.get(f"/advertisers/adv1{page}") for page in pages]
    opened.catalog.edit(Advertiser, adv1, lambda _: before, now)
    assert all("from 00:30 to 00:30" in page for page in shown)
    assert not any("from 00:30" in opened.ann.get(f"/advertisers/adv1{page}") for page in pages)


def test_no_page_has_inline_styles_or_scripts(opened: Open) -> None:
    for path in GETS:
        if path.endswith(".csv"):
            continue
        page = opened.ann.get(address(path))
        assert not re.search(r"<[^>]+ (style|on\w+)=", page), path
        assert "<style" not in page, path
        assert "<script>" not in page, path


def test_both_languages_show_every_page(opened: Open) -> None:
    ann = browser_of(opened.house.desk, opened.port, Role.ADVERTISER, "adv1")
    ann.cookies["adunion_language"] = "zh"
    for path in GETS:
        page = ann.get(address(path))
        assert path.endswith(".csv") or '<html lang="zh-CN"' in page


def test_an_archived_advertiser_reads_so_wherever_it_looks_whether_its_things_run(
    opened: Open,
) -> None:
    def put(active: bool) -> None:
        opened.catalog.edit(
            Advertiser, AdvertiserId("adv1"), lambda one: replace(one, active=active), NOW
        )

    said = "The house has archived this advertiser"
    paths = ("", "/campaigns", "/campaigns/cmp1", "/line-items/li1")
    assert not any(said in opened.ann.get(f"/advertisers/adv1{path}") for path in paths)
    put(active=False)
    try:
        pages = [opened.ann.get(f"/advertisers/adv1{path}") for path in paths]
    finally:
        put(active=True)
    assert all(said in page for page in pages)
    assert not any("Everything that should run runs" in page for page in pages)
    assert all(">Advertiser archived<" in page for page in pages[1:])
