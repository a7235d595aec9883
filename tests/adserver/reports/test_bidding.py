"""The arithmetic of a forecast: steps won, caps kept, rates shrunk, budgets spent."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from adserver.reports.bidding import (
    LimitKind,
    Purse,
    Terms,
    curve_bids,
    limits_at,
    point_at,
    share_won,
    spread,
)
from adserver.reports.capping import kept
from adserver.reports.click_rates import PRIOR_CTR, PRIOR_SHOWN, shrunk
from adserver.reports.delivery import Figures
from adserver.reports.landscape import Landscape, Step
from models.domain.campaign import CapPeriod, FrequencyCap, PricingModel
from models.domain.ids import PlacementId
from models.domain.money import Micros

PL = PlacementId("pl1")


def step(least: float, most: float, requests: int = 100, *, floor: bool = False) -> Step:
    """Requests whose winners pay what the rival was worth; all ads are shown."""
    shown = float(requests)
    priced = shown * (least + most) / 2 * 1_000
    return Step(floor, False, requests, least, most, shown, shown / 100, priced, shown * 1_000)


def landscape(*steps: Step) -> Landscape:
    requests = sum(one.requests for one in steps)
    return Landscape(2 * requests, 1.0, {1: requests}, steps)


def terms(purse: Purse = Purse(), cap: float = 1.0) -> Terms:  # noqa: B008 - frozen
    return Terms(1.0, PricingModel.CPM, lambda _: cap, purse)


def test_a_floor_is_passed_by_its_own_price_and_a_rival_only_by_more() -> None:
    assert share_won(step(5, 5, floor=True), Micros(5)) == 1.0
    assert share_won(step(5, 5), Micros(5)) == 0.0
    assert share_won(step(5, 5), Micros(6)) == 1.0
    assert share_won(step(4, 8), Micros(5)) == 0.25


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), min_size=1, max_size=8))
def test_a_higher_bid_never_brings_less(spans: list[tuple[int, int]]) -> None:
    found = landscape(*(step(low, low + wide) for low, wide in spans))
    points = [point_at(found, terms(), Micros(bid * 1_000)) for bid in range(0, 70, 3)]
    for lower, higher in pairwise(points):
        assert lower.impressions <= higher.impressions
        assert lower.spend_micros <= higher.spend_micros
    assert points[-1].win_rate == 1.0


def test_budgets_and_caps_scale_what_is_won() -> None:
    found = landscape(step(10, 10))
    free = point_at(found, terms(), Micros(20_000))
    assert (free.impressions, free.clicks, free.spend_micros) == (100, 1, 1_000)
    capped = point_at(found, terms(cap=0.5), Micros(20_000))
    assert (capped.impressions, capped.spend_micros) == (50, 500)
    poor = point_at(found, terms(Purse(Micros(250), Micros(400))), Micros(20_000))
    assert (poor.impressions, poor.spend_micros) == (25, 250)
    kinds = [one.kind for one in limits_at(found, terms(Purse(Micros(250)), 0.5), Micros(20_000))]
    assert kinds[0] in (LimitKind.TARGETING, LimitKind.FREQUENCY_CAP, LimitKind.DAILY_BUDGET)
    assert set(kinds) == {
        LimitKind.TARGETING, LimitKind.FREQUENCY_CAP, LimitKind.DAILY_BUDGET
    }  # fmt: skip


def test_first_price_winners_pay_their_own_bid_and_sales_nothing() -> None:
    first = step(10, 10)._replace(first=True)
    assert point_at(landscape(first), terms(), Micros(20_000)).spend_micros == 2_000
    sales = Terms(1.0, PricingModel.CPS, lambda _: 1.0, Purse())
    assert point_at(landscape(first), sales, Micros(20_000)).spend_micros == 0


def test_the_curve_has_the_bid_and_reaches_what_wins_nearly_everything() -> None:
    found = landscape(step(10, 10), step(30, 30))
    bids = curve_bids(found, terms(), Micros(12_345))
    assert bids == sorted(set(bids))
    assert Micros(12_345) in bids
    assert bids[-1] > 30_000
    assert curve_bids(found, terms(), Micros(0))[-1] > 30_000
    assert curve_bids(Landscape(0, 1.0), terms(), Micros(0))


def test_days_that_differ_spread_and_two_days_tell_nothing() -> None:
    assert spread([100, 100, 100]) == 0.0
    assert spread([50, 100, 150]) == pytest.approx(0.5)
    assert spread([1, 2]) == spread([]) == spread([0, 0, 0]) == 0.35


@pytest.mark.parametrize("rate", [0.05, 0.4, 0.9, 1.0])
def test_what_a_cap_keeps_is_what_drawing_it_out_keeps(rate: float) -> None:
    rng = random.Random(5)
    seen = {1: 300, 3: 200, 12: 50, 400: 1}
    cap = FrequencyCap(2, CapPeriod.DAY)
    won = left = 0
    for _ in range(40):
        for asked, users in seen.items():
            for _ in range(users):
                wins = sum(rng.random() < rate for _ in range(asked))
                won, left = won + wins, left + min(wins, cap.impressions)
    assert kept(seen, cap, rate) == pytest.approx(left / won, rel=0.04)


def test_a_cap_of_nobody_keeps_everything() -> None:
    assert kept({}, FrequencyCap(1, CapPeriod.DAY), 0.5) == 1.0
    assert kept({3: 10}, FrequencyCap(1, CapPeriod.DAY), 0.0) == 1.0


def test_rates_without_any_history_are_the_priors_and_say_so() -> None:
    found = shrunk({}, [], [PL])
    assert (found.rates[PL].ctr, found.rates[PL].shown) == (PRIOR_CTR, PRIOR_SHOWN)
    assert found.clicks == 0


def test_an_advertiser_that_is_clicked_twice_as_often_expects_nearly_twice_the_clicks() -> None:
    everybody = {"pl1": Figures(1_000_000, 900_000, clicks=9_000)}
    own = {"pl1": Figures(20_000, 18_000, clicks=360)}
    plain = shrunk(everybody, [], [PL])
    liked = shrunk(everybody, [own], [PL])
    assert plain.rates[PL].ctr == pytest.approx(0.01, rel=0.01)
    assert liked.rates[PL].ctr == pytest.approx(0.0195, rel=0.02)
    assert liked.clicks == 9_000
    once = {"pl1": Figures(10, 9, clicks=1)}
    assert shrunk(everybody, [once], [PL]).rates[PL].ctr == pytest.approx(0.011, rel=0.02)
