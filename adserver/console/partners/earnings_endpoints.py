"""Earnings over REST: the same figures, lines and stories as on the pages.

Never here: how they come about (`figures`, `breakdowns`, `why`). The one surprising fact: texts of
an explanation are in English or, by Accept-Language, in Chinese, exactly as on the page.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.partners import breakdowns
from adserver.console.partners.figures import Line, figures_of, month_span
from adserver.console.partners.lines import ad_page, narrowed, page_of, sales_page
from adserver.console.partners.sums import earned_micros
from adserver.console.partners.voice import voice_of
from adserver.console.partners.whose import asked_of, house_zone, partner_of
from adserver.console.partners.why import told_of
from adserver.console.web.exchange import Call, Listed
from adserver.console.web.routes import Endpoint
from adserver.stores.earnings import ORDER_KEYS, AdDay
from adserver.stores.order_rows import OrderRow

Query = Mapping[str, tuple[Mapping[str, Any], str]]
_P = "/api/v1/partners/{partner_id}"
CURRENCY: Query = {
    "currency": ({"type": "string", "maxLength": 3}, "Which currency; the house's when not given.")
}
MONTH: Query = {
    "month": (
        {"type": "string", "maxLength": 7},
        "A month of the house's calendar, such as 2026-10; the present one when not given.",
    )
}
NARROWED: Query = {
    name: ({"type": "string", "maxLength": 1_024}, f"Only lines of this {name}; empty: without.")
    for name in ORDER_KEYS
}


class Step(Struct):
    """A step of the bridge, or with `total` the number that the steps above it lead to."""

    name: str
    lines: int
    amount_micros: int
    total: bool


class Waiting(Struct):
    """What is not payable yet, by what it waits for."""

    outcome: str
    lines: int
    amount_micros: int


class Earnings(Struct):
    """The five figures in one currency. `month_micros` has today's estimate in it.

    `held` says why nothing would be paid out now; empty when something would.
    """

    partner_id: str
    currency: str
    month: str
    today_micros: int
    month_micros: int
    validated_micros: int
    payable_micros: int
    on_its_way_micros: int
    paid_micros: int
    overpaid_micros: int
    minimum_payout_minor: int
    held: str
    closes_at: datetime
    pays_at: datetime
    bridge: list[Step]
    waiting: list[Waiting]


class Part(Struct):
    """A part of a month."""

    key: str
    name: str
    currency: str
    ads_micros: int
    sales_micros: int
    earned_micros: int
    order_lines: int
    days_of_ads: int


class EarningLine(Struct):
    """An order line; `name` is what /earnings/explained takes."""

    name: str
    merchant_id: str
    order_id: str
    line_id: str
    sku: str
    status: str
    reason: str
    paid_at: datetime | None
    payable_from: datetime | None
    currency: str
    base_minor: int
    rate_ppm: int | None
    flat_minor: int | None
    earned_micros: int
    link_code: str
    app_id: str
    placement_id: str
    sub1: str
    sub2: str
    sub3: str
    sub4: str
    sub5: str


class AdLine(Struct):
    """A placement's day of ads; `name` is what /earnings/explained takes."""

    name: str
    day: str
    app_id: str
    placement_id: str
    currency: str
    impressions: int
    revenue_micros: int
    estimated_micros: int
    invalid_micros: int
    earned_micros: int
    matured_micros: int
    rule: str
    reason: str


class Chapter(Struct):
    """A part of an explanation; `facts` are pairs of a name and its value."""

    title: str
    says: list[str]
    facts: list[tuple[str, str]]


class Explanation(Struct):
    """Why something earns what it does, and what happens next."""

    name: str
    title: str
    currency: str
    earned_micros: int
    next: list[str]
    chapters: list[Chapter]


def earnings(desk: Desk, call: Call) -> Earnings:
    """The five figures and the bridge."""
    asked = asked_of(desk, call)
    found = figures_of(desk, asked.partner, asked.currency, call.now)
    return Earnings(
        partner_id=asked.partner.partner_id,
        currency=found.currency,
        month=found.period,
        today_micros=found.today.earned,
        month_micros=found.month,
        validated_micros=found.validated,
        payable_micros=found.holding.available,
        on_its_way_micros=found.holding.reserved,
        paid_micros=found.holding.paid,
        overpaid_micros=-found.holding.clawback,
        minimum_payout_minor=found.minimum_minor,
        held=found.held or "",
        closes_at=found.next.closes_at,
        pays_at=found.next.pays_at,
        bridge=[_step(line) for line in found.lines],
        waiting=[Waiting(one, *sums) for one, sums in found.waiting.items()],
    )


