"""What programs send and get in the advertisers' room: the types that describe the REST calls.

Never here: handlers (`endpoints`, `money_endpoints`). The one surprising fact: amounts are integers
of micros beside their currency, while pages take decimal text; both end in the same notations.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from adserver.console.advertisers.interval import wilson
from adserver.console.advertisers.status import State
from adserver.marketplace.notation import MOST_MICROS
from adserver.reports.delivery import Figures
from adserver.stores.top_ups import TopUpStatus
from affiliate.ledger import Reason
from models.domain.campaign import (
    Advertiser,
    Campaign,
    CapLevel,
    CapPeriod,
    FrequencyCap,
    LineItem,
    Pacing,
    PricingModel,
    Rule,
    Targeting,
)

Amount = Annotated[int, Meta(ge=0, le=MOST_MICROS)]
Moment = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
Value = Annotated[str, Meta(max_length=200)]
Values = Annotated[list[Value], Meta(max_length=5_000)]


class Cap(Struct):
    """At most so many impressions a user and period, over all line items of the level."""

    impressions: Annotated[int, Meta(ge=1, le=65_535)]
    period: CapPeriod
    level: CapLevel = CapLevel.LINE_ITEM


class TargetRule(Struct):
    """Who may see it, who may not; values are written as in the catalog file."""

    include: Values = msgspec.field(default_factory=list)
    exclude: Values = msgspec.field(default_factory=list)


class AdvertiserView(Struct):
    """An advertiser. `prepaid`: it is shown only while it has money left."""

    advertiser_id: str
    name: str
    time_zone: str
    domain: str
    categories: list[str]
    prepaid: bool
    active: bool
    currency: str


class AdvertiserChange(Struct):
    """Only what is named is changed."""

    name: Name | UnsetType = UNSET
    domain: Annotated[str, Meta(max_length=253)] | UnsetType = UNSET
    time_zone: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET


class CampaignView(Struct):
    """A campaign. All its line items rest while it is paused; archived is not active."""

    campaign_id: str
    name: str
    paused: bool
    active: bool
    line_items: int
    running: int


class CampaignBody(Struct):
    """A campaign to be made, or its new name."""

    name: Name


class LineItemView(Struct):
    """A line item as it is kept, and how it stands now."""

    line_item_id: str
    campaign_id: str
    name: str
    state: State
    pricing: PricingModel
    currency: str
    bid_micros: int
    product: str
    starts_at: datetime
    ends_at: datetime | None
    daily_budget_micros: int | None
    total_budget_micros: int | None
    pacing: Pacing
    caps: list[Cap]
    targeting: dict[str, TargetRule]
    paused: bool
    active: bool


class LineItemBody(Struct):
    """A line item to be made; budgets are null for none. cps is for operators."""

    campaign_id: Id
    name: Name
    pricing: PricingModel
    starts_at: Moment
    bid_micros: Amount = 0
    product: Value = ""
    ends_at: Moment | None = None
    daily_budget_micros: Amount | None = None
    total_budget_micros: Amount | None = None
    pacing: Pacing = Pacing.EVEN
    caps: Annotated[list[Cap], Meta(max_length=12)] = msgspec.field(default_factory=list)
    targeting: dict[Value, TargetRule] = msgspec.field(default_factory=dict)
    paused: bool = False


class LineItemChange(Struct):
    """Only what is named is changed; a list that is named takes the place of the old one."""

    name: Name | UnsetType = UNSET
    pricing: PricingModel | UnsetType = UNSET
    starts_at: Moment | UnsetType = UNSET
    bid_micros: Amount | UnsetType = UNSET
    product: Value | UnsetType = UNSET
    ends_at: Moment | UnsetType | None = UNSET
    daily_budget_micros: Amount | UnsetType | None = UNSET
    total_budget_micros: Amount | UnsetType | None = UNSET
    pacing: Pacing | UnsetType = UNSET
    caps: Annotated[list[Cap], Meta(max_length=12)] | UnsetType = UNSET
    targeting: dict[Value, TargetRule] | UnsetType = UNSET


class DeliveryRow(Struct):
    """What was delivered under one key; the click rate with its 95 % interval, in ppm."""

    key: str
    served: int
    impressions: int
    viewables: int
    clicks: int
    conversions: int
    charged_micros: int
    currency: str
    ctr_ppm: int | None
    ctr_low_ppm: int | None
    ctr_high_ppm: int | None


class BalanceView(Struct):
    """What is left: what the ledger has, less what was charged since its last entry."""

    currency: str
    left_micros: int
    booked_micros: int
    unbooked_micros: int
    prepaid: bool
    shown: bool
    counted_at: datetime | None


class MoveView(Struct):
    """Money that came (positive) or went, and the balance behind it."""

    seq: int
    occurred_at: datetime
    reason: Reason
    amount_micros: int
    balance_micros: int
    currency: str
    refs: dict[str, str]


class TopUpBody(Struct):
    """A payment that is announced."""

    amount_micros: Annotated[int, Meta(ge=1, le=10**15)]
    note: Annotated[str, Meta(max_length=500)] = ""


class TopUpView(Struct):
    """A payment that was announced, and what became of it."""

    top_up_id: str
    amount_micros: int
    currency: str
    note: str
    status: TopUpStatus
    asked_by: str
    asked_at: datetime
    decided_at: datetime | None
    reference: str
    reason: str


class PostbackView(Struct):
    """Where conversions are posted, and the key's visible part."""

    url: str
    key_generation: int
    key_masked: str


