"""Why a line item cannot run, or may not have been shown, in words for the people who book it.

One sentence for every reason that the slate knows, and what to do about it; nothing is looked up
here. The one surprising fact: most reasons are no faults. A line item that is not shown in
placements of other formats is where it belongs.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from adserver.stores.promotion import Promotion
from models.domain.campaign import SOLD_PRICING_MODELS, LineItem, PricingModel
from models.domain.ids import LineItemId, ProductRef
from models.domain.marketplace import Marketplace
from ranking.catalog import event_bid
from ranking.slate import WON, NoAdReason

WORDS: dict[str, str] = {
    WON: "shown",
    NoAdReason.PLACEMENT_INACTIVE: "the placement or its app was switched off",
    NoAdReason.FORMAT: "the placement shows another format than its creatives have",
    NoAdReason.SIZE: "the placement takes other sizes than its creatives have",
    NoAdReason.BLOCKED_ADVERTISER: "the app or the placement blocks this advertiser",
    NoAdReason.BLOCKED_CATEGORY: "the app or the placement blocks a category of this advertiser",
    NoAdReason.COUNTRY: "the country is not targeted, or not known",
    NoAdReason.REGION: "the region is not targeted, or not known",
    NoAdReason.CITY: "the city is not targeted, or not known",
    NoAdReason.OS: "the operating system is not targeted, or not known",
    NoAdReason.OS_VERSION: "the version of the system is not targeted, or not known",
    NoAdReason.MAKE: "the make of the device is not targeted, or not known",
    NoAdReason.DEVICE_TYPE: "the kind of device is not targeted, or not known",
    NoAdReason.CONNECTION: "the connection is not targeted, or not known",
    NoAdReason.CARRIER: "the carrier is not targeted, or not known",
    NoAdReason.LANGUAGE: "the language is not targeted, or not known",
    NoAdReason.GENDER: "the gender is not targeted, or not known",
    NoAdReason.AGE: "the age is not targeted, or not known",
    NoAdReason.INTEREST: "the interests are not targeted, or not known",
    NoAdReason.APP_CATEGORY: "the app's category is not targeted",
    NoAdReason.PLACEMENT: "the placement is not targeted",
    NoAdReason.FLIGHT: "its flight had not begun, or was over",
    NoAdReason.HOUR_OF_WEEK: "the hour of the week is not targeted",
    NoAdReason.USER_UNKNOWN: "it has a frequency cap, and the request named no user to count for",
    NoAdReason.USER_NOT_LOADED: "it has a frequency cap, and the user store did not answer in time",
    NoAdReason.FREQUENCY_CAP: "the user had seen it as often as a frequency cap allows",
    NoAdReason.SPEND_UNKNOWN: "it has a budget, and the store of spend was away",
    NoAdReason.DAILY_BUDGET: "its budget for the day was spent, or promised to ads just served",
    NoAdReason.TOTAL_BUDGET: "its total budget was spent, or promised to ads just served",
    NoAdReason.PACING: "it was ahead of its plan for the day, and waited",
    NoAdReason.FLOOR: "its eCPM was below the floor price of the placement",
    NoAdReason.UNAFFORDABLE: "what was left of its budget would not have paid for one more ad",
    NoAdReason.SAME_ADVERTISER: "another line item of the same advertiser took a place",
    NoAdReason.OUTBID: "others had a higher eCPM",
    NoAdReason.NOTHING_LIVE: "nothing was live",
    NoAdReason.SWITCHED_OFF: "the house had switched it off",
}

ADVICE: dict[str, str] = {
    NoAdReason.FREQUENCY_CAP: "A looser cap or a wider audience would let it run more.",
    NoAdReason.USER_UNKNOWN: "Apps should send user.id, or this line item do without caps.",
    NoAdReason.USER_NOT_LOADED: "Look at the health of Redis: adunion console, /readyz.",
    NoAdReason.SPEND_UNKNOWN: "Look at the health of Redis: adunion console, /readyz.",
    NoAdReason.DAILY_BUDGET: "More daily budget, or even pacing, would keep it running all day.",
    NoAdReason.TOTAL_BUDGET: "More total budget would let it go on.",
    NoAdReason.PACING: "This is even pacing at work. More budget lets it run more often.",
    NoAdReason.FLOOR: "A higher bid, or creatives that are clicked more, would pass the floor.",
    NoAdReason.UNAFFORDABLE: "More budget would let it go on.",
    NoAdReason.OUTBID: "A higher bid, or creatives that are clicked more, would win more often.",
    NoAdReason.HOUR_OF_WEEK: "Hours are those of the advertiser's time zone.",
}


def obstacles(
    marketplace: Marketplace,
    line_item_id: LineItemId,
    now: datetime,
    promotions: Mapping[ProductRef, Promotion] = MappingProxyType({}),
) -> list[str]:
    """What keeps a line item from running at all, in words; nothing when it may run.

    `promotions` tell of the products that CPS line items promote.
    """
    items = {item.line_item_id: item for item in marketplace.line_items}
    item = items[line_item_id]
    checks = [*_checks(marketplace, item, now), *_price_checks(item, promotions)]
    return [words for wrong, words in checks if wrong]


def _price_checks(
    item: LineItem, promotions: Mapping[ProductRef, Promotion]
) -> list[tuple[bool, str]]:
    """Whether it has anything to bid."""
    if item.pricing is not PricingModel.CPS:
        return [(event_bid(item) <= 0, "Its bid comes to nothing for one billable event.")]
    shown = promotions.get(item.product)
    if shown is None:
        return [(True, f"Nothing is known of its product {item.product}.")]
    return [(bool(shown.obstacle), f"Its product is {item.product}: {shown.obstacle}")]


def _checks(marketplace: Marketplace, item: LineItem, now: datetime) -> list[tuple[bool, str]]:
    campaigns = {c.campaign_id: c for c in marketplace.campaigns if c.active}
    campaign = campaigns.get(item.campaign_id)
    advertisers = {a.advertiser_id for a in marketplace.advertisers if a.active}
    creatives = [c for c in marketplace.creatives if c.line_item_id == item.line_item_id]
    formats = {c.format for c in creatives if c.active}
    slots = {p.format for p in marketplace.placements if p.active}
    return [
        (not item.active, "It is archived."),
        (item.paused, "It is paused."),
        (campaign is None, f"Its campaign {item.campaign_id} is archived."),
        (campaign is not None and campaign.paused, f"Its campaign {item.campaign_id} is paused."),
        (
            campaign is not None and campaign.advertiser_id not in advertisers,
            "Its advertiser is archived.",
        ),
        (item.starts_at > now, f"Its flight begins at {item.starts_at:%Y-%m-%d %H:%M %Z}."),
        (
            item.ends_at is not None and item.ends_at <= now,
            f"Its flight ended at {item.ends_at:%Y-%m-%d %H:%M %Z}." if item.ends_at else "",
        ),
        (item.pricing not in SOLD_PRICING_MODELS, f"The engine does not sell {item.pricing} yet."),
        (not formats, "It has no active creative."),
        (
            bool(formats) and formats.isdisjoint(slots),
            f"No placement shows what its creatives are: {', '.join(sorted(formats))}.",
        ),
    ]
