"""decide() against the oracle's plain loops, and the sums that must hold whatever happens."""

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from models.domain.ad_request import AdRequest
from models.domain.campaign import LineItem, PricingModel
from models.domain.marketplace import Marketplace
from models.domain.user import UserState
from ranking.census import census
from ranking.decision import Decision, decide
from ranking.exploration import ExplorationPolicy
from ranking.slate import REASONS, STAGES, STAYS, NoAdReason
from tests.builders import NOW, ad_request, line_item, marketplace, placement, small_marketplace
from tests.ranking import crowds, oracle, strategies
from tests.ranking.markets import Told, snapshot_of

LATER = {NoAdReason.FLOOR, NoAdReason.SAME_ADVERTISER, NoAdReason.OUTBID}
SLOWLY = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def adds_up(decision: Decision) -> None:
    """The funnel and the reasons tell the same story, stage by stage."""
    counts = dict(decision.rejected)
    funnel = decision.funnel
    assert sum(counts.values()) + len(decision.winners) == funnel[0][1]
    for (_, before), (stage, after) in pairwise(funnel):
        assert before - after == sum(counts.get(reason, 0) for reason in STAGES[stage])


def follows_the_oracle(
    market: Marketplace, request: AdRequest, user: UserState, now: datetime
) -> None:
    snapshot = snapshot_of(market, now=now)
    decision = decide(request, user, snapshot, now, np.random.default_rng(0), traced=True)
    expected = {
        ad.creative.creative_id: oracle.refusal(ad, market, request, user, now)
        for ad in oracle.candidates(market, now)
    }
    found = {
        ad.creative.creative_id: REASONS[code]
        for ad, code in zip(snapshot.catalog.ads, decision.fate.tolist(), strict=True)
    }
    assert found.keys() == expected.keys()
    for creative_id, reason in found.items():
        later = reason in LATER or reason == REASONS[STAYS]
        assert (None if later else reason) == expected[creative_id], creative_id
    adds_up(decision)


@SLOWLY
@given(st.data())
def test_every_ad_leaves_for_the_reason_that_plain_loops_give(data: st.DataObject) -> None:
    market = data.draw(strategies.marketplaces())
    request = data.draw(strategies.requests(market))
    follows_the_oracle(market, request, data.draw(strategies.USERS), NOW)


@pytest.mark.parametrize("seed", range(60))
def test_in_a_crowd_every_ad_leaves_for_the_reason_that_plain_loops_give(seed: int) -> None:
    rng = random.Random(seed)
    market = crowds.market(rng)
    now = NOW + timedelta(hours=rng.randrange(168) * rng.choice((0, 1)))
    follows_the_oracle(market, crowds.request(rng, market), crowds.user(rng, now), now)


@pytest.mark.parametrize("seed", range(60))
def test_winners_and_prices_are_those_of_a_sorted_list(seed: int) -> None:
    rng = random.Random(seed)
    market = crowds.market(rng)
    request, user = crowds.request(rng, market), crowds.user(rng)
    floor = rng.choice((0, 500_000, 20_000_000))
    request = replace(request, placement=replace(request.placement, floor_cpm_micros=floor))
    pctr = {c.creative_id: rng.uniform(0.001, 0.2) for c in market.creatives}
    snapshot = snapshot_of(market, pctr=Told(creatives=pctr), pcvr=Told(0.05))
    decision = decide(request, user, snapshot, NOW, np.random.default_rng(0))
    runs = [
        (oracle.ecpm(ad.item, pctr[ad.creative.creative_id], 0.05), ad)
        for ad in oracle.candidates(market, NOW)
        if oracle.refusal(ad, market, request, user, NOW) is None
    ]
    runs = [(worth, ad) for worth, ad in runs if worth >= floor and worth > 0]
    for winner in decision.winners:
        worth = oracle.ecpm(winner.ad.line_item, winner.pctr, winner.pcvr)
        assert np.isclose(worth, max(worth for worth, _ in runs))
        mine = winner.ad.advertiser.advertiser_id
        runs = [(w, ad) for w, ad in runs if ad.advertiser.advertiser_id != mine]
        below = max((w for w, _ in runs), default=0.0)
        events = worth / event_bid(winner.ad.line_item)
        price = winner.price_micros
        if winner.ad.line_item.pricing is PricingModel.CPS:
            assert price == winner.reserved_micros == 0
            continue
        assert 1 <= price <= event_bid(winner.ad.line_item)
        assert price * events >= max(below, floor) * (1 - 1e-12)
        assert (price - 1) * events < max(below, floor, events) * (1 + 1e-12)
        assert winner.reserved_micros >= price * events / 1000 * (1 - 1e-12)
    slots = min(request.count, request.placement.max_ads)
    assert len(decision.winners) == slots or not runs
    adds_up(decision)


