"""The advertiser of a path and what it has; what is not its own is not found.

For every room of the console with pages under an advertiser. Never here: what is done with it, or
whether the caller may see it (`web.guard`). The one surprising fact: everything an advertiser has
is read at once, in four queries, because most pages need it all and it is small.
"""

from zoneinfo import ZoneInfo

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.marketplace.kinds import UTC_ZONE
from adserver.marketplace.time_notation import zone_named
from adserver.stores.buyers import Holdings, holdings_of
from models.domain.campaign import Advertiser, Campaign, LineItem


def own(desk: Desk, call: Call) -> Holdings:
    """All that the path's advertiser has.

    Raises:
        NotFoundError: there is no such advertiser.
    """
    found = holdings_of(desk.engine, call.params["advertiser_id"])
    if found is None:
        raise NotFoundError("there is no such advertiser")
    return found


def own_campaign(held: Holdings, call: Call) -> Campaign:
    """The path's campaign.

    Raises:
        NotFoundError: it is not the advertiser's.
    """
    found = held.campaign(call.params["campaign_id"])
    if found is None:
        raise NotFoundError("there is no such campaign")
    return found


def own_line_item(held: Holdings, call: Call) -> LineItem:
    """The path's line item; raises as `line_item_of`."""
    return line_item_of(held, call.params["line_item_id"])


def line_item_of(held: Holdings, line_item_id: str) -> LineItem:
    """A line item that the advertiser has.

    Raises:
        NotFoundError: it is not there, or another's.
    """
    found = held.line_item(line_item_id)
    if found is None:
        raise NotFoundError("there is no such line item")
    return found


def campaign_of(held: Holdings, item: LineItem) -> Campaign:
    """The campaign that a line item is part of."""
    return next(one for one in held.campaigns if one.campaign_id == item.campaign_id)


def zone_of(advertiser: Advertiser) -> ZoneInfo:
    """The zone in which its days begin and its forms are filled in."""
    return zone_named(advertiser.time_zone) or UTC_ZONE
