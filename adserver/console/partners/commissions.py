"""`GET .../commissions`: what became of a partner's sales, pulled by when it changed.

Never here: other partners' rows, whatever is asked. The one surprising fact: the cursor is good for
ever. A page always has one; whoever keeps the last and comes again gets what has changed since, and
nothing twice.
"""

from datetime import datetime

from msgspec import Struct, structs

from adserver.api.problems import BadRequestError
from adserver.console.desk import Desk
from adserver.console.partners.whose import partner_of
from adserver.console.web.exchange import Call, Listed
from adserver.console.web.routes import Endpoint
from adserver.stores import database
from adserver.stores.order_queries import changed_rows
from adserver.stores.order_rows import OrderRow

PATH = "/api/v1/partners/{partner_id}/commissions"
_LARGEST_SEQ = 2**63 - 1


class Commission(Struct):
    """One line of an order that is the partner's, as it stands now; amounts in minor units.

    `estimated_minor` is what the first report of the payment promised, `actual_minor` what the
    order came to when it was received, `earned_minor` what is left after refunds, and
    `subsidy_minor` what a fund adds to it. `reason` says why it earns nothing, or less.
    """

    row_id: str
    merchant_id: str
    order_id: str
    line_id: str
    version: int
    status: str
    sku: str
    category: str
    quantity: int
    currency: str
    paid_minor: int
    refunded_minor: int
    paid_at: datetime | None
    received_at: datetime | None
    method: str
    relation: str
    reason: str
    touch_kind: str
    link_code: str
    app_id: str
    placement_id: str
    line_item_id: str
    sub1: str
    sub2: str
    sub3: str
    sub4: str
    sub5: str
    rule: str
    rate_ppm: int | None
    flat_minor: int | None
    base_minor: int
    estimated_minor: int | None
    actual_minor: int | None
    earned_minor: int
    subsidy_minor: int
    payable_from: datetime | None
    payable_minor: int
    modified_at: datetime


_FIELDS = tuple(field.name for field in structs.fields(Commission))
_RENAMED = {
    "estimated_minor": "estimated_partner_minor",
    "actual_minor": "actual_partner_minor",
    "earned_minor": "partner_minor",
    "payable_minor": "matured_minor",
}


def commission_of(row: OrderRow) -> Commission:
    """What a partner sees of its row."""
    return Commission(**{name: getattr(row, _RENAMED.get(name, name)) for name in _FIELDS})


def commissions(desk: Desk, call: Call) -> Listed:
    """The partner's rows that changed after the cursor and since an instant, in that order.

    Raises:
        BadRequestError: no cursor of ours.
    """
    partner = partner_of(desk, call)
    after = _seq_of(call.cursor)
    since = call.query.get("modified_since", "")
    with database.reading(desk.engine) as connection:
        rows = changed_rows(
            connection,
            partner.partner_id,
            after_seq=after,
            since=datetime.fromisoformat(since) if since else None,
            limit=call.limit,
        )
    last = rows[-1].modified_seq if rows else after
    return Listed([commission_of(row) for row in rows], f"c{last}")


def _seq_of(cursor: str) -> int:
    if not cursor:
        return 0
    number = cursor[1:]
    if cursor[:1] == "c" and number.isascii() and number.isdecimal():
        found = int(number) if len(number) < len(str(_LARGEST_SEQ)) + 1 else _LARGEST_SEQ + 1
        if found <= _LARGEST_SEQ:
            return found
    raise BadRequestError("this is no cursor of ours", "/cursor")


ENDPOINT = Endpoint(
    "GET",
    PATH,
    "A partner's sales by when they changed; keep the last cursor and come again",
    commissions,
    answer=Commission,
    listed=True,
    query={
        "modified_since": (
            {"type": "string", "format": "date-time"},
            "Only rows that changed then or later.",
        )
    },
)
