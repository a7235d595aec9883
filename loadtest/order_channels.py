"""How the customers of the real log came to the shop: by link, coupon, an earlier link, or alone.

The log does not say, so a hash of the invoice does: the same every time. Never here: HTTP. The
surprising fact: some clicks are too old on purpose, some invoices name a click nobody signed, and
some customers are partners buying for themselves.
"""

import csv
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from loadtest.order_log import CURRENCY, Fact, OrderLog

MERCHANT = "gifts"
PARTNERS = tuple(f"p{number:02d}" for number in range(1, 13))
BY_LINK, TOO_LATE, BY_COUPON, BY_CUSTOMER, FORGED = 45, 53, 72, 90, 92  # of 100, cumulative
PENNY = Decimal("0.01")
TOO_OLD = timedelta(days=20)
SINCE = "2010-11-01 00:00"

CONTRACTS = (
    "commission_share: 90%",
    "commission_share: 90%\n  tiers: ['5000:10%', '15000:12%']",
    "cap: '400.00'",
    "rates: ['6%']\n  hold_days: 7",
    "commission_share: 85%\n  hold_days: 14\n  subsidy: support:30%\n  subsidy_cap: '150.00'",
    "rates: ['0.25']\n  minimum_payout: '5.00'",
)
"""Six kinds of contract, two partners each."""


@dataclass(frozen=True, slots=True)
class Visit:
    """How an invoice's customer came: the partner, and the moment of the click if there was one."""

    invoice: str
    channel: str
    partner: str
    sku: str
    clicked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Channels:
    """Every invoice's way to the shop."""

    visits: dict[str, Visit]

    @staticmethod
    def of(log: OrderLog, months: set[str]) -> "Channels":
        """The ways of the invoices of these months, by their first line."""
        visits: dict[str, Visit] = {}
        offered = {sale.line.sku for sale in log.sales if sale.line.minor > 0}
        for sale in log.sales:
            line = sale.line
            if line.invoice not in visits and line.moment.isoformat()[:7] in months:
                sku = line.sku if line.sku in offered else ""
                visits[line.invoice] = _visit(line.invoice, line.customer, sku, line.moment)
        return Channels(visits)

    def clicked(self) -> Iterator[Visit]:
        """Those who came by a link."""
        return (visit for visit in self.visits.values() if visit.clicked_at is not None)

    def write_clicks(self, path: Path) -> None:
        """The click log of the system that the shop used back then."""
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("clicked_at", "partner", "merchant", "sku", "sub1", "click_id"))
            for visit in self.clicked():
                assert visit.clicked_at is not None
                moment = visit.clicked_at.isoformat()
                writer.writerow((moment, visit.partner, MERCHANT, visit.sku, "blog", visit.invoice))

    def link_targets(self) -> list[str]:
        """The link of every click, as it is followed today; made without asking anybody."""
        return [
            f"/r/{visit.partner}~{MERCHANT}{_product(visit.sku)}?sub1=blog"
            for visit in self.clicked()
        ]

    def attributed(self, fact: Fact, receipts: dict[str, str]) -> Fact:
        """The fact with the click id or coupon that its shop would have kept."""
        visit = self.visits.get(fact["order_id"])
        if visit is None:
            return fact
        if visit.clicked_at is not None:
            return fact | {"click_id": receipts[visit.invoice]}
        if visit.channel == "coupon":
            return fact | {"coupon": f"{visit.partner.upper()}GIFT"}
        return fact | {"click_id": "not-a-receipt"} if visit.channel == "forged" else fact


def _product(sku: str) -> str:
    return f"~{quote(sku, safe='')}" if sku else ""


def _visit(invoice: str, customer: str, sku: str, moment: datetime) -> Visit:
    draw = zlib.crc32(invoice.encode()) % 100
    partner = PARTNERS[zlib.crc32((customer or invoice).encode()) % len(PARTNERS)]
    if draw < BY_LINK:
        return Visit(invoice, "link", partner, sku, moment - timedelta(minutes=5 + 37 * draw))
    if draw < TOO_LATE:
        return Visit(invoice, "too old", partner, sku, moment - TOO_OLD)
    if draw < BY_COUPON:
        return Visit(invoice, "coupon", partner, sku, None)
    channel = "customer" if draw < BY_CUSTOMER else "forged" if draw < FORGED else "alone"
    return Visit(invoice, channel, partner, sku, None)


def feed_lines(log: OrderLog) -> Iterator[str]:
    """The shop's products as JSON lines: each SKU with the title and price it was first sold at."""
    seen: set[str] = set()
    for sale in log.sales:
        line = sale.line
        if line.sku not in seen and line.minor > 0:
            seen.add(line.sku)
            yield json.dumps(
                {
                    "sku": line.sku,
                    "title": line.title or line.sku,
                    "url": f"https://gifts.example/p/{line.sku.replace(' ', '-')}",
                    "price": f"{max(line.price, PENNY):.2f} {CURRENCY}",
                }
            )


def contracts_file() -> str:
    """The merchant, twelve partners with their contracts and coupons, as a file to import."""
    return "\n".join(
        (
            "merchants:",
            f"- {{merchant_id: {MERCHANT}, name: Gifts, home_url: 'https://gifts.example',"
            f" currency: {CURRENCY}, default_rate: 8%}}",
            "partners:",
            *(
                f"- {{partner_id: {name}, name: Partner {name}, standing: approved,"
                f" bank_account: '{6_000_000 + at}', account_holder: Partner {name}}}"
                for at, name in enumerate(PARTNERS)
            ),
            "contracts:",
            *(
                f"- contract_id: c_{name}\n  partner_id: {name}\n  starts_at: {SINCE}\n"
                f"  {CONTRACTS[at % len(CONTRACTS)]}"
                for at, name in enumerate(PARTNERS)
            ),
            "coupons:",
            *(
                f"- {{code: {name.upper()}GIFT, merchant_id: {MERCHANT}, partner_id: {name},"
                f" starts_at: {SINCE}, rate: 5%}}"
                for name in PARTNERS
            ),
            "",
        )
    )
