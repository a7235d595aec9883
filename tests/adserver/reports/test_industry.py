"""Cells of categories and formats: summed by partner, told only from enough of them."""

from typing import Any

import pytest

from adserver.reports.delivery import Figures
from adserver.reports.industry import Cell, Done, cells_of
from adserver.reports.requests import Requests
from models.domain.ids import PartnerId
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from models.domain.placement import Format
from tests.builders import app, placement


def done(requests: int = 100, impressions: int = 50, charged: int = 1_000_000) -> Done:
    figures = Figures(
        served=impressions,
        impressions=impressions,
        clicks=impressions // 50,
        charged_micros=Micros(charged),
    )
    return Done(Requests(requests, requests // 2, requests // 2), figures)


def cell(*parts: Done) -> Cell:
    by_partner = {PartnerId(f"p{n}"): part for n, part in enumerate(parts)}
    return Cell("games", Format.SPLASH, by_partner)


def test_apps_of_a_partner_count_together_and_the_house_is_one() -> None:
    slots = Marketplace(
        apps=(
            app(app_id="a1", partner_id=PartnerId("p1"), category="Games"),
            app(app_id="a2", partner_id=PartnerId("p1"), category=" games"),
            app(app_id="a3", category="games"),
        ),
        placements=(
            placement(placement_id="x1", app_id="a1"),
            placement(placement_id="x2", app_id="a2"),
            placement(placement_id="x3", app_id="a3"),
            placement(placement_id="x4", app_id="a3", format=Format.BANNER),
            placement(placement_id="x5", app_id="a3"),
            placement(placement_id="x6", app_id="gone"),
        ),
    )
    known = {name: done() for name in ("x1", "x2", "x3", "x4", "x6", "unknown")}
    banner, splash = cells_of(slots, known)
    assert (banner.category, banner.format) == ("games", Format.BANNER)
    assert splash.partners == 2
    assert splash.by_partner[PartnerId("p1")].requests.requests == 200
    assert splash.done.figures.charged_micros == 3_000_000
    assert splash.largest_share == pytest.approx(2 / 3)
    assert not splash.tells_fill


def test_five_partners_of_a_size_are_told() -> None:
    told = cell(*[done()] * 5)
    assert (told.tells_fill, told.tells_ctr, told.tells_ecpm) == (True, True, True)
    assert told.done.requests.fill_ppm == 500_000
    assert told.done.figures.ecpm_micros == 20_000_000


@pytest.mark.parametrize(
    ("one", "told"),
    [
        ({"requests": 10_000}, (False, True, True)),
        ({"impressions": 10_000}, (True, False, False)),
        ({"charged": 10**9}, (True, True, False)),
    ],
)
def test_a_partner_that_is_nearly_all_of_a_figure_hides_that_figure(
    one: dict[str, Any], told: tuple[bool, bool, bool]
) -> None:
    found = cell(done(**one), *[done()] * 5)
    assert (found.tells_fill, found.tells_ctr, found.tells_ecpm) == told


def test_partners_without_requests_are_none() -> None:
    silent = Done(Requests(), Figures())
    assert cell(done(), silent).partners == 1
    assert not cell(*[done()] * 4, silent).tells_fill
