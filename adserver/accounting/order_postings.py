"""What the ledger is told when a row changes: the difference, as one transaction.

Never here: what a row earns. The one surprising fact: a row that changes hands makes two
transactions, one that takes everything back from the partner it was and one for the partner it is,
so that neither's statement speaks of the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from adserver.stores.order_rows import OrderRow
from affiliate.chart_of_accounts import (
    PLATFORM_FEE,
    AccountName,
    merchant_receivable,
    partner_clawback,
    partner_pending,
    subsidy_pool,
)
from affiliate.ledger import Posting, Reason, Transaction
from affiliate.maturity import standing
from affiliate.order import Status
from models.domain.ids import MerchantId, PartnerId, PoolId
from models.domain.money import micros_of

REATTRIBUTED = "reattributed"


@dataclass(frozen=True, slots=True)
class Happening:
    """When what changed a row happened; `late_for` is the month of that where it is closed."""

    occurred_at: datetime
    late_for: str = ""


class Money(NamedTuple):
    """What a row moves between accounts, in minor units."""

    commission: int = 0
    partner: int = 0
    fee: int = 0
    subsidy: int = 0
    matured: int = 0


class Step(NamedTuple):
    """A change of one partner's money; `row` says whose, and explains it."""

    was: Money
    becomes: Money
    row: OrderRow
    reason: str


def transactions_of(
    before: OrderRow | None, after: OrderRow, number: int, happened: Happening
) -> list[Transaction]:
    """The difference between two states of a row; empty when no money moves.

    `number` is how many transactions the row has made so far.
    """
    made: list[Transaction] = []
    refunded = after.refunded_minor > (before.refunded_minor if before else 0)
    for step in _steps(before, after):
        if postings := _postings(step):
            made.append(
                Transaction(
                    key=f"order:{after.row_id}:{number + len(made) + 1}",
                    currency=after.currency,
                    reason=_reason(after, refunded=refunded),
                    occurred_at=happened.occurred_at,
                    postings=postings,
                    refs=_refs(step, happened),
                )
            )
    return made


def _steps(before: OrderRow | None, after: OrderRow) -> Iterator[Step]:
    becomes = _money(after)
    if before is None:
        yield Step(Money(), becomes, after, after.reason)
        return
    was = _money(before)
    if before.partner_id in (after.partner_id, None) and _same_fund(before, after):
        yield Step(was, becomes, after, after.reason)
        return
    yield Step(was, Money(matured=was.matured), before, REATTRIBUTED)
    yield Step(Money(matured=becomes.matured), becomes, after, after.reason)


def _money(row: OrderRow) -> Money:
    return Money(
        row.commission_minor,
        row.partner_minor,
        row.fee_minor,
        row.subsidy_minor,
        row.matured_minor,
    )


def _same_fund(before: OrderRow, after: OrderRow) -> bool:
    return not before.subsidy_minor or before.pool_id == after.pool_id


def _postings(step: Step) -> tuple[Posting, ...]:
    was, becomes, row = step.was, step.becomes, step.row
    partner = PartnerId(row.partner_id or "")
    old = standing(was.partner + was.subsidy, was.matured)
    new = standing(becomes.partner + becomes.subsidy, becomes.matured)
    moves: tuple[tuple[AccountName, int], ...] = (
        (merchant_receivable(MerchantId(row.merchant_id)), was.commission - becomes.commission),
        (PLATFORM_FEE, becomes.fee - was.fee),
        (partner_pending(partner), new.pending - old.pending),
        (partner_clawback(partner), new.clawback - old.clawback),
        (subsidy_pool(PoolId(row.pool_id)), was.subsidy - becomes.subsidy),
    )
    return tuple(
        Posting(account, micros_of(minor, row.currency)) for account, minor in moves if minor
    )


def _reason(after: OrderRow, *, refunded: bool) -> Reason:
    if after.status == Status.CANCELLED:
        return Reason.CANCELLED
    return Reason.REFUND if refunded else Reason.COMMISSION


def _refs(step: Step, happened: Happening) -> tuple[tuple[str, str], ...]:
    """What explains the transaction, for statements and `explain-earning`."""
    row = step.row
    said = (
        ("row", row.row_id),
        ("order", row.order_id),
        ("line", row.line_id),
        ("version", str(row.version)),
        ("status", row.status),
        ("merchant", row.merchant_id),
        ("partner", row.partner_id or ""),
        ("contract", f"{row.contract_id} v{row.contract_version}" if row.contract_id else ""),
        ("rule", row.rule),
        ("rate", f"{row.rate_ppm} ppm" if row.flat_minor is None else f"{row.flat_minor} a unit"),
        ("base", str(row.base_minor)),
        ("refunded", str(row.refunded_minor or "")),
        ("method", row.method),
        ("relation", row.relation),
        ("reason", step.reason),
        ("fund", row.pool_id),
        ("late_for", happened.late_for),
    )
    return tuple(pair for pair in said if pair[1])
