"""Who sent the customer: the first that applies of coupon, the order's own click, earlier touches.

Never here: what the sale earns (`commission`). The one surprising fact: the window is measured on
the instants that were told, inclusive to the millisecond, and a click later than the order is no
touch at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from affiliate.order import NO_SKU, OrderFact, OrderLine, Status, Touch
from affiliate.partner import (
    DEFAULT_WINDOW,
    Contract,
    Coupon,
    Partner,
    Standing,
    contract_for_sales,
)
from models.domain.ids import PartnerId

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class Method(StrEnum):
    """How the partner was found."""

    COUPON = "coupon"
    CLICK = "click"
    CUSTOMER = "customer"


class Relation(StrEnum):
    """What was bought, seen from what was clicked.

    DIRECT is the product of the link, anything of the shop where the link led to the shop, and
    every sale by coupon.
    """

    DIRECT = "direct"
    SAME_MERCHANT = "same_merchant"
    CROSS_MERCHANT = "cross_merchant"


class Unearned(StrEnum):
    """Why a row earns nothing, or (CAP_REACHED) less than its rate says."""

    NOT_PAID = "not_paid"
    CANCELLED = "cancelled"
    BAD_CLICK = "bad_click"  # its click_id was not made by this house
    CLICK_AFTER_ORDER = "click_after_order"
    OUTSIDE_WINDOW = "outside_window"
    OTHER_MERCHANT = "other_merchant"  # and the contract has no rate for cross-merchant sales
    NO_TOUCH = "no_touch"
    INVALID_TRAFFIC = "invalid_traffic"
    PARTNER_NOT_APPROVED = "partner_not_approved"
    NO_CONTRACT = "no_contract"
    SELF_PURCHASE = "self_purchase"
    GIFT_CATEGORY = "gift_category"
    ZERO_RATE = "zero_rate"
    CAP_REACHED = "cap_reached"
    UNMATCHED_REFUND = "unmatched_refund"  # a refund of a sale that was never reported


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about who sent the customer of one line.

    `coupon` is the partner coupon of the order's code at its merchant, whatever its dates.
    `clicked` is the touch in the order's own click_id; `click_is_bad` says it could not be read.
    `touches` are earlier ones of the same customer_ref, in any order. `partners` and `contracts`
    of all who may be found, the partners as they stood when the line was first paid for: a later
    suspension does not take back what was earned.
    """

    coupon: Coupon | None = None
    clicked: Touch | None = None
    click_is_bad: bool = False
    touches: Sequence[Touch] = ()
    partners: Mapping[PartnerId, Partner] = field(default_factory=dict)
    contracts: Mapping[PartnerId, Sequence[Contract]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attributed:
    """Whose sale it is, and under which contract version it earns."""

    partner_id: PartnerId
    contract: Contract
    method: Method
    relation: Relation
    touch: Touch | None = None
    coupon: Coupon | None = None


@dataclass(frozen=True, slots=True)
class Unattributed:
    """Nobody's sale, or nobody's who may earn.

    `touch` is the click that does not apply, or the one whose partner may not earn; `method` is
    given for the latter only, so without it a further touch of the customer may change the answer.
    """

    reason: Unearned
    partner_id: PartnerId | None = None
    method: Method | None = None
    touch: Touch | None = None


def attribute(line: OrderLine, evidence: Evidence) -> Attributed | Unattributed:
    """Finds the partner of a line, judged at the instant it was first paid for.

    The first that applies: the coupon's owner, the partner of the order's own click, the partner of
    the customer's last click. A click that does not apply (bad, too old or too late, another
    merchant's, invalid) leaves the line to the next of them and is the reason where none does. A
    partner who was found and may not earn is not passed over: the line then earns for nobody.
    """
    if line.first_paid is None:
        return Unattributed(_why_unpaid(line))
    sale = line.first_paid
    if evidence.coupon and _holds(evidence.coupon, sale.occurred_at):
        return _owed(line, evidence, evidence.coupon, Method.COUPON)
    refusals = [Unattributed(Unearned.BAD_CLICK)] if evidence.click_is_bad else []
    for touch, method in _clicks(sale, evidence):
        objection = _objection(touch, sale, evidence)
        if objection is None:
            return _owed(line, evidence, touch, method)
        refusals.append(Unattributed(objection, touch.partner_id, touch=touch))
    return refusals[0] if refusals else Unattributed(Unearned.NO_TOUCH)


def _clicks(sale: OrderFact, evidence: Evidence) -> Iterator[tuple[Touch, Method]]:
    """The order's own click, then the customer's earlier ones, the last of them first."""
    if evidence.clicked:
        yield evidence.clicked, Method.CLICK
    earlier = (one for one in evidence.touches if _age_ms(one, sale.occurred_at) >= 0)
    for touch in sorted(earlier, key=lambda one: (one.clicked_at, one.touch_id), reverse=True):
        yield touch, Method.CUSTOMER


def _objection(touch: Touch, sale: OrderFact, evidence: Evidence) -> Unearned | None:
    """Why a touch does not apply to a sale, if anything speaks against it."""
    contract = _contract(evidence, touch.partner_id, sale.occurred_at)
    age = _age_ms(touch, sale.occurred_at)
    if age < 0:
        return Unearned.CLICK_AFTER_ORDER
    if age > (contract.terms.window if contract else DEFAULT_WINDOW) // MILLISECOND:
        return Unearned.OUTSIDE_WINDOW
    if touch.merchant_id != sale.merchant_id and not _earns_across(contract):
        return Unearned.OTHER_MERCHANT
    return Unearned.INVALID_TRAFFIC if touch.invalid else None


def _owed(
    line: OrderLine, evidence: Evidence, by: Coupon | Touch, method: Method
) -> Attributed | Unattributed:
    """The partner who was found, or why it may not earn."""
    sale = line.sale
    partner = evidence.partners.get(by.partner_id)
    contract = _contract(evidence, by.partner_id, sale.occurred_at)
    touch = by if isinstance(by, Touch) else None
    coupon = by if isinstance(by, Coupon) else None
    if partner is None or partner.standing is not Standing.APPROVED:
        return Unattributed(Unearned.PARTNER_NOT_APPROVED, by.partner_id, method, touch)
    if contract is None:
        return Unattributed(Unearned.NO_CONTRACT, by.partner_id, method, touch)
    if line.customer_ref and line.customer_ref in partner.customer_refs:
        return Unattributed(Unearned.SELF_PURCHASE, by.partner_id, method, touch)
    relation = _relation(touch, sale) if touch else Relation.DIRECT
    return Attributed(by.partner_id, contract, method, relation, touch, coupon)


def _relation(touch: Touch, sale: OrderFact) -> Relation:
    if touch.merchant_id != sale.merchant_id:
        return Relation.CROSS_MERCHANT
    return Relation.DIRECT if touch.sku in (NO_SKU, sale.sku) else Relation.SAME_MERCHANT


def _contract(evidence: Evidence, partner: PartnerId, at: datetime) -> Contract | None:
    return contract_for_sales(evidence.contracts.get(partner, ()), at)


def _earns_across(contract: Contract | None) -> bool:
    return contract is not None and contract.terms.cross_merchant_rate is not None


def _holds(coupon: Coupon, at: datetime) -> bool:
    return coupon.starts_at <= at and (coupon.ends_at is None or at < coupon.ends_at)


def _age_ms(touch: Touch, at: datetime) -> int:
    """How long before an instant a click was, in whole milliseconds of the clock."""
    return (at - EPOCH) // MILLISECOND - (touch.clicked_at - EPOCH) // MILLISECOND


def _why_unpaid(line: OrderLine) -> Unearned:
    if line.latest.status is Status.PLACED:
        return Unearned.NOT_PAID
    if line.latest.status is Status.CANCELLED and line.was_placed:
        return Unearned.CANCELLED
    return Unearned.UNMATCHED_REFUND
