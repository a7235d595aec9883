"""Orders as people and partners look at them: lists, one order with its facts, what has changed.

Never here: writing (`orders`). The one surprising fact: a row that left a partner is told to it
once more, with nothing earned, so that its own books do not keep what is no longer its.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from sqlalchemy import Connection, Select, or_, select

from adserver.stores.order_rows import OrderRow, fact_from, row_columns
from adserver.stores.order_tables import ORDER_DEPARTURES, ORDER_FACTS, ORDER_ROWS
from adserver.stores.orders import row_from, row_selection
from affiliate.order import OrderFact
from models.domain.ids import PartnerId

REATTRIBUTED = "reattributed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows to list; None or "" wants any."""

    merchant_id: str = ""
    partner_id: str = ""
    status: str = ""
    reason: str | None = None
    order_id: str = ""


def changed_rows(
    connection: Connection,
    partner_id: PartnerId,
    *,
    after_seq: int = 0,
    since: datetime | None = None,
    limit: int = 200,
) -> list[OrderRow]:
    """A partner's rows that changed after a number and since an instant, in that order."""
    rows = ORDER_ROWS.c
    own: Select[tuple[object, ...]] = select(*row_selection()).where(
        rows.partner_id == partner_id, rows.modified_seq > after_seq
    )
    if since is not None:
        own = own.where(rows.modified_at >= since)
    found = [
        row_from(row) for row in connection.execute(own.order_by(rows.modified_seq).limit(limit))
    ]
    found += _departed(connection, partner_id, after_seq, since, limit)
    return sorted(found, key=attrgetter("modified_seq"))[:limit]


def _departed(
    connection: Connection,
    partner_id: PartnerId,
    after_seq: int,
    since: datetime | None,
    limit: int,
) -> list[OrderRow]:
    rows, left = ORDER_ROWS.c, ORDER_DEPARTURES.c
    query = (
        select(left.modified_at, left.modified_seq, *row_selection())
        .join(ORDER_ROWS, rows.row_id == left.row_id)
        .where(left.partner_id == partner_id, left.modified_seq > after_seq)
        .where(or_(rows.partner_id.is_(None), rows.partner_id != partner_id))
    )
    if since is not None:
        query = query.where(left.modified_at >= since)
    return [
        _bare(row_from(row), partner_id, at, seq)
        for at, seq, *row in connection.execute(query.order_by(left.modified_seq).limit(limit))
    ]


def _bare(row: OrderRow, partner_id: PartnerId, at: datetime, seq: int) -> OrderRow:
    """What a partner may know of a row that is another's, or nobody's."""
    known = row_columns(row) | dict.fromkeys(_MONEY, 0) | dict.fromkeys(_TEXTS, "")
    known |= dict.fromkeys(_OPTIONAL) | {"partner_id": partner_id, "reason": REATTRIBUTED}
    return OrderRow(**known | {"modified_at": at, "modified_seq": seq})


_MONEY = (
    "base_minor", "commission_minor", "partner_minor", "fee_minor", "subsidy_granted_minor",
    "subsidy_minor", "matured_minor",
)  # fmt: skip
_TEXTS = (
    "scope", "method", "relation", "touch_id", "touch_kind", "link_code", "app_id",
    "placement_id", "line_item_id", "sub1", "sub2", "sub3", "sub4", "sub5", "basis", "rule",
    "pool_id",
)  # fmt: skip
_OPTIONAL = (
    "contract_id", "contract_version", "rate_ppm", "flat_minor", "estimated_commission_minor",
    "estimated_partner_minor", "actual_commission_minor", "actual_partner_minor", "payable_from",
)  # fmt: skip


def list_rows(connection: Connection, wanted: Wanted, limit: int) -> list[OrderRow]:
    """Rows of a kind, the last changed first."""
    rows = ORDER_ROWS.c
    query = select(*row_selection())
    for column, value in (
        (rows.merchant_id, wanted.merchant_id),
        (rows.partner_id, wanted.partner_id),
        (rows.status, wanted.status),
        (rows.order_id, wanted.order_id),
    ):
        query = query.where(column == value) if value else query
    if wanted.reason is not None:
        query = query.where(rows.reason == wanted.reason)
    query = query.order_by(rows.modified_seq.desc()).limit(limit)
    return [row_from(row) for row in connection.execute(query)]


def find_rows(connection: Connection, named: str, merchant_id: str = "") -> list[OrderRow]:
    """The row of an id, or all rows of an order."""
    rows = ORDER_ROWS.c
    query = select(*row_selection()).where(or_(rows.row_id == named, rows.order_id == named))
    if merchant_id:
        query = query.where(rows.merchant_id == merchant_id)
    return [row_from(row) for row in connection.execute(query.order_by(rows.row_id))]


def told_of(connection: Connection, row: OrderRow) -> Sequence[tuple[OrderFact, datetime]]:
    """What was told of a row, version by version, and when it came."""
    facts = ORDER_FACTS.c
    query = select(ORDER_FACTS).where(
        facts.merchant_id == row.merchant_id,
        facts.order_id == row.order_id,
        facts.line_id == row.line_id,
    )
    return [
        (fact_from(line), line.received_at)
        for line in connection.execute(query.order_by(facts.version))
    ]
