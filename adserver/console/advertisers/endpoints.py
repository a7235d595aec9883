"""Campaigns and line items over REST.

Never here: money and postbacks (`money_endpoints`). The one surprising fact: only operators may
book products (cps), because showing them costs their advertiser nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import UNSET, structs

from adserver.api.problems import NotFoundError, UnavailableError, UnprocessableError
from adserver.console.advertisers import changes, money, reporting
from adserver.console.advertisers.line_item_form import FOR_THE_HOUSE
from adserver.console.advertisers.refusals import refused_notation, said_to_programs
from adserver.console.advertisers.status import State, states_of
from adserver.console.advertisers.wire import (
    AdvertiserView,
    CampaignView,
    DeliveryRow,
    LineItemView,
    TargetRule,
    advertiser_view,
    campaign_view,
    caps_of,
    delivery_row,
    line_item_view,
)
from adserver.console.buyer_desk import own, own_campaign, own_line_item, zone_of
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Listed
from adserver.console.web.problems import AWAY, RETRY
from adserver.marketplace.notation import Raw
from adserver.marketplace.problem import NotationError
from adserver.marketplace.targeting_notation import read_targeting
from adserver.reports.delivery import Scope
from adserver.stores.buyers import Holdings
from models.domain.campaign import Advertiser, Campaign, LineItem, PricingModel, Targeting


def show_advertiser(desk: Desk, call: Call) -> AdvertiserView:
    """The advertiser itself."""
    return advertiser_view(own(desk, call).advertiser, desk.settings.currency)


def change_advertiser(desk: Desk, call: Call) -> AdvertiserView:
    """Another name, domain or time zone."""
    held = own(desk, call)
    given = _given(call.data)
    catalog = desk.catalog.acting_for(call.identity)
    with said_to_programs():
        changed = catalog.edit(
            Advertiser,
            held.advertiser.advertiser_id,
            lambda one: replace(one, **given),
            call.now,
        )
    return advertiser_view(changed, desk.settings.currency)


def list_campaigns(desk: Desk, call: Call) -> Listed:
    """The advertiser's campaigns, archived ones too."""
    held = own(desk, call)
    states = _states(desk, held, call.now)
    ids = [one.campaign_id for one in held.campaigns]
    page, following = _paged(ids, call)
    return Listed([_campaign(held, held.campaign(one), states) for one in page], following)


def add_campaign(desk: Desk, call: Call) -> CampaignView:
    """A new campaign, empty."""
    held = own(desk, call)
    with said_to_programs():
        made = changes.add_campaign(desk, call, held.advertiser.advertiser_id, call.data.name)
    return campaign_view(made, [])


def show_campaign(desk: Desk, call: Call) -> CampaignView:
    """One campaign."""
    held = own(desk, call)
    return _campaign(held, own_campaign(held, call), _states(desk, held, call.now))


def rename_campaign(desk: Desk, call: Call) -> CampaignView:
    """The campaign under another name."""
    held = own(desk, call)
    with said_to_programs():
        campaign = changes.rename_campaign(desk, call, own_campaign(held, call), call.data.name)
    return _campaign(held, campaign, _states(desk, held, call.now))


def do_to_campaign(desk: Desk, call: Call) -> CampaignView:
    """Pauses, resumes, archives or restores a campaign: the last word of the path."""
    held = own(desk, call)
    campaign = own_campaign(held, call)
    with said_to_programs():
        changes.do(desk, call, Campaign, campaign.campaign_id, _deed(call))
    return show_campaign(desk, call)


def list_line_items(desk: Desk, call: Call) -> Listed:
    """The advertiser's line items, archived ones too; of one campaign where named."""
    held = own(desk, call)
    states = _states(desk, held, call.now)
    wanted = call.query.get("campaign_id", "")
    ids = [one.line_item_id for one in held.line_items if wanted in ("", one.campaign_id)]
    page, following = _paged(ids, call)
    return Listed([_line_item(desk, held, one, states) for one in page], following)


def add_line_item(desk: Desk, call: Call) -> LineItemView:
    """A new line item; it runs once a creative of it is approved."""
    held = own(desk, call)
    given = _given(call.data)
    if held.campaign(given["campaign_id"]) is None:
        raise UnprocessableError("there is no such campaign", "/campaign_id")
    _require_sellable(call, given.get("pricing"), None)
    item = LineItem(line_item_id=changes.new_line_item_id(), **_read(given))
    with said_to_programs():
        changes.add_line_item(desk, call, item)
    return _fresh(desk, call, item.line_item_id)


def show_line_item(desk: Desk, call: Call) -> LineItemView:
    """One line item."""
    held = own(desk, call)
    item = own_line_item(held, call)
    return _line_item(desk, held, item.line_item_id, _states(desk, held, call.now))


