"""What the ledger is told when a row changes: the difference, as one transaction.

Never here: what a row earns. The one surprising fact: a row that changes hands makes two
transactions, one that takes everything back from the partner it was and one for the partner it is,
so that neither's statement speaks of the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

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


def transactions_of(
    before: OrderRow | None, after: OrderRow, happened: Happening
) -> list[Transaction]:
    """The difference between two states of a row; empty when no money moves."""
    number = after.postings
    made = []
    for was, becomes in _steps(before, after):
        postings = _postings(was, becomes)
        if postings:
            number += 1
            made.append(_transaction(was, becomes, number, postings, happened))
    return made


def _steps(before: OrderRow | None, after: OrderRow) -> Iterator[tuple[OrderRow, OrderRow]]:
    if before is None:
        yield _bare(after, 0), after
    elif before.partner_id in (after.partner_id, None) and _same_fund(before, after):
        yield before, after
    else:
        yield before, replace(_bare(before, before.matured_minor), reason=REATTRIBUTED)
        yield _bare(after, after.matured_minor), after


def _bare(row: OrderRow, matured_minor: int) -> OrderRow:
    """The row as if it had earned nothing."""
    return replace(
        row,
        commission_minor=0,
        partner_minor=0,
        fee_minor=0,
        subsidy_minor=0,
        matured_minor=matured_minor,
    )


def _same_fund(before: OrderRow, after: OrderRow) -> bool:
    return not before.subsidy_minor or before.pool_id == after.pool_id


def _postings(was: OrderRow, becomes: OrderRow) -> tuple[Posting, ...]:
    partner = PartnerId(becomes.partner_id or "")
    old, new = (standing(row.earned_minor, row.matured_minor) for row in (was, becomes))
    moves: list[tuple[AccountName, int]] = [
        (
            merchant_receivable(MerchantId(becomes.merchant_id)),
            was.commission_minor - becomes.commission_minor,
        ),
        (PLATFORM_FEE, becomes.fee_minor - was.fee_minor),
        (partner_pending(partner), new.pending - old.pending),
        (partner_clawback(partner), new.clawback - old.clawback),
        (subsidy_pool(PoolId(becomes.pool_id)), was.subsidy_minor - becomes.subsidy_minor),
    ]
    return tuple(
        Posting(account, micros_of(minor, becomes.currency)) for account, minor in moves if minor
    )


def _transaction(
    was: OrderRow,
    becomes: OrderRow,
    number: int,
    postings: tuple[Posting, ...],
    happened: Happening,
) -> Transaction:
    return Transaction(
        key=f"order:{becomes.row_id}:{number}",
        currency=becomes.currency,
        reason=_reason(was, becomes),
        occurred_at=happened.occurred_at,
        postings=postings,
        refs=_refs(becomes, happened),
    )


def _reason(was: OrderRow, becomes: OrderRow) -> Reason:
    if becomes.status == Status.CANCELLED:
        return Reason.CANCELLED
    return Reason.REFUND if becomes.refunded_minor > was.refunded_minor else Reason.COMMISSION


def _refs(row: OrderRow, happened: Happening) -> tuple[tuple[str, str], ...]:
    """What explains the transaction, for statements and `explain-earning`."""
    rate = f"{row.rate_ppm} ppm" if row.flat_minor is None else f"{row.flat_minor} a unit"
    said = {
        "row": row.row_id,
        "order": row.order_id,
        "line": row.line_id,
        "version": str(row.version),
        "status": row.status,
        "merchant": row.merchant_id,
        "partner": row.partner_id or "",
        "contract": f"{row.contract_id} v{row.contract_version}" if row.contract_id else "",
        "rule": row.rule,
        "rate": rate,
        "base": str(row.base_minor),
        "method": row.method,
        "relation": row.relation,
        "reason": row.reason,
        "fund": row.pool_id,
        "late_for": happened.late_for,
    }
    return tuple((name, value) for name, value in said.items() if value)
