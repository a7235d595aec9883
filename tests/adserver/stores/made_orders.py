"""Order rows with everything they need, put in without the desk that makes real ones."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, insert

from adserver.stores.order_tables import ORDER_ROWS


def put_row(connection: Connection, number: int, now: datetime, **changes: Any) -> None:
    """The `number`-th row: a direct sale of shop/seen by a click, paid for now."""
    needed = [column for column in ORDER_ROWS.columns if not column.nullable]
    plain: dict[str, Any] = {
        column.name: "" if isinstance(column.type, String) else 0 for column in needed
    }
    known = {
        "row_id": f"r{number}",
        "merchant_id": "shop",
        "order_id": f"o{number}",
        "line_id": "1",
        "sku": "seen",
        "status": "paid",
        "relation": "direct",
        "method": "click",
        "paid_at": now,
        "modified_at": now,
        "modified_seq": number,
    }
    connection.execute(insert(ORDER_ROWS).values(plain | known | changes))
