"""The fields of what advertisers buy: advertiser > campaign > line item > creative.

Never here: apps and placements (`selling`). Adding a field is a line here, a column in
`adserver.stores.tables` and a migration.
"""

from collections.abc import Iterator
from typing import Any

from adserver.marketplace import assets
from adserver.marketplace.fields import Field, Findings, Kind
from adserver.marketplace.list_notation import MOST_PIXELS, cap, list_of, set_of
from adserver.marketplace.notation import (
    amount,
    choice,
    host,
    identifier,
    product,
    text,
    token,
    url,
    whole_number,
    yes_no,
)
from adserver.marketplace.problem import Sentence
from adserver.marketplace.targeting_notation import targeting
from adserver.marketplace.time_notation import instant, time_zone
from models.domain.campaign import (
    SOLD_PRICING_MODELS,
    Advertiser,
    Campaign,
    Creative,
    LandingKind,
    LineItem,
    Pacing,
    PricingModel,
    Review,
    Targeting,
)
from models.domain.placement import Format

MOST_GENERATIONS = 1_000_000
LEAST_CPM = 1_000


def _names(kind: str) -> Any:
    return lambda value: iter([(kind, value)])


def _placements(value: Targeting) -> Iterator[tuple[str, str]]:
    for placement in sorted(value.placement.include | value.placement.exclude):
        yield "placement", placement


def _flight_and_money(item: LineItem) -> Findings:
    yield from _of_a_sale(item) if item.pricing is PricingModel.CPS else _of_an_event(item)
    if item.ends_at is not None and item.ends_at <= item.starts_at:
        yield "ends_at", Sentence("must be later than starts_at")
    daily, total = item.daily_budget_micros, item.total_budget_micros
    if daily is not None and total is not None and daily > total:
        yield "daily_budget", Sentence("is more than total_budget")


def _of_a_sale(item: LineItem) -> Findings:
    if not item.product:
        yield "product", Sentence("is missing: cps promotes a product, written merchant/sku")
    nothing_charged = Sentence(
        "is not for cps: sales pay commissions, and ads of them cost nothing"
    )
    paid = {
        "bid": item.bid_micros,
        "daily_budget": item.daily_budget_micros,
        "total_budget": item.total_budget_micros,
    }
    for name, value in paid.items():
        if value:
            yield name, nothing_charged


def _of_an_event(item: LineItem) -> Findings:
    if item.product:
        yield "product", Sentence("is for cps, not for %(pricing)s", pricing=item.pricing)
    if not item.bid_micros:
        yield "bid", Sentence("must be more than zero")
    elif item.pricing is PricingModel.CPM and item.bid_micros < LEAST_CPM:
        yield "bid", Sentence("must be at least 0.001, so that an impression costs a millionth")


def _landing_and_size(creative: Creative) -> Findings:
    if bool(creative.w) != bool(creative.h):
        yield "w", Sentence("w and h are given together or not at all")
    if creative.landing_kind is not LandingKind.DEEPLINK:
        message = url(web_only=True).check(creative.landing_url)
        if message:
            yield (
                "landing_url",
                Sentence("%(why)s (only a deeplink may have another scheme)", why=message),
            )


ACTIVE = Field("active", yes_no(), "false: archived, kept but not used.", option="")
KEY_GENERATION = Field(
    "key_generation",
    whole_number(1, MOST_GENERATIONS),
    "How often the key was made anew, plus one; raise it and the old key stops working.",
    option="",
)

PAUSED = Field("paused", yes_no(), "true: rests until it is resumed.")

ADVERTISER = Kind(
    "advertiser",
    "advertisers",
    Advertiser,
    "adv",
    (
        Field("advertiser_id", identifier(), "Its id: letters, digits, _ and -.", option="id"),
        Field("name", text(200, least=1), "The name people know it by; shown with its ads."),
        Field("time_zone", time_zone(), "Its days begin at midnight here; an IANA name."),
        Field("categories", set_of(token(), 50), "What it is about; placements block by these."),
        Field("domain", host(empty=True), "Its web domain."),
        KEY_GENERATION,
        Field("prepaid", yes_no(), "true: runs only while it has money paid in."),
        ACTIVE,
    ),
)

