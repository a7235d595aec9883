"""What a closing makes of earned money: which lines become payable, and what was overpaid.

Never here: postings and tables (`adserver.accounting.closing`), which judge a million lines in the
database by these rules. The one surprising fact: a merchant's payments cover what earlier closings
made payable first, then lines in the order of their payment; one that is too large holds up those
behind it, so nobody is overtaken for being expensive.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What a closing finds for a line with money still open."""

    PAYABLE = "payable"
    NOT_RECEIVED = "not_received"
    IN_HOLD = "in_hold"
    NOT_FUNDED = "not_funded"  # its merchant pays first, and has not


class StatementDoesNotFootError(Exception):
    """Two ways of counting the same money differ. Nothing is closed and no statement is made."""


@dataclass(frozen=True, slots=True)
class Due:
    """A line that asks for its merchant's money: `owed` is what the merchant owes for it.

    `begun`: an earlier closing made some of it payable already.
    """

    row: str
    paid_at: datetime
    owed: int
    begun: bool = False


def outcome(payable_from: datetime | None, ripe_until: datetime, *, funded: bool) -> Outcome:
    """What becomes of a line that earned more than was made payable, at one closing.

    `payable_from` is when it was received and its hold days are over, None before it is received.
    """
    if payable_from is None:
        return Outcome.NOT_RECEIVED
    if payable_from > ripe_until:
        return Outcome.IN_HOLD
    return Outcome.PAYABLE if funded else Outcome.NOT_FUNDED


def covered(dues: Iterable[Due], available: int) -> set[str]:
    """The rows that a merchant's payments cover: in order of payment, until one does not fit."""
    rows = set()
    for due in sorted(dues, key=lambda due: (not due.begun, due.paid_at, due.row)):
        available -= due.owed
        if available < 0:
            break
        rows.add(due.row)
    return rows


def taken_back(clawback: int, payable: int) -> int:
    """How much moves from payable to clawback when the two are netted.

    `clawback` is below 0 where too much was made payable: then as much as there is goes back.
    Above 0 it was taken back too often (a refund was withdrawn): then all of it is given back, as
    an amount below 0.
    """
    return min(-clawback, max(payable, 0))
