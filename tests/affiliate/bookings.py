"""Transactions with valid defaults, short enough to read in a table.

Never here: a test. Amounts are micros, as everywhere in the ledger.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from affiliate.chart_of_accounts import AccountName
from affiliate.ledger import Phase, Posting, Reason, Transaction
from models.domain.money import Micros

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 10, 20, 4, tzinfo=UTC)
POOL = AccountName("subsidy_pool:support")
PARTNER = AccountName("partner_pending:p1")
PAYABLE = AccountName("partner_payable:p1")
BANK = AccountName("bank")


def postings(**amounts: int) -> tuple[Posting, ...]:
    """By short name: pool, partner, payable, bank, or any account of the house."""
    names = {"pool": POOL, "partner": PARTNER, "payable": PAYABLE}
    return tuple(
        Posting(names.get(name, AccountName(name)), Micros(amount))
        for name, amount in amounts.items()
    )


def booking(key: str = "t1", **changes: Any) -> Transaction:
    """The fund is filled with 100, unless said otherwise."""
    plain = Transaction(key, "CNY", Reason.DEPOSIT, NOW, postings(bank=-100, pool=100))
    return replace(plain, **changes)


def ending(phase: Phase, settles: str, key: str = "end", **changes: Any) -> Transaction:
    """Posts, voids or expires a pending transaction."""
    return booking(key, **{"postings": (), "phase": phase, "settles": settles} | changes)


def pending(key: str = "hold", **changes: Any) -> Transaction:
    """Reserves 70 of the fund for the partner."""
    return booking(
        key, **{"postings": postings(pool=-70, partner=70), "phase": Phase.PENDING} | changes
    )


def reversing(key: str, entered: Transaction, **changes: Any) -> Transaction:
    """Negates a transaction."""
    negated = tuple(Posting(p.account, Micros(-p.amount)) for p in entered.postings)
    plain = {"postings": negated, "reverses": entered.key, "reason": Reason.REVERSAL}
    return booking(key, **plain | changes)
