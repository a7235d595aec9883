"""Why a line item does not run, and what became of it in the ad requests that were sampled.

Never here: words (`console.insight.why_words`). The one surprising fact: most of what a census
tells is no fault. A line item that is not shown in placements of other formats is where it belongs,
so those reasons are told apart from what somebody might change.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from adserver.eventlog.queries import CensusCount
from adserver.reports.bidding import event_bid
from adserver.reports.delivery import Figures
from adserver.reports.fitting import Draft, placements_for, shapes_of
from models.domain.campaign import (
    SOLD_PRICING_MODELS,
    Advertiser,
    Campaign,
    Creative,
    LineItem,
    PricingModel,
    Review,
)
from models.domain.marketplace import Marketplace

WON = "won"
ELSEWHERE = frozenset({"placement_inactive", "format", "size"})
"""What a line item meets wherever it could not appear at all."""
NEARLY = 0.98
"""Of a budget; what is left beyond it rarely pays for one more ad."""


class Obstacle(StrEnum):
    """What keeps a line item from running at all, in the order in which it would have to change."""

    SWITCHED_OFF = "switched_off"
    ARCHIVED = "archived"
    CAMPAIGN_ARCHIVED = "campaign_archived"
    ADVERTISER_ARCHIVED = "advertiser_archived"
    PAUSED = "paused"
    CAMPAIGN_PAUSED = "campaign_paused"
    ENDED = "ended"
    NOT_BEGUN = "not_begun"
    NO_MONEY = "no_money"
    NOT_SOLD = "not_sold"
    NO_BID = "no_bid"
    NO_PRODUCT = "no_product"
    NO_CREATIVE = "no_creative"
    IN_REVIEW = "in_review"
    REJECTED = "rejected"
    NO_PLACEMENT = "no_placement"
    TOTAL_SPENT = "total_spent"
    TODAY_SPENT = "today_spent"


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides whether a line item may run.

    `slots` holds apps and placements. `product` says in words why its product cannot be sold.
    `today` is the advertiser's day so far, `ever` the whole flight; None where the log is away.
    """

    advertiser: Advertiser
    campaign: Campaign
    item: LineItem
    creatives: Collection[Creative]
    slots: Marketplace
    has_money: bool = True
    is_switched_off: bool = False
    product: str = ""
    today: Figures | None = None
    ever: Figures | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """In how many sampled requests one thing became of a line item; `share` is of all of them."""

    name: str
    requests: int
    share: float


@dataclass(frozen=True, slots=True)
class Told:
    """The sampled requests: where it could have been shown, and how many it could not fit."""

    sampled: int = 0
    elsewhere: int = 0
    reasons: list[Reason] = field(default_factory=list)


def obstacles(standing: Standing, now: datetime) -> list[Obstacle]:
    """What keeps it from running, first things first; nothing when it may run."""
    item, campaign = standing.item, standing.campaign
    checks = {
        Obstacle.SWITCHED_OFF: standing.is_switched_off,
        Obstacle.ARCHIVED: not item.active,
        Obstacle.CAMPAIGN_ARCHIVED: not campaign.active,
        Obstacle.ADVERTISER_ARCHIVED: not standing.advertiser.active,
        Obstacle.PAUSED: item.paused,
        Obstacle.CAMPAIGN_PAUSED: campaign.paused,
        Obstacle.ENDED: item.ends_at is not None and item.ends_at <= now,
        Obstacle.NOT_BEGUN: item.starts_at > now,
        Obstacle.NO_MONEY: not standing.has_money,
        **_of_price(standing),
        **_of_creatives(standing),
        **_of_budgets(standing),
    }
    return [obstacle for obstacle, holds in checks.items() if holds]


def told_by(counts: Iterable[CensusCount]) -> Told:
    """A census as reasons, what was shown first and then the most frequent."""
    totals: Counter[str] = Counter()
    for count in counts:
        totals[count.reason] += count.requests
    every = sum(totals.values())
    elsewhere = sum(totals[name] for name in ELSEWHERE)
    fits = {name: n for name, n in totals.items() if name not in ELSEWHERE}
    ordered = sorted(fits.items(), key=lambda told: (told[0] != WON, -told[1], told[0]))
    reasons = [Reason(name, n, n / (every - elsewhere)) for name, n in ordered]
    return Told(every, elsewhere, reasons)


def _of_price(standing: Standing) -> Mapping[Obstacle, bool]:
    item = standing.item
    sells = item.pricing is PricingModel.CPS
    return {
        Obstacle.NOT_SOLD: item.pricing not in SOLD_PRICING_MODELS,
        Obstacle.NO_BID: not sells and event_bid(item) <= 0,
        Obstacle.NO_PRODUCT: sells and bool(standing.product),
    }


def _of_creatives(standing: Standing) -> Mapping[Obstacle, bool]:
    there = [one for one in standing.creatives if one.active]
    reviews = {one.review for one in there}
    approved = [one for one in there if one.review is Review.APPROVED]
    draft = Draft(standing.advertiser, standing.item, shapes_of(approved))
    return {
        Obstacle.NO_CREATIVE: not there,
        Obstacle.IN_REVIEW: not approved and Review.PENDING in reviews,
        Obstacle.REJECTED: reviews == {Review.REJECTED},
        Obstacle.NO_PLACEMENT: bool(approved) and not placements_for(standing.slots, draft),
    }


def _of_budgets(standing: Standing) -> Mapping[Obstacle, bool]:
    item = standing.item
    return {
        Obstacle.TOTAL_SPENT: _is_spent(item.total_budget_micros, standing.ever),
        Obstacle.TODAY_SPENT: _is_spent(item.daily_budget_micros, standing.today),
    }


def _is_spent(budget: int | None, figures: Figures | None) -> bool:
    return budget is not None and figures is not None and figures.charged_micros >= budget * NEARLY
