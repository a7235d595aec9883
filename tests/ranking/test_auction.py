"""Who pays what, by example; the general law is held against a sorted list in test_decision."""

import numpy as np
import pytest

from models.domain.campaign import PricingModel
from models.domain.money import Micros
from models.domain.placement import AuctionType
from models.domain.user import UserState
from ranking.auction import second_price
from ranking.decision import Decision, decide
from ranking.slate import NoAdReason
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
from tests.ranking.markets import Told, snapshot_of


def market(*items: dict[str, object], **slot: object):
    numbers = range(len(items))
    return marketplace(
        advertisers=tuple(advertiser(advertiser_id=f"adv{n}") for n in numbers),
        campaigns=tuple(campaign(campaign_id=f"cmp{n}", advertiser_id=f"adv{n}") for n in numbers),
        line_items=tuple(
            line_item(**{"line_item_id": f"li{n}", "campaign_id": f"cmp{n}", **item})
            for n, item in enumerate(items)
        ),
        creatives=tuple(creative(creative_id=f"cr{n}", line_item_id=f"li{n}") for n in numbers),
        placements=(placement(**slot),),
    )


def decided(marketplace_, count: int = 1, **pctr: float) -> Decision:
    snapshot = snapshot_of(marketplace_, pctr=Told(0.01, pctr), pcvr=Told(0.1))
    request = ad_request(placement=marketplace_.placements[0], count=count)
    return decide(request, UserState(), snapshot, NOW, np.random.default_rng(0))


def test_a_click_is_paid_by_quality_so_the_better_ad_pays_less_a_click() -> None:
    cpc = {"pricing": PricingModel.CPC, "bid_micros": 1_000_000}
    (winner,) = decided(market(cpc, cpc), cr0=0.04, cr1=0.01).winners
    assert winner.ad.creative.creative_id == "cr0"
    assert winner.price_micros == 250_000
    assert winner.reserved_micros == 10_000


def test_an_impression_is_paid_at_the_second_price() -> None:
    (winner,) = decided(market({"bid_micros": 20_000_000}, {"bid_micros": 12_345_678})).winners
    assert winner.price_micros == 12_345
    assert winner.reserved_micros == 12_345


def test_a_conversion_competes_by_both_probabilities() -> None:
    cpa = {"pricing": PricingModel.CPA, "bid_micros": 30_000_000}
    (winner,) = decided(market(cpa, {"bid_micros": 20_000_000})).winners
    assert winner.ad.line_item.line_item_id == "li0"
    assert winner.ecpm_micros == 30_000_000
    assert winner.price_micros == 20_000_000


def test_alone_an_ad_pays_the_floor() -> None:
    (winner,) = decided(market({}, floor_cpm_micros=7_000_500)).winners
    assert winner.price_micros == 7_001


def test_alone_without_a_floor_an_ad_pays_one_micro() -> None:
    (winner,) = decided(market({})).winners
    assert winner.price_micros == 1


def test_at_first_price_an_ad_pays_its_bid() -> None:
    slot = {"auction": AuctionType.FIRST_PRICE}
    (winner,) = decided(market({"bid_micros": 20_000_999}, {}, **slot)).winners
    assert winner.price_micros == 20_000


def test_every_place_pays_what_keeps_it() -> None:
    bids = [{"bid_micros": bid} for bid in (40_000_000, 30_000_000, 20_000_000, 10_000_000)]
    winners = decided(market(*bids, max_ads=3), count=5).winners
    assert [winner.price_micros for winner in winners] == [30_000, 20_000, 10_000]


def test_an_advertiser_gets_one_place_and_does_not_bid_against_itself() -> None:
    own = [{"bid_micros": bid, "campaign_id": "cmp0"} for bid in (40_000_000, 30_000_000)]
    decision = decided(market(*own, {"bid_micros": 5_000_000}, max_ads=3), count=3)
    assert [(w.ad.row, w.price_micros) for w in decision.winners] == [(0, 5_000), (2, 1)]
    assert dict(decision.rejected)[NoAdReason.SAME_ADVERTISER] == 1


def test_the_fewer_of_what_is_asked_and_what_the_placement_has_is_answered() -> None:
    items = market({}, {}, {}, max_ads=2)
    assert len(decided(items, count=1).winners) == 1
    assert len(decided(items, count=9).winners) == 2


def test_a_bid_without_a_whole_micro_an_impression_is_not_sold() -> None:
    assert decided(market({"bid_micros": 999})).no_ad == NoAdReason.NOTHING_LIVE


@pytest.mark.parametrize("pctr", [0.0, float("nan")])
def test_an_ad_that_is_worth_nothing_is_below_every_floor(pctr: float) -> None:
    cpc = {"pricing": PricingModel.CPC, "bid_micros": 1_000_000}
    assert decided(market(cpc), cr0=pctr).no_ad == NoAdReason.FLOOR


def test_the_second_price_is_at_most_the_bid_whatever_the_floats_say() -> None:
    for quality in (0.3, 1.1, 7.7, 123.456, 999.999):
        bid = Micros(800_000)
        assert second_price(bid, quality, bid * quality) == bid
        assert second_price(bid, quality, bid * quality * 2) == bid