def change_line_item(desk: Desk, call: Call) -> LineItemView:
    """Changes what is named."""
    item = own_line_item(own(desk, call), call)
    given = _given(call.data)
    _require_sellable(call, given.get("pricing"), item)
    with said_to_programs():
        changes.change_line_item(desk, call, item.line_item_id, _read(given))
    return _fresh(desk, call, item.line_item_id)


def do_to_line_item(desk: Desk, call: Call) -> LineItemView:
    """Pauses, resumes, archives or restores a line item: the last word of the path."""
    item = own_line_item(own(desk, call), call)
    with said_to_programs():
        changes.do(desk, call, LineItem, item.line_item_id, _deed(call))
    return _fresh(desk, call, item.line_item_id)


def duplicate_line_item(desk: Desk, call: Call) -> LineItemView:
    """A paused copy, with copies of its creatives."""
    held = own(desk, call)
    with said_to_programs():
        copy = changes.duplicate(desk, call, held, own_line_item(held, call))
    return _fresh(desk, call, copy.line_item_id)


def delivery_of_all(desk: Desk, call: Call) -> Listed:
    """What each line item delivered in the last days; the key is its id."""
    held = own(desk, call)
    span = reporting.span_of(call.query.get("days", ""), call.now, zone_of(held.advertiser))
    found = reporting.by_line_item(desk, held.advertiser.advertiser_id, span)
    if found is None:
        raise UnavailableError(AWAY, headers=RETRY)
    page, following = _paged(sorted(found), call)
    return Listed([_row(desk, one, found[one]) for one in page], following)


def delivery_of_one(desk: Desk, call: Call) -> Listed:
    """What a line item delivered, by day, hour of the day, placement, region or creative."""
    held = own(desk, call)
    item = own_line_item(held, call)
    span = reporting.span_of(call.query.get("days", ""), call.now, zone_of(held.advertiser))
    scope = Scope(advertiser_id=held.advertiser.advertiser_id, line_item_id=item.line_item_id)
    found = reporting.breakdown(desk, scope, span, call.query.get("by", "day"))
    if found is None:
        raise UnavailableError(AWAY, headers=RETRY)
    lines = {line.key: line.figures for line in found}
    page, following = _paged(sorted(lines), call)
    return Listed([_row(desk, one, lines[one]) for one in page], following)


def _row(desk: Desk, key: str, figures: Any) -> DeliveryRow:
    return delivery_row(key, figures, desk.settings.currency)


def _states(desk: Desk, held: Holdings, now: datetime) -> dict[str, State]:
    purse = money.purse_of(desk, held.advertiser.advertiser_id)
    return states_of(held, now, has_money=money.has_money(held.advertiser, purse))


def _campaign(held: Holdings, campaign: Campaign | None, states: dict[str, State]) -> CampaignView:
    if campaign is None:
        raise NotFoundError("there is no such campaign")
    items = held.line_items_of(campaign.campaign_id)
    return campaign_view(campaign, [states[one.line_item_id] for one in items])


def _line_item(
    desk: Desk, held: Holdings, line_item_id: str, states: dict[str, State]
) -> LineItemView:
    item = held.line_item(line_item_id)
    if item is None:
        raise NotFoundError("there is no such line item")
    return line_item_view(item, states[line_item_id], desk.settings.currency)


def _fresh(desk: Desk, call: Call, line_item_id: str) -> LineItemView:
    """The line item as it is after a change."""
    held = own(desk, call)
    return _line_item(desk, held, line_item_id, _states(desk, held, call.now))


def _paged(ids: Sequence[str], call: Call) -> tuple[list[str], str]:
    """The page of ids behind the cursor, and the cursor behind that."""
    rest = [one for one in ids if one > call.cursor]
    page = rest[: call.limit]
    return page, page[-1] if len(rest) > len(page) else ""


def _deed(call: Call) -> str:
    return call.path.rpartition("/")[2]


def _given(body: Any) -> dict[str, Any]:
    """What a body names."""
    named = {field.name: getattr(body, field.name) for field in structs.fields(type(body))}
    return {name: value for name, value in named.items() if value is not UNSET}


def _read(given: dict[str, Any]) -> dict[str, Any]:
    """A body's values as the domain has them."""
    read = dict(given)
    if "caps" in read:
        read["caps"] = caps_of(read["caps"])
    if "targeting" in read:
        read["targeting"] = _targeting(read["targeting"])
    return read


def _targeting(rules: dict[str, TargetRule]) -> Targeting:
    try:
        return read_targeting({name: _written(rule) for name, rule in rules.items()})
    except NotationError as error:
        raise refused_notation(error, "targeting") from None


def _written(rule: TargetRule) -> Raw:
    return {"include": [*rule.include], "exclude": [*rule.exclude]}


def _require_sellable(call: Call, pricing: PricingModel | None, before: LineItem | None) -> None:
    was_sale = before is not None and before.pricing is PricingModel.CPS
    if pricing is PricingModel.CPS and not was_sale and not call.identity.is_operator:
        raise UnprocessableError(FOR_THE_HOUSE, "/pricing")
