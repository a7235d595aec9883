"""The rules once more, as plain loops over objects: what the columns of ranking must agree with.

Written from the words of the design, one ad at a time, with zoneinfo instead of tables and tuples
instead of bitmaps. Slow, and meant to be read.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from models.domain.ad_request import AdRequest
from models.domain.campaign import (
    Advertiser,
    Campaign,
    CapLevel,
    CapPeriod,
    Creative,
    FrequencyCap,
    LineItem,
    PricingModel,
    Rule,
)
from models.domain.marketplace import Marketplace
from models.domain.user import Exposure, UserState
from ranking.slate import NoAdReason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC).date()
DEVICES = {
    "mobile": {1, 4, 5}, "pc": {2}, "tv": {3}, "phone": {4}, "tablet": {5},
    "connected_device": {6}, "set_top_box": {7}, "ooh": {8},
}  # fmt: skip
CONNECTIONS = {
    "ethernet": {1}, "wifi": {2}, "cellular": {3, 4, 5, 6, 7}, "2g": {4}, "3g": {5}, "4g": {6},
    "5g": {7},
}  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    advertiser: Advertiser
    campaign: Campaign
    item: LineItem
    creative: Creative


def candidates(market: Marketplace, now: datetime) -> list[Candidate]:
    """What can run at all."""
    return [
        Candidate(advertiser, campaign, item, creative)
        for item in market.line_items
        for campaign in market.campaigns
        for advertiser in market.advertisers
        for creative in market.creatives
        if campaign.campaign_id == item.campaign_id
        and advertiser.advertiser_id == campaign.advertiser_id
        and creative.line_item_id == item.line_item_id
        and all(x.active for x in (item, campaign, advertiser, creative))
        and (item.ends_at is None or now < item.ends_at)
    ]


def refusal(
    ad: Candidate, market: Marketplace, request: AdRequest, user: UserState, now: datetime
) -> NoAdReason | None:
    """The first reason in the order of the stages, up to frequency caps."""
    return (
        fit(ad, request)
        or targeting(ad, request, user, now)
        or flight(ad, now)
        or caps(ad, market, user, now)
    )


def fit(ad: Candidate, request: AdRequest) -> NoAdReason | None:
    app, placement = request.app, request.placement
    if not (app.active and placement.active):
        return NoAdReason.PLACEMENT_INACTIVE
    if ad.creative.format != placement.format:
        return NoAdReason.FORMAT
    size = (ad.creative.w, ad.creative.h)
    if placement.sizes and size != (0, 0) and size not in placement.sizes:
        return NoAdReason.SIZE
    if ad.advertiser.advertiser_id in app.blocked_advertisers | placement.blocked_advertisers:
        return NoAdReason.BLOCKED_ADVERTISER
    for blocked in app.blocked_categories | placement.blocked_categories:
        for own in ad.advertiser.categories:
            if own.lower() == blocked.lower() or own.lower().startswith(blocked.lower() + "-"):
                return NoAdReason.BLOCKED_CATEGORY
    return None


def targeting(
    ad: Candidate, request: AdRequest, user: UserState, now: datetime
) -> NoAdReason | None:
    rules = ad.item.targeting
    gender, born, interests = "", 0, set()
    if request.personalized:
        gender = request.gender or user.profile.gender
        born = request.birth_year or user.profile.birth_year
        interests = {*request.segments, *user.profile.interests}
    checks = [
        (NoAdReason.COUNTRY, listed(rules.country, {request.country})),
        (NoAdReason.REGION, listed(rules.region, {request.region})),
        (NoAdReason.CITY, listed(rules.city, {request.city})),
        (NoAdReason.OS, listed(rules.os, {request.os})),
        (NoAdReason.OS_VERSION, in_range(rules.os_version, numbers(request.os_version))),
        (NoAdReason.MAKE, listed(rules.make, {request.make})),
        (NoAdReason.DEVICE_TYPE, numbered(rules.device_type, request.device_type, DEVICES)),
        (NoAdReason.CONNECTION, numbered(rules.connection, request.connection, CONNECTIONS)),
        (NoAdReason.CARRIER, listed(rules.carrier, {request.carrier})),
        (
            NoAdReason.LANGUAGE,
            listed(rules.language, {request.language, request.language.split("-")[0]}),
        ),
        (NoAdReason.GENDER, listed(rules.gender, {gender})),
        (NoAdReason.AGE, in_range(rules.age, [now.year - born] if born else None)),
        (NoAdReason.INTEREST, listed(rules.interest, {str(segment) for segment in interests})),
        (NoAdReason.APP_CATEGORY, listed(rules.app_category, {request.app.category})),
        (NoAdReason.PLACEMENT, listed(rules.placement, {request.placement.placement_id})),
    ]
    return next((reason for reason, passes in checks if not passes), None)


def listed(rule: Rule, values: set[str]) -> bool:
    known = {value.lower() for value in values if value}
    include = {value.lower() for value in rule.include}
    exclude = {value.lower() for value in rule.exclude}
    return (not include or bool(known & include)) and not known & exclude


def numbered(rule: Rule, value: int, names: dict[str, set[int]]) -> bool:
    def covers(text: str) -> bool:
        return value in names.get(text.lower(), {int(text)} if text.isdecimal() else set())

    if value == 0:
        return not rule.include
    included = not rule.include or any(map(covers, rule.include))
    return included and not any(map(covers, rule.exclude))


def numbers(text: str) -> list[int] | None:
    parts = text.split(".")
    return [int(part) for part in parts] if text and all(map(str.isdecimal, parts)) else None


def in_range(rule: Rule, value: list[int] | None) -> bool:
    if value is None:
        return not rule.include
    included = not rule.include or any(between(value, text) for text in rule.include)
    return included and not any(between(value, text) for text in rule.exclude)


def between(value: list[int], text: str) -> bool:
    low, high = text.split("..") if ".." in text else (text, text)
    padded = [*value, 0, 0, 0, 0]
    above = not low or padded >= [*(numbers(low) or []), 0, 0, 0][:4]
    last = numbers(high)
    return above and (last is None or padded[: len(last)] <= last)


def flight(ad: Candidate, now: datetime) -> NoAdReason | None:
    if not (ad.item.starts_at <= now and (ad.item.ends_at is None or now < ad.item.ends_at)):
        return NoAdReason.FLIGHT
    local = now.astimezone(ZoneInfo(ad.advertiser.time_zone))
    hour = str(local.weekday() * 24 + local.hour)
    return None if listed(ad.item.targeting.hour_of_week, {hour}) else NoAdReason.HOUR_OF_WEEK


def caps(ad: Candidate, market: Marketplace, user: UserState, now: datetime) -> NoAdReason | None:
    if not ad.item.caps:
        return None
    if not user.known:
        return NoAdReason.USER_UNKNOWN
    if not user.loaded:
        return NoAdReason.USER_NOT_LOADED
    for cap in ad.item.caps:
        if seen(ad, cap, market, user, now) >= cap.impressions:
            return NoAdReason.FREQUENCY_CAP
    return None


def seen(
    ad: Candidate, cap: FrequencyCap, market: Marketplace, user: UserState, now: datetime
) -> int:
    campaigns = {campaign.campaign_id: campaign for campaign in market.campaigns}
    total = 0
    for item in market.line_items:
        exposure = user.exposures.get(item.line_item_id)
        together = {
            CapLevel.LINE_ITEM: item.line_item_id == ad.item.line_item_id,
            CapLevel.CAMPAIGN: item.campaign_id == ad.item.campaign_id,
            CapLevel.ADVERTISER: campaigns[item.campaign_id].advertiser_id
            == ad.advertiser.advertiser_id,
        }[cap.level]
        if exposure and together:
            total += in_window(exposure, cap.period, ad.advertiser.time_zone, now)
    return total


def in_window(exposure: Exposure, period: CapPeriod, time_zone: str, now: datetime) -> int:
    unix = int(now.timestamp())
    today = (now.astimezone(ZoneInfo(time_zone)).date() - EPOCH).days
    return {
        CapPeriod.MINUTE: exposure.in_minute if exposure.minute == unix // 60 else 0,
        CapPeriod.HOUR: exposure.in_hour if exposure.hour == unix // 3600 else 0,
        CapPeriod.DAY: exposure.in_day if exposure.day == today else 0,
        CapPeriod.LIFETIME: exposure.lifetime,
    }[period]


def ecpm(item: LineItem, pctr: float, pcvr: float) -> float:
    return {
        PricingModel.CPM: float(item.bid_micros // 1000 * 1000),
        PricingModel.CPC: item.bid_micros * pctr * 1000,
        PricingModel.CPA: item.bid_micros * pctr * pcvr * 1000,
        PricingModel.CPS: item.bid_micros * pctr * pcvr * 1000,
    }[item.pricing]
