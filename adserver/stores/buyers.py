"""What one advertiser has in the catalog: its campaigns, line items and creatives.

Never here: changes (`catalog`). The one surprising fact: a foreign id is answered as if there were
no such thing, so whoever asks through here cannot reach beyond the advertiser.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, select

from adserver.marketplace.kinds import kind_of
from adserver.stores import catalog_queries as queries, database
from adserver.stores.tables import ADVERTISERS, CAMPAIGNS, CREATIVES, LINE_ITEMS
from models.domain.campaign import Advertiser, Campaign, Creative, LineItem
from models.domain.ids import AdvertiserId, CampaignId, LineItemId


@dataclass(frozen=True, slots=True)
class Holdings:
    """An advertiser with all it has, archived things included, ordered by id."""

    advertiser: Advertiser
    campaigns: tuple[Campaign, ...]
    line_items: tuple[LineItem, ...]
    creatives: tuple[Creative, ...]

    def campaign(self, campaign_id: str) -> Campaign | None:
        """The campaign, None when it is not this advertiser's."""
        return next((one for one in self.campaigns if one.campaign_id == campaign_id), None)

    def line_item(self, line_item_id: str) -> LineItem | None:
        """The line item, None when it is not this advertiser's."""
        return next((one for one in self.line_items if one.line_item_id == line_item_id), None)

    def line_items_of(self, campaign_id: CampaignId) -> list[LineItem]:
        """A campaign's line items."""
        return [one for one in self.line_items if one.campaign_id == campaign_id]

    def creatives_of(self, line_item_id: LineItemId) -> list[Creative]:
        """A line item's creatives."""
        return [one for one in self.creatives if one.line_item_id == line_item_id]


def holdings_of(engine: Engine, advertiser_id: str) -> Holdings | None:
    """All that an advertiser has, at one moment; None when there is no such advertiser."""
    with database.reading(engine) as connection:
        advertiser = advertiser_of(connection, advertiser_id)
        if advertiser is None:
            return None
        own = select(CAMPAIGNS.c.campaign_id).where(CAMPAIGNS.c.advertiser_id == advertiser_id)
        items = select(LINE_ITEMS.c.line_item_id).where(LINE_ITEMS.c.campaign_id.in_(own))
        return Holdings(
            advertiser,
            _all(connection, Campaign, _inside(CAMPAIGNS, "campaign_id", own)),
            _all(connection, LineItem, _inside(LINE_ITEMS, "campaign_id", own)),
            _all(connection, Creative, _inside(CREATIVES, "line_item_id", items)),
        )


def advertiser_of(connection: Connection, advertiser_id: str) -> Advertiser | None:
    """The advertiser, None when there is none of that id."""
    query = select(ADVERTISERS).where(ADVERTISERS.c.advertiser_id == advertiser_id)
    return next(iter(_all(connection, Advertiser, query)), None)


def line_item_ids(engine: Engine, advertiser_id: AdvertiserId) -> list[LineItemId]:
    """The ids of an advertiser's line items, archived ones too."""
    own = select(CAMPAIGNS.c.campaign_id).where(CAMPAIGNS.c.advertiser_id == advertiser_id)
    query = select(LINE_ITEMS.c.line_item_id).where(LINE_ITEMS.c.campaign_id.in_(own))
    with database.reading(engine) as connection:
        return sorted(LineItemId(one) for one in connection.execute(query).scalars())


def _inside(table: Table, name: str, ids: Select[Any]) -> Select[Any]:
    return select(table).where(table.c[name].in_(ids))


def _all(connection: Connection, noun: type[Any], query: Select[Any]) -> tuple[Any, ...]:
    kind = kind_of(noun)
    removed = query.selected_columns["removed_at"]
    kept = queries.select_kept(connection, kind, query.where(removed.is_(None)))
    return tuple(sorted((one.entity for one in kept), key=kind.id_of))
