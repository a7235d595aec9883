"""Partners, their dated contracts, and the coupons that are theirs alone.

Never here: what a contract makes of an order (`commission`) or of a day (`revenue_share`). The one
surprising fact: contracts are never edited. A change is a further version that begins later, and
an order or a day is judged by the version in force when it was paid for or lived.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from models.domain.ids import AppId, ContractId, MerchantId, PartnerId, PlacementId, PoolId
from models.domain.money import NO_MONEY, PPM, Micros

DEFAULT_WINDOW = timedelta(days=15)


class Standing(StrEnum):
    """Where a partner is. Only approved ones earn; suspension stops new earnings and payouts."""

    APPLIED = "applied"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Partner:
    """Someone who earns: with apps that show ads, with links, or both.

    `customer_refs` are the hashes under which the partner itself would buy: such orders earn
    nothing. `bank_account` and `account_holder` are where payouts go; without them none leaves.
    """

    partner_id: PartnerId
    name: str
    email: str = ""
    standing: Standing = Standing.APPLIED
    standing_reason: str = ""
    sites: tuple[str, ...] = ()
    customer_refs: frozenset[str] = frozenset()
    bank_account: str = ""
    account_holder: str = ""


class TierKind(StrEnum):
    """WHOLE: the rate reached counts for the full amount. MARGINAL: for what lies above."""

    WHOLE = "whole"
    MARGINAL = "marginal"


@dataclass(frozen=True, slots=True)
class Tier:
    """From `from_minor` approved revenue in the period on, `rate_ppm`."""

    from_minor: int
    rate_ppm: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Percent of the base (`ppm`) or a flat amount a unit (`flat_minor`): exactly one of them."""

    ppm: int | None = None
    flat_minor: int | None = None


NOTHING = Rate(ppm=0)


@dataclass(frozen=True, slots=True)
class Subsidy:
    """A further share, paid by a fund: of the ad revenue, or of an order's commission.

    `cap_minor` limits what the partner gets of it in a period; None means the fund is the limit.
    """

    pool_id: PoolId
    share_ppm: int
    cap_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract says, in ppm and minor units of its currency.

    Sales: `window` for attribution (inclusive); `rates` override the product's, by merchant ("" for
    every merchant), and by how the sale came about where `cross_rate` or `same_merchant_rate` are
    given; `tiers` by approved revenue of the period (the order that crosses gets the new rate in
    full); `cap_minor` a period; `commission_share_ppm` of each commission is the partner's, the
    rest the platform's fee. Ads: `ad_share_ppm` of net revenue, or `ad_tiers` by the period's
    revenue; `guaranteed_ecpm_micros` for valid impressions. Both: `subsidy`; `hold_days` between
    received and payable; `minimum_payout_minor`.
    """

    window: timedelta = DEFAULT_WINDOW
    rates: tuple[tuple[MerchantId, Rate], ...] = ()
    same_merchant_rate: Rate | None = None
    cross_merchant_rate: Rate | None = None
    tiers: tuple[Tier, ...] = ()
    cap_minor: int | None = None
    commission_share_ppm: int = PPM
    ad_share_ppm: int = 0
    ad_tiers: tuple[Tier, ...] = ()
    ad_tier_kind: TierKind = TierKind.WHOLE
    guaranteed_ecpm_micros: Micros = NO_MONEY
    subsidy: Subsidy | None = None
    hold_days: int = 0
    minimum_payout_minor: int = 10_000


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of what was agreed with a partner, in force over [starts_at, ends_at).

    `app_id` and `placement_id` narrow an ad contract; the narrowest in force counts. Without them
    it covers all that the partner has, its links and orders too.
    """

    contract_id: ContractId
    version: int
    partner_id: PartnerId
    starts_at: datetime
    terms: Terms
    ends_at: datetime | None = None
    app_id: AppId | None = None
    placement_id: PlacementId | None = None

    def in_force(self, moment: datetime) -> bool:
        """Whether it holds at an instant."""
        return self.starts_at <= moment and (self.ends_at is None or moment < self.ends_at)


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code that is one partner's alone at one merchant, over [starts_at, ends_at).

    `rate` is what its sales earn, where it is given: coupon beats link, never both.
    """

    code: str
    merchant_id: MerchantId
    partner_id: PartnerId
    starts_at: datetime
    ends_at: datetime | None = None
    rate: Rate | None = None


def contract_for_sales(contracts: Sequence[Contract], moment: datetime) -> Contract | None:
    """The partner's contract under which a sale of this instant earns; None when there is none."""
    return _newest(
        one
        for one in contracts
        if one.in_force(moment) and one.app_id is None and one.placement_id is None
    )


def contract_for_ads(
    contracts: Sequence[Contract], app: AppId, placement: PlacementId, moment: datetime
) -> Contract | None:
    """The narrowest contract in force for a placement: its own, its app's, or the partner's."""
    in_force = [one for one in contracts if one.in_force(moment)]
    for wanted in ((app, placement), (None, placement), (app, None), (None, None)):
        found = _newest(one for one in in_force if (one.app_id, one.placement_id) == wanted)
        if found:
            return found
    return None


def _newest(found: Iterable[Contract]) -> Contract | None:
    return max(found, key=lambda one: (one.starts_at, one.contract_id, one.version), default=None)
