"""The form of a line item as a page, with the forecast beside it, and the buttons.

Never here: its figures (`line_item_view`), or what a field means (`line_item_form`). The one
surprising fact: "Update the forecast" sends the same form to the same page; nothing is saved, and
what was typed stays.
"""

from collections.abc import Callable
from dataclasses import dataclass

from adserver.console.advertisers import changes
from adserver.console.advertisers.campaign_pages import DONE, SAVED
from adserver.console.advertisers.line_item_form import (
    CAP_PARTS,
    CAP_ROWS,
    Reading,
    Typed,
    draft,
    errors_of,
    made,
    read_line_item,
    typed_new,
    typed_of,
)
from adserver.console.advertisers.refusals import by_field, said
from adserver.console.advertisers.targeting_form import shown_targeting
from adserver.console.buyer_desk import (
    campaign_of,
    own,
    own_campaign,
    own_line_item,
    zone_of,
)
from adserver.console.desk import Desk
from adserver.console.insight.panel import forecast_panel
from adserver.console.web.exchange import Call, Html, Reply, See
from adserver.console.web.language import N_
from adserver.marketplace.problem import CatalogError
from adserver.stores.buyers import Holdings
from models.domain.campaign import (
    SOLD_PRICING_MODELS,
    Campaign,
    LineItem,
    Pacing,
    PricingModel,
)

MADE = N_("The line item is there. Add a creative: it runs as soon as one is approved.")
COPIED = N_("This is the copy. It is paused, so that you can change it before it runs.")
FORECAST = "forecast"

PRICINGS = {
    PricingModel.CPM: N_("a thousand impressions (cpm)"),
    PricingModel.CPC: N_("a click (cpc)"),
    PricingModel.CPA: N_("a conversion (cpa)"),
    PricingModel.CPS: N_("a sale of a merchant's product (cps)"),
}
PACINGS = {
    Pacing.EVEN: N_("evenly over the day"),
    Pacing.ASAP: N_("as fast as there is somebody to show it to"),
}
WINDOWS = {
    "day/line_item": N_("a day, this line item alone"),
    "day/campaign": N_("a day, the whole campaign"),
    "day/advertiser": N_("a day, everything you advertise"),
    "hour/line_item": N_("an hour, this line item alone"),
    "hour/campaign": N_("an hour, the whole campaign"),
    "hour/advertiser": N_("an hour, everything you advertise"),
    "minute/line_item": N_("a minute, this line item alone"),
    "minute/campaign": N_("a minute, the whole campaign"),
    "minute/advertiser": N_("a minute, everything you advertise"),
    "lifetime/line_item": N_("ever, this line item alone"),
    "lifetime/campaign": N_("ever, the whole campaign"),
    "lifetime/advertiser": N_("ever, everything you advertise"),
}
"""What a cap counts: period and level, as the notation of caps writes them."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form on its way to a page: whose, for which line item (None: a new one), what is in it."""

    held: Holdings
    campaign: Campaign
    before: LineItem | None
    typed: Typed
    errors: dict[str, str]
    draft: LineItem | None = None


