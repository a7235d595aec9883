"""What several pages of insight look up: slots, apps of a partner, balances, kill switches.

Never here: whose things they are (`console.buyer_desk`). The one surprising fact: the advertisers'
room is not asked, because its forms include the forecast, and no two rooms of the console import
each other.
"""

from adserver.console.desk import Desk
from adserver.ports import EventStore, StoreAwayError
from adserver.stores import advertiser_money, database, switches
from models.domain.campaign import Advertiser, LineItem
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
