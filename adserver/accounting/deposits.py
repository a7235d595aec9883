"""Money that comes in: an advertiser's prepayment, a fund's filling, what a merchant pays.

Never here: who may pay in. The one surprising fact: without a key of its own a payment cannot be
told from its repetition, so every deposit has one; the same key with the same amount answers the
first, with another amount it is refused.
"""

from datetime import datetime

from adserver.marketplace.problem import Sentence
from adserver.stores.ledger import Journal
from affiliate.chart_of_accounts import BANK, AccountName, kind_of
from affiliate.ledger import Outcome, Posting, Reason, Refusal, Refused, Transaction
from models.domain.money import Micros


def deposit(
    journal: Journal,
    account: AccountName,
    amount: Micros,
    *,
    currency: str,
    key: str,
    now: datetime,
) -> Outcome:
    """Books `amount` micros from the bank to an account of advertiser, fund or merchant.

    `key` is the payment's own reference (a bank's number); the ledger's key is made of it and the
    account. The month is that of `now`. Takes the journal's lock.

    Raises:
        ValueError: an amount that is not above 0, or no key.
    """
    if amount <= 0:
        raise ValueError("what is paid in is above 0")
    if not key:
        raise ValueError("a payment needs a reference of its own")
    journal.lock()
    known = journal.entry(name := f"deposit:{account}:{key}")
    occurred_at = known.transaction.occurred_at if known else now
    transaction = Transaction(
        key=name,
        currency=currency,
        reason=Reason.DEPOSIT,
        occurred_at=occurred_at,
        postings=(Posting(BANK, Micros(-amount)), Posting(account, amount)),
        refs=(("paid_into", kind_of(account)), ("payment", key)),
    )
    return journal.append([transaction], now)[0]


def why_refused(refused: Refused, reference: str) -> Sentence:
    """Why a payment was not booked, in words, with the ledger's own name of it behind."""
    if refused.refusal is Refusal.KEY_REUSED:
        words = Sentence(
            "reference %(reference)s was booked before, with another amount", reference=reference
        )
    elif refused.refusal is Refusal.KEY_MALFORMED:
        words = Sentence("the reference is too long, or has characters that do not print")
    elif refused.detail:
        words = Sentence("the ledger refuses it: %(detail)s", detail=refused.detail)
    else:
        words = Sentence("the ledger refuses it")
    return Sentence("%(words)s (%(name)s)", words=words, name=refused.refusal)
