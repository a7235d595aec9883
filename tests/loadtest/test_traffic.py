"""Traffic: an exact number of requests on a day curve, and phones that say the same each time."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from adserver.api import wire
from loadtest.marketplace import Market, make_market
from loadtest.phones import Phones
from loadtest.pictures import PictureBook
from loadtest.population import Population, make_population
from loadtest.traffic import STEPS, day_curve, make_schedule

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return make_market(1, NOW, PictureBook(tmp_path_factory.mktemp("p")), "http://127.0.0.1:1")


@pytest.fixture(scope="module")
def people() -> Population:
    return make_population(2_000, 1)


def test_a_schedule_has_exactly_the_requests_asked_for_within_its_time(
    people: Population, market: Market
) -> None:
    schedule = make_schedule(people, market, 5_000, 40.0, np.random.default_rng(1))
    assert len(schedule) == 5_000
    assert (np.diff(schedule.at_s) >= 0).all()
    assert schedule.at_s[0] >= 0
    assert schedule.at_s[-1] <= 40


def test_the_day_curve_has_a_quiet_night_a_busy_evening_and_bursts() -> None:
    rate = day_curve(np.random.default_rng(1))
    assert len(rate) == STEPS
    assert rate.mean() == pytest.approx(1)
    assert rate[int(STEPS * 0.25)] < 0.8
    assert rate.max() > 1.5


def test_splash_gets_its_third_of_the_traffic(people: Population, market: Market) -> None:
    schedule = make_schedule(people, market, 20_000, 10.0, np.random.default_rng(2))
    splash = [row for row, slot in enumerate(market.slots) if slot.format == "splash"]
    assert np.isin(schedule.placements, splash).mean() == pytest.approx(0.32, abs=0.02)


def test_every_phone_sends_what_the_door_accepts(people: Population, market: Market) -> None:
    phones = Phones(people, market)
    for placement in range(len(market.slots)):
        body = msgspec.json.decode(phones.body(placement, placement, "r1"), type=wire.AdsRequest)
        assert body.placement_id == market.slots[placement].placement_id
        assert body.user.id == people.user_ids[placement]


def test_pictures_do_not_depend_on_where_they_are_kept(tmp_path: Path) -> None:
    here = PictureBook(tmp_path / "a").draw("x", 64, 64, np.random.default_rng(1))
    there = PictureBook(tmp_path / "b").draw("x", 64, 64, np.random.default_rng(1))
    assert here == there