def _step(line: Line) -> Step:
    return Step(str(line.item or line.section), line.lines, line.amount, line.item is None)


def parts(desk: Desk, call: Call) -> Listed:
    """The month taken apart; all of it in one page."""
    asked = asked_of(desk, call)
    by = call.query.get("by", "app")
    found = breakdowns.rows_by(desk, asked.partner.partner_id, asked.currency, asked.period, by)
    shown, following = page_of(found, call)
    rows = [
        Part(
            *(one.key, one.name, asked.currency, one.ads.earned, one.sales.earned, one.earned),
            order_lines=one.sales.lines,
            days_of_ads=one.ads.lines,
        )
        for one in shown
    ]
    return Listed(rows, following)


def order_lines(desk: Desk, call: Call) -> Listed:
    """Order lines paid for in a month, newest first."""
    asked = asked_of(desk, call)
    span = month_span(asked.partner.partner_id, asked.currency, asked.period, house_zone(desk))
    page = sales_page(desk, span, narrowed(call.query), call.cursor, call.limit)
    return Listed([_line(row) for row in page.rows], page.cursor)


_OF_ROW = tuple(
    name for name in EarningLine.__struct_fields__ if name not in {"name", "earned_micros"}
)


def _line(row: OrderRow) -> EarningLine:
    given = {name: getattr(row, name) for name in _OF_ROW}
    return EarningLine(name=row.row_id, earned_micros=earned_micros(row), **given)


def ad_lines(desk: Desk, call: Call) -> Listed:
    """Days of ads of a month, newest first."""
    asked = asked_of(desk, call)
    span = month_span(asked.partner.partner_id, asked.currency, asked.period, house_zone(desk))
    page = ad_page(desk, span, call.query, call.cursor, call.limit)
    return Listed([_ad_line(one, asked.currency) for one in page.days], page.cursor)


def _ad_line(day: AdDay, currency: str) -> AdLine:
    return AdLine(
        name=day.name,
        day=day.day,
        app_id=day.app_id,
        placement_id=day.placement_id,
        currency=currency,
        impressions=day.impressions,
        revenue_micros=day.revenue,
        estimated_micros=day.estimated,
        invalid_micros=day.invalid,
        earned_micros=day.earned,
        matured_micros=day.matured,
        rule=day.rule,
        reason=day.reason,
    )


def explained(desk: Desk, call: Call) -> Explanation:
    """Why an order line or a day of ads earns what it does."""
    partner = partner_of(desk, call)
    told = told_of(desk, partner.partner_id, call.query.get("of", ""), voice_of(call), call.now)
    chapters = [Chapter(one.title, list(one.says), list(one.facts)) for one in told.parts]
    return Explanation(told.name, told.title, told.currency, told.earned, list(told.next), chapters)


BY: Query = {
    "by": ({"type": "string", "enum": list(breakdowns.KINDS)}, "What it is taken apart by.")
}
OF: Query = {"of": ({"type": "string", "maxLength": 512}, "The name of an order line or day.")}
ENDPOINTS = (
    Endpoint(
        "GET",
        f"{_P}/earnings",
        "What a partner has earned, from today's estimate to what is paid",
        earnings,
        answer=Earnings,
        query=CURRENCY,
    ),
    Endpoint(
        "GET",
        f"{_P}/earnings/parts",
        "A month of earnings by app, placement, merchant, link or sub-id",
        parts,
        answer=Part,
        listed=True,
        query={**CURRENCY, **MONTH, **BY},
    ),
    Endpoint(
        "GET",
        f"{_P}/earnings/lines",
        "The order lines of a month, newest first",
        order_lines,
        answer=EarningLine,
        listed=True,
        query={**CURRENCY, **MONTH, **NARROWED},
    ),
    Endpoint(
        "GET",
        f"{_P}/earnings/days",
        "The days of ads of a month, newest first",
        ad_lines,
        answer=AdLine,
        listed=True,
        query={**CURRENCY, **MONTH, "app": NARROWED["app"], "placement": NARROWED["placement"]},
    ),
    Endpoint(
        "GET",
        f"{_P}/earnings/explained",
        "Why an order line or a day earns what it does, and what happens next",
        explained,
        answer=Explanation,
        query=OF,
    ),
)
