"""Whether money leaves: the minimum, the partner's standing, and the life of one payout.

Never here: the bank, or postings (`adserver.accounting.payouts`). The one surprising fact: only
whole minor units leave; the micros that remain stay on the partner's balance and count next time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from affiliate.calendar import Period
from affiliate.partner import Contract, Partner, Standing, Terms
from models.domain.ids import PartnerId
from models.domain.money import NO_MONEY, Micros, Minor, whole_minor


class Held(StrEnum):
    """Why nothing is paid out, in the order in which it is asked."""

    NOTHING_PAYABLE = "nothing_payable"
    NOT_APPROVED = "not_approved"  # suspended, or no partner any more
    BELOW_MINIMUM = "below_minimum"
    NO_BANK_ACCOUNT = "no_bank_account"


class State(StrEnum):
    """Where a payout is. FAILED may become PENDING again; CONFIRMED is the end."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Plan:
    """What would leave and what would stay; `held` says why nothing leaves."""

    leaves: Minor
    stays: Micros
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class Payout:
    """Money on its way to a partner. `note` is the bank's reference, or why it failed."""

    payout_id: str
    period: Period
    currency: str
    partner_id: PartnerId
    amount_minor: Minor
    state: State
    attempt: int
    bank_account: str
    account_holder: str
    made_at: datetime
    changed_at: datetime
    note: str = ""


def plan(available: Micros, minimum_minor: int, partner: Partner, currency: str) -> Plan:
    """What is paid of a payable balance. Amounts are micros in, minor units out."""
    whole, rest = whole_minor(max(available, NO_MONEY), currency)
    held = _held(whole, minimum_minor, partner)
    return Plan(Minor(0), available, held) if held else Plan(whole, rest)


def _held(whole: Minor, minimum_minor: int, partner: Partner) -> Held | None:
    if whole <= 0:
        return Held.NOTHING_PAYABLE
    if partner.standing is not Standing.APPROVED:
        return Held.NOT_APPROVED
    if whole < minimum_minor:
        return Held.BELOW_MINIMUM
    if not (partner.bank_account and partner.account_holder):
        return Held.NO_BANK_ACCOUNT
    return None


def minimum_payout(contracts: Sequence[Contract], moment: datetime) -> int:
    """The smallest payout, in minor units: by the partner's contract in force at a moment.

    A contract for all that the partner has counts before those for one app; where none is in
    force the one that began last; without any, what contracts say unless told otherwise.
    """
    newest = max(
        contracts,
        key=lambda one: (one.in_force(moment), one.app_id is None, one.starts_at, one.version),
        default=None,
    )
    return (newest.terms if newest else Terms()).minimum_payout_minor


def payout_id(period: Period, partner: PartnerId, currency: str) -> str:
    """There is one payout a closed month, partner and currency."""
    return f"{period}-{partner}-{currency}"


def ledger_key(payout: str, attempt: int) -> str:
    """The key under which an attempt reserves its money; a retry keeps the payout's name in it."""
    return f"payout:{payout}" if attempt == 1 else f"payout:{payout}:{attempt}"
