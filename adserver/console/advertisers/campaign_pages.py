"""Campaigns: the list, one with its line items, making and renaming, and the buttons.

Never here: line items' own pages. The one surprising fact: lists show archived things only where
they are asked for, and say how many there are.
"""

from adserver.console.advertisers import changes
from adserver.console.advertisers.overview import Overview, overview_of
from adserver.console.advertisers.refusals import by_field, said
from adserver.console.advertisers.status import campaign_badge
from adserver.console.buyer_desk import own, own_campaign
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Download, Html, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.tables import CSV, csv_text
from adserver.marketplace.notation import write_amount
from adserver.marketplace.problem import CatalogError
from adserver.reports.delivery import Figures
from adserver.stores.buyers import Holdings
from models.domain.campaign import Campaign, LineItem
from models.domain.money import Micros

DONE = {
    "pause": N_("Paused. The apps stop showing it within two seconds."),
    "resume": N_("It goes on. The apps show it again within two seconds."),
    "archive": N_("Archived. Its figures stay in the reports."),
    "restore": N_("Restored."),
}
MADE = N_("The campaign is there. Now give it its first line item.")
SAVED = N_("Saved.")
CSV_TYPE = f"{CSV}; charset=utf-8"
CSV_HEAD = ("line_item_id", "line_item", "campaign_id", "campaign", "state", "pricing", "bid",
            "served", "impressions", "viewables", "clicks", "conversions", "charged",
            "currency")  # fmt: skip


def campaigns(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/campaigns`."""
    seen = overview_of(desk, call)
    archived = call.query.get("archived") == "1"
    rows = []
    for one in seen.held.campaigns:
        if one.active or archived:
            items = [item for item in seen.held.line_items_of(one.campaign_id) if item.active]
            states = [seen.states[item.line_item_id] for item in items]
            badge = campaign_badge(one, states)
            all_items = seen.held.line_items_of(one.campaign_id)
            rows.append((one, badge, len(items), seen.sum_of(all_items)))
    hidden = sum(not one.active for one in seen.held.campaigns)
    values = {**seen.values(), "rows": rows, "archived": archived, "hidden": hidden}
    return Html("advertisers/campaigns.html", values)


def campaign(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/campaigns/{campaign_id}`."""
    seen = overview_of(desk, call)
    one = own_campaign(seen.held, call)
    archived = call.query.get("archived") == "1"
    items = seen.held.line_items_of(one.campaign_id)
    rows = [
        (item, seen.badge(item), seen.figures(item)) for item in items if item.active or archived
    ]
    values = {
        **seen.values(),
        "campaign": one,
        "badge": campaign_badge(one, [seen.states[item.line_item_id] for item in items]),
        "rows": rows,
        "total": seen.sum_of(items),
        "archived": archived,
        "hidden": sum(not item.active for item in items),
    }
    return Html("advertisers/campaign.html", values)


def figures_csv(desk: Desk, call: Call) -> Download:
    """`GET /advertisers/{advertiser_id}/line-items.csv`: every line item with its figures."""
    seen = overview_of(desk, call)
    wanted = call.query.get("campaign_id", "")
    items = [item for item in seen.held.line_items if wanted in ("", item.campaign_id)]
    text = csv_text(CSV_HEAD, [_csv_row(seen, item) for item in items])
    return Download(text.encode(), CSV_TYPE, "line-items.csv")


def new(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/campaigns/new`."""
    return _form(own(desk, call), None, "", {})


def make(desk: Desk, call: Call) -> Reply:
    """`POST /advertisers/{advertiser_id}/campaigns/new`."""
    held = own(desk, call)
    name = call.form.get("name", "")
    try:
        made = changes.add_campaign(desk, call, held.advertiser.advertiser_id, name)
    except CatalogError as error:
        return _form(held, None, name, said(call, by_field(error)))
    return See(path_of(held, made), MADE)


def edit(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/campaigns/{campaign_id}/edit`."""
    held = own(desk, call)
    one = own_campaign(held, call)
    return _form(held, one, one.name, {})


def rename(desk: Desk, call: Call) -> Reply:
    """`POST /advertisers/{advertiser_id}/campaigns/{campaign_id}/edit`."""
    held = own(desk, call)
    one = own_campaign(held, call)
    name = call.form.get("name", "")
    try:
        changes.rename_campaign(desk, call, one, name)
    except CatalogError as error:
        return _form(held, one, name, said(call, by_field(error)))
    return See(path_of(held, one), SAVED)


def do(desk: Desk, call: Call) -> See:
    """`POST .../campaigns/{campaign_id}/pause`, `resume`, `archive` or `restore`."""
    held = own(desk, call)
    one = own_campaign(held, call)
    deed = call.path.rpartition("/")[2]
    changes.do(desk, call, Campaign, one.campaign_id, deed)
    return See(path_of(held, one), DONE[deed])


def path_of(held: Holdings, one: Campaign) -> str:
    """The campaign's page."""
    return f"/advertisers/{held.advertiser.advertiser_id}/campaigns/{one.campaign_id}"


def _form(held: Holdings, one: Campaign | None, name: str, errors: dict[str, str]) -> Html:
    root = f"/advertisers/{held.advertiser.advertiser_id}"
    values = {"root": root, "campaign": one, "name": name, "errors": errors}
    return Html("advertisers/campaign_form.html", values, 422 if errors else 200)


def _csv_row(seen: Overview, item: LineItem) -> list[object]:
    campaign = seen.held.campaign(item.campaign_id)
    return [
        item.line_item_id,
        item.name,
        item.campaign_id,
        campaign.name if campaign else "",
        seen.states[item.line_item_id].value,
        item.pricing.value,
        write_amount(item.bid_micros),
        *_csv_figures(seen.figures(item)),
        seen.currency,
    ]


def _csv_figures(figures: Figures | None) -> list[object]:
    """Counts and money; empty cells, not noughts, when nobody could be asked."""
    if figures is None:
        return [""] * 6
    counts = [figures.served, figures.impressions, figures.viewables, figures.clicks,
              figures.conversions]  # fmt: skip
    return [*counts, write_amount(Micros(figures.charged_micros))]
