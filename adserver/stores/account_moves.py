"""An account of the ledger as its owner reads it: what moved, newest first, and what that left.

Never here: what is posted (`ledger`). The one surprising fact: the balance after each move is the
sum of all moves up to it, so a page in the middle needs no page before it.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from adserver.stores.ledger_tables import LEDGER_POSTINGS, LEDGER_TRANSACTIONS
from affiliate.chart_of_accounts import AccountName
from affiliate.ledger import Reason
from models.domain.money import Micros


@dataclass(frozen=True, slots=True)
class Move:
    """Money that came to the account (positive) or left it, and the balance behind it, in micros.

    `refs` is what caused it: the payment's number, the day of the ads.
    """

    seq: int
    occurred_at: datetime
    reason: Reason
    amount: Micros
    balance: Micros
    refs: dict[str, str]


def moves_of(
    connection: Connection, account: AccountName, currency: str, limit: int, before_seq: int = 0
) -> list[Move]:
    """The newest moves, or those before a `seq` that was seen; amounts that only wait are none."""
    posting, told = LEDGER_POSTINGS.c, LEDGER_TRANSACTIONS.c
    own = [posting.currency == currency, posting.account == account, posting.moves]
    if before_seq:
        own.append(posting.seq < before_seq)
    query = (
        select(told.seq, told.occurred_at, told.reason, posting.amount, told.refs)
        .select_from(LEDGER_POSTINGS)
        .join(LEDGER_TRANSACTIONS, (told.currency == posting.currency) & (told.seq == posting.seq))
        .where(*own)
        .order_by(posting.seq.desc())
        .limit(limit)
    )
    total = connection.execute(select(func.sum(posting.amount)).where(*own)).scalar()
    balance = int(total or 0)
    found = []
    for seq, at, reason, amount, refs in connection.execute(query):
        left = Micros(balance)
        found.append(Move(seq, at, Reason(reason), Micros(amount), left, dict(json.loads(refs))))
        balance -= amount
    return found
