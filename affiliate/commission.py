"""What an order line earns: its rate, tiers, cap, the partner's share of it, and refund slices.

Never here: who earned it (`attribution`) and what was posted (`adserver.accounting`). The one
surprising fact: lines of one contract and month are judged together and in the order of their
payment, not of their arrival, so a tier and a cap come out the same however facts were shuffled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from affiliate.attribution import Attributed, Relation, Unearned
from affiliate.merchandise import HotRate, Merchant, Product
from affiliate.order import OrderFact, OrderLine, Status
from affiliate.partner import NOTHING, Contract, Rate, Terms, Tier
from models.domain.ids import MerchantId
from models.domain.money import allocate, portion, reversed_by_refund

EVERY_MERCHANT = MerchantId("")
"""The name under which a contract's rates hold for every merchant without one of its own."""


@dataclass(frozen=True, slots=True)
class Goods:
    """What is known of what was sold, as of the instant it was paid for.

    `link_rate` is the own rate of the link that was clicked.
    """

    merchant: Merchant
    product: Product | None = None
    hot: HotRate | None = None
    link_rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """The rate of a line before tiers, and the rule it comes from, in words for `explain`.

    A tier reached takes the place of a percent rate that is not `fixed`: of the contract's own and
    of everything the merchant says, not of a link's, a coupon's, a hot product's or a relation's.
    """

    rate: Rate
    rule: str
    fixed: bool = False


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
    """The most specific rate: coupon, link, contract, hot product, product, category, merchant.

    A sale by coupon never earns a link's rate; nor does a sale at another merchant than the link's,
    which earns the contract's rate for such sales or nothing.
    """
    return (
        _of_the_way(goods, found)
        or _of_the_contract(goods.merchant.merchant_id, found.contract)
        or _of_the_goods(line.sale, goods)
    )


def earn(claims: Sequence[Claim], terms: Terms) -> list[Earning]:
    """What the claims of one contract version and month earn, in the order in which they stand.

    The order of payment (ties: of rows) decides which claim crosses a tier or meets the cap.
    """
    earned: dict[str, Earning] = {}
    revenue, left = 0, terms.cap_minor
    for claim in sorted(claims, key=lambda one: (one.line.sale.occurred_at, one.row)):
        revenue += _approved_revenue(claim)
        earning = _earning(claim, terms, revenue, left)
        left = None if left is None else left - earning.net.commission
        earned[claim.row] = earning
    return [earned[claim.row] for claim in claims]


def _of_the_way(goods: Goods, found: Attributed) -> Priced | None:
    """The rate of the coupon, the link or the relation by which the sale came about."""
    terms, named = found.contract.terms, _named(found.contract)
    if found.coupon:
        rate = found.coupon.rate
        return Priced(rate, f"coupon {found.coupon.code}", fixed=True) if rate else None
    if found.relation is Relation.CROSS_MERCHANT:
        across = terms.cross_merchant_rate or NOTHING
        return Priced(across, f"{named}, sale at another merchant", fixed=True)
    if goods.link_rate:
        return Priced(goods.link_rate, "link", fixed=True)
    if found.relation is Relation.SAME_MERCHANT and terms.same_merchant_rate:
        return Priced(terms.same_merchant_rate, f"{named}, another product of the merchant", True)
    return None


def _of_the_contract(merchant: MerchantId, contract: Contract) -> Priced | None:
    rates = dict(contract.terms.rates)
    if merchant in rates:
        return Priced(rates[merchant], f"{_named(contract)}, merchant {merchant}")
    if EVERY_MERCHANT in rates:
        return Priced(rates[EVERY_MERCHANT], f"{_named(contract)}, every merchant")
    return None


