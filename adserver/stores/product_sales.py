"""Orders that clicks on a product brought, counted for the ranking of hot products.

Never here: the orders themselves (`orders`). The one surprising fact: only direct sales count. Who
clicked a kettle and bought a lamp says nothing of kettles, and nothing of clicks on lamps.
"""

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, func, select

from adserver.stores.order_tables import ORDER_ROWS
from affiliate.attribution import Method, Relation
from affiliate.hot_products import Key
from affiliate.order import Status
from models.domain.ids import MerchantId, Sku

_BY_CLICK = (Method.CLICK.value, Method.CUSTOMER.value)


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
