"""A shop's real order log as the facts its server would have reported, month by month.

The log is UCI's "Online Retail" in CSV: invoices with their lines, cancellations (numbers that
begin with C) that do not name the sale they cancel, and the dirt of a real log. Never here: HTTP or
commands (`replay_orders`). The surprising fact: a cancellation becomes a refund of the customer's
latest sale of that product at that price with enough left; what finds no sale is reported as a
refund of an order that nobody ever saw.
"""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
CURRENCY = "GBP"
DELIVERY = timedelta(days=3)
PENCE = Decimal(100)

Fact = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log, its price in pounds."""

    invoice: str
    number: int
    sku: str
    title: str
    quantity: int
    price: Decimal
    moment: datetime
    customer: str

    @property
    def minor(self) -> int:
        """What was paid, or given back, in pence; halves are rounded up."""
        return int((abs(self.quantity) * self.price * PENCE).quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(slots=True)
class Sale:
    """A sold line and what was given back of it, in the order of time."""

    line: LogLine
    left: int
    refunds: list[tuple[datetime, int]] = field(default_factory=list)

    def facts(self) -> list[Fact]:
        """Paid, received three days later unless all went back before, and every refund."""
        told: list[Fact] = [self._fact("paid", self.line.moment, 0)]
        delivery = self.line.moment + DELIVERY
        happened = [(moment, quantity) for moment, quantity in self.refunds]
        happened.append((delivery, 0))
        back = 0
        for moment, quantity in sorted(happened):
            back += quantity
            arrived = quantity == 0
            if arrived and back == self.line.quantity:
                continue
            told.append(self._fact("received" if arrived else "refunded", moment, back))
        return [fact | {"version": version} for version, fact in enumerate(told, 1)]

    def _fact(self, status: str, moment: datetime, back: int) -> Fact:
        paid = self.line.minor
        refunded = int(
            (Decimal(paid) * back / self.line.quantity).quantize(Decimal(1), ROUND_HALF_UP)
        )
        return fact_of(self.line, status, moment) | {"refunded_minor": refunded}


@dataclass(slots=True)
class OrderLog:
    """What the log says: sales with their refunds, refunds of unknown sales, and what is neither.

    `left_out` counts the lines that are no orders, by reason.
    """

    sales: list[Sale]
    unmatched: list[LogLine]
    matched_lines: int
    left_out: Counter[str]

    def by_month(self) -> dict[str, list[Fact]]:
        """All facts by the month in which they happened, in the order of time."""
        months: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in self._facts():
            months[fact["occurred_at"][:7]].append(fact)
        for facts in months.values():
            facts.sort(key=lambda fact: (fact["occurred_at"], fact["order_id"], fact["version"]))
        return dict(sorted(months.items()))

    def _facts(self) -> Iterator[Fact]:
        for sale in self.sales:
            yield from sale.facts()
        for line in self.unmatched:
            fact = fact_of(line, "refunded", line.moment)
            yield fact | {"version": 1, "refunded_minor": fact["paid_minor"]}


def fact_of(line: LogLine, status: str, moment: datetime) -> Fact:
    """The fields of an order item that do not depend on its history."""
    return {
        "order_id": line.invoice,
        "line_id": str(line.number),
        "status": status,
        "sku": line.sku,
        "category": "",
        "quantity": abs(line.quantity),
        "paid_minor": line.minor,
        "currency": CURRENCY,
        "occurred_at": moment.isoformat(),
        "customer_ref": line.customer,
    }


def read_log(path: Path) -> Iterator[LogLine]:
    """Every line of the file, numbered within its invoice."""
    numbers: Counter[str] = Counter()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            invoice = row["InvoiceNo"]
            numbers[invoice] += 1
            yield LogLine(
                invoice=invoice,
                number=numbers[invoice],
                sku=row["StockCode"],
                title=row["Description"].strip(),
                quantity=int(row["Quantity"]),
                price=Decimal(row["UnitPrice"]),
                moment=datetime.fromisoformat(row["InvoiceDate"]).replace(tzinfo=LONDON),
                customer=row["CustomerID"].removesuffix(".0"),
            )


def understand(lines: Iterable[LogLine]) -> OrderLog:
    """Sorts the lines into sales, refunds of them, refunds of unknown sales, and the rest."""
    sales: list[Sale] = []
    sold: defaultdict[tuple[str, str, Decimal], list[Sale]] = defaultdict(list)
    log = OrderLog(sales, [], 0, Counter())
    for line in sorted(lines, key=lambda line: line.moment):
        if line.invoice.startswith("A") or line.price < 0:
            log.left_out["accounting adjustment"] += 1
        elif line.invoice.startswith("C"):
            _take_back(log, sold[line.customer, line.sku, line.price], line)
        elif line.quantity <= 0:
            log.left_out["stock adjustment (negative quantity)"] += 1
        else:
            sale = Sale(line, line.quantity)
            sales.append(sale)
            sold[line.customer, line.sku, line.price].append(sale)
    return log


def _take_back(log: OrderLog, sales: list[Sale], cancelled: LogLine) -> None:
    """Books a cancellation on the latest sales with something left; whole or not at all."""
    needed = -cancelled.quantity
    if not cancelled.customer or sum(sale.left for sale in sales) < needed:
        log.unmatched.append(cancelled)
        return
    log.matched_lines += 1
    for sale in reversed(sales):
        taken = min(needed, sale.left)
        if taken:
            sale.left -= taken
            sale.refunds.append((cancelled.moment, taken))
            needed -= taken
