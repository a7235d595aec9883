"""The partners' money held against everything that is known from elsewhere.

The shops' own books, the simulator's own arithmetic, the event log, and the statements added up
again. Never here: computing any of it in the house's way. The one surprising fact: commissions are
counted here with decimal fractions and rounded by the decimal library, not by our own money.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from adserver.demo.closing import Closed
from adserver.demo.reconcile import Check, equal
from loadtest.merchants import GIFT_CARD, Shop
from loadtest.partners import AFFILIATES, COUPON_RATE, FUND, FUND_AMOUNT, OWNERS
from loadtest.shop import Order

HUNDRED = Decimal(100)
NOTHING = Decimal(0)
MAY_EARN_NOTHING = "invalid_traffic"
DEPOSITED = Decimal(2_000)


def checks(
    orders: Sequence[Order],
    shops: Sequence[Shop],
    closed: Closed,
    charged: Mapping[str, int],
) -> list[Check]:
    """Every comparison. `charged` is what the event log charges each advertiser, in micros."""
    rows = {row["order_id"]: row for row in closed.rows}
    return [
        _orders_told(orders, rows),
        _brought(orders, rows),
        _commissions(orders, {shop.merchant_id: shop for shop in shops}, rows),
        _ad_spend(charged, closed.balances),
        Check(
            "adunion reconcile: raw events = ledger, to the micro",
            all(closed.reconciled.values()),
            ", ".join(closed.reconciled),
        ),
        _fund(closed),
        _statements(closed.statements),
        _earned(closed),
        Check("ledger verify", closed.verified.startswith("ledger verify: ok"), closed.verified),
    ]


def _orders_told(orders: Iterable[Order], rows: Mapping[str, Any]) -> Check:
    """What shops have sold and given back = rows, order by order, in fen."""
    shops = {
        f"{one.merchant_id}-{one.number}": one.paid_minor * (one.fate != "cancelled")
        - one.refunded_minor
        for one in orders
    }
    booked = {
        name: row["paid_minor"] * (row["status"] != "cancelled") - row["refunded_minor"]
        for name, row in rows.items()
    }
    return equal("shops' sales less returns = rows, by order, fen", shops, booked)


def _brought(orders: Iterable[Order], rows: Mapping[str, Any]) -> Check:
    """Nobody earns for a customer whom somebody else brought."""
    known = {f"{one.merchant_id}-{one.number}": one.brought_by for one in orders}
    earned = {
        name: row["partner_id"] or ""
        for name, row in rows.items()
        if row["reason"] != MAY_EARN_NOTHING
    }
    wrong = [name for name, partner in earned.items() if partner != known.get(name)]
    detail = f"{len(earned):,} orders, {len(rows) - len(earned):,} of doubtful clicks"
    return Check("each order is whose link or ad brought it", not wrong, f"{detail} {wrong[:3]}")


def _commissions(
    orders: Iterable[Order], shops: Mapping[str, Shop], rows: Mapping[str, Any]
) -> Check:
    """Rate x paid, rounded once; less the part of it that a refund takes back; by merchant."""
    expected: Counter[str] = Counter()
    booked: Counter[str] = Counter()
    for order in orders:
        row = rows.get(f"{order.merchant_id}-{order.number}")
        if row is not None and row["partner_id"]:
            expected[order.merchant_id] += _commission(order, shops[order.merchant_id])
            booked[order.merchant_id] += row["commission_minor"]
    return equal("commissions = rate x paid less refunds, by merchant, fen", expected, booked)


def _commission(order: Order, shop: Shop) -> int:
    if order.fate == "cancelled" or order.category == GIFT_CARD:
        return 0
    written = shop.category_rates.get(order.category, shop.rate)
    rate = Decimal((COUPON_RATE if order.coupon else written).rstrip("%")) / HUNDRED
    whole = _rounded(order.paid_minor * rate)
    return whole - _rounded(Decimal(whole) * order.refunded_minor / order.paid_minor)


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _ad_spend(charged: Mapping[str, int], balances: Mapping[str, str]) -> Check:
    """What the event log charges = what has left the advertisers' prepayments, in micros."""
    booked = {
        account.partition(":")[2]: int((DEPOSITED - Decimal(posted)) * 1_000_000)
        for account, posted in balances.items()
        if account.startswith("advertiser_prepaid:")
    }
    return equal("ad revenue: event log = ledger, by advertiser, micros", charged, booked)


def _fund(closed: Closed) -> Check:
    """The fund's filling less what orders and days had of it = what is left; never below 0."""
    paid = sum((Decimal(row["subsidy_minor"]) / HUNDRED for row in closed.rows), NOTHING)
    paid += sum((Decimal(day["subsidy"]) for day in closed.accrued), NOTHING)
    left = Decimal(closed.balances[f"subsidy_pool:{FUND}"])
    detail = f"{FUND_AMOUNT} - {paid} = {left}"
    return Check(
        "fund: paid in - subsidies = left", Decimal(FUND_AMOUNT) - paid == left >= 0, detail
    )


def _statements(statements: Sequence[Mapping[str, Any]]) -> Check:
    """Each leads from estimated over validated to payable, step by step."""
    wrong = []
    for one in statements:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for step in one["bridge"]:
            sums[step["section"]] += Decimal(step["amount"])
        estimated, validated = sums["estimated"], sums["estimated"] + sums["validated"]
        payable = validated + sums["matured"] + sums["payable"]
        told = tuple(Decimal(one[name]) for name in ("estimated", "validated", "payable"))
        if told != (estimated, validated, payable):
            wrong.append(one["partner_id"])
    detail = f"{len(statements)} statements {wrong or ''}"
    return Check("statements foot, step by step", bool(statements) and not wrong, detail)


def _earned(closed: Closed) -> Check:
    """Whoever has a contract has a statement."""
    expected = {person.partner_id for person in (*OWNERS, *AFFILIATES)}
    got = {one["partner_id"] for one in closed.statements}
    return Check("every partner has a statement", expected <= got, ", ".join(sorted(got)))