class PostbackKeys(Struct):
    """New keys; they are shown in this answer."""

    url: str
    key_generation: int
    key: str
    signing_secret: str


class PostbackTest(Struct):
    """A signed test conversion that was sent, and what came back; status 0: nothing did."""

    ok: bool
    verdict: str
    sent: str
    status: int
    answer: str
    took_ms: int


def advertiser_view(advertiser: Advertiser, currency: str) -> AdvertiserView:
    """An advertiser for a program."""
    return AdvertiserView(
        advertiser_id=advertiser.advertiser_id,
        name=advertiser.name,
        time_zone=advertiser.time_zone,
        domain=advertiser.domain,
        categories=sorted(advertiser.categories),
        prepaid=advertiser.prepaid,
        active=advertiser.active,
        currency=currency,
    )


def campaign_view(campaign: Campaign, states: list[State]) -> CampaignView:
    """A campaign for a program; `states` are those of its line items."""
    return CampaignView(
        campaign.campaign_id,
        campaign.name,
        campaign.paused,
        campaign.active,
        len(states),
        states.count(State.RUNNING),
    )


def line_item_view(item: LineItem, state: State, currency: str) -> LineItemView:
    """A line item for a program."""
    return LineItemView(
        line_item_id=item.line_item_id,
        campaign_id=item.campaign_id,
        name=item.name,
        state=state,
        pricing=item.pricing,
        currency=currency,
        bid_micros=item.bid_micros,
        product=item.product,
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        daily_budget_micros=item.daily_budget_micros,
        total_budget_micros=item.total_budget_micros,
        pacing=item.pacing,
        caps=[Cap(one.impressions, one.period, one.level) for one in item.caps],
        targeting=_rules(item.targeting),
        paused=item.paused,
        active=item.active,
    )


def caps_of(caps: list[Cap]) -> tuple[FrequencyCap, ...]:
    """The domain's caps."""
    return tuple(FrequencyCap(one.impressions, one.period, one.level) for one in caps)


def delivery_row(key: str, figures: Figures, currency: str) -> DeliveryRow:
    """Figures under a key."""
    rate = wilson(figures.clicks, figures.impressions)
    return DeliveryRow(
        key=key,
        served=figures.served,
        impressions=figures.impressions,
        viewables=figures.viewables,
        clicks=figures.clicks,
        conversions=figures.conversions,
        charged_micros=figures.charged_micros,
        currency=currency,
        ctr_ppm=rate.seen if rate else None,
        ctr_low_ppm=rate.low if rate else None,
        ctr_high_ppm=rate.high if rate else None,
    )


def _rules(targeting: Targeting) -> dict[str, TargetRule]:
    named = {name: getattr(targeting, name) for name in Targeting.__dataclass_fields__}
    return {
        name: TargetRule(sorted(rule.include), sorted(rule.exclude))
        for name, rule in named.items()
        if rule != Rule()
    }
