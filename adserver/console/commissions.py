"""`GET /api/v1/commissions`: what became of a partner's sales, pulled by when it changed.

Never here: other partners' rows, whatever is asked. The one surprising fact: the cursor is good for
ever. Whoever keeps the last one and comes again gets what has changed since, and nothing twice.
"""

import asyncio
import base64
import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct
from sqlalchemy import Engine

from adserver.api.bearer import owner_of_key
from adserver.api.problems import BadRequestError, UnauthorizedError
from adserver.keyring import Keyring
from adserver.stores import database
from adserver.stores.order_queries import changed_rows
from adserver.stores.order_rows import OrderRow
from adserver.stores.partners import partners_of
from models.domain.ids import PartnerId

PATH = "/api/v1/commissions"
MOST_ROWS = 200
CSV = "text/csv"
NEXT = "X-Next-Cursor"
_LARGEST_SEQ = 2**63 - 1
_FIRST, _LAST = 1970, 9999  # years; beyond them a time zone leads out of the calendar


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


class Commissions(Struct):
    """A page. `next_cursor` is where to go on, `more` whether there is something now."""

    commissions: list[Commission]
    next_cursor: str
    more: bool


class Asked(Struct):
    """The query of a request."""

    modified_since: Annotated[datetime, Meta(tz=True)] | None = None
    cursor: Annotated[str, Meta(max_length=64)] = ""
    limit: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = MOST_ROWS


_FIELDS = tuple(field.name for field in msgspec.structs.fields(Commission))
_RENAMED = {
    "estimated_minor": "estimated_partner_minor",
    "actual_minor": "actual_partner_minor",
    "earned_minor": "partner_minor",
    "payable_minor": "matured_minor",
}


def commission_of(row: OrderRow) -> Commission:
    """What a partner sees of its row."""
    return Commission(**{name: getattr(row, _RENAMED.get(name, name)) for name in _FIELDS})


class CommissionPages:
    """Answers partners."""

    def __init__(self, engine: Engine, keyring: Keyring) -> None:
        self._engine = engine
        self._keyring = keyring

    async def answer(self, request: web.Request) -> web.Response:
        """A page of the partner whose key it is, as JSON or CSV.

        Raises:
            UnauthorizedError: no partner's key.
            BadRequestError: a query that is not what it should be.
        """
        authorization = request.headers.get("Authorization", "")
        asked = asked_of(request.query)
        page = await asyncio.to_thread(self.page, authorization, asked)
        if CSV in request.headers.get("Accept", ""):
            more = {NEXT: page.next_cursor, "X-More": "1" if page.more else "0"}
            return web.Response(
                text=as_csv(page.commissions), content_type=CSV, charset="utf-8", headers=more
            )
        return web.Response(body=msgspec.json.encode(page), content_type="application/json")

    def page(self, authorization: str, asked: Asked) -> Commissions:
        """A page for a key."""
        owner, generation = owner_of_key(self._keyring, "partner", authorization)
        after = _seq_of(asked.cursor)
        with database.reading(self._engine) as connection:
            partner = partners_of(connection, [PartnerId(owner)]).get(PartnerId(owner))
            if partner is None or partner.key_generation != generation:
                raise UnauthorizedError("send Authorization: Bearer with the partner's key")
            rows = changed_rows(
                connection,
                partner.partner_id,
                after_seq=after,
                since=asked.modified_since,
                limit=asked.limit + 1,
            )
        shown = rows[: asked.limit]
        last = shown[-1].modified_seq if shown else after
        return Commissions(
            [commission_of(row) for row in shown], _cursor_of(last), len(rows) > asked.limit
        )


def asked_of(query: Mapping[str, str]) -> Asked:
    """A query string's fields. Raises BadRequestError with the field at fault."""
    given = {name: query[name] for name in Asked.__struct_fields__ if name in query}
    try:
        asked = msgspec.convert(given, Asked, strict=False)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$.")
        raise BadRequestError(detail, f"/{path.removesuffix('`')}") from None
    if asked.modified_since and not _FIRST < asked.modified_since.year < _LAST:
        raise BadRequestError("this is no time at which anything changed", "/modified_since")
    return asked


def as_csv(commissions: list[Commission]) -> str:
    """The rows as a table with a line of names."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_FIELDS)
    for one in commissions:
        values = msgspec.to_builtins(one)
        table.writerow("" if values[name] is None else _plain(values[name]) for name in _FIELDS)
    return text.getvalue()


def _plain(value: object) -> object:
    """Text that a spreadsheet takes for text: a leading =, +, - or @ would be a formula there."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value


def _cursor_of(seq: int) -> str:
    return base64.urlsafe_b64encode(f"c{seq}".encode()).rstrip(b"=").decode()


def _seq_of(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except ValueError:
        text = ""
    number = text[1:]
    if text[:1] == "c" and number.isascii() and number.isdecimal() and int(number) <= _LARGEST_SEQ:
        return int(number)
    raise BadRequestError("this is no cursor of ours", "/cursor")
