"""The pages of earnings: the five figures with their bridge, the lines, and why.

Never here: figures (`figures`, `breakdowns`). The one surprising fact: amounts in the bridge are
shown with all their decimals, because shares accrue in millionths and a table must add up.
"""

from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.partners import breakdowns, words
from adserver.console.partners.breakdowns import Day, Row
from adserver.console.partners.figures import Line, figures_of, minimum_of, month_span
from adserver.console.partners.lines import PAGE, Ads, ad_page, narrowed, sales_page
from adserver.console.partners.sums import earned_micros, rate_of, state_of
from adserver.console.partners.voice import voice_of
from adserver.console.partners.whose import Asked, asked_of, base_path, house_zone, partner_of
from adserver.console.partners.why import told_of
from adserver.console.web import plots
from adserver.console.web.exchange import Call, Download, Html
from adserver.console.web.language import N_
from adserver.console.web.plots import Frame
from adserver.console.web.tables import CSV, csv_text
from adserver.stores.order_rows import OrderRow
from affiliate.ad_revenue import day_of
from affiliate.statement import Section

NUMBER = Section.PAYABLE


def overview(desk: Desk, call: Call) -> Html:
    """The five figures, the bridge, the month by day and by what is asked."""
    asked = asked_of(desk, call)
    by = call.query.get("by", "app")
    by = by if by in breakdowns.KINDS else "app"
    partner_id = asked.partner.partner_id
    figures = figures_of(desk, asked.partner, asked.currency, call.now)
    today = day_of(call.now, house_zone(desk))
    whole = breakdowns.days_of(desk, partner_id, asked.currency, asked.period)
    days = [one for one in whole if one.day <= today]
    rows = breakdowns.rows_by(desk, partner_id, asked.currency, asked.period, by)
    values = {
        "asked": asked,
        "base": base_path(call),
        "figures": figures,
        "minimum": minimum_of(figures),
        "held": call._(words.HELD[figures.held]) if figures.held else "",
        "waiting": [
            (call._(text), *figures.waiting.get(outcome, (0, 0)))
            for outcome, text in words.WAITING.items()
        ],
        "bridge": bridge_plot(figures.lines, figures.currency, call),
        "bridge_rows": bridge_rows(figures.lines, call, is_live=True),
        "days": days_plot(days, asked, call),
        "by": by,
        "kinds": [(kind, call._(title)) for kind, title in words.BREAKDOWNS.items()],
        "kind_title": call._(words.BREAKDOWNS.get(by, by)),
        "parts": rows,
        "total": sum(row.earned for row in rows),
        "links": {row.key: lines_href(call, asked, by, row) for row in rows},
    }
    return Html("partners/earnings.html", values)


def bridge_rows(
    lines: tuple[Line, ...], call: Call, *, is_live: bool = False
) -> list[dict[str, Any]]:
    """The bridge as rows of words and micros; `total` marks the numbers that it leads to.

    `short` is what stands under its bar. `is_live`: of open months, which are payable only once
    they close.
    """
    rows = []
    for line in lines:
        text = words.ITEMS[line.item] if line.item else words.SECTIONS[line.section or NUMBER]
        if is_live and line.section is Section.PAYABLE:
            text = words.IF_IT_CLOSED_NOW
        short = call._(words.ON_PLOTS[line.item or line.section or NUMBER])
        row = {"text": call._(text), "short": short, "amount": line.amount, "lines": line.lines}
        rows.append(row | {"total": line.item is None})
    return rows


def bridge_plot(lines: tuple[Line, ...], currency: str, call: Call) -> Markup:
    """The bridge as a waterfall; nothing drawn while there is nothing in it."""
    rows = bridge_rows(lines, call)
    if not any(row["amount"] for row in rows):
        return plots.NOTHING_DRAWN
    title = call._(N_("From what was first told to what is payable"))
    return plots.bridge(rows, "short", "amount", Frame(title, unit=f"micros:{currency}"))


def days_plot(days: list[Day], asked: Asked, call: Call) -> Markup:
    """Ads and sales by day, stacked."""
    if not any(day.ads or day.sales for day in days):
        return plots.NOTHING_DRAWN
    ads, sales = call._(N_("Ads")), call._(N_("Sales"))
    rows = [
        {"day": day.day, "amount": amount, "of": of}
        for day in days
        for amount, of in ((day.ads, ads), (day.sales, sales))
    ]
    title = call._(N_("Earned by day"))
    frame = Frame(title, unit=f"micros:{asked.currency}", height=200)
    return plots.line(rows, "day", "amount", "of", frame)


def lines_href(call: Call, asked: Asked, by: str, row: Row) -> str:
    """The lines behind a part of the month."""
    query = urlencode({"month": asked.period, "currency": asked.currency, by: row.key})
    return f"{base_path(call)}/earnings/lines?{query}"


def breakdown_csv(desk: Desk, call: Call) -> Download:
    """The month by what is asked, as a table for a spreadsheet; amounts in micros."""
    asked = asked_of(desk, call)
    by = call.query.get("by", "app")
    by = by if by in breakdowns.KINDS else "app"
    rows = breakdowns.rows_by(desk, asked.partner.partner_id, asked.currency, asked.period, by)
    head = (by, "name", "currency", "ads_micros", "sales_micros", "earned_micros", "sales_lines")
    table = [
        (r.key, r.name, asked.currency, r.ads.earned, r.sales.earned, r.earned, r.sales.lines)
        for r in rows
    ]
    name = f"earnings-{asked.partner.partner_id}-{asked.period}-{by}.csv"
    return Download(csv_text(head, table).encode(), CSV, name)


def lines(desk: Desk, call: Call) -> Html:
    """Order lines and days of ads of a month, narrowed by what the address says."""
    asked = asked_of(desk, call)
    span = month_span(asked.partner.partner_id, asked.currency, asked.period, house_zone(desk))
    only = narrowed(call.query)
    page = sales_page(desk, span, only, call.query.get("after", ""), PAGE)
    of_sales = only.keys() - {"app", "placement"}
    of_ads = ad_page(desk, span, only, call.query.get("ads_after", ""), PAGE)
    ads = Ads() if of_sales else of_ads
    values = {
        "asked": asked,
        "base": base_path(call),
        "only": [(call._(words.BREAKDOWNS.get(name, name)), only[name]) for name in only],
        "sales": [_shown(row, call) for row in page.rows],
        "ads": ads.days,
        "next": _further(call, "after", page.cursor),
        "next_ads": _further(call, "ads_after", ads.cursor),
    }
    return Html("partners/lines.html", values)


def _further(call: Call, name: str, cursor: str) -> str:
    return f"{call.path}?{urlencode({**call.query, name: cursor})}" if cursor else ""


def _shown(row: OrderRow, call: Call) -> dict[str, Any]:
    state, kind = state_of(row, call.now)
    return {
        "row": row,
        "rate": rate_of(row, call._),
        "earned": earned_micros(row),
        "state": call._(state),
        "kind": kind,
    }


def why(desk: Desk, call: Call) -> Html:
    """The story of one earning.

    Raises:
        NotFoundError: it is nobody's, or another's.
    """
    partner = partner_of(desk, call)
    name = call.query.get("of", "")
    if not name:
        raise NotFoundError("name an earning: an order line, a day of ads, a payout")
    told = told_of(desk, partner.partner_id, name, voice_of(call), call.now)
    return Html("partners/why.html", {"told": told, "base": base_path(call)})
