"""The lines that earnings are made of, a page at a time: order lines and days of ads.

Never here: why a line earns what it does (`why`). The one surprising fact: a page is found by the
last line of the page before it, so a new order never moves a line from one page to the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from adserver.api.problems import BadRequestError
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.stores import database, earnings
from adserver.stores.earnings import ORDER_KEYS, AdDay, Span
from adserver.stores.order_rows import OrderRow

PAGE = 50
MOST_DIGITS = 12
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sales:
    """A page of order lines; `cursor` leads to the next one, "" at the end."""

    rows: tuple[OrderRow, ...]
    cursor: str


def sales_page(desk: Desk, span: Span, only: dict[str, str], cursor: str, limit: int) -> Sales:
    """Order lines paid for in a span, newest first; `only` narrows them by `ORDER_KEYS`.

    Raises:
        BadRequestError: no cursor of ours.
    """
    with database.reading(desk.engine) as connection:
        rows = earnings.sale_lines(connection, span, limit + 1, read_cursor(cursor), **only)
    shown = tuple(rows[:limit])
    return Sales(shown, _cursor(shown[-1]) if len(rows) > limit else "")


@dataclass(frozen=True, slots=True)
class Ads:
    """A page of days of ads; `cursor` leads to the next one, "" at the end."""

    days: tuple[AdDay, ...] = ()
    cursor: str = ""


def ad_page(desk: Desk, span: Span, only: Mapping[str, str], cursor: str, limit: int) -> Ads:
    """The days of ads of a span, newest first; `only` narrows them to an app or a placement.

    Raises:
        BadRequestError: no cursor of ours.
    """
    after = _read_day(cursor)
    place = {"app_id": only.get("app", ""), "placement_id": only.get("placement", "")}
    with database.reading(desk.engine) as connection:
        days = earnings.ad_days(connection, span, limit + 1, after, **place)
    shown = tuple(days[:limit])
    return Ads(shown, shown[-1].name if len(days) > limit else "")


def page_of(found: Sequence[T], call: Call) -> tuple[Sequence[T], str]:
    """A page of what is known whole, and the cursor of the next one: where it begins.

    Raises:
        BadRequestError: no cursor of ours.
    """
    text = call.cursor or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS):
        raise BadRequestError("this is no cursor of ours", "/cursor")
    start = int(text)
    end = start + call.limit
    return found[start:end], str(end) if end < len(found) else ""


def narrowed(query: Mapping[str, str]) -> dict[str, str]:
    """Those of `ORDER_KEYS` that a query names, "" for lines without."""
    return {name: query[name] for name in ORDER_KEYS if name in query}


def read_cursor(cursor: str) -> tuple[datetime, str] | None:
    """Where a page begins.

    Raises:
        BadRequestError: no cursor of ours.
    """
    if not cursor:
        return None
    written, _, row_id = cursor.partition(" ")
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise BadRequestError("this is no cursor of ours", "/cursor") from None
    if moment.tzinfo is None or not row_id or not 1970 < moment.year < 9999:
        raise BadRequestError("this is no cursor of ours", "/cursor")
    return moment, row_id


def _read_day(cursor: str) -> tuple[str, str, str] | None:
    if not cursor:
        return None
    day, app_id, placement_id = (*cursor.split("/", 2), "", "")[:3]
    if not (day and app_id and placement_id):
        raise BadRequestError("this is no cursor of ours", "/cursor")
    return day, app_id, placement_id


def _cursor(row: OrderRow) -> str:
    return f"{row.paid_at.isoformat() if row.paid_at else ''} {row.row_id}"
