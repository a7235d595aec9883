"""The industry report: what a partner sees beside its own, and what only the house sees."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adserver.accounts.identity import Identity
from adserver.console.insight import industry_pages
from adserver.console.web.exchange import Call
from adserver.eventlog.rows import decided_row, pack_rows, unpack_columns
from adserver.eventlog.sums import HOUR_MS, Part, sum_hours
from adserver.ports import StoreAwayError
from models.domain.ids import PartnerId
from models.domain.marketplace import Marketplace
from tests.adserver.console.insight.house import OP, PIA, House, settled, without_log
from tests.adserver.eventlog.happenings import decided
from tests.builders import NOW, NOW_MS, app, placement

PARTNERS = 6


def slots() -> Marketplace:
    """Six partners with a game each; the first has a reader, too."""
    numbers = range(1, PARTNERS + 1)
    games = [
        app(app_id=f"g{n}", partner_id=PartnerId(f"p{n}"), category="IAB9", name=f"Game {n}")
        for n in numbers
    ]
    reader = app(app_id="r1", partner_id=PartnerId("p1"), category="books")
    return Marketplace(
        apps=(*games, reader),
        placements=(
            *(placement(placement_id=f"pg{n}", app_id=f"g{n}") for n in numbers),
            placement(placement_id="pr1", app_id="r1"),
        ),
    )


def ask(house: House) -> None:
    """Each game asks ten times, half of it is filled; the reader asks four times, in vain."""
    market = slots()
    apps = {one.app_id: one for one in market.apps}
    made = []
    for place in market.placements:
        times = 4 if place.placement_id == "pr1" else 10
        for n in range(times):
            about = {"app": apps[place.app_id], "placement": place}
            filled = int(n % 2 == 0 and times == 10)
            made.append(decided(len(made) + 1, filled, "" if filled else "floor", **about))
    rows = [decided_row(one) for one in made]
    house.desk.store.insert("decisions", unpack_columns("decisions", [pack_rows(rows)]))
    sum_hours(house.desk.store, NOW_MS // HOUR_MS, 1, [Part.ASKED], NOW_MS)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with settled(tmp_path_factory.mktemp("industry")) as opened:
        opened.desk.catalog.replace(slots(), NOW)
        ask(opened)
        yield opened


def later(house: House, who: Identity = PIA, **about: Any) -> Call:
    return replace(house.call(who, **about), now=NOW.replace(hour=13))


def test_a_partner_sees_the_cell_of_six_and_only_its_own_of_one(house: House) -> None:
    call = later(house, limit=50)
    listed = industry_pages.tell_partner(house.desk, call)
    books, games = listed.items
    assert (games.category, games.fill_ppm, games.own_fill_ppm) == ("iab9", 500_000, 500_000)
    assert (books.fill_ppm, books.own_fill_ppm) == (None, 0)
    assert games.ctr_ppm is None, "nothing was shown"


def test_another_partner_does_not_see_that_there_is_a_cell_of_one(house: House) -> None:
    call = later(house, params={"partner_id": "p2"}, limit=50)
    listed = industry_pages.tell_partner(house.desk, call)
    assert [cell.category for cell in listed.items] == ["iab9"]


def test_the_house_sees_all_and_what_partners_see(house: House) -> None:
    call = later(house, OP, limit=50)
    listed = industry_pages.tell_house(house.desk, call)
    books, games = listed.items
    assert (books.partners, books.tells_fill, books.largest_share_ppm) == (1, False, 1_000_000)
    assert (games.partners, games.requests, games.tells_fill) == (6, 60, True)


def test_the_pages_show_it_as_text_with_plots(house: House) -> None:
    call = later(house)
    shown = house.page(industry_pages.partner_page(house.desk, call), call)
    assert "IAB9 · Splash" in shown
    assert "50.0" in shown
    assert "books · Splash" in shown
    assert "<svg role" in shown
    call = later(house, OP, language="zh")
    shown = house.page(industry_pages.house_page(house.desk, call), call)
    assert "合作伙伴可见" in shown


def test_both_have_a_csv(house: House) -> None:
    call = later(house)
    own = industry_pages.partner_csv(house.desk, call).body.decode()
    assert "iab9,splash,500000,,,500000" in own
    full = industry_pages.house_csv(house.desk, call).body.decode()
    assert full.splitlines()[0].startswith("category,format,partners")


def test_while_the_log_is_away_pages_say_so(tmp_path: Path) -> None:
    with without_log(tmp_path) as house:
        call = house.call(PIA)
        shown = house.page(industry_pages.partner_page(house.desk, call), call)
        assert "The event log does not answer" in shown
        with pytest.raises(StoreAwayError):
            industry_pages.tell_partner(house.desk, call)
