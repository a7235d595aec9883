"""add, list, show, edit, archive, restore and key, as their users run them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.adserver.commands.conftest import Run


@pytest.fixture
def shop(adunion: Run) -> Run:
    """A catalog with one advertiser in New York and one campaign."""
    adunion("advertiser", "add", "--id", "adv", "--name", "Tea", "--time-zone", "America/New_York")
    adunion("campaign", "add", "--id", "cmp", "--advertiser", "adv", "--name", "Spring")
    return adunion


def add_line_item(run: Run, *more: str, fails: bool = False) -> Any:
    first = ("line-item", "add", "--id", "li", "--campaign", "cmp", "--name", "L")
    rest = ("--pricing", "cpm", "--bid", "35.00", "--starts-at", "2026-07-01 08:00")
    return run(*first, *rest, *more, fails=fails)


def show(run: Run, kind: str, entity_id: str) -> Any:
    return json.loads(run(kind, "show", entity_id, "--json").output)


def test_an_entity_without_id_is_given_one_and_told(adunion: Run) -> None:
    output = adunion("advertiser", "add", "--name", "Tea").output
    assert output.startswith("Added advertiser adv_")
    made = json.loads(adunion("advertiser", "add", "--name", "Tea", "--json").output)
    assert made["advertiser_id"].startswith("adv_")
    assert made["time_zone"] == "Asia/Shanghai"


def test_everything_a_line_item_can_have_is_read_from_options(shop: Run) -> None:
    shop("app", "add", "--id", "app", "--name", "A", "--bundle", "b", "--category", "books")
    shop("placement", "add", "--id", "pl", "--app", "app", "--name", "P", "--format", "banner")
    add_line_item(
        shop, "--ends-at", "2026-08-01", "--daily-budget", "500", "--total-budget", "20000.5",
        "--pacing", "asap", "--cap", "3/day", "--cap", "10/lifetime/campaign,1/minute",
        "--target", "country=CHN,JPN", "--target", "country=KOR", "--target", "age=18..24,60",
        "--target", "hour_of_week=mon-fri 9..17,sun", "--exclude", "os=ios",
        "--target", "placement=pl", "--target", "device-type=phone,tablet",
    )  # fmt: skip
    assert show(shop, "line-item", "li") == {
        "line_item_id": "li",
        "campaign_id": "cmp",
        "name": "L",
        "pricing": "cpm",
        "bid": "35.00",
        "product": "",
        "starts_at": "2026-07-01 08:00-04:00",
        "ends_at": "2026-08-01 00:00-04:00",
        "daily_budget": "500.00",
        "total_budget": "20000.50",
        "pacing": "asap",
        "caps": ["3/day", "10/lifetime/campaign", "1/minute"],
        "targeting": {
            "country": ["CHN", "JPN", "KOR"],
            "os": {"exclude": ["ios"]},
            "device_type": ["phone", "tablet"],
            "age": ["18..24", "60..60"],
            "placement": ["pl"],
            "hour_of_week": ["mon-fri 9..17", "sun"],
        },
        "paused": False,
        "active": True,
    }


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--bid", "35,00"], "--bid: '35,00' is not an amount"),
        (["--bid", "0"], "bid: must be more than zero"),
        (["--bid", "0.0009"], "bid: must be at least 0.001"),
        (["--pricing", "ocpc"], "ocpc is not sold yet: the name is reserved; use cpm, cpc, cpa"),
        (["--cap", "3/week"], "--cap: 3/week: periods are minute, hour, day, lifetime"),
        (["--target", "country"], "--target takes ATTRIBUTE=VALUE,VALUE"),
        (["--target", "county=CHN"], "--target county=CHN: targeting knows country, region"),
        (["--exclude", "country=CN"], "--exclude country=CN: 'CN' is not a three-letter"),
        (["--target", "placement=gone"], "targeting: there is no placement 'gone'"),
        (["--starts-at", "soon"], "--starts-at: a time such as 2026-11-22 08:00 expected"),
        (["--starts-at", "2026-03-08 02:30"], "is skipped by the clocks of America/New_York"),
        (["--ends-at", "2026-06-01"], "ends_at: must be later than starts_at"),
        (["--daily-budget", "2", "--total-budget", "1"], "daily_budget: is more than total_budget"),
        (["--campaign", "gone"], "campaign_id: there is no campaign 'gone'"),
    ],
)
def test_what_may_not_be_is_refused_with_its_reason(
    shop: Run, options: list[str], complaint: str
) -> None:
    assert complaint in add_line_item(shop, *options, fails=True).output
    assert shop("line-item", "list", "--json").output == "[]\n"


def test_an_edit_changes_what_it_names_and_nothing_else(shop: Run) -> None:
    add_line_item(shop, "--cap", "3/day", "--target", "country=CHN", "--exclude", "country=JPN")
    before = show(shop, "line-item", "li")
    shop("line-item", "edit", "li", "--bid", "40", "--target", "country=KOR", "--target", "os=ios")
    after = show(shop, "line-item", "li")
    changed = {
        "bid": "40.00",
        "targeting": {"country": {"include": ["KOR"], "exclude": ["JPN"]}, "os": ["ios"]},
    }
    assert after == before | changed


def test_an_edit_can_empty_a_list_or_clear_a_field(shop: Run) -> None:
    add_line_item(shop, "--cap", "3/day", "--daily-budget", "5", "--target", "country=CHN")
    shop("line-item", "edit", "li", "--target", "country=", "--clear", "caps")
    item = show(shop, "line-item", "li")
    assert (item["targeting"], item["caps"], item["daily_budget"]) == ({}, [], "5.00")
    shop("line-item", "edit", "li", "--clear", "daily-budget")
    assert show(shop, "line-item", "li")["daily_budget"] is None


def test_an_edit_reads_times_on_the_advertisers_clock(shop: Run) -> None:
    add_line_item(shop)
    shop("line-item", "edit", "li", "--ends-at", "2026-12-24 18:00")
    assert show(shop, "line-item", "li")["ends_at"] == "2026-12-24 18:00-05:00"


def test_a_creative_with_its_files_is_read_from_options(shop: Run) -> None:
    add_line_item(shop)
    shop(
        "creative", "add", "--id", "cr", "--line-item", "li", "--format", "splash", "--w", "1080",
        "--h", "1920", "--landing-url", "https://tea.example/?c={click_id}&x=1,2",
        "--asset", "role=image,mime=image/png,url=https://cdn.example/a.png?x=1",
        "--asset", "role=icon,mime=image/png,url=https://cdn.example/b.png,w=64,h=64",
    )  # fmt: skip
    creative = show(shop, "creative", "cr")
    assert creative["landing_url"] == "https://tea.example/?c={click_id}&x=1,2"
    assert [asset["role"] for asset in creative["assets"]] == ["image", "icon"]
    assert creative["assets"][0]["url"] == "https://cdn.example/a.png?x=1"


def test_a_file_without_its_type_is_refused(shop: Run) -> None:
    add_line_item(shop)
    output = shop(
        "creative", "add", "--line-item", "li", "--format", "splash", "--landing-url",
        "https://tea.example/", "--asset", "role=image,url=https://cdn.example/a.png", fails=True,
    ).output  # fmt: skip
    assert "--asset: mime is missing" in output


def test_lists_show_what_is_in_use_unless_asked_for_all(shop: Run) -> None:
    assert "adv" in shop("advertiser", "list").output
    shop("advertiser", "archive", "adv")
    assert "No advertisers here; --all shows archived ones" in shop("advertiser", "list").output
    assert json.loads(shop("advertiser", "list", "--all", "--json").output)[0]["active"] is False
    shop("advertiser", "restore", "adv")
    assert json.loads(shop("advertiser", "list", "--json").output)[0]["active"] is True


def test_a_list_can_be_of_one_parent(shop: Run) -> None:
    shop("advertiser", "add", "--id", "adv2", "--name", "Bikes")
    shop("campaign", "add", "--id", "cmp2", "--advertiser", "adv2", "--name", "City")
    found = json.loads(shop("campaign", "list", "--advertiser", "adv2", "--json").output)
    assert [one["campaign_id"] for one in found] == ["cmp2"]


def test_a_name_that_looks_like_markup_is_shown_as_it_is(adunion: Run) -> None:
    adunion("advertiser", "add", "--id", "a", "--name", "[bold]x[/bold] [red")
    assert "[bold]x[/bold] [red" in adunion("advertiser", "show", "a").output


@pytest.mark.parametrize("kind", ["advertiser", "campaign", "line-item", "creative", "app"])
def test_what_is_not_there_is_said_so(adunion: Run, kind: str) -> None:
    output = adunion(kind, "show", "gone", fails=True).output
    assert f"gone: there is no such {kind.replace('-', ' ')}" in output


def test_the_key_of_an_app_stays_until_it_is_rotated(adunion: Run) -> None:
    adunion("app", "add", "--id", "app", "--name", "A", "--bundle", "b", "--category", "books")
    first = adunion("app", "key", "app").output
    assert first.startswith("app.1.")
    assert adunion("app", "key", "app").output == first
    second = adunion("app", "key", "app", "--rotate").output
    assert second.startswith("app.2.")
    assert json.loads(adunion("app", "key", "app", "--json").output)["key"] == second.strip()


def test_an_advertiser_has_a_bearer_key_and_a_signing_secret(shop: Run) -> None:
    output = shop("advertiser", "key", "adv").output
    assert "Authorization: Bearer adv.1." in output
    found = json.loads(shop("advertiser", "key", "adv", "--rotate", "--json").output)
    assert found["key_generation"] == 2
    assert found["signing_secret"] not in output


def test_a_database_that_is_away_is_said_so(adunion: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADUNION_DATABASE_URL", "postgresql://127.0.0.1:1/ads?connect_timeout=1")
    output = adunion("advertiser", "list", fails=True).output
    assert output.startswith("Error: the catalog's database does not answer")


def test_a_database_that_is_none_is_said_and_left_alone(adunion: Run, tmp_path: Path) -> None:
    file = tmp_path / "var" / "catalog.sqlite"
    file.write_text("this is no database, whatever its name says")
    output = adunion("advertiser", "list", fails=True).output
    assert output.startswith("Error: the catalog's database is damaged: file is not a database")
    assert file.read_text().startswith("this is no database")


def test_a_file_that_cannot_be_written_is_said(adunion: Run) -> None:
    output = adunion("catalog", "export", "no/such/directory.yaml", fails=True).output
    assert output == "Error: no/such/directory.yaml: No such file or directory\n"
