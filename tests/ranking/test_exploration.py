"""Propensities are exact: they sum to 1 and are what is observed."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from models.domain.history import History, HistoryCell
from models.domain.user import UserState
from ranking.decision import Decision, decide
from ranking.exploration import ExplorationPolicy, probabilities
from tests.builders import (
    NOW,
    ad_request,
    advertiser,
    campaign,
    creative,
    line_item,
    marketplace,
    placement,
)
from tests.ranking.markets import snapshot_of

DRAWS = 6_000
POLICY = ExplorationPolicy(epsilon=0.3, top_k=3)


def market(*bids: int, max_ads: int = 1, floor: int = 0, **line_item_changes: int):
    """One advertiser, campaign, line item and creative for each bid."""
    numbers = range(len(bids))
    return marketplace(
        advertisers=tuple(advertiser(advertiser_id=f"adv{n}") for n in numbers),
        campaigns=tuple(campaign(campaign_id=f"cmp{n}", advertiser_id=f"adv{n}") for n in numbers),
        line_items=tuple(
            line_item(
                line_item_id=f"li{n}", campaign_id=f"cmp{n}", bid_micros=bid, **line_item_changes
            )
            for n, bid in enumerate(bids)
        ),
        creatives=tuple(creative(creative_id=f"cr{n}", line_item_id=f"li{n}") for n in numbers),
        placements=(placement(max_ads=max_ads, floor_cpm_micros=floor),),
    )


def decisions(marketplace_, *, policy=POLICY, history=None, draws=DRAWS) -> list[Decision]:
    snapshot = snapshot_of(marketplace_, policy=policy, history=history)
    request = ad_request(placement=marketplace_.placements[0], count=20)
    rng = np.random.default_rng(11)
    return [decide(request, UserState(), snapshot, NOW, rng) for _ in range(draws)]


def observed_equals_propensity(taken: list[Decision], place: int) -> None:
    """Given the places before, each ad comes as often as its propensity says."""
    shown: Counter[tuple[int, ...]] = Counter()
    above: Counter[tuple[int, ...]] = Counter()
    propensity = {}
    for decision in taken:
        rows = tuple(winner.ad.row for winner in decision.winners[: place + 1])
        shown[rows] += 1
        above[rows[:-1]] += 1
        assert propensity.setdefault(rows, decision.winners[place].propensity) == pytest.approx(
            decision.winners[place].propensity
        )
    for rows, expected in propensity.items():
        n = above[rows[:-1]]
        assert shown[rows] / n == pytest.approx(expected, abs=5 * (0.25 / n) ** 0.5)


def test_propensities_are_the_frequencies_of_what_is_shown() -> None:
    taken = decisions(market(30_000_000, 20_000_000, 10_000_000, 5_000_000))
    observed_equals_propensity(taken, 0)
    assert {decision.winners[0].ad.row for decision in taken} == {0, 1, 2}


def test_propensities_hold_for_every_place_of_an_answer() -> None:
    taken = decisions(market(30_000_000, 20_000_000, 10_000_000, 5_000_000, max_ads=3))
    for place in range(3):
        observed_equals_propensity(taken, place)


def test_ties_are_drawn_evenly_and_counted_in_the_propensity() -> None:
    taken = decisions(market(20_000_000, 20_000_000, 20_000_000), policy=replace(POLICY, epsilon=0))
    observed_equals_propensity(taken, 0)
    assert {round(decision.winners[0].propensity, 9) for decision in taken} == {round(1 / 3, 9)}


def test_a_creative_with_few_impressions_is_explored_more_often() -> None:
    history = History(1, (HistoryCell("cr1", "pl1", 5_000, 10, 0),))
    taken = decisions(market(30_000_000, 20_000_000, 20_000_000), history=history)
    observed_equals_propensity(taken, 0)
    known, new = (
        {d.winners[0].propensity for d in taken if d.winners[0].ad.row == row} for row in (1, 2)
    )
    assert new.pop() == pytest.approx(10 * known.pop())


def test_an_explored_ad_is_never_below_the_floor() -> None:
    taken = decisions(market(30_000_000, 20_000_000, 1_000_000, floor=15_000_000))
    assert {decision.winners[0].ad.row for decision in taken} == {0, 1}


def test_an_explored_ad_can_pay_and_never_pays_more_than_its_bid() -> None:
    taken = decisions(market(30_000_000, 20_000_000, 10_000_000, total_budget_micros=20_000))
    assert {decision.winners[0].ad.row for decision in taken} == {1, 2}
    prices = {d.winners[0].ad.row: d.winners[0].price_micros for d in taken}
    assert prices == {1: 10_000, 2: 1}


def test_without_epsilon_the_best_is_certain() -> None:
    taken = decisions(market(30_000_000, 20_000_000), policy=ExplorationPolicy(epsilon=0), draws=50)
    assert {(d.winners[0].ad.row, d.winners[0].propensity) for d in taken} == {(0, 1.0)}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from((1.0, 2.0, 2.0, 5.0, 7.5, 7.5, 9.0)), min_size=1, max_size=12),
    st.floats(0, 1),
    st.integers(1, 15),
    st.data(),
)
def test_the_probabilities_of_a_place_sum_to_one_over_its_top_k(
    ecpm: list[float], epsilon: float, top_k: int, data: st.DataObject
) -> None:
    n = len(ecpm)
    weight = np.array(data.draw(st.lists(st.floats(1, 10), min_size=n, max_size=n)))
    is_open = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    field = (np.arange(n, dtype=np.int32), np.array(ecpm), np.arange(n, dtype=np.int32), weight)
    odds = probabilities(field, is_open, epsilon, top_k)
    worth = sorted((e for e, may in zip(ecpm, is_open, strict=True) if may), reverse=True)
    assert odds.sum() == pytest.approx(1.0 if worth else 0.0)
    least = worth[min(top_k, len(worth)) - 1] if worth else 0.0
    for chance, e, may in zip(odds, ecpm, is_open, strict=True):
        assert (chance == 0.0) or (may and e >= least)
        assert not (may and e == worth[0]) or chance >= (1 - epsilon) / worth.count(e) - 1e-12