def _of_the_goods(sale: OrderFact, goods: Goods) -> Priced:
    hot, product, category = goods.hot, goods.product, _category(sale, goods)
    if hot and hot.starts_at <= sale.occurred_at < hot.ends_at:
        return Priced(hot.rate, f"hot product {hot.sku}", fixed=True)
    if product and product.rate:
        return Priced(product.rate, f"product {product.sku}")
    by_category = dict(goods.merchant.category_rates)
    if category in by_category:
        return Priced(by_category[category], f"category {category}")
    return Priced(goods.merchant.default_rate, "merchant default")


def _named(contract: Contract) -> str:
    return f"contract {contract.contract_id} v{contract.version}"


def _category(sale: OrderFact, goods: Goods) -> str:
    """The category the merchant named with the order, else the product's in its feed."""
    return sale.category or (goods.product.category if goods.product else "")


def _is_gift(claim: Claim) -> bool:
    return _category(claim.line.sale, claim.goods) in claim.goods.merchant.gift_categories


def _approved_revenue(claim: Claim) -> int:
    """What a claim adds to the revenue that reaches a tier."""
    line = claim.line
    counts = line.is_live and not _is_gift(claim)
    return line.latest.paid_minor - line.refunded_minor if counts else 0


def _with_tier(priced: Priced, tiers: Sequence[Tier], revenue: int) -> Priced:
    reached = [tier for tier in tiers if tier.from_minor <= revenue]
    if priced.fixed or priced.rate.ppm is None or not reached:
        return priced
    tier = max(reached, key=lambda one: one.from_minor)
    return Priced(Rate(ppm=tier.rate_ppm), f"{priced.rule}, tier from {tier.from_minor}")


def _commission(rate: Rate, fact: OrderFact) -> int:
    if rate.flat_minor is not None:
        return rate.flat_minor * fact.quantity
    return portion(fact.paid_minor, rate.ppm or 0)


def _split(commission: int, terms: Terms) -> Amounts:
    partner, fee = allocate(commission, [terms.commission_share_ppm, None])
    return Amounts(commission, partner, fee)


def _after_refund(gross: Amounts, line: OrderLine) -> Amounts:
    refunded, paid = line.refunded_minor, line.latest.paid_minor
    commission = gross.commission - reversed_by_refund(gross.commission, refunded, paid)
    partner = gross.partner - reversed_by_refund(gross.partner, refunded, paid)
    return Amounts(commission, partner, commission - partner)


def _earning(claim: Claim, terms: Terms, revenue: int, left: int | None) -> Earning:
    """One claim's earning; `revenue` counts it in, `left` is what the cap leaves for it."""
    line = claim.line
    priced = _with_tier(rate_for(line, claim.goods, claim.found), terms.tiers, revenue)
    full, estimate = _commission(priced.rate, line.latest), _commission(priced.rate, line.sale)
    if _is_gift(claim):
        full = estimate = 0
    if not line.is_live:
        full = 0
    gross = _split(full if left is None else min(full, left), terms)
    estimated = _split(estimate if left is None else min(estimate, left), terms)
    wanted = portion(gross.commission, terms.subsidy.share_ppm) if terms.subsidy else 0
    return Earning(
        row=claim.row,
        reason=_why_less(claim, priced.rate, full, gross.commission),
        rate=priced.rate,
        rule=priced.rule,
        base_minor=line.latest.paid_minor,
        estimated=estimated,
        gross=gross,
        net=_after_refund(gross, line),
        subsidy_wanted=wanted,
    )


def _why_less(claim: Claim, rate: Rate, full: int, gross: int) -> Unearned | None:
    latest = claim.line.latest
    if latest.status is Status.CANCELLED:
        return Unearned.CANCELLED
    if not claim.line.is_live:
        return Unearned.NOT_PAID
    if _is_gift(claim):
        return Unearned.GIFT_CATEGORY
    if not rate.ppm and not rate.flat_minor:
        return Unearned.ZERO_RATE
    if gross < full:
        return Unearned.CAP_REACHED
    return Unearned.NOT_PAID if not full and not latest.paid_minor else None
