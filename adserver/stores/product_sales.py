"""Orders that clicks on a product brought, for the ranking of hot products and the pCVR of ads.

Never here: the orders themselves (`orders`). The one surprising fact: only direct sales count. Who
clicked a kettle and bought a lamp says nothing of kettles, and nothing of clicks on lamps.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from adserver.stores.order_tables import ORDER_ROWS
from affiliate.attribution import Method, Relation
from affiliate.hot_products import Key
from affiliate.order import Status, TouchKind
from models.domain.ids import MerchantId, Sku

_BY_CLICK = (Method.CLICK.value, Method.CUSTOMER.value)


@dataclass(frozen=True, slots=True)
class AdSale:
    """An order line that a click on an ad brought. `counts` while it is paid for and not undone."""

    row_id: str
    click_id: str
    paid_at: datetime | None
    counts: bool
    modified_seq: int


def direct_orders(connection: Connection, since: datetime, until: datetime) -> Counter[Key]:
    """Order lines paid in [since, until) by product, of those a click on it brought; no cancelled.

    Of a coupon's sale nobody knows the click.
    """
    rows = ORDER_ROWS.c
    query = (
        select(rows.merchant_id, rows.sku, func.count())
        .where(
            rows.paid_at >= since,
            rows.paid_at < until,
            rows.method.in_(_BY_CLICK),
            rows.relation == Relation.DIRECT.value,
            rows.status != Status.CANCELLED.value,
        )
        .group_by(rows.merchant_id, rows.sku)
    )
    return Counter(
        {(MerchantId(own), Sku(sku)): count for own, sku, count in connection.execute(query)}
    )


def ad_sales(connection: Connection, after_seq: int) -> list[AdSale]:
    """The order lines of clicks on ads that were changed after a `modified_seq`, in its order."""
    rows = ORDER_ROWS.c
    query = select(
        rows.row_id, rows.touch_id, rows.paid_at, rows.status, rows.relation, rows.modified_seq
    ).where(rows.modified_seq > after_seq, rows.touch_kind == TouchKind.AD.value)
    return [
        AdSale(
            row_id,
            click_id,
            paid_at,
            paid_at is not None
            and status != Status.CANCELLED.value
            and relation == Relation.DIRECT.value,
            seq,
        )
        for row_id, click_id, paid_at, status, relation, seq in connection.execute(
            query.order_by(rows.modified_seq)
        )
    ]
