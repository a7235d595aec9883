"""What an order line earns: its rate, tiers, cap, the partner's share of it, and refund slices.

Never here: who earned it (`attribution`) and what was posted (`adserver.accounting`). The one
surprising fact: lines of one contract and month are judged together and in the order of their
payment, not of their arrival, so a tier and a cap come out the same however facts were shuffled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from affiliate.attribution import Attributed, Unearned
from affiliate.merchandise import HotRate, Merchant, Product
from affiliate.order import OrderLine
from affiliate.partner import Rate, Terms


@dataclass(frozen=True, slots=True)
class Goods:
    """What is known of what was sold, as of the instant it was paid for."""

    merchant: Merchant
    product: Product | None = None
    hot: HotRate | None = None
    link_rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """The rate of a line before tiers, and the rule it comes from, in words for `explain`."""

    rate: Rate
    rule: str


@dataclass(frozen=True, slots=True)
class Claim:
    """An attributed line on its way to its earning. `row` names it and breaks ties of time."""

    row: str
    line: OrderLine
    goods: Goods
    found: Attributed


@dataclass(frozen=True, slots=True)
class Amounts:
    """A commission and its two parts, in minor units: commission = partner + fee."""

    commission: int = 0
    partner: int = 0
    fee: int = 0


@dataclass(frozen=True, slots=True)
class Earning:
    """What a claim comes to.

    `estimated` is on the line as first paid, `gross` on the line as it is now, both after tier and
    cap; `net` is gross less what refunds took back. `subsidy_wanted` is the contract's subsidy on
    the gross commission, which its fund may not be able to pay. `reason` is empty for a line that
    earns in full.
    """

    row: str
    reason: Unearned | None
    rate: Rate
    rule: str
    base_minor: int
    estimated: Amounts
    gross: Amounts
    net: Amounts
    subsidy_wanted: int


def rate_for(line: OrderLine, goods: Goods, found: Attributed) -> Priced:
    """The most specific rate: coupon, link, contract, hot product, product, category, merchant."""
    raise NotImplementedError


def earn(claims: Sequence[Claim], terms: Terms) -> list[Earning]:
    """What the claims of one contract version and month earn, in the order in which they stand."""
    raise NotImplementedError
