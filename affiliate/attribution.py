"""Who sent the customer: the first that applies of coupon, the order's own click, earlier touches.

Never here: what the sale earns (`commission`). The one surprising fact: the window is measured on
the instants that were told, inclusive to the millisecond, and a click later than the order is no
touch at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from affiliate.order import OrderLine, Touch
from affiliate.partner import Contract, Coupon, Partner
from models.domain.ids import PartnerId


class Method(StrEnum):
    """How the partner was found."""

    COUPON = "coupon"
    CLICK = "click"
    CUSTOMER = "customer"


class Relation(StrEnum):
    """What was bought, seen from what was clicked. A coupon's sale is always DIRECT."""

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
    `touches` are earlier ones of the same customer_ref, in any order.
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
    """Nobody's sale, or nobody's who may earn; `partner_id` where one was found all the same."""

    reason: Unearned
    partner_id: PartnerId | None = None
    method: Method | None = None
    touch: Touch | None = None


def attribute(line: OrderLine, evidence: Evidence) -> Attributed | Unattributed:
    """Finds the partner of a line, judged at the instant it was first paid for."""
    raise NotImplementedError
