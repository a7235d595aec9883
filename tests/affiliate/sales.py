"""A sale and everybody in it, valid by default: name only what the test is about.

One partner "ann" with a contract and a link to the SKU "s1" of the merchant "m1", who pays 10 %.
The one surprising fact: `SOLD_AT` is the time of every fact; give `occurred_at` for another.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from affiliate.attribution import Attributed, Evidence, Method, Relation
from affiliate.commission import Claim, Earning, Goods, earn
from affiliate.merchandise import HotRate, Merchant, Product
from affiliate.order import OrderFact, OrderLine, Status, Touch, TouchKind, line_of
from affiliate.partner import Contract, Coupon, Partner, Rate, Standing, Terms
from models.domain.ids import ContractId, MerchantId, PartnerId, Sku

SOLD_AT = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
MS = timedelta(milliseconds=1)
ANN = PartnerId("ann")
BOB = PartnerId("bob")
M1 = MerchantId("m1")
M2 = MerchantId("m2")
S1 = Sku("s1")


def percent(number: float) -> Rate:
    return Rate(ppm=round(number * 10_000))


def flat(minor: int) -> Rate:
    return Rate(flat_minor=minor)


def fact(**changes: Any) -> OrderFact:
    """One unit of "s1", paid 100.00."""
    plain = OrderFact(
        merchant_id=M1,
        order_id="o1",
        line_id="1",
        version=1,
        status=Status.PAID,
        sku=S1,
        category="phone",
        quantity=1,
        paid_minor=10_000,
        currency="CNY",
        occurred_at=SOLD_AT,
    )
    return replace(plain, **changes)


def line(*changes: dict[str, Any], **all_changes: Any) -> OrderLine:
    """A line of one fact a dict, in versions 1, 2, ...; keywords hold for all of them."""
    facts = (
        fact(**({"version": version} | all_changes | one))
        for version, one in enumerate(changes or ({},), 1)
    )
    return line_of(facts)


def contract(**changes: Any) -> Contract:
    plain = Contract(ContractId("c1"), 1, ANN, datetime(2026, 1, 1, tzinfo=UTC), Terms())
    return replace(plain, **changes)


def partner(**changes: Any) -> Partner:
    return replace(Partner(ANN, "Ann", standing=Standing.APPROVED), **changes)


def touch(**changes: Any) -> Touch:
    """A click on a link to "s1", an hour before the sale."""
    plain = Touch("t1", TouchKind.LINK, SOLD_AT - timedelta(hours=1), ANN, M1, S1)
    return replace(plain, **changes)


def coupon(**changes: Any) -> Coupon:
    return replace(Coupon("ANN10", M1, ANN, datetime(2026, 1, 1, tzinfo=UTC)), **changes)


def evidence(**changes: Any) -> Evidence:
    """Ann and Bob are approved and have a contract each; nobody clicked anything."""
    plain = Evidence(
        partners={ANN: partner(), BOB: partner(partner_id=BOB, name="Bob")},
        contracts={
            ANN: [contract()],
            BOB: [contract(contract_id=ContractId("c2"), partner_id=BOB)],
        },
    )
    return replace(plain, **changes)


def merchant(**changes: Any) -> Merchant:
    plain = Merchant(M1, "Shop", "https://shop.example/", default_rate=percent(10))
    return replace(plain, **changes)


def product(**changes: Any) -> Product:
    return replace(Product(M1, S1, "A phone", "https://shop.example/s1", 10_000), **changes)


def hot_rate(**changes: Any) -> HotRate:
    """20 % from the moment of the sale, for a day."""
    plain = HotRate(M1, S1, percent(20), SOLD_AT, SOLD_AT + timedelta(days=1))
    return replace(plain, **changes)


def found(**changes: Any) -> Attributed:
    plain = Attributed(ANN, contract(), Method.CLICK, Relation.DIRECT, touch())
    return replace(plain, **changes)


def claim(order_line: OrderLine | None = None, *, row: str = "r1", **goods: Any) -> Claim:
    """A claim of Ann's on a line; keywords say what else is known of the goods."""
    known = replace(Goods(merchant()), **goods)
    return Claim(row, order_line or line(), known, found())


def earning(order_line: OrderLine, terms: Terms | None = None, **goods: Any) -> Earning:
    """What a line alone in its month comes to."""
    return earned([claim(order_line, **goods)], terms)[0]


def earned(claims: Sequence[Claim], terms: Terms | None = None) -> list[Earning]:
    """What claims come to together, under one contract of these terms."""
    terms = terms or Terms()
    theirs = [
        replace(one, found=replace(one.found, contract=replace(one.found.contract, terms=terms)))
        for one in claims
    ]
    return earn(theirs, terms)
