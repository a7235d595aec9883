"""What an advertiser does to its campaigns and line items; every change is in the audit log.

Never here: forms or JSON. The one surprising fact: a copy of a line item is paused and brings the
creatives along with what reviewers said of them, for they are the same pictures and links.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.marketplace.buying import CAMPAIGN, CREATIVE, LINE_ITEM
from adserver.stores.buyers import Holdings
from adserver.stores.catalog import make_id
from models.domain.campaign import Campaign, LineItem
from models.domain.ids import AdvertiserId, CampaignId, CreativeId, LineItemId

LONGEST_NAME = 200
E = TypeVar("E", Campaign, LineItem)

DEEDS: dict[str, Callable[[Any], Any]] = {
    "pause": lambda one: replace(one, paused=True),
    "resume": lambda one: replace(one, paused=False),
    "archive": lambda one: replace(one, active=False),
    "restore": lambda one: replace(one, active=True),
}
"""What can be done to a campaign or a line item with one button."""


def new_campaign_id() -> CampaignId:
    """An id that nobody has."""
    return CampaignId(make_id(CAMPAIGN))


def new_line_item_id() -> LineItemId:
    """An id that nobody has."""
    return LineItemId(make_id(LINE_ITEM))


def add_campaign(desk: Desk, call: Call, advertiser_id: AdvertiserId, name: str) -> Campaign:
    """A new campaign, empty.

    Raises:
        CatalogError: the name is none.
    """
    made = Campaign(new_campaign_id(), advertiser_id, name.strip())
    desk.catalog.acting_for(call.identity).add(made, call.now)
    return made


def rename_campaign(desk: Desk, call: Call, campaign: Campaign, name: str) -> Campaign:
    """The campaign under another name.

    Raises:
        CatalogError: the name is none.
    """
    catalog = desk.catalog.acting_for(call.identity)
    return catalog.edit(
        Campaign, campaign.campaign_id, lambda one: replace(one, name=name.strip()), call.now
    )


def add_line_item(desk: Desk, call: Call, item: LineItem) -> LineItem:
    """Keeps a new line item.

    Raises:
        CatalogError: a rule refuses it.
    """
    desk.catalog.acting_for(call.identity).add(item, call.now)
    return item


def change_line_item(
    desk: Desk, call: Call, line_item_id: LineItemId, attributes: dict[str, Any]
) -> LineItem:
    """Gives a line item other attributes; what is not named stays as it is then.

    Raises:
        CatalogError: a rule refuses what it would become.
    """
    catalog = desk.catalog.acting_for(call.identity)
    return catalog.edit(LineItem, line_item_id, lambda one: replace(one, **attributes), call.now)


def do(desk: Desk, call: Call, noun: type[E], entity_id: str, deed: str) -> E:
    """Does one of `DEEDS`; doing it again changes nothing."""
    return desk.catalog.acting_for(call.identity).edit(noun, entity_id, DEEDS[deed], call.now)


def duplicate(desk: Desk, call: Call, held: Holdings, item: LineItem) -> LineItem:
    """A paused copy of a line item in the same campaign, with copies of its creatives.

    Raises:
        CatalogError: a rule refuses it.
    """
    name = call._("Copy of %(name)s") % {"name": item.name}
    copy = replace(
        item, line_item_id=new_line_item_id(), name=name[:LONGEST_NAME], paused=True, active=True
    )
    creatives = [
        replace(one, creative_id=CreativeId(make_id(CREATIVE)), line_item_id=copy.line_item_id)
        for one in held.creatives_of(item.line_item_id)
        if one.active
    ]
    desk.catalog.acting_for(call.identity).add_all([copy, *creatives], call.now)
    return copy
