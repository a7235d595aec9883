"""An order's line as its row: what became of it, whose it is, what it earns, how far it has come.

Never here: SQL (`orders`) or how any of it is judged (`adserver.accounting`). The one surprising
fact: a row's id follows from merchant, order and line, so the same line has the same id in every
database, and ties between lines are broken alike everywhere.
"""

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from affiliate.order import OrderFact, Status
from models.domain.ids import MerchantId, Sku


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A row of `order_rows`, column by column; amounts are minor units of its currency."""

    row_id: str
    merchant_id: str
    order_id: str
    line_id: str
    version: int
    status: str
    sku: str
    category: str
    quantity: int
    currency: str
    paid_minor: int
    refunded_minor: int
    paid_at: datetime | None
    received_at: datetime | None
    customer_ref: str
    partner_id: str | None
    contract_id: str | None
    contract_version: int | None
    scope: str
    method: str
    relation: str
    reason: str
    touch_id: str
    touch_kind: str
    link_code: str
    app_id: str
    placement_id: str
    line_item_id: str
    sub1: str
    sub2: str
    sub3: str
    sub4: str
    sub5: str
    basis: str
    rule: str
    rate_ppm: int | None
    flat_minor: int | None
    base_minor: int
    estimated_commission_minor: int | None
    estimated_partner_minor: int | None
    actual_commission_minor: int | None
    actual_partner_minor: int | None
    commission_minor: int
    partner_minor: int
    fee_minor: int
    pool_id: str
    subsidy_granted_minor: int
    subsidy_minor: int
    payable_from: datetime | None
    matured_minor: int
    postings: int
    modified_at: datetime
    modified_seq: int

    @property
    def earned_minor(self) -> int:
        """What the partner has of it, subsidy included."""
        return self.partner_minor + self.subsidy_minor


COLUMNS = tuple(field.name for field in fields(OrderRow))
_values = attrgetter(*COLUMNS)


def row_columns(row: OrderRow) -> dict[str, Any]:
    """The row as its table takes it."""
    return dict(zip(COLUMNS, _values(row), strict=True))


def row_id_of(merchant_id: str, order_id: str, line_id: str) -> str:
    """The id of a line's row: "o" and 128 bits in hex."""
    text = "\x1f".join((merchant_id, order_id, line_id)).encode()
    return f"o{hashlib.blake2b(text, digest_size=16).hexdigest()}"


def row_id_of_fact(fact: OrderFact) -> str:
    """The id of the row that a fact belongs to."""
    return row_id_of(fact.merchant_id, fact.order_id, fact.line_id)


def body_hash(fact: OrderFact) -> str:
    """What tells whether a version was told again in the same words."""
    words = (
        fact.status,
        fact.sku,
        fact.category,
        str(fact.quantity),
        str(fact.paid_minor),
        str(fact.refunded_minor),
        fact.currency,
        str(int(fact.occurred_at.timestamp() * 1_000_000)),
        fact.click_id,
        fact.coupon,
        fact.customer_ref,
    )
    return hashlib.blake2b("\x1f".join(words).encode(), digest_size=32).hexdigest()


def fact_columns(fact: OrderFact, received_at: datetime) -> dict[str, Any]:
    """A fact as its table takes it."""
    return {
        "merchant_id": fact.merchant_id,
        "order_id": fact.order_id,
        "line_id": fact.line_id,
        "version": fact.version,
        "status": fact.status.value,
        "sku": fact.sku,
        "category": fact.category,
        "quantity": fact.quantity,
        "paid_minor": fact.paid_minor,
        "refunded_minor": fact.refunded_minor,
        "currency": fact.currency,
        "occurred_at": fact.occurred_at,
        "click_id": fact.click_id,
        "coupon": fact.coupon,
        "customer_ref": fact.customer_ref,
        "body_hash": body_hash(fact),
        "received_at": received_at,
    }


def fact_from(row: Any) -> OrderFact:
    """The fact of a row of `order_facts`."""
    return OrderFact(
        merchant_id=MerchantId(row.merchant_id),
        order_id=row.order_id,
        line_id=row.line_id,
        version=row.version,
        status=Status(row.status),
        sku=Sku(row.sku),
        category=row.category,
        quantity=row.quantity,
        paid_minor=row.paid_minor,
        currency=row.currency,
        occurred_at=row.occurred_at,
        refunded_minor=row.refunded_minor,
        click_id=row.click_id,
        coupon=row.coupon,
        customer_ref=row.customer_ref,
    )