def event_bid(item: LineItem) -> int:
    return item.bid_micros // 1000 if item.pricing is PricingModel.CPM else item.bid_micros


@SLOWLY
@given(st.data())
def test_the_census_tells_every_line_item_as_the_counts_do(data: st.DataObject) -> None:
    market = data.draw(strategies.marketplaces())
    request = data.draw(strategies.requests(market))
    user = data.draw(strategies.USERS)
    snapshot = snapshot_of(market, policy=ExplorationPolicy(epsilon=0.5))
    decision = decide(request, user, snapshot, NOW, np.random.default_rng(3))
    again = decide(request, user, snapshot, NOW, decision.lot, traced=True)
    fates = Counter(REASONS[code] for code in again.fate.tolist() if code != STAYS)
    assert fates == Counter(dict(decision.rejected))
    told = census(request, user, snapshot, NOW, decision)
    won = {winner.ad.line_item.line_item_id for winner in decision.winners}
    assert won == {
        item.line_item_id
        for item, code in zip(snapshot.catalog.line_items, told.tolist(), strict=True)
        if code == STAYS
    }


def test_the_same_generator_makes_the_same_decision() -> None:
    snapshot = snapshot_of(small_marketplace(), policy=ExplorationPolicy(epsilon=0.5))
    request = ad_request(count=1)
    pairs = [
        [decide(request, UserState(), snapshot, NOW, np.random.default_rng(n)) for _ in range(2)]
        for n in range(20)
    ]
    assert all(one.winners == other.winners for one, other in pairs)
    assert len({one.winners[0].ad.row for one, _ in pairs}) > 1


def test_no_ad_names_the_reason_that_took_most_where_the_last_ads_left() -> None:
    items = tuple(line_item(line_item_id=f"li{n}", bid_micros=1_000_000 * n) for n in range(1, 4))
    market = marketplace(line_items=items, placements=(placement(floor_cpm_micros=9_000_000),))
    decision = decide(
        ad_request(placement=market.placements[0]),
        UserState(),
        snapshot_of(market),
        NOW,
        np.random.default_rng(0),
    )
    assert decision.no_ad == NoAdReason.FLOOR
    assert decision.winners == ()


def test_an_empty_market_has_nothing_live() -> None:
    market = marketplace(line_items=(), creatives=())
    decision = decide(ad_request(), UserState(), snapshot_of(market), NOW, np.random.default_rng(0))
    assert decision.no_ad == NoAdReason.NOTHING_LIVE
    adds_up(decision)


def test_a_placement_that_the_catalog_does_not_know_gets_no_ad() -> None:
    request = ad_request(placement=placement(placement_id="elsewhere"))
    decision = decide(
        request, UserState(), snapshot_of(marketplace()), NOW, np.random.default_rng(0)
    )
    assert decision.no_ad == NoAdReason.PLACEMENT_INACTIVE
    adds_up(decision)


def test_the_logged_row_is_as_wide_as_the_schema() -> None:
    snapshot = snapshot_of(marketplace())
    (winner,) = decide(ad_request(), UserState(), snapshot, NOW, np.random.default_rng(0)).winners
    assert len(winner.features) == 8 * len(snapshot.features.schema.slots)
    assert winner.utc_offset_s == 28_800
