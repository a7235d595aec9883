"""The marketplace as columns: who becomes a row, and what stays findable."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from models.domain.campaign import PricingModel
from models.domain.marketplace import Marketplace
from ranking.catalog import Catalog
from ranking.slate import NoAdReason
from tests.builders import (
    NOW,
    advertiser,
    app,
    campaign,
    creative,
    line_item,
    marketplace,
    placement,
    small_marketplace,
)

GONE = [
    marketplace(line_items=(line_item(active=False),)),
    marketplace(line_items=(line_item(ends_at=NOW),)),
    marketplace(line_items=(line_item(pricing=PricingModel.OCPC),)),
    marketplace(line_items=(line_item(bid_micros=999),)),
    marketplace(line_items=(line_item(campaign_id="elsewhere"),)),
    marketplace(campaigns=(campaign(active=False),)),
    marketplace(campaigns=(campaign(advertiser_id="elsewhere"),)),
    marketplace(advertisers=(advertiser(active=False),)),
    marketplace(creatives=(creative(active=False),)),
    marketplace(creatives=()),
]


@pytest.mark.parametrize("market", GONE)
def test_what_cannot_run_is_no_row_but_is_still_found(market: Marketplace) -> None:
    catalog = Catalog.build(market, NOW)
    assert catalog.ads == ()
    assert catalog.line_items == ()
    assert len(catalog.creatives) == len(market.creatives)
    assert catalog.placements["pl1"] == placement()


def test_rows_of_ads_and_line_items_fit_together() -> None:
    market = small_marketplace()
    catalog = Catalog.build(market, NOW)
    assert [ad.row for ad in catalog.ads] == list(range(6))
    for ad in catalog.ads:
        item = catalog.line_items[catalog.ad_line_item[ad.row]]
        assert item is ad.line_item
        assert catalog.line_item_row[item.line_item_id] == catalog.ad_line_item[ad.row]
        assert ad.campaign.advertiser_id == ad.advertiser.advertiser_id


def test_bids_count_in_whole_micros_an_impression() -> None:
    catalog = Catalog.build(marketplace(line_items=(line_item(bid_micros=20_000_999),)), NOW)
    assert catalog.rules.items["event_bid"].tolist() == [20_000]


def test_a_slate_of_one_request_does_not_change_the_next() -> None:
    catalog = Catalog.build(small_marketplace(), NOW)
    slot = catalog.placements["pl2"]
    first = catalog.slate_for(slot)
    first.tally[:] = 99
    first.funnel.append(("x", 0))
    again = catalog.slate_for(slot)
    assert again.rejected == ((NoAdReason.FORMAT, 4),)
    assert again.funnel == [("catalog", 6), ("live", 2)]


def test_each_placement_blocks_for_itself_and_its_app() -> None:
    market = replace(
        small_marketplace(),
        apps=(app(blocked_advertisers=frozenset({"adv1"})), app(app_id="app2")),
        placements=(
            placement(blocked_categories=frozenset({"iab9"})),
            placement(placement_id="pl2", app_id="app2"),
        ),
    )
    catalog = Catalog.build(market, NOW)
    assert dict(catalog.slate_for(market.placements[0]).rejected) == {
        NoAdReason.FORMAT: 2,
        NoAdReason.BLOCKED_ADVERTISER: 1,
        NoAdReason.BLOCKED_CATEGORY: 2,
    }
    assert dict(catalog.slate_for(market.placements[1]).funnel)["live"] == 4


def test_days_and_offsets_are_the_advertisers() -> None:
    catalog = Catalog.build(small_marketplace(), NOW)
    evening = NOW + timedelta(hours=5)
    days = dict(
        zip([i.line_item_id for i in catalog.line_items], catalog.local_days(evening), strict=True)
    )
    assert days["li1"] == days["li3"] + 1
    newyork = next(ad.row for ad in catalog.ads if ad.line_item.line_item_id == "li3")
    assert catalog.utc_offset_s(newyork, NOW) == -18_000
    assert catalog.utc_offset_s(newyork, NOW + timedelta(days=150)) == -14_400


def test_an_empty_marketplace_is_a_catalog_too() -> None:
    catalog = Catalog.build(Marketplace(), NOW)
    assert catalog.ads == ()
    assert catalog.local_days(NOW).tolist() == []


def test_more_than_a_word_of_ads_fits() -> None:
    items = tuple(line_item(line_item_id=f"li{n}") for n in range(130))
    creatives = tuple(creative(creative_id=f"cr{n}", line_item_id=f"li{n}") for n in range(130))
    catalog = Catalog.build(marketplace(line_items=items, creatives=creatives), NOW)
    live = catalog.slate_for(placement()).live
    assert np.bitwise_count(live).sum() == 130
    assert live.shape == (3,)


def test_what_is_switched_off_leaves_every_slate_and_the_counts_still_add_up() -> None:
    catalog = Catalog.build(small_marketplace(), NOW)
    off = catalog.ads[0].line_item.line_item_id
    masked = catalog.without(lambda ad: ad.line_item.line_item_id == off)
    assert masked.ads is catalog.ads
    for name, place in catalog.placements.items():
        before, after = catalog.shelves[name], masked.shelves[name]
        slate = masked.slate_for(place, traced=True)
        gone = dict(slate.rejected).get(NoAdReason.SWITCHED_OFF, 0)
        assert after.fits == before.fits - gone
        assert after.fits + sum(count for _, count in slate.rejected) == len(catalog.ads)
        assert not any(
            fate == 0 and ad.line_item.line_item_id == off
            for fate, ad in zip(slate.fate.tolist(), catalog.ads, strict=True)
        )
    assert any(
        dict(masked.slate_for(place).rejected).get(NoAdReason.SWITCHED_OFF)
        for place in catalog.placements.values()
    )
