"""What must not run although it is in use: what is paused, and who has no money left.

Never here: when a catalog is published (`catalog_publisher`). The one surprising fact: an
advertiser without money stays active itself, because its server still reports conversions of ads
that were shown before; its campaigns are what is published as not active.
"""

from collections.abc import Collection
from dataclasses import replace

from models.domain.campaign import Campaign, LineItem
from models.domain.ids import AdvertiserId
from models.domain.marketplace import Marketplace


def at_rest(marketplace: Marketplace, exhausted: Collection[AdvertiserId]) -> Marketplace:
    """The marketplace as workers may see it; `exhausted` have nothing left to spend."""
    return replace(
        marketplace,
        campaigns=tuple(_campaign(one, exhausted) for one in marketplace.campaigns),
        line_items=tuple(_line_item(one) for one in marketplace.line_items),
    )


def _campaign(campaign: Campaign, exhausted: Collection[AdvertiserId]) -> Campaign:
    rests = campaign.paused or campaign.advertiser_id in exhausted
    return replace(campaign, active=False) if rests and campaign.active else campaign


def _line_item(item: LineItem) -> LineItem:
    return replace(item, active=False) if item.paused and item.active else item