CAMPAIGN = Kind(
    "campaign",
    "campaigns",
    Campaign,
    "cmp",
    (
        Field("campaign_id", identifier(), "Its id: letters, digits, _ and -.", option="id"),
        Field(
            "advertiser_id",
            identifier(),
            "Whose campaign it is.",
            option="advertiser",
            refers_to=_names("advertiser"),
        ),
        Field("name", text(200, least=1), "What people call it."),
        PAUSED,
        ACTIVE,
    ),
    parent="advertiser",
)

LINE_ITEM = Kind(
    "line_item",
    "line_items",
    LineItem,
    "li",
    (
        Field("line_item_id", identifier(), "Its id: letters, digits, _ and -.", option="id"),
        Field(
            "campaign_id",
            identifier(),
            "The campaign it is part of.",
            option="campaign",
            refers_to=_names("campaign"),
        ),
        Field("name", text(200, least=1), "What people call it."),
        Field(
            "pricing",
            choice(PricingModel, SOLD_PRICING_MODELS),
            "What is paid for: a thousand impressions (cpm), a click (cpc), a conversion (cpa), a "
            "sale of a merchant's product (cps).",
        ),
        Field(
            "bid",
            amount(least=0),
            "The most paid for one of those; required but for cps, which has none.",
            attribute="bid_micros",
        ),
        Field(
            "product",
            product(),
            "What a cps line item promotes; its commission takes the place of a bid.",
        ),
        Field("starts_at", instant(), "First moment, in the advertiser's time zone.", local=True),
        Field("ends_at", instant(), "First moment after it; open when not given.", local=True),
        Field(
            "daily_budget",
            amount(),
            "The most spent in a day of the advertiser's.",
            attribute="daily_budget_micros",
        ),
        Field(
            "total_budget",
            amount(),
            "The most spent over the whole flight.",
            attribute="total_budget_micros",
        ),
        Field("pacing", choice(Pacing), "even: spread over the day. asap: while there is money."),
        Field(
            "caps",
            list_of(cap(), 12, key=lambda value: (value.period, value.level)),
            "At most N impressions a user and minute, hour, day or lifetime, summed over the "
            "line_item, campaign or advertiser.",
            option="cap",
        ),
        Field(
            "targeting",
            targeting(),
            "Who may see it; nobody is left out when not given.",
            option="target",
            refers_to=_placements,
        ),
        PAUSED,
        ACTIVE,
    ),
    parent="campaign",
    within=_flight_and_money,
)

CREATIVE = Kind(
    "creative",
    "creatives",
    Creative,
    "cr",
    (
        Field("creative_id", identifier(), "Its id: letters, digits, _ and -.", option="id"),
        Field(
            "line_item_id",
            identifier(),
            "The line item that shows it.",
            option="line-item",
            refers_to=_names("line_item"),
        ),
        Field("format", choice(Format), "Which kind of slot it was made for."),
        Field("w", whole_number(0, MOST_PIXELS), "Width of that slot in pixels; 0: any."),
        Field("h", whole_number(0, MOST_PIXELS), "Height of that slot in pixels; 0: any."),
        Field(
            "landing_url",
            url(),
            "What a tap opens; {click_id} in it is replaced, or appended when absent.",
        ),
        Field("landing_kind", choice(LandingKind), "How a tap opens it."),
        Field(
            "fallback_url",
            url(web_only=True, empty=True),
            "Opened where a deeplink cannot be.",
        ),
        Field("title", text(200), "Headline."),
        Field("description", text(1000, lines=True), "Body text."),
        Field("cta", text(50), "Words on the button."),
        Field("assets", assets.assets(), "Its pictures and films.", option="asset"),
        Field("duration_ms", whole_number(0, 120_000), "How long a splash or film runs."),
        Field("review", choice(Review), "What the house says of it; only approved ones are shown."),
        ACTIVE,
    ),
    parent="line_item",
    within=_landing_and_size,
)
