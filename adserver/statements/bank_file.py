"""The CSV by which a bank is told of payouts.

Never here: which payouts (`accounting.payouts`). The one surprising fact: it holds whole account
numbers, the only text of the house that does; whoever makes it is an operator.
"""

import csv
import io
from collections.abc import Iterable

from adserver.statements.table import safe
from adserver.statements.wording import plain
from affiliate.payout import Payout
from models.domain.money import micros_of

COLUMNS = ("payout_id", "account_holder", "bank_account", "currency", "amount", "attempt")


def bank_csv(payouts: Iterable[Payout]) -> str:
    """The payouts as CSV (RFC 4180), amounts in units of the currency."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for one in payouts:
        amount = plain(micros_of(one.amount_minor, one.currency), one.currency)
        row = (
            one.payout_id, one.account_holder, one.bank_account, one.currency, amount, one.attempt
        )  # fmt: skip
        lines.writerow([safe(str(cell)) for cell in row])
    return text.getvalue()
