"""What several pages of insight look up: slots, apps of a partner, kill switches.

Never here: whether the caller may see an owner's things (`web.guard` has seen to that).
"""

from adserver.console.desk import Desk
from adserver.stores import database, switches
from models.domain.campaign import LineItem
from models.domain.ids import AdvertiserId, PartnerId
from models.domain.marketplace import Marketplace
from models.domain.placement import App, Placement


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
