"""What happened: decisions, ads served, and the tracked events that money depends on.

The one surprising fact: an event's id is not drawn, it is derived from the offer that caused it. A
replayed beacon makes the same id again, so it can be counted once wherever it turns up.

What every ad request makes (`Offer`, `AdServed`, `Decided`) is changed by nobody and yet not
frozen: freezing sets field by field, 10 us a request for the three and the request itself.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from models.domain.ad_request import AdRequest
from models.domain.campaign import PricingModel
from models.domain.ids import (
    AdvertiserId,
    AppId,
    CampaignId,
    CreativeId,
    LineItemId,
    PartnerId,
    PlacementId,
    UserKey,
)
from models.domain.money import NO_MONEY, Micros
from models.domain.placement import Format
from models.domain.user import UserProfile


class EventKind(StrEnum):
    """What can happen to an ad after it was served."""

    IMPRESSION = "impression"
    VIEWABLE = "viewable"
    CLICK = "click"
    CONVERSION = "conversion"


class Verdict(StrEnum):
    """What became of a tracked event. All but COUNTED and DEFERRED say why it does not count.

    DEFERRED: durable, but the store that knows duplicates is away; it is counted, once, when that
    store is back.
    """

    COUNTED = "counted"
    DEFERRED = "deferred"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    BAD_SIGNATURE = "bad_signature"
    NO_IMPRESSION = "no_impression"
    NO_CLICK = "no_click"
    INVALID_TRAFFIC = "invalid_traffic"
    TEST = "test"


NO_PARTNER = PartnerId("")  # the app's owner is not a partner

# CPS has none: a sale pays a commission, and no event of the ad costs anything.
BILLABLE_EVENT = {
    PricingModel.CPM: EventKind.IMPRESSION,
    PricingModel.CPC: EventKind.CLICK,
    PricingModel.CPA: EventKind.CONVERSION,
}


@dataclass(slots=True, unsafe_hash=True)
class Offer:
    """One ad in one answer.

    All that a beacon needs to be counted and billed, and so what its signed token carries.

    `price_micros` is what one billable event of `pricing` costs (for CPM: one impression, not a
    thousand); `reserved_micros` is what the budget set aside for it. `utc_offset_s` is the
    advertiser's offset when served: it fixes the budget day. `user_key` is None when the request
    named no user.
    """

    offer_id: UUID
    served_ms: int
    app_id: AppId
    placement_id: PlacementId
    format: Format
    advertiser_id: AdvertiserId
    campaign_id: CampaignId
    line_item_id: LineItemId
    creative_id: CreativeId
    pricing: PricingModel
    price_micros: Micros
    reserved_micros: Micros
    utc_offset_s: int
    user_key: UserKey | None
    test: bool = False
    partner_id: PartnerId = NO_PARTNER

    @property
    def billable(self) -> EventKind | None:
        """The event that is paid for; None when none is."""
        return BILLABLE_EVENT.get(self.pricing)


def offer_id(app_id: AppId, request_id: str, position: int) -> UUID:
    """The id of position `position` of an answer.

    Equal for every retry of the same request of the same app.
    """
    text = f"{app_id}\x1f{request_id}\x1f{position}".encode()
    return UUID(bytes=hashlib.blake2b(text, digest_size=16).digest())


def event_id(offer: UUID, kind: EventKind, salt: str = "") -> UUID:
    """The id of what happened to an offer; `salt` tells several conversions of one offer apart."""
    digest = hashlib.blake2b(offer.bytes, digest_size=16, key=f"{kind}{salt}".encode()[:64])
    return UUID(bytes=digest.digest())


@dataclass(frozen=True, slots=True)
class Tracked:
    """An impression, viewable, click or conversion as it arrived.

    Whether it counts is found when it is booked.

    `doubt` names why it must not be billed, found at the door (a bot, a burst, an expired token);
    None when there is none. `value_micros` is what the buyer paid (conversions only). `address_key`
    is a keyed hash of the sender's address.
    """

    event_id: UUID
    kind: EventKind
    offer: Offer
    occurred_ms: int
    received_ms: int
    address_key: int = 0
    doubt: Verdict | None = None
    detail: str = ""
    value_micros: Micros = NO_MONEY

    @property
    def budget_day(self) -> int:
        """The day number, in the advertiser's time zone, whose budget this belongs to.

        By arrival: a day that is over stays as it was.
        """
        return (self.received_ms // 1000 + self.offer.utc_offset_s) // 86_400


@dataclass(frozen=True, slots=True)
class Booked:
    """The outcome of booking a tracked event.

    Its verdict, and what the advertiser is charged for it.
    """

    verdict: Verdict
    charged_micros: Micros = NO_MONEY


@dataclass(slots=True, unsafe_hash=True)
class AdServed:
    """One ad of one answer.

    The request is handed over whole: what the log keeps of it is taken out later, in another
    thread. `features` is what the model saw: little-endian float64, one per slot of the feature
    schema.
    """

    offer: Offer
    request: AdRequest
    position: int
    bid_micros: Micros
    ecpm_micros: Micros
    pctr: float
    pcvr: float
    propensity: float
    features: bytes
    schema_hash: str
    snapshot_version: str
    model_version: str
    profile: UserProfile


@dataclass(slots=True, unsafe_hash=True)
class Decided:
    """One ad request and its outcome, no-fill included.

    The request and the user's profile are handed over whole: what the log keeps of them is taken
    out later, in another thread. `funnel` is how many candidates each stage left, in order;
    `top_ecpm_micros` the eCPM of the answer's first ad, 0 without one.
    """

    event_id: UUID
    request: AdRequest
    profile: UserProfile
    occurred_ms: int
    ads: int
    no_ad_reason: str
    funnel: tuple[tuple[str, int], ...]
    rejected: tuple[tuple[str, int], ...]
    latency_us: int
    snapshot_version: str
    model_version: str
    experiment_arms: str
    user_known: bool
    profile_loaded: bool
    top_ecpm_micros: Micros = NO_MONEY


@dataclass(frozen=True, slots=True)
class Census:
    """How often, in one minute's sampled requests, a line item left the slate for one reason.

    The reason is "won" when it was shown.
    """

    event_id: UUID
    minute_ms: int
    placement_id: PlacementId
    line_item_id: LineItemId
    reason: str
    requests: int
