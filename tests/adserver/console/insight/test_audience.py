"""The audience report: against the network, with small groups put together, only of own apps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adserver.api.problems import NotFoundError
from adserver.config import Settings
from adserver.console.insight import audience_pages
from adserver.console.insight.audience import TOGETHER
from adserver.stores.audiences import replace_all
from models.domain.ids import PartnerId
from tests.adserver.console.insight.house import OP, PIA, House, furnish, market
from tests.adserver.console.web.running import desk_over
from tests.builders import NOW, app

PARTS = ("gender", "age", "region", "device", "os", "make")
Split = dict[str, dict[str, int]]

READER: Split = {
    "gender": {"f": 600, "m": 380, "o": 12, "": 108},
    "age": {"18..24": 500, "..17": 300, "25..34": 300},
    "region": {"chn/bj": 1_050, "chn/sh": 50},
    "device": {"4": 1_100},
    "os": {"android": 1_100},
    "make": {"=cmd()": 600, "<b>vivo</b>": 500},
    "interest": {"7": 300, "9": 1_080, "11": 20},
}
NETWORK: Split = {
    "gender": {"f": 6_000, "m": 5_000, "o": 900, "": 1_000},
    "age": {"18..24": 5_000, "..17": 3_000, "25..34": 4_900},
    "region": {"chn/bj": 9_000, "chn/sh": 3_900},
    "device": {"4": 12_900},
    "os": {"android": 12_900},
    "make": {"=cmd()": 600, "<b>vivo</b>": 12_300},
    "interest": {"7": 4_000, "9": 9_000, "11": 300},
}


def kept(engine: Engine) -> None:
    users = {}
    for scopes, split, total in ((("app1", "@p1"), READER, 1_100), (("",), NETWORK, 12_900)):
        for scope in scopes:
            users[scope, "users", ""] = total
            users |= {
                (scope, dimension, value): count
                for dimension, values in split.items()
                for value, count in values.items()
            }
    replace_all(engine, users, {"app1": (40_000, 321)}, (NOW, NOW))


@contextmanager
def opened(data_dir: Path) -> Iterator[House]:
    with desk_over(Settings(data_dir=data_dir)) as desk:
        furnish(desk)
        foreign = app(app_id="app9", name="Foreign", partner_id=PartnerId("p9"))
        slots = market()
        desk.catalog.replace(replace(slots, apps=(*slots.apps, foreign)), NOW)
        kept(desk.engine)
        yield House(desk)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("audience")) as found:
        yield found


def cells(house: House) -> dict[str, dict[str, audience_pages.AudienceCell]]:
    call = house.call(PIA, params={"app_id": "app1"}, limit=200)
    listed = audience_pages.tell_cells(house.desk, call)
    found: dict[str, dict[str, audience_pages.AudienceCell]] = {}
    for cell in listed.items:
        found.setdefault(cell.dimension, {})[cell.value] = cell
    return found


def test_small_groups_are_put_together_with_the_next_smallest(house: House) -> None:
    gender = cells(house)["gender"]
    assert set(gender) == {"f", "m", TOGETHER}
    assert gender[TOGETHER].users == 120, "other and unknown, to the nearest ten"
    assert gender["f"].users == 600
    assert (gender["f"].share_ppm, gender["f"].network_ppm) == (545_000, 465_000)
    assert sum(cell.share_ppm for cell in gender.values()) == pytest.approx(1_000_000, abs=2_000)


def test_where_the_rest_of_the_network_is_small_the_network_is_not_shown(house: House) -> None:
    found = cells(house)
    assert {cell.network_ppm for cell in found["make"].values()} == {None}
    assert {cell.users for cell in found["make"].values()} == {600, 500}
    assert found["region"]["chn/sh"].network_ppm == 302_000


def test_interests_that_few_have_or_few_lack_are_not_shown(house: House) -> None:
    assert set(cells(house)["interest"]) == {"7"}


def test_ages_go_from_young_to_old(house: House) -> None:
    assert list(cells(house)["age"]) == ["..17", "18..24", "25..34"]


def test_the_page_tells_all_this_and_what_strangers_sent_is_text(house: House) -> None:
    call = house.call(PIA)
    shown = house.page(audience_pages.page(house.desk, call), call)
    assert "Small groups together" in shown
    assert "&lt;b&gt;vivo&lt;/b&gt;" in shown
    assert "<b>vivo" not in shown
    assert "The network is not shown here" in shown
    assert ">321<" in shown
    assert shown.count("<svg role") == 7
    assert "CHN / BJ" in shown
    call = house.call(PIA, "zh")
    assert "女性" in house.page(audience_pages.page(house.desk, call), call)


def test_the_csv_has_the_same_cells_and_no_formula(house: House) -> None:
    file = audience_pages.as_csv(house.desk, house.call(PIA, query={"app": "app1"}))
    lines = file.body.decode().splitlines()
    assert lines[0] == "dimension,value,users,share_ppm,network_ppm,as_of"
    assert any(line.startswith("make,'=cmd()") for line in lines)
    assert len(lines) == 1 + sum(map(len, cells(house).values()))


def test_lists_go_on_behind_their_cursor(house: House) -> None:
    found, cursor = [], ""
    while True:
        call = house.call(PIA, params={"app_id": "app1"}, limit=5, cursor=cursor)
        page = audience_pages.tell_cells(house.desk, call)
        found += page.items
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(found) == sum(map(len, cells(house).values()))


def test_below_fifty_users_nothing_is_told_but_that(tmp_path: Path) -> None:
    with opened(tmp_path) as house:
        users = {("app1", "users", ""): 49, ("app1", "gender", "f"): 49, ("", "users", ""): 10_000}
        replace_all(house.desk.engine, users, {"app1": (100, 0)}, (NOW, NOW))
        told = audience_pages.tell(house.desk, house.call(PIA, params={"app_id": "app1"}))
        assert told.users is None
        assert cells(house) == {}
        call = house.call(PIA)
        shown = house.page(audience_pages.page(house.desk, call), call)
        assert "fewer than 50" in shown
        assert ">49<" not in shown


def test_an_app_of_somebody_else_is_not_there(house: House) -> None:
    for app_id in ("app9", "nothing", ""):
        with pytest.raises(NotFoundError):
            audience_pages.tell(house.desk, house.call(PIA, params={"app_id": app_id}))
        with pytest.raises(NotFoundError):
            audience_pages.as_csv(house.desk, house.call(PIA, query={"app": app_id}))
    for app_id in ("app9", "nothing"):
        with pytest.raises(NotFoundError):
            audience_pages.page(house.desk, house.call(PIA, query={"app": app_id}))
    theirs = house.call(OP, params={"partner_id": "p9"})
    assert "Too few users yet" in house.page(audience_pages.page(house.desk, theirs), theirs)
