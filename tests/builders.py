"""Valid things with defaults, for every test: name only what the test is about.

All ids and times hang together, so `marketplace()` alone is a market in which `ad_request()` finds
one ad. The one surprising fact: `NOW` is a Wednesday noon in UTC, evening in Shanghai.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from models.domain.ad_request import AdRequest
from models.domain.campaign import (
    Advertiser,
    Asset,
    Campaign,
    CapPeriod,
    Creative,
    FrequencyCap,
    LandingKind,
    LineItem,
    PricingModel,
    Rule,
    Targeting,
)
from models.domain.event import EventKind, Offer, Tracked, event_id, offer_id
from models.domain.ids import (
    AdvertiserId,
    AppId,
    CampaignId,
    CreativeId,
    LineItemId,
    PlacementId,
    UserKey,
)
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from models.domain.placement import App, Format, Placement

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp()) * 1000


def advertiser(**changes: Any) -> Advertiser:
    return replace(Advertiser(AdvertiserId("adv1"), "Advertiser One"), **changes)


def campaign(**changes: Any) -> Campaign:
    return replace(Campaign(CampaignId("cmp1"), AdvertiserId("adv1"), "Campaign One"), **changes)


def line_item(**changes: Any) -> LineItem:
    """A CPM line item of 20.00 a thousand, without budget, cap or targeting."""
    plain = LineItem(
        line_item_id=LineItemId("li1"),
        campaign_id=CampaignId("cmp1"),
        name="Line item One",
        pricing=PricingModel.CPM,
        bid_micros=Micros(20_000_000),
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return replace(plain, **changes)


def asset(**changes: Any) -> Asset:
    plain = Asset("image", "https://cdn.example/a.png", 1080, 1920, "image/png", 81_234, "ab" * 32)
    return replace(plain, **changes)


def creative(**changes: Any) -> Creative:
    plain = Creative(
        creative_id=CreativeId("cr1"),
        line_item_id=LineItemId("li1"),
        format=Format.SPLASH,
        landing_url="https://shop.example/landing",
        title="A title",
        assets=(asset(),),
    )
    return replace(plain, **changes)


def app(**changes: Any) -> App:
    return replace(App(AppId("app1"), "Reader", "com.example.reader", "books"), **changes)


def placement(**changes: Any) -> Placement:
    plain = Placement(PlacementId("pl1"), AppId("app1"), "Splash", Format.SPLASH)
    return replace(plain, **changes)


def marketplace(**changes: Any) -> Marketplace:
    """One of each, so that `ad_request()` finds one ad; replace any of the lists."""
    plain = Marketplace(
        advertisers=(advertiser(),),
        campaigns=(campaign(),),
        line_items=(line_item(),),
        creatives=(creative(),),
        apps=(app(),),
        placements=(placement(),),
    )
    return replace(plain, **changes)


def small_marketplace() -> Marketplace:
    """A few of each: 3 advertisers and campaigns, 5 line items, 6 creatives, 4 placements."""
    return Marketplace(
        advertisers=(
            advertiser(categories=frozenset({"IAB22"}), domain="shop.example"),
            advertiser(advertiser_id="adv2", name="Two", categories=frozenset({"IAB9"})),
            advertiser(advertiser_id="adv3", name="Three", time_zone="America/New_York"),
        ),
        campaigns=(
            campaign(),
            campaign(campaign_id="cmp2", advertiser_id="adv2", name="Campaign Two"),
            campaign(campaign_id="cmp3", advertiser_id="adv3", name="Campaign Three"),
        ),
        line_items=(
            line_item(),
            line_item(
                line_item_id="li2",
                campaign_id="cmp2",
                pricing=PricingModel.CPC,
                bid_micros=Micros(800_000),
                daily_budget_micros=Micros(500_000_000),
            ),
            line_item(
                line_item_id="li3",
                campaign_id="cmp3",
                pricing=PricingModel.CPA,
                bid_micros=Micros(30_000_000),
                total_budget_micros=Micros(9_000_000_000),
            ),
            line_item(
                line_item_id="li4",
                caps=(FrequencyCap(3, CapPeriod.DAY),),
                targeting=Targeting(os=Rule(include=frozenset({"android"}))),
            ),
            line_item(line_item_id="li5", campaign_id="cmp2", bid_micros=Micros(8_000_000)),
        ),
        creatives=(
            creative(),
            creative(creative_id="cr2", line_item_id="li2"),
            creative(creative_id="cr3", line_item_id="li3", landing_kind=LandingKind.DEEPLINK),
            creative(creative_id="cr4", line_item_id="li4", format=Format.BANNER, w=320, h=50),
            creative(creative_id="cr5", line_item_id="li5", format=Format.BANNER, w=320, h=50),
            creative(creative_id="cr6", line_item_id="li5"),
        ),
        apps=(app(), app(app_id="app2", name="Game", bundle="com.example.game", category="games")),
        placements=(
            placement(),
            placement(
                placement_id="pl2",
                name="Banner",
                format=Format.BANNER,
                sizes=((320, 50),),
                floor_cpm_micros=Micros(1_000_000),
                max_ads=3,
            ),
            placement(placement_id="pl3", app_id="app2", name="Game splash"),
            placement(placement_id="pl4", app_id="app2", name="Native", format=Format.NATIVE),
        ),
    )


def ad_request(**changes: Any) -> AdRequest:
    """A request of placement pl1 that says nothing about the user or device."""
    return replace(AdRequest("req1", app(), placement()), **changes)


def offer(**changes: Any) -> Offer:
    """A CPM offer of line item li1 in pl1: 20,000 micros an impression."""
    plain = Offer(
        offer_id=offer_id(AppId("app1"), "req1", 0),
        served_ms=NOW_MS,
        app_id=AppId("app1"),
        placement_id=PlacementId("pl1"),
        format=Format.SPLASH,
        advertiser_id=AdvertiserId("adv1"),
        campaign_id=CampaignId("cmp1"),
        line_item_id=LineItemId("li1"),
        creative_id=CreativeId("cr1"),
        pricing=PricingModel.CPM,
        price_micros=Micros(20_000),
        reserved_micros=Micros(20_000),
        utc_offset_s=28_800,
        user_key=UserKey(42),
    )
    return replace(plain, **changes)


def tracked(**changes: Any) -> Tracked:
    """An impression a second after its offer; the event id follows from offer and kind."""
    made_for = changes.get("offer", offer())
    kind = changes.get("kind", EventKind.IMPRESSION)
    plain = Tracked(
        event_id=event_id(made_for.offer_id, kind),
        kind=kind,
        offer=made_for,
        occurred_ms=NOW_MS + 1000,
        received_ms=NOW_MS + 1000,
        address_key=7,
    )
    return replace(plain, **changes)
