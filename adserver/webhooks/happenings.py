"""What has happened to partners and advertisers, read from the tables where it was written.

Never here: telling anybody (`watching`). The one surprising fact: the tables are append-only or
carry the instant of the change, so a change by the command line or by a closing of the month is
seen like one by a page, and nobody has to remember to announce it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from adserver.stores.advertiser_tables import TOP_UPS
from adserver.stores.creative_tables import CREATIVE_REVIEWS
from adserver.stores.order_queries import changed_rows
from adserver.stores.order_rows import OrderRow
from adserver.stores.order_tables import ORDER_DEPARTURES, ORDER_ROWS
from adserver.stores.settlement_tables import PAYOUT_EVENTS, PAYOUTS, STATEMENTS
from adserver.stores.tables import CAMPAIGNS, CREATIVES, LINE_ITEMS
from models.domain.ids import PartnerId

MOST_ROWS = 100
"""Of changed commissions in one event; who is told of more pulls them."""

_PAYOUT_KINDS = {"pending": "payout.made", "confirmed": "payout.paid", "failed": "payout.failed"}
_ROW_FIELDS = (
    "row_id", "merchant_id", "order_id", "line_id", "status", "currency", "reason", "modified_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that `owner` may want to be told. `cause` names it for good."""

    role: str
    owner: str
    kind: str
    cause: str
    at: datetime
    data: dict[str, Any]


def reviews(connection: Connection, since: datetime, _now: datetime) -> Iterator[Happening]:
    """Creatives that were approved or rejected."""
    story = CREATIVE_REVIEWS
    joined = (
        story.join(CREATIVES, CREATIVES.c.creative_id == story.c.creative_id)
        .join(LINE_ITEMS, LINE_ITEMS.c.line_item_id == CREATIVES.c.line_item_id)
        .join(CAMPAIGNS, CAMPAIGNS.c.campaign_id == LINE_ITEMS.c.campaign_id)
    )
    query = (
        select(story, LINE_ITEMS.c.line_item_id, CAMPAIGNS.c.advertiser_id)
        .select_from(joined)
        .where(story.c.at > since, story.c.verdict.in_(("approved", "rejected")))
    )
    for row in connection.execute(query):
        data = {
            "creative_id": row.creative_id,
            "line_item_id": row.line_item_id,
            "verdict": row.verdict,
            "reason": row.reason,
            "words": row.words,
        }
        cause = f"review/{row.creative_id}/{row.number}"
        yield Happening("advertiser", row.advertiser_id, "creative.reviewed", cause, row.at, data)


def ended_line_items(connection: Connection, since: datetime, now: datetime) -> Iterator[Happening]:
    """Line items whose last day is over."""
    items = LINE_ITEMS
    query = (
        select(items.c.line_item_id, items.c.name, items.c.ends_at, CAMPAIGNS.c.advertiser_id)
        .join(CAMPAIGNS, CAMPAIGNS.c.campaign_id == items.c.campaign_id)
        .where(items.c.ends_at > since, items.c.ends_at <= now)
        .where(items.c.archived_at.is_(None), items.c.removed_at.is_(None))
    )
    for row in connection.execute(query):
        data = {"line_item_id": row.line_item_id, "name": row.name, "ended_at": row.ends_at}
        cause = f"ended/{row.line_item_id}/{row.ends_at.isoformat()}"
        yield Happening(
            "advertiser", row.advertiser_id, "line_item.ended", cause, row.ends_at, data
        )


def top_ups(connection: Connection, since: datetime, _now: datetime) -> Iterator[Happening]:
    """Top-ups that an operator confirmed."""
    query = select(TOP_UPS).where(TOP_UPS.c.decided_at > since, TOP_UPS.c.status == "confirmed")
    for row in connection.execute(query):
        data = {
            "top_up_id": row.top_up_id,
            "amount_micros": row.amount_micros,
            "currency": row.currency,
        }
        cause = f"top-up/{row.top_up_id}"
        yield Happening(
            "advertiser", row.advertiser_id, "top_up.confirmed", cause, row.decided_at, data
        )


def statements(connection: Connection, since: datetime, _now: datetime) -> Iterator[Happening]:
    """Statements of months that were closed."""
    for row in connection.execute(select(STATEMENTS).where(STATEMENTS.c.closed_at > since)):
        data = {
            "period": row.period,
            "currency": row.currency,
            "payable_micros": row.payable_closing,
            "payout_minor": row.payout_minor,
            "held": row.held,
            "pays_at": row.pays_at,
        }
        cause = f"statement/{row.period}/{row.currency}/{row.partner_id}"
        yield Happening("partner", row.partner_id, "statement.closed", cause, row.closed_at, data)


def payouts(connection: Connection, since: datetime, _now: datetime) -> Iterator[Happening]:
    """Payouts that were made, paid or refused by the bank."""
    events = PAYOUT_EVENTS
    columns = (PAYOUTS.c.period, PAYOUTS.c.currency, PAYOUTS.c.partner_id, PAYOUTS.c.amount_minor)
    query = (
        select(events, *columns)
        .join(PAYOUTS, PAYOUTS.c.payout_id == events.c.payout_id)
        .where(events.c.at > since)
    )
    for row in connection.execute(query):
        data = {
            "payout_id": row.payout_id,
            "period": row.period,
            "currency": row.currency,
            "amount_minor": row.amount_minor,
            "attempt": row.attempt,
            "note": row.note,
        }
        cause = f"payout/{row.payout_id}/{row.attempt}/{row.state}"
        kind = _PAYOUT_KINDS[row.state]
        yield Happening("partner", row.partner_id, kind, cause, row.at, data)


SEEN_BY_TIME = (reviews, ended_line_items, top_ups, statements, payouts)


def commissions(
    connection: Connection, partner: str, after_seq: int, since: datetime
) -> Happening | None:
    """A partner's rows that changed after a number and since an instant, as one happening."""
    found = changed_rows(
        connection, PartnerId(partner), after_seq=after_seq, since=since, limit=MOST_ROWS + 1
    )
    if not found:
        return None
    rows = found[:MOST_ROWS]
    data = {
        "rows": [_row(one) for one in rows],
        "more": len(found) > MOST_ROWS,
        "modified_since": rows[0].modified_at,
    }
    cause = f"commissions/{partner}/{rows[0].modified_seq}"
    return Happening("partner", partner, "commission.changed", cause, rows[-1].modified_at, data)


def newest_seq(connection: Connection) -> int:
    """The number of the last change of any order row."""
    queries = (
        select(func.max(ORDER_ROWS.c.modified_seq)),
        select(func.max(ORDER_DEPARTURES.c.modified_seq)),
    )
    return max(connection.execute(query).scalar() or 0 for query in queries)


def _row(one: OrderRow) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _ROW_FIELDS}
    return values | {"earned_minor": one.partner_minor, "subsidy_minor": one.subsidy_minor}
