"""A line item's page: how it stands, what it delivered against its plan, and broken down.

Never here: changing it (`line_item_pages`). The one surprising fact: everything here counts an
event in the hour in which its ad was served, so the last hours may still grow.
"""

from collections.abc import Callable, Mapping
from typing import Any

from adserver.console.advertisers import charts, money, reporting
from adserver.console.advertisers.campaign_pages import CSV_TYPE
from adserver.console.advertisers.interval import wilson
from adserver.console.advertisers.plan import planned_by
from adserver.console.advertisers.reporting import Line
from adserver.console.advertisers.status import BADGES, REVIEW_BADGES, State, state_of
from adserver.console.advertisers.targeting_form import ATTRIBUTES
from adserver.console.buyer_desk import campaign_of, own, own_line_item, zone_of
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Download, Html
from adserver.console.web.language import N_
from adserver.console.web.tables import csv_text
from adserver.marketplace.fields import write_entity
from adserver.marketplace.kinds import kind_of
from adserver.marketplace.notation import write_amount
from adserver.marketplace.targeting_notation import write_targeting
from adserver.ports import StoreAwayError
from adserver.reports.delivery import Figures, On, Scope
from adserver.reports.span import Span
from adserver.stores.buyers import Holdings
from models.domain.campaign import LineItem
from models.domain.placement import Placement

TABS = {
    "day": N_("By day"),
    "hour": N_("By hour of the day"),
    "placement": N_("By placement"),
    "region": N_("By region"),
    "creative": N_("By creative"),
}
CSV_HEAD = ("served", "impressions", "viewables", "clicks", "conversions", "charged", "currency",
            "ctr_ppm", "ctr_low_ppm", "ctr_high_ppm")  # fmt: skip


def show(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/line-items/{line_item_id}`."""
    held = own(desk, call)
    item = own_line_item(held, call)
    campaign, zone = campaign_of(held, item), zone_of(held.advertiser)
    purse = money.purse_of(desk, held.advertiser.advertiser_id)
    has_money = money.has_money(held.advertiser, purse)
    creatives = held.creatives_of(item.line_item_id)
    state = state_of(item, campaign, held.advertiser, creatives, call.now, has_money=has_money)
    values = {
        "held": held,
        "advertiser": held.advertiser,
        "root": f"/advertisers/{held.advertiser.advertiser_id}",
        "campaign": campaign,
        "item": item,
        "badge": BADGES[state],
        "is_out_of_money": state is State.NO_MONEY,
        "creatives": [one for one in creatives if one.active],
        "review_badges": REVIEW_BADGES,
        "written": write_entity(kind_of(LineItem), item, zone),
        "targets": _targets(item),
        "zone_name": held.advertiser.time_zone,
        "begins": reporting.first_moment_of(call.now, zone),
        "currency": desk.settings.currency,
        **_delivered(desk, call, held, item),
        **_tab(desk, call, held, item),
    }
    return Html("advertisers/line_item.html", values)


def breakdown_csv(desk: Desk, call: Call) -> Download:
    """`GET .../line-items/{line_item_id}/delivery.csv`: the table of a tab.

    Raises:
        StoreAwayError: the event log does not answer; an empty table would say that nothing ran.
    """
    held = own(desk, call)
    item = own_line_item(held, call)
    what, span = _chosen(call, held)
    lines = reporting.breakdown(desk, _scope(held, item), span, what)
    if lines is None:
        raise StoreAwayError("the event log does not answer")
    names = _names(desk, held, what)
    rows = [[line.key, names(line.key), *_csv_figures(line, desk)] for line in lines]
    text = csv_text((what, "name", *CSV_HEAD), rows)
    return Download(text.encode(), CSV_TYPE, f"{item.line_item_id}-{what}.csv")


def _delivered(desk: Desk, call: Call, held: Holdings, item: LineItem) -> dict[str, Any]:
    """Totals and plots."""
    zone, currency, scope = zone_of(held.advertiser), desk.settings.currency, _scope(held, item)
    life = reporting.life_of(desk, scope, item, call.now, zone)
    hours = reporting.by_hour(desk, scope, Span.last_days(2, call.now, zone))
    if life is None or hours is None:
        return {"away": True, "total": None, "today": None, "rate": None, "planned": None,
                "drawn": {}}  # fmt: skip
    total, today = life.total, _on_today(life.days, call, held)
    return {
        "away": False,
        "total": total,
        "today": today,
        "rate": wilson(total.clicks, total.impressions),
        "planned": planned_by(item, call.now, zone),
        "drawn": {
            "today": charts.day_against_plan(item, hours, call.now, zone, currency, call._),
            "hours": charts.impressions_by_hour(hours, call.now, call._),
            "flight": charts.flight_against_plan(item, life, zone, currency, call._),
            "rate": charts.click_rate_by_day(life.days[-30:], call._),
        },
    }


def _tab(desk: Desk, call: Call, held: Holdings, item: LineItem) -> dict[str, Any]:
    """The breakdown that was chosen."""
    what, span = _chosen(call, held)
    lines = reporting.breakdown(desk, _scope(held, item), span, what)
    names = _names(desk, held, what)
    shown = [line for line in lines or [] if line.figures != Figures()]
    return {
        "by": what,
        "tabs": TABS,
        "days": _days(call),
        "spans": [*reporting.SPANS],
        "lines": [(line, names(line.key)) for line in shown],
    }


def _chosen(call: Call, held: Holdings) -> tuple[str, Span]:
    wanted = call.query.get("by", "")
    what = wanted if wanted in TABS else "day"
    return what, reporting.span_of(_days(call), call.now, zone_of(held.advertiser))


def _days(call: Call) -> str:
    chosen = call.query.get("days", "")
    return chosen if chosen in reporting.SPANS else reporting.USUAL_SPAN


def _names(desk: Desk, held: Holdings, what: str) -> Callable[[str], str]:
    """What people call the keys of a breakdown; the key itself where nobody named it."""
    known: Mapping[str, str] = {}
    if what == "placement":
        known = {one.placement_id: one.name for one in desk.catalog.find(Placement, archived=True)}
    if what == "creative":
        known = {one.creative_id: one.title for one in held.creatives}
    if what == "hour":
        return lambda key: f"{key}:00"
    return lambda key: known.get(key) or key


def _targets(item: LineItem) -> list[tuple[str, list[str], list[str]]]:
    """(attribute, whom it includes, whom it leaves out) for what restricts anything."""
    found = []
    for name, written in write_targeting(item.targeting).items():
        sides: Any = written if isinstance(written, dict) else {"include": written}
        lists = [[str(value) for value in sides.get(side, ())] for side in ("include", "exclude")]
        found.append((ATTRIBUTES[name].label, lists[0], lists[1]))
    return found


def _scope(held: Holdings, item: LineItem) -> Scope:
    return Scope(advertiser_id=held.advertiser.advertiser_id, line_item_id=item.line_item_id)


def _on_today(days: list[On], call: Call, held: Holdings) -> Figures:
    today = call.now.astimezone(zone_of(held.advertiser)).date()
    return next((on.figures for on in days if on.day == today), Figures())


def _csv_figures(line: Line, desk: Desk) -> list[object]:
    figures, rate = line.figures, line.ctr
    counts = (figures.served, figures.impressions, figures.viewables, figures.clicks,
              figures.conversions)  # fmt: skip
    rates = (rate.seen, rate.low, rate.high) if rate else ("", "", "")
    return [*counts, write_amount(figures.charged_micros), desk.settings.currency, *rates]
