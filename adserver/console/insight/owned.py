"""What several pages of insight look up: whose they are, slots, apps of a partner, kill switches.

Never here: whether the caller may see an owner's things (`web.guard` has seen to that). The one
surprising fact: the advertisers' room is not asked, because its forms include the forecast, and no
two rooms of the console import each other.
"""

from zoneinfo import ZoneInfo

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.marketplace.kinds import UTC_ZONE
from adserver.marketplace.time_notation import zone_named
from adserver.ports import EventStore, StoreAwayError
from adserver.stores import advertiser_money, database, switches
from adserver.stores.buyers import Holdings, holdings_of
from models.domain.campaign import Advertiser, Campaign, LineItem
from models.domain.ids import AdvertiserId, PartnerId
from models.domain.marketplace import Marketplace
from models.domain.placement import App, Placement


def log_of(desk: Desk) -> EventStore:
    """The event log.

    Raises:
        StoreAwayError: its tables are not there yet.
    """
    if not desk.is_ready():
        raise StoreAwayError("the event log is not ready")
    return desk.store


def held_by(desk: Desk, call: Call) -> Holdings:
    """All that the path's advertiser has.

    Raises:
        NotFoundError: there is no such advertiser.
    """
    held = holdings_of(desk.engine, call.params["advertiser_id"])
    if held is None:
        raise NotFoundError("there is no such advertiser")
    return held


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
    """The zone in which its days begin."""
    return zone_named(advertiser.time_zone) or UTC_ZONE


def has_money(desk: Desk, advertiser: Advertiser) -> bool:
    """Whether it may be shown, as far as money goes."""
    if not advertiser.prepaid:
        return True
    name = advertiser.advertiser_id
    with database.reading(desk.engine) as connection:
        return advertiser_money.purses(connection, [name], desk.settings.currency)[name].left > 0


def slots_of(desk: Desk) -> Marketplace:
    """All apps and placements that are in use, and nothing else of the catalog."""
    return Marketplace(
        apps=tuple(desk.catalog.find(App)), placements=tuple(desk.catalog.find(Placement))
    )


def apps_of(desk: Desk, partner_id: str) -> list[App]:
    """The apps of a partner, by id, archived ones too: their users were users."""
    mine = PartnerId(partner_id)
    return [one for one in desk.catalog.find(App, archived=True) if one.partner_id == mine]


def is_switched_off(desk: Desk, advertiser_id: AdvertiserId, item: LineItem) -> bool:
    """Whether a kill switch of the house holds the line item back, or everything."""
    with database.reading(desk.engine) as connection:
        thrown = switches.in_force(switches.all_switches(connection))
    return (
        thrown.everything
        or advertiser_id in thrown.advertisers
        or item.campaign_id in thrown.campaigns
        or item.line_item_id in thrown.line_items
    )
