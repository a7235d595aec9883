"""Orders as merchants send them: parsed and checked once, here, into the domain's facts.

Never here: who sends, or what becomes of a fact. The one surprising fact: what is no order at all
(a field of the wrong type) is 400, and what no shop can mean (a negative price) is 422; either way
nothing of the batch is booked, and `field` names the item.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, NoReturn

import msgspec
from msgspec import Meta, Raw, Struct

from adserver.api import wire
from adserver.api.exchange import Request
from adserver.api.problems import (
    BadRequestError,
    NotFoundError,
    Problem,
    TooLargeError,
    UnprocessableError,
)
from affiliate.order import OrderFact, Status
from models.domain.ids import MerchantId, Sku
from models.domain.money import LARGEST_MINOR

PATH = "/v1/orders"
MAX_ORDERS = 1_000
LARGEST_QUANTITY = 1_000_000
LARGEST_VERSION = 2**53 - 1  # what every JSON reader still holds exactly
MOST_AHEAD = timedelta(days=1)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_PRINTED = "^[^\\x00-\\x1f\\x7f]*$"  # NUL no database keeps, the others move a terminal's cursor

Id = Annotated[str, Meta(min_length=1, max_length=128, pattern=_PRINTED)]
LineId = Annotated[str, Meta(min_length=1, max_length=64, pattern=_PRINTED)]
Text = Annotated[str, Meta(max_length=128, pattern=_PRINTED)]
Code = Annotated[str, Meta(max_length=64, pattern=_PRINTED)]
ClickId = Annotated[str, Meta(max_length=4_096, pattern=_PRINTED)]
Currency = Annotated[str, Meta(max_length=3, pattern=_PRINTED)]
Moment = Annotated[datetime, Meta(tz=True)]


class OrderItem(Struct, kw_only=True):
    """One version of one order line. The highest version counts, whenever it comes.

    `paid_minor` is what was paid for the line in the currency's smallest unit, without shipping,
    tax and coupon value borne by others. `refunded_minor` is all that went back so far.
    """

    order_id: Id
    line_id: LineId
    version: int
    status: Status
    occurred_at: Moment
    currency: Currency
    sku: Text | None = None
    category: Text | None = None
    quantity: int = 1
    paid_minor: int = 0
    refunded_minor: int = 0
    click_id: ClickId | None = None
    coupon: Code | None = None
    customer_ref: Text | None = None
    merchant: Text | None = None


class OrdersRequest(Struct):
    """The body of `POST /v1/orders`: at most 1,000 items. `merchant` may name the sender."""

    orders: Annotated[list[OrderItem], Meta(min_length=1)]
    merchant: Text | None = None


class OrderResult(Struct):
    """The verdict on one item: 200 accepted or duplicate, 409 conflict."""

    order_id: str
    line_id: str
    version: int
    status: int
    verdict: str
    reason: str = ""


class OrdersAnswer(Struct):
    """The body of a 200 of `POST /v1/orders`: the verdicts, in the order of the items."""

    results: list[OrderResult]


class _RawRequest(Struct):
    orders: list[Raw]


_request = msgspec.json.Decoder(OrdersRequest)
_raw_request = msgspec.json.Decoder(_RawRequest)
_item = msgspec.json.Decoder(OrderItem)
_encode = msgspec.json.Encoder().encode
FIELDS = tuple(field.name for field in msgspec.structs.fields(OrderItem))


def parse(request: Request) -> OrdersRequest:
    """The body of a request.

    Raises:
        UnsupportedMediaTypeError: not declared as plain JSON in UTF-8.
        BadRequestError: not JSON, or not the type.
        UnprocessableError: a number that no field holds.
        TooLargeError: more than 1,000 items.
    """
    try:
        body = wire.parse(request, _request)
    except BadRequestError as error:
        _raise_exactly(error, request.body)
    if len(body.orders) > MAX_ORDERS:
        raise TooLargeError(f"a batch has at most {MAX_ORDERS:,} items", "/orders")
    return body


def facts_in(
    body: OrdersRequest, merchant_id: MerchantId, currency: str, now: datetime
) -> list[OrderFact]:
    """The facts of a batch of one merchant, whose orders are in `currency`.

    Raises:
        NotFoundError: an item of another merchant.
        UnprocessableError: an item that no shop can mean.
    """
    if body.merchant not in (None, merchant_id):
        raise NotFoundError("there is no such merchant", "/merchant")
    facts = []
    for number, item in enumerate(body.orders):
        with _of_item(number):
            facts.append(fact_in(item, merchant_id, currency, now))
    return facts


def fact_in(item: OrderItem, merchant_id: MerchantId, currency: str, now: datetime) -> OrderFact:
    """The fact of one item; `field` of what is raised points into the item.

    Raises:
        NotFoundError: an item of another merchant.
        UnprocessableError: an item that no shop can mean.
    """
    if item.merchant not in (None, merchant_id):
        raise NotFoundError("there is no such merchant", "/merchant")
    _require_range(item.version, LARGEST_VERSION, "version")
    _require_range(item.quantity, LARGEST_QUANTITY, "quantity")
    _require_range(item.paid_minor, LARGEST_MINOR, "paid_minor")
    _require_range(item.refunded_minor, LARGEST_MINOR, "refunded_minor")
    if item.refunded_minor > item.paid_minor:
        raise UnprocessableError("more went back than was paid", "/refunded_minor")
    if item.currency != currency:
        raise UnprocessableError("this merchant's orders are in another currency", "/currency")
    if item.occurred_at > now + MOST_AHEAD:
        raise UnprocessableError("this lies more than a day ahead", "/occurred_at")
    if item.occurred_at < EARLIEST:
        raise UnprocessableError("this lies before the year 2000", "/occurred_at")
    return OrderFact(
        merchant_id=merchant_id,
        order_id=item.order_id,
        line_id=item.line_id,
        version=item.version,
        status=item.status,
        sku=Sku(item.sku or ""),
        category=item.category or "",
        quantity=item.quantity,
        paid_minor=item.paid_minor,
        currency=item.currency,
        occurred_at=item.occurred_at.astimezone(UTC),
        refunded_minor=item.refunded_minor,
        click_id=item.click_id or "",
        coupon=item.coupon or "",
        customer_ref=item.customer_ref or "",
    )


def item_of_texts(columns: dict[str, str], currency: str) -> OrderItem:
    """The item in a row of a table: every column as text, empty ones as if they were not there.

    Raises:
        BadRequestError: a column that is missing or is not what it should be.
    """
    given: dict[str, Any] = {name: text for name, text in columns.items() if text}
    try:
        return msgspec.convert({"currency": currency} | given, OrderItem, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequestError(*wire.located(str(error))) from None


def answer_body(results: Sequence[OrderResult]) -> bytes:
    """The body of a 200."""
    return _encode(OrdersAnswer(list(results)))


def status_of(verdict: str) -> int:
    """The status of one item."""
    return HTTPStatus.CONFLICT if verdict == "conflict" else HTTPStatus.OK


def _require_range(number: int, largest: int, name: str) -> None:
    if number < 0:
        raise UnprocessableError("this is negative", f"/{name}")
    if number > largest:
        raise UnprocessableError(f"this is above {largest:,}", f"/{name}")


@contextmanager
def _of_item(number: int) -> Iterator[None]:
    """Points what is wrong with an item into the body."""
    try:
        yield
    except Problem as problem:
        problem.field = f"/orders/{number}{problem.field}"
        raise


def _raise_exactly(error: BadRequestError, body: bytes) -> NoReturn:
    """The same mistake, with the item's number where the parser does not tell it."""
    if error.field.startswith("/orders/0"):
        with suppress(msgspec.DecodeError, RecursionError):  # what follows may be no JSON at all
            items = _raw_request.decode(body).orders
            _raise_first_mistake(items)
    _raise(error.detail, error.field)


def _raise_first_mistake(items: Sequence[Raw]) -> None:
    for number, raw in enumerate(items):
        try:
            _item.decode(raw)
        except msgspec.ValidationError as wrong:
            detail, pointer = wire.located(str(wrong))
            _raise(detail, f"/orders/{number}{pointer}")


def _raise(detail: str, field: str) -> NoReturn:
    if detail.startswith("Integer value out of range"):
        raise UnprocessableError("this number is far too large", field) from None
    raise BadRequestError(detail, field) from None
