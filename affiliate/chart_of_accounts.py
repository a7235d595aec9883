"""The chart of accounts: the only place that spells the accounts' names.

Never here: what is posted when. The one surprising fact: amounts are seen from the account, a
credit is positive and a debit negative. So what the house owes (a partner's money, an advertiser's
prepayment) is positive, and what it owns (the bank, what merchants still have to pay) is negative.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from models.domain.ids import AdvertiserId, MerchantId, PartnerId, PoolId

AccountName = NewType("AccountName", str)
"""Written "kind" or "kind:owner"."""


class Kind(StrEnum):
    """What an account is for."""

    BANK = "bank"
    ADVERTISER_PREPAID = "advertiser_prepaid"
    MERCHANT_RECEIVABLE = "merchant_receivable"
    PARTNER_PENDING = "partner_pending"
    PARTNER_PAYABLE = "partner_payable"
    PARTNER_CLAWBACK = "partner_clawback"
    PAYOUT_CLEARING = "payout_clearing"
    PLATFORM_REVENUE = "platform_revenue"
    PLATFORM_FEE = "platform_fee"
    SUBSIDY_POOL = "subsidy_pool"
    COUPON_POOL = "coupon_pool"
    INVALID_TRAFFIC_RESERVE = "invalid_traffic_reserve"
    ROUNDING = "rounding"


class Root(StrEnum):
    """The five roots of bookkeeping, as beancount spells them."""

    ASSETS = "Assets"
    LIABILITIES = "Liabilities"
    EQUITY = "Equity"
    INCOME = "Income"
    EXPENSES = "Expenses"


@dataclass(frozen=True, slots=True)
class Nature:
    """`solid` accounts never go below zero, pending amounts counted.

    `owned`: there is one for each owner ("kind:owner"); else there is one, the house's ("kind").
    """

    root: Root
    solid: bool = False
    owned: bool = False


CHART: dict[Kind, Nature] = {
    Kind.BANK: Nature(Root.ASSETS),
    Kind.ADVERTISER_PREPAID: Nature(Root.LIABILITIES, owned=True),
    Kind.MERCHANT_RECEIVABLE: Nature(Root.ASSETS, owned=True),
    Kind.PARTNER_PENDING: Nature(Root.LIABILITIES, owned=True),
    Kind.PARTNER_PAYABLE: Nature(Root.LIABILITIES, solid=True, owned=True),
    Kind.PARTNER_CLAWBACK: Nature(Root.ASSETS, owned=True),
    Kind.PAYOUT_CLEARING: Nature(Root.LIABILITIES, solid=True),
    Kind.PLATFORM_REVENUE: Nature(Root.INCOME),
    Kind.PLATFORM_FEE: Nature(Root.INCOME),
    Kind.SUBSIDY_POOL: Nature(Root.LIABILITIES, solid=True, owned=True),
    Kind.COUPON_POOL: Nature(Root.LIABILITIES, solid=True, owned=True),
    Kind.INVALID_TRAFFIC_RESERVE: Nature(Root.LIABILITIES),
    Kind.ROUNDING: Nature(Root.EXPENSES),
}

LONGEST_NAME = 128

_NATURES: dict[str, Nature] = {kind.value: nature for kind, nature in CHART.items()}

BANK = AccountName(Kind.BANK)
PAYOUT_CLEARING = AccountName(Kind.PAYOUT_CLEARING)
PLATFORM_REVENUE = AccountName(Kind.PLATFORM_REVENUE)
PLATFORM_FEE = AccountName(Kind.PLATFORM_FEE)
INVALID_TRAFFIC_RESERVE = AccountName(Kind.INVALID_TRAFFIC_RESERVE)
ROUNDING = AccountName(Kind.ROUNDING)


def advertiser_prepaid(advertiser: AdvertiserId) -> AccountName:
    """What an advertiser has paid in and not yet spent."""
    return _of(Kind.ADVERTISER_PREPAID, advertiser)


def merchant_receivable(merchant: MerchantId) -> AccountName:
    """Below zero what a merchant owes for commissions, above what it has prepaid."""
    return _of(Kind.MERCHANT_RECEIVABLE, merchant)


def partner_pending(partner: PartnerId) -> AccountName:
    """What a partner has earned and what may still change."""
    return _of(Kind.PARTNER_PENDING, partner)


def partner_payable(partner: PartnerId) -> AccountName:
    """What a closing has made the partner's for good."""
    return _of(Kind.PARTNER_PAYABLE, partner)


def partner_clawback(partner: PartnerId) -> AccountName:
    """Below zero: reversals of what was payable already, taken out of coming earnings."""
    return _of(Kind.PARTNER_CLAWBACK, partner)


def subsidy_pool(pool: PoolId) -> AccountName:
    """What is left of a fund."""
    return _of(Kind.SUBSIDY_POOL, pool)


def coupon_pool(pool: PoolId) -> AccountName:
    """What is left for coupons that the house pays."""
    return _of(Kind.COUPON_POOL, pool)


def kind_of(account: AccountName) -> Kind:
    """What an account is for. Raises ValueError for a name that is not in the chart."""
    return Kind(account.partition(":")[0])


def owner_of(account: AccountName) -> str:
    """Whose it is; "" when it is the house's."""
    return account.partition(":")[2]


def is_account(account: AccountName) -> bool:
    """Whether the chart has it: a kind, with an owner where the kind has owners."""
    kind, colon, owner = account.partition(":")
    nature = _NATURES.get(kind)
    if nature is None or len(account) > LONGEST_NAME or not account.isprintable():
        return False
    return bool(owner) if nature.owned else not colon


def partner_accounts(partner: PartnerId) -> tuple[AccountName, ...]:
    """The accounts a partner's statement is made of."""
    return partner_pending(partner), partner_payable(partner), partner_clawback(partner)


def _of(kind: Kind, owner: str) -> AccountName:
    return AccountName(f"{kind}:{owner}")
