"""A merchant's orders, products and account over REST.

Never here: reporting orders; that is `POST /v1/orders` on the serving plane. The one surprising
fact: nothing here names a partner.
"""

from datetime import datetime

from msgspec import Struct

from adserver.api.problems import BadRequestError
from adserver.console.desk import Desk
from adserver.console.merchants import desk_of_merchant as merchants
from adserver.console.partners.lines import page_of
from adserver.console.web.exchange import Call, Listed
from adserver.console.web.routes import Endpoint
from adserver.stores.order_rows import OrderRow
from affiliate.order import Status

_M = "/api/v1/merchants/{merchant_id}"


class MerchantAccount(Struct):
    """What is owed (`balance_micros` below zero) or prepaid."""

    merchant_id: str
    name: str
    currency: str
    balance_micros: int
    order_lines: int
    commission_minor: int


class OrderOut(Struct):
    """An order line and what came of it. `earned`: a partner has a commission for it."""

    row_id: str
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
    earned: bool
    reason: str
    rate_ppm: int | None
    flat_minor: int | None
    commission_minor: int
    modified_at: datetime


class MerchantProduct(Struct):
    """A product, as the merchant's feed told it."""

    sku: str
    title: str
    url: str
    image_url: str
    category: str
    price_minor: int
    in_stock: bool
    rate_ppm: int | None
    flat_minor: int | None


class MerchantKey(Struct):
    """What signs and sends orders."""

    key_generation: int
    key: str
    signing_secret: str


def account(desk: Desk, call: Call) -> MerchantAccount:
    """The merchant's account with the house."""
    merchant = merchants.merchant_of(desk, call)
    found = merchants.account_of(desk, merchant)
    return MerchantAccount(
        merchant.merchant_id,
        merchant.name,
        merchant.currency,
        found.balance,
        found.lines,
        found.commission_minor,
    )


def orders(desk: Desk, call: Call) -> Listed:
    """Order lines, the last changed first.

    Raises:
        BadRequestError: no cursor of ours.
    """
    text = call.cursor or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequestError("this is no cursor of ours", "/cursor")
    merchant = merchants.merchant_of(desk, call)
    rows = merchants.orders_page(desk, merchant, call.query, int(text), call.limit + 1)
    shown = rows[: call.limit]
    following = str(shown[-1].modified_seq) if len(rows) > call.limit else ""
    return Listed([_order(row) for row in shown], following)


_OF_ROW = tuple(name for name in OrderOut.__struct_fields__ if name != "earned")


def _order(row: OrderRow) -> OrderOut:
    return OrderOut(earned=bool(row.partner_id), **{name: getattr(row, name) for name in _OF_ROW})


def products(desk: Desk, call: Call) -> Listed:
    """Products by their words, at most 200; without words the first 50."""
    merchant = merchants.merchant_of(desk, call)
    found, _ = merchants.products_page(desk, merchant, call.query.get("q", ""))
    shown, following = page_of(found, call)
    rows = [
        MerchantProduct(
            *(one.sku, one.title, one.url, one.image_url, one.category),
            price_minor=one.price_minor,
            in_stock=one.in_stock,
            rate_ppm=one.rate.ppm if one.rate else None,
            flat_minor=one.rate.flat_minor if one.rate else None,
        )
        for one in shown
    ]
    return Listed(rows, following)


def key(desk: Desk, call: Call) -> MerchantKey:
    """The key and the secret."""
    merchant = merchants.merchant_of(desk, call)
    return MerchantKey(merchant.key_generation, *merchants.key_of(desk, merchant))


def rotate(desk: Desk, call: Call) -> MerchantKey:
    """Makes a new key and secret."""
    merchant = merchants.merchant_of(desk, call)
    after = merchants.rotate_key(desk, merchant, call.identity, call.now)
    return MerchantKey(after.key_generation, *merchants.key_of(desk, after))


ENDPOINTS = (
    Endpoint("GET", f"{_M}/account", "What is owed or prepaid", account, answer=MerchantAccount),
    Endpoint(
        "GET",
        f"{_M}/orders",
        "Order lines with their verdicts, the last changed first",
        orders,
        answer=OrderOut,
        listed=True,
        query={
            "order_id": ({"type": "string", "maxLength": 128}, "Only lines of this order."),
            "status": ({"type": "string", "enum": [str(one) for one in Status]}, "Only these."),
        },
    ),
    Endpoint(
        "GET",
        f"{_M}/products",
        "Products by their words",
        products,
        answer=MerchantProduct,
        listed=True,
        query={"q": ({"type": "string", "maxLength": 200}, "Words; the last may be a beginning.")},
    ),
    Endpoint("GET", f"{_M}/key", "The key and secret that report orders", key, answer=MerchantKey),
    Endpoint("POST", f"{_M}/key", "Make a new key and secret", rotate, answer=MerchantKey),
)