def new(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/campaigns/{campaign_id}/line-items/new`."""
    held = own(desk, call)
    typed = typed_new(call.now, zone_of(held.advertiser))
    return _page(desk, call, Sheet(held, own_campaign(held, call), None, typed, {}))


def make(desk: Desk, call: Call) -> Reply:
    """`POST /advertisers/{advertiser_id}/campaigns/{campaign_id}/line-items/new`."""
    held = own(desk, call)
    campaign = own_campaign(held, call)

    def keep(item: LineItem, _: Reading) -> See:
        changes.add_line_item(desk, call, item)
        return See(path_of(held, item), MADE)

    return _taken(desk, call, (held, campaign, None), keep)


def edit(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/line-items/{line_item_id}/edit`."""
    held = own(desk, call)
    item = own_line_item(held, call)
    typed = typed_of(item, zone_of(held.advertiser))
    return _page(desk, call, Sheet(held, campaign_of(held, item), item, typed, {}, item))


def change(desk: Desk, call: Call) -> Reply:
    """`POST /advertisers/{advertiser_id}/line-items/{line_item_id}/edit`."""
    held = own(desk, call)
    before = own_line_item(held, call)

    def keep(item: LineItem, reading: Reading) -> See:
        changes.change_line_item(desk, call, item.line_item_id, reading.attributes)
        return See(path_of(held, item), SAVED)

    return _taken(desk, call, (held, campaign_of(held, before), before), keep)


def do(desk: Desk, call: Call) -> See:
    """`POST .../line-items/{line_item_id}/pause`, `resume`, `archive` or `restore`."""
    held = own(desk, call)
    item = own_line_item(held, call)
    deed = call.path.rpartition("/")[2]
    changes.do(desk, call, LineItem, item.line_item_id, deed)
    return See(path_of(held, item), DONE[deed])


def duplicate(desk: Desk, call: Call) -> See:
    """`POST .../line-items/{line_item_id}/duplicate`."""
    held = own(desk, call)
    copy = changes.duplicate(desk, call, held, own_line_item(held, call))
    return See(f"{path_of(held, copy)}/edit", COPIED)


def path_of(held: Holdings, item: LineItem) -> str:
    """The line item's page."""
    return f"/advertisers/{held.advertiser.advertiser_id}/line-items/{item.line_item_id}"


def _taken(
    desk: Desk,
    call: Call,
    about: tuple[Holdings, Campaign, LineItem | None],
    keep: Callable[[LineItem, Reading], See],
) -> Reply:
    """The form read and kept, or shown again with what is wrong, or with a forecast."""
    held, campaign, before = about
    zone = zone_of(held.advertiser)
    reading = read_line_item(call.form, zone, before, any_pricing=call.identity.is_operator)
    ids = {"line_item_id": changes.new_line_item_id(), "campaign_id": campaign.campaign_id}
    wanted = draft(reading, before, ids)
    if call.form.get("do") == FORECAST:
        wrong = {} if wanted else reading.errors
        return _page(desk, call, Sheet(held, campaign, before, reading.typed, wrong, wanted))
    errors = reading.errors
    item = made(reading, before, ids)
    if item is not None:
        try:
            return keep(item, reading)
        except CatalogError as error:
            errors = errors_of(by_field(error))
    return _page(desk, call, Sheet(held, campaign, before, reading.typed, errors, wanted))


def _page(desk: Desk, call: Call, sheet: Sheet) -> Html:
    owner, errors = sheet.held.advertiser.advertiser_id, said(call, sheet.errors)
    values = {
        "advertiser": sheet.held.advertiser,
        "root": f"/advertisers/{owner}",
        "campaign": sheet.campaign,
        "item": sheet.before,
        "typed": {name: (texts or [""])[0] for name, texts in sheet.typed.items()},
        "cap_rows": _cap_rows(sheet.typed),
        "groups": shown_targeting(sheet.typed, errors),
        "errors": errors,
        "currency": desk.settings.currency,
        "pricings": _pricings(call, sheet.before),
        "pacings": [(one.value, call._(text)) for one, text in PACINGS.items()],
        "windows": [(value, call._(text)) for value, text in WINDOWS.items()],
        "forecast": forecast_panel(desk, call, sheet.draft) if sheet.draft else None,
    }
    return Html("advertisers/line_item_form.html", values, 422 if sheet.errors else 200)


def _cap_rows(typed: Typed) -> list[tuple[str, ...]]:
    """The caps that are there, and empty rows behind them."""
    lists = [typed.get(part, []) for part in CAP_PARTS]
    there: list[tuple[str, ...]] = [row for row in zip(*lists, strict=False) if row[0].strip()]
    return [*there, *[("", next(iter(WINDOWS)))] * max(1, CAP_ROWS - len(there))]


def _pricings(call: Call, before: LineItem | None) -> list[tuple[str, str]]:
    """What may be paid for; a product only where it is one already, and for operators."""
    promotes = before is not None and before.pricing is PricingModel.CPS
    sold = [one for one in PRICINGS if one in SOLD_PRICING_MODELS]
    if not promotes and not call.identity.is_operator:
        sold.remove(PricingModel.CPS)
    return [(one.value, call._(PRICINGS[one])) for one in sold]
