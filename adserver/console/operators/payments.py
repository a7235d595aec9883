"""Money that came in, booked into the ledger under the bank's own number, and audited.

Never here: which account means what (`affiliate.chart_of_accounts`). The one surprising fact: the
same payment told twice is booked once, so pressing the button again does no harm.
"""

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from adserver.accounting.deposits import deposit, why_refused
from adserver.accounts.identity import Identity
from adserver.console.desk import Desk
from adserver.console.operators.house import zone_of
from adserver.console.operators.refusals import refused
from adserver.console.web.language import N_
from adserver.stores import audit, database
from adserver.stores.ledger import Journal
from affiliate.chart_of_accounts import AccountName, kind_of, owner_of
from affiliate.ledger import Refused
from models.domain.money import Micros

LONGEST_REFERENCE = 100


class PaymentIn(Struct):
    """Money that came in: micros above 0, and the bank's number of the payment."""

    amount_micros: int
    reference: str


class Booked(Struct):
    """What became of it: `again` says that it had been booked before."""

    again: bool
    balance_micros: int
    currency: str


@dataclass(frozen=True, slots=True)
class Payment:
    """What came in for an account."""

    account: AccountName
    amount: Micros
    currency: str
    reference: str


def book(desk: Desk, who: Identity, payment: Payment, now: datetime) -> Booked:
    """Books a payment. Raises CatalogError: the ledger refuses it, or it has no reference."""
    reference = payment.reference.strip()
    if not 0 < len(reference) <= LONGEST_REFERENCE or not reference.isprintable():
        raise refused(N_("is the bank's number of the payment, up to 100 characters"), "reference")
    if payment.amount <= 0:
        raise refused(N_("must be more than zero"), "amount")
    account, currency = payment.account, payment.currency
    with database.writing(desk.engine) as connection:
        journal = Journal(connection, zone_of(desk))
        outcome = deposit(
            journal, account, payment.amount, currency=currency, key=reference, now=now
        )
        if isinstance(outcome, Refused):
            raise refused(why_refused(outcome, reference), "reference")
        balance = journal.balance(account, currency).posted
        if not outcome.again:
            told = {"amount_micros": payment.amount, "currency": currency, "reference": reference}
            kind, owner = kind_of(account), owner_of(account)
            audit.record(connection, who, "deposit", kind, owner, None, told, now)
    return Booked(outcome.again, balance, currency)
