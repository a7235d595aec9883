"""A feed's record as a product of its merchant, or what keeps it from being one.

Never here: how a format is read. The one surprising fact: a page must lie under the merchant's own
host. What a click leads to is decided here, so a feed cannot send our clicks elsewhere.
"""

import re
from datetime import datetime
from urllib.parse import quote

from adserver.feeds.price import PriceError, parse_price
from adserver.feeds.record import Record
from adserver.marketplace import notation
from adserver.marketplace.problem import NotationError
from adserver.marketplace.rate_notation import parse_rate, rate_fault
from affiliate.link import MAX_SKU_CHARS, url_fault
from affiliate.merchandise import Merchant, Product
from affiliate.partner import Rate
from models.domain.ids import Sku

MOST_TITLE_CHARS = 500
MOST_CATEGORY_CHARS = 128
URL_CHARACTERS = "%/:=&?~#+!$,;'@()*[]{}"
AVAILABLE = frozenset(
    {"in_stock", "instock", "available", "preorder", "backorder", "true", "yes", "y", "limited"}
)
GONE = frozenset({"out_of_stock", "outofstock", "unavailable", "discontinued", "false", "no", "n"})
_SCHEMA_ORG = re.compile(r"https?://schema\.org/")
_SKU = notation.text(MAX_SKU_CHARS, least=1)
_TITLE = notation.text(MOST_TITLE_CHARS, least=1)
_CATEGORY = notation.text(MOST_CATEGORY_CHARS)
_IMAGE = notation.url(web_only=True, empty=True)


class RowError(ValueError):
    """What is wrong with one row, beginning with the field's name."""


def product_of(record: Record, merchant: Merchant, now: datetime) -> Product:
    """The product that a record tells of.

    Raises:
        RowError: a field is missing, or says what cannot be.
    """
    values = record.values
    return Product(
        merchant_id=merchant.merchant_id,
        sku=Sku(_checked("sku", values.get("sku", ""), _SKU)),
        title=_checked("title", values.get("title", "")[:MOST_TITLE_CHARS], _TITLE),
        url=_page(values.get("url", ""), merchant),
        price_minor=_price(values, merchant, now),
        category=_checked("category", values.get("category", ""), _CATEGORY),
        image_url=_image(values.get("image_url", "")),
        in_stock=_in_stock(values.get("availability", "in_stock")),
        rate=_rate(values.get("rate", ""), merchant.currency),
    )


def _checked(name: str, text: str, shape: notation.Notation) -> str:
    if not text and shape.check(text):
        raise RowError(f"{name} is missing")
    fault = shape.check(text)
    if fault:
        raise RowError(f"{name} {fault}")
    return text


def _page(text: str, merchant: Merchant) -> str:
    if not text:
        raise RowError("url is missing")
    page = quote(text, URL_CHARACTERS)
    fault = url_fault(page, merchant.home_url)
    if fault:
        raise RowError(f"url {fault}")
    return page


def _image(text: str) -> str:
    return _checked("image_url", quote(text, URL_CHARACTERS), _IMAGE)


def _price(values: dict[str, str], merchant: Merchant, now: datetime) -> int:
    """The sale price where there is one in force, else the price."""
    if "price" not in values:
        raise RowError("price is missing")
    currency = values.get("currency", merchant.currency).upper()
    if currency != merchant.currency:
        raise RowError(f"currency is {currency[:10]}; the merchant counts in {merchant.currency}")
    prices = {}
    for name in ("price", "sale_price"):
        if name in values:
            try:
                prices[name] = parse_price(values[name], merchant.currency)
            except PriceError as error:
                raise RowError(f"{name}: {error}") from None
    on_sale = "sale_price" in prices and _in_force(values.get("sale_dates", ""), now)
    return min(prices.values()) if on_sale else prices["price"]


def _in_force(written: str, now: datetime) -> bool:
    """Whether an instant lies in "2026-11-24T11:07+0100/2026-11-29T23:07+0100"; always if empty."""
    if not written:
        return True
    try:
        begins, ends = (datetime.fromisoformat(one.strip()) for one in written.split("/"))
        in_force = begins <= now < ends
    except (ValueError, TypeError):
        raise RowError(
            f"sale_price_effective_date: {written[:80]!r} is not START/END, each with its offset"
        ) from None
    return in_force


def _in_stock(written: str) -> bool:
    word = _SCHEMA_ORG.sub("", written.lower()).replace(" ", "_").replace("-", "_")
    if re.fullmatch(r"\d{1,18}", word, re.ASCII):
        return int(word) > 0
    if word in AVAILABLE or word in GONE:
        return word in AVAILABLE
    raise RowError(f"availability: {written[:40]!r} is neither in_stock nor out_of_stock")


def _rate(written: str, currency: str) -> Rate | None:
    if not written:
        return None
    try:
        rate = parse_rate(written, currency)
    except NotationError as error:
        raise RowError(f"rate: {error}") from None
    fault = rate_fault(rate)
    if fault:
        raise RowError(f"rate: {fault}")
    return rate
