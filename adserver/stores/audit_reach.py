"""What the house did to an owner's things: which lines of the audit log its people may read too.

Never here: the log itself (`audit`). The one surprising fact: of others only the house's own lines
count (operators and commands), so an app that changed hands never shows what its former partner's
people did.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Select, and_, or_, select

from adserver.stores.account_tables import API_KEYS, AUDIT_LOG, ORGANISATIONS, USERS
from adserver.stores.advertiser_tables import TOP_UPS
from adserver.stores.link_tables import LINKS
from adserver.stores.partner_desk_tables import HOUSE_ADS
from adserver.stores.tables import APPS, CAMPAIGNS, CREATIVES, LINE_ITEMS, PLACEMENTS
from adserver.stores.webhook_tables import WEBHOOKS

HOUSE = "house"
"""Who acted, as others than operators read it: no operator's address, no command."""
_BY_COMMAND = ""
Ids = Mapping[str, Select[Any]]
"""Ids by the kind that lines name them with."""


class Reach(NamedTuple):
    """Whose log is read: an organisation, its role ("advertiser"), and the owner it acts for."""

    organisation_id: str
    role: str
    owner: str


def by_the_house() -> ColumnElement[bool]:
    """Lines that an operator or a command left."""
    operators = select(ORGANISATIONS.c.organisation_id).where(ORGANISATIONS.c.role == "operator")
    actor = AUDIT_LOG.c.organisation_id
    return or_(actor == _BY_COMMAND, actor.in_(operators))


def numbers_of(reach: Reach) -> Select[Any]:
    """The numbers of the lines that the house left on this owner's things."""
    log = AUDIT_LOG.c
    own = [(reach.role, reach.owner), ("organisation", reach.organisation_id)]
    named = [and_(log.kind == kind, log.entity_id == one) for kind, one in own]
    held = [
        and_(log.kind == kind, log.entity_id.in_(ids)) for kind, ids in _things_of(reach).items()
    ]
    return select(log.seq).where(or_(*named, *held), by_the_house())


def _things_of(reach: Reach) -> Ids:
    mine = {
        "user": _ids(USERS.c.user_id, USERS.c.organisation_id, reach.organisation_id),
        "api_key": _ids(API_KEYS.c.key_id, API_KEYS.c.organisation_id, reach.organisation_id),
        "webhook": select(WEBHOOKS.c.webhook_id).where(
            WEBHOOKS.c.role == reach.role, WEBHOOKS.c.owner == reach.owner
        ),
    }
    by_role = {"advertiser": _of_advertiser, "partner": _of_partner}.get(reach.role)
    return {**mine, **by_role(reach.owner)} if by_role else mine


def _of_advertiser(owner: str) -> Ids:
    campaigns = _ids(CAMPAIGNS.c.campaign_id, CAMPAIGNS.c.advertiser_id, owner)
    items = select(LINE_ITEMS.c.line_item_id).where(LINE_ITEMS.c.campaign_id.in_(campaigns))
    return {
        "campaign": campaigns,
        "line_item": items,
        "creative": select(CREATIVES.c.creative_id).where(CREATIVES.c.line_item_id.in_(items)),
        "top_up": _ids(TOP_UPS.c.top_up_id, TOP_UPS.c.advertiser_id, owner),
    }


def _of_partner(owner: str) -> Ids:
    apps = _ids(APPS.c.app_id, APPS.c.partner_id, owner)
    return {
        "app": apps,
        "placement": select(PLACEMENTS.c.placement_id).where(PLACEMENTS.c.app_id.in_(apps)),
        "house_ad": select(HOUSE_ADS.c.house_ad_id).where(HOUSE_ADS.c.app_id.in_(apps)),
        "link": _ids(LINKS.c.code, LINKS.c.partner_id, owner),
    }


def _ids(column: Column[Any], of: Column[Any], value: str) -> Select[Any]:
    return select(column).where(of == value)
