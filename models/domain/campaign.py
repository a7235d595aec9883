"""What advertisers buy.

Advertiser > campaign > line item > creative, with targeting, caps, pricing and budgets.

Never here: how any of it is decided (`ranking`) or stored (`adserver.stores`). The one surprising
fact: bids are in the line item's own pricing unit, so a CPM bid is the price of a thousand
impressions and a CPC bid of one click; the bid of a CPS line item is not the advertiser's at all,
it is the commission that one sale of its product is expected to bring.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.domain.ids import (
    AdvertiserId,
    CampaignId,
    CreativeId,
    LineItemId,
    MerchantId,
    ProductRef,
    Sku,
)
from models.domain.money import NO_MONEY, Micros
from models.domain.placement import Format


class PricingModel(StrEnum):
    """What is paid for. The engine sells CPM, CPC, CPA and CPS today.

    CPS is a merchant's product: nothing is charged per event, its sales pay commissions. The others
    have their names reserved.
    """

    CPM = "cpm"
    CPC = "cpc"
    CPA = "cpa"
    CPT = "cpt"
    CPI = "cpi"
    CPS = "cps"
    OCPC = "ocpc"


SOLD_PRICING_MODELS = frozenset(
    {PricingModel.CPM, PricingModel.CPC, PricingModel.CPA, PricingModel.CPS}
)
NO_PRODUCT = ProductRef("")


class Pacing(StrEnum):
    """EVEN spreads the daily budget over the day in the advertiser's time zone.

    ASAP spends while there is money.
    """

    EVEN = "even"
    ASAP = "asap"


class CapPeriod(StrEnum):
    """A calendar window; days are days in the advertiser's time zone."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    LIFETIME = "lifetime"


class CapLevel(StrEnum):
    """Whose impressions are counted together."""

    LINE_ITEM = "line_item"
    CAMPAIGN = "campaign"
    ADVERTISER = "advertiser"


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """At most `impressions` a user and period, counted over all line items of the level."""

    impressions: int
    period: CapPeriod
    level: CapLevel = CapLevel.LINE_ITEM


@dataclass(frozen=True, slots=True)
class Rule:
    """An include and an exclude list over one attribute. Empty include: everybody.

    Exclude wins over include.
    """

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Targeting:
    """Who may see a line item.

    An unknown value never matches an include list and is never hit by an exclude list.

    Values are compared case-insensitively, as OpenRTB spells them: country is ISO 3166 alpha-3;
    device_type is an OpenRTB `devicetype` number or its name (phone, tablet, tv, pc,
    connected_device, set_top_box, mobile, ooh); connection is a number or name (ethernet, wifi,
    cellular, 2g, 3g, 4g, 5g); gender is F, M or O; os_version and age hold ranges "min..max" with
    both ends included and either end open ("12..", "18..24"); hour_of_week is "0".."167" from
    Monday 00:00 in the advertiser's time zone; interest holds segment ids.
    """

    country: Rule = Rule()
    region: Rule = Rule()
    city: Rule = Rule()
    os: Rule = Rule()
    os_version: Rule = Rule()
    make: Rule = Rule()
    device_type: Rule = Rule()
    connection: Rule = Rule()
    carrier: Rule = Rule()
    language: Rule = Rule()
    gender: Rule = Rule()
    age: Rule = Rule()
    interest: Rule = Rule()
    app_category: Rule = Rule()
    placement: Rule = Rule()
    hour_of_week: Rule = Rule()


@dataclass(frozen=True, slots=True)
class Advertiser:
    """`categories` are IAB content categories, what placements block by.

    `time_zone` is an IANA name.

    `key_generation` counts rotations of the advertiser's postback key, which is derived and kept
    nowhere. A `prepaid` one runs only while it has money left.
    """

    advertiser_id: AdvertiserId
    name: str
    time_zone: str = "Asia/Shanghai"
    categories: frozenset[str] = frozenset()
    domain: str = ""
    key_generation: int = 1
    prepaid: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class Campaign:
    """A group of line items with one purpose; all of them rest while it is `paused`."""

    campaign_id: CampaignId
    advertiser_id: AdvertiserId
    name: str
    paused: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class LineItem:
    """What is bought, for whom, when, at what price. Instants are aware.

    No `ends_at` means open end (exclusive bound).

    `daily_budget_micros` counts days in the advertiser's time zone; None means no limit. `product`
    is what a CPS line item promotes; its bid is filled in when the catalog is published. While
    `paused` it is published as not active.
    """

    line_item_id: LineItemId
    campaign_id: CampaignId
    name: str
    pricing: PricingModel
    starts_at: datetime
    bid_micros: Micros = NO_MONEY
    ends_at: datetime | None = None
    daily_budget_micros: Micros | None = None
    total_budget_micros: Micros | None = None
    pacing: Pacing = Pacing.EVEN
    caps: tuple[FrequencyCap, ...] = ()
    targeting: Targeting = field(default_factory=Targeting)
    product: ProductRef = NO_PRODUCT
    paused: bool = False
    active: bool = True

    @property
    def merchant_id(self) -> MerchantId:
        """Whose product it promotes; "" when it promotes none."""
        return MerchantId(self.product.partition("/")[0])

    @property
    def sku(self) -> Sku:
        """The product that it promotes, at its merchant."""
        return Sku(self.product.partition("/")[2])


class LandingKind(StrEnum):
    """What a tap opens."""

    WEB = "web"
    DEEPLINK = "deeplink"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a creative.

    What it is for, where it lies, its size in pixels and bytes, and its hash.
    """

    role: str
    url: str
    w: int
    h: int
    mime: str
    bytes: int
    sha256: str


class Review(StrEnum):
    """What the house says of a creative; only approved ones are shown."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Creative:
    """One picture, text or film of a line item.

    `w` x `h` is the slot size it was made for (0 x 0: any). What the operator writes counts as
    approved; what an advertiser makes or changes in the console waits for review.
    """

    creative_id: CreativeId
    line_item_id: LineItemId
    format: Format
    landing_url: str
    w: int = 0
    h: int = 0
    landing_kind: LandingKind = LandingKind.WEB
    fallback_url: str = ""
    title: str = ""
    description: str = ""
    cta: str = ""
    assets: tuple[Asset, ...] = ()
    duration_ms: int = 5000
    review: Review = Review.APPROVED
    active: bool = True
