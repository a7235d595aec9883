"""Order lines as merchants report them: facts in versions, and what all facts of a line say.

Never here: who sent the customer (`attribution`) or what it earns (`commission`). The one
surprising fact: a line's state is computed from the *set* of its facts, never from the order in
which they came, so late, repeated and shuffled facts end in the same state.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.domain.ids import (
    AppId,
    LineItemId,
    LinkCode,
    MerchantId,
    PartnerId,
    PlacementId,
    Sku,
)


class Status(StrEnum):
    """How far an order line has come."""

    PLACED = "placed"
    PAID = "paid"
    RECEIVED = "received"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class OrderFact:
    """One version of one line, as the merchant told it. (merchant, order, line, version) is its id.

    `paid_minor` is what was paid for the line, without shipping, tax and coupon value borne by
    others. `refunded_minor` is cumulative. `click_id` is a receipt of ours, still unread.
    """

    merchant_id: MerchantId
    order_id: str
    line_id: str
    version: int
    status: Status
    sku: Sku
    category: str
    quantity: int
    paid_minor: int
    currency: str
    occurred_at: datetime
    refunded_minor: int = 0
    click_id: str = ""
    coupon: str = ""
    customer_ref: str = ""


NO_SKU = Sku("")
NO_LINK = LinkCode("")
NO_APP = AppId("")
NO_PLACEMENT = PlacementId("")
NO_LINE_ITEM = LineItemId("")


class TouchKind(StrEnum):
    """What was clicked."""

    LINK = "link"
    AD = "ad"


@dataclass(frozen=True, slots=True)
class Touch:
    """A click that may earn: on an affiliate link or on an ad, told alike.

    `sku` is the product it led to ("" for the merchant's shop). `invalid` names why it must not
    earn (a bot, a burst); "" when there is nothing against it.
    """

    touch_id: str
    kind: TouchKind
    clicked_at: datetime
    partner_id: PartnerId
    merchant_id: MerchantId
    sku: Sku = NO_SKU
    link_code: LinkCode = NO_LINK
    subs: tuple[str, str, str, str, str] = ("", "", "", "", "")
    app_id: AppId = NO_APP
    placement_id: PlacementId = NO_PLACEMENT
    line_item_id: LineItemId = NO_LINE_ITEM
    customer_ref: str = ""
    invalid: str = ""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """What all facts of a line say together.

    `first_paid` is the fact of the lowest version that says paid or received (its prices make the
    estimate, its time, SKU and category choose the rules); None when no version does. `latest` is
    the fact of the highest version. `click_id`, `coupon` and `customer_ref` are the first that any
    version names. `received_at` is when the lowest version that says so was received. `was_placed`
    tells an order given up before it was paid from a reversal of one that was never reported.
    """

    latest: OrderFact
    first_paid: OrderFact | None
    received_at: datetime | None
    click_id: str
    coupon: str
    customer_ref: str
    was_placed: bool = False

    @property
    def sale(self) -> OrderFact:
        """`first_paid`, for those who know that there is one.

        Raises:
            ValueError: the line was never paid for, so no rule may look at it.
        """
        if self.first_paid is None:
            raise ValueError(f"order {self.latest.order_id} was never paid for")
        return self.first_paid

    @property
    def refunded_minor(self) -> int:
        """How much went back, at most what was paid; a refund without an amount is a full one."""
        latest = self.latest
        if latest.status is Status.REFUNDED and not latest.refunded_minor:
            return latest.paid_minor
        return min(latest.refunded_minor, latest.paid_minor)

    @property
    def is_live(self) -> bool:
        """Whether it earns at all: paid for, and not cancelled."""
        return self.first_paid is not None and self.latest.status not in (
            Status.CANCELLED,
            Status.PLACED,
        )


_SOLD = frozenset({Status.PAID, Status.RECEIVED})


def line_of(facts: Iterable[OrderFact]) -> OrderLine:
    """The line that these facts (at least one, of one line, versions unique) make together."""
    by_version = sorted(facts, key=lambda fact: fact.version)
    paid = (fact for fact in by_version if fact.status in _SOLD)
    received = (fact.occurred_at for fact in by_version if fact.status is Status.RECEIVED)
    return OrderLine(
        latest=by_version[-1],
        first_paid=next(paid, None),
        received_at=next(received, None),
        click_id=next((fact.click_id for fact in by_version if fact.click_id), ""),
        coupon=next((fact.coupon for fact in by_version if fact.coupon), ""),
        customer_ref=next((fact.customer_ref for fact in by_version if fact.customer_ref), ""),
        was_placed=any(fact.status is Status.PLACED for fact in by_version),
    )
