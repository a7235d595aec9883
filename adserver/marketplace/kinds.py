"""All kinds of entities, parents before children, and how to find one.

Never here: their fields (`buying`, `selling`).
"""

from typing import Any
from zoneinfo import ZoneInfo

from adserver.marketplace.buying import ADVERTISER, CAMPAIGN, CREATIVE, LINE_ITEM
from adserver.marketplace.fields import Kind
from adserver.marketplace.selling import APP, PLACEMENT
from adserver.marketplace.time_notation import zone_named
from models.domain.campaign import Advertiser, Campaign, Creative, LineItem
from models.domain.marketplace import Marketplace
from models.domain.placement import App, Placement

Entity = Advertiser | Campaign | LineItem | Creative | App | Placement

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (ADVERTISER, CAMPAIGN, LINE_ITEM, CREATIVE, APP, PLACEMENT)
}
_BY_NOUN = {kind.noun: kind for kind in KINDS.values()}
UTC_ZONE = ZoneInfo("UTC")


def kind_of(noun: type[Any]) -> Kind:
    """The kind of a domain class, such as `LineItem`."""
    return _BY_NOUN[noun]


def children_of(kind: Kind) -> tuple[Kind, ...]:
    """The kinds that belong to this one."""
    return tuple(other for other in KINDS.values() if other.parent == kind.name)


def entities(marketplace: Marketplace, kind: Kind) -> tuple[Any, ...]:
    """All entities of one kind."""
    found: tuple[Any, ...] = getattr(marketplace, kind.plural)
    return found


def line_item_zones(marketplace: Marketplace) -> dict[str, ZoneInfo]:
    """The time zone each campaign's line items are written in: their advertiser's."""
    zones = {a.advertiser_id: zone_named(a.time_zone) or UTC_ZONE for a in marketplace.advertisers}
    return {c.campaign_id: zones.get(c.advertiser_id, UTC_ZONE) for c in marketplace.campaigns}
