"""How a line item, a campaign or a creative stands, in two words and a colour.

Never here: figures, or long explanations (`adserver.console.insight`). The one surprising fact: the
states are tried in an order, so that a paused line item of an archived campaign is archived: the
first thing that would have to change is what is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from adserver.console.web.language import N_
from adserver.stores.buyers import Holdings
from models.domain.campaign import Advertiser, Campaign, Creative, LineItem, Review


class State(StrEnum):
    """Where it stands; REST says these words."""

    ADVERTISER_ARCHIVED = "advertiser_archived"
    ARCHIVED = "archived"
    CAMPAIGN_ARCHIVED = "campaign_archived"
    PAUSED = "paused"
    CAMPAIGN_PAUSED = "campaign_paused"
    ENDED = "ended"
    NO_CREATIVE = "no_creative"
    REJECTED = "rejected"
    IN_REVIEW = "in_review"
    NO_MONEY = "no_money"
    SCHEDULED = "scheduled"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as a page shows it: English words to translate, and a kind of `ui.badge`."""

    words: str
    kind: str


BADGES: dict[State, Badge] = {
    State.ADVERTISER_ARCHIVED: Badge(N_("Advertiser archived"), "bad"),
    State.ARCHIVED: Badge(N_("Archived"), ""),
    State.CAMPAIGN_ARCHIVED: Badge(N_("Campaign archived"), ""),
    State.PAUSED: Badge(N_("Paused"), "warn"),
    State.CAMPAIGN_PAUSED: Badge(N_("Campaign paused"), "warn"),
    State.ENDED: Badge(N_("Ended"), ""),
    State.NO_CREATIVE: Badge(N_("Needs a creative"), "warn"),
    State.REJECTED: Badge(N_("Creative rejected"), "bad"),
    State.IN_REVIEW: Badge(N_("In review"), "info"),
    State.NO_MONEY: Badge(N_("No money left"), "bad"),
    State.SCHEDULED: Badge(N_("Scheduled"), "info"),
    State.RUNNING: Badge(N_("Running"), "ok"),
}

REVIEW_BADGES: dict[Review, Badge] = {
    Review.PENDING: Badge(N_("Waits for review"), "warn"),
    Review.APPROVED: Badge(N_("Approved"), "ok"),
    Review.REJECTED: Badge(N_("Rejected"), "bad"),
}


def state_of(
    item: LineItem,
    campaign: Campaign,
    advertiser: Advertiser,
    creatives: Sequence[Creative],
    now: datetime,
    *,
    has_money: bool = True,
) -> State:
    """The first thing that keeps a line item from running, or that it runs."""
    tried = (
        (State.ADVERTISER_ARCHIVED, not advertiser.active),
        (State.ARCHIVED, not item.active),
        (State.CAMPAIGN_ARCHIVED, not campaign.active),
        (State.ENDED, item.ends_at is not None and item.ends_at <= now),
        (State.PAUSED, item.paused),
        (State.CAMPAIGN_PAUSED, campaign.paused),
    )
    found = next((state for state, holds in tried if holds), None)
    if found is None:
        found = _of_creatives(creatives)
    if found is None and not has_money:
        found = State.NO_MONEY
    if found is None:
        found = State.SCHEDULED if item.starts_at > now else State.RUNNING
    return found


def states_of(held: Holdings, now: datetime, *, has_money: bool) -> dict[str, State]:
    """The state of every line item, by id."""
    campaigns = {one.campaign_id: one for one in held.campaigns}
    creatives: dict[str, list[Creative]] = {}
    for creative in held.creatives:
        creatives.setdefault(creative.line_item_id, []).append(creative)
    return {
        item.line_item_id: state_of(
            item,
            campaigns[item.campaign_id],
            held.advertiser,
            creatives.get(item.line_item_id, ()),
            now,
            has_money=has_money,
        )
        for item in held.line_items
    }


def campaign_badge(campaign: Campaign, states: Sequence[State]) -> Badge:
    """A campaign stands as its busiest line item does."""
    if State.ADVERTISER_ARCHIVED in states:
        return BADGES[State.ADVERTISER_ARCHIVED]
    if not campaign.active:
        return BADGES[State.ARCHIVED]
    if campaign.paused:
        return BADGES[State.PAUSED]
    if State.RUNNING in states:
        return BADGES[State.RUNNING]
    if not [one for one in states if one is not State.ARCHIVED]:
        return Badge(N_("Empty"), "")
    return Badge(N_("Not running"), "warn")


def _of_creatives(creatives: Sequence[Creative]) -> State | None:
    """What the reviewers, or the lack of anything to review, keep from running."""
    reviews = {one.review for one in creatives if one.active}
    if not reviews:
        return State.NO_CREATIVE
    if Review.APPROVED in reviews:
        return None
    return State.IN_REVIEW if Review.PENDING in reviews else State.REJECTED
