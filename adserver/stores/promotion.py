"""What a CPS line item bids and where its ads lead, filled in from the products of the day.

Never here: when a catalog is published (`catalog_publisher`). The one surprising fact: a product
that cannot be sold now bids nothing, which is all it takes for its line item not to run; where its
ads lead is filled in all the same, because a click may come late.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from adserver.marketplace.notation import MOST_MICROS
from adserver.stores import partners, products
from adserver.stores.tables import LINE_ITEMS
from affiliate.hot_products import Key, priced
from affiliate.merchandise import HotRate, Merchant, Product
from models.domain.campaign import Creative, LandingKind, LineItem, PricingModel
from models.domain.ids import LineItemId, MerchantId, ProductRef, Sku
from models.domain.marketplace import Marketplace
from models.domain.money import NO_MONEY, Micros, micros_of


@dataclass(frozen=True, slots=True)
class Promotion:
    """A product as an ad sees it: what one sale is expected to pay, its page, and what is wrong.

    `obstacle` says in words why it cannot be sold now; "" when it can.
    """

    commission_micros: Micros = NO_MONEY
    url: str = ""
    obstacle: str = ""


Promotions = dict[ProductRef, Promotion]


def promoted(connection: Connection) -> list[ProductRef]:
    """The products that line items promote, or did: a click may come late."""
    query = select(LINE_ITEMS.c.product).where(LINE_ITEMS.c.pricing == PricingModel.CPS.value)
    return sorted({ProductRef(product) for (product,) in connection.execute(query)})


def promoting(connection: Connection) -> dict[LineItemId, Key]:
    """Which product each line item promotes, or did."""
    query = select(LINE_ITEMS.c.line_item_id, LINE_ITEMS.c.product).where(
        LINE_ITEMS.c.pricing == PricingModel.CPS.value
    )
    found = {}
    for line_item, product in connection.execute(query):
        merchant_id, _, sku = product.partition("/")
        found[LineItemId(line_item)] = MerchantId(merchant_id), Sku(sku)
    return found


def promotions_of(
    connection: Connection, refs: Collection[ProductRef], currency: str, now: datetime
) -> Promotions:
    """What is to be said of each product now; `currency` is the engine's."""
    found: Promotions = {}
    by_merchant: dict[MerchantId, list[Sku]] = {}
    for ref in refs:
        merchant_id, _, sku = ref.partition("/")
        by_merchant.setdefault(MerchantId(merchant_id), []).append(Sku(sku))
    for merchant_id, skus in by_merchant.items():
        merchant = partners.merchant_of(connection, merchant_id)
        known = products.products_of(connection, merchant_id, skus)
        hot = products.hot_rates_of(connection, merchant_id, skus)
        for sku in skus:
            shown = _promotion(merchant, known.get(sku), hot.get(sku, []), currency, now)
            found[ProductRef(f"{merchant_id}/{sku}")] = shown
    return found


def filled(marketplace: Marketplace, promotions: Promotions) -> Marketplace:
    """The marketplace in which CPS line items bid their commission and lead to their product."""
    if not promotions:
        return marketplace
    items = {item.line_item_id: item for item in marketplace.line_items if item.product}
    return replace(
        marketplace,
        line_items=tuple(_bidding(item, promotions) for item in marketplace.line_items),
        creatives=tuple(_leading(one, items, promotions) for one in marketplace.creatives),
    )


def _promotion(
    merchant: Merchant | None,
    product: Product | None,
    hot: Iterable[HotRate],
    currency: str,
    now: datetime,
) -> Promotion:
    if merchant is None or product is None:
        missing = "merchant" if merchant is None else "product"
        return Promotion(obstacle=f"There is no such {missing}.")
    if not merchant.active:
        return Promotion(url=product.url, obstacle="Its merchant is archived.")
    if merchant.currency != currency:
        return Promotion(
            url=product.url,
            obstacle=f"It is priced in {merchant.currency}, and this engine counts in {currency}.",
        )
    if not product.in_stock:
        return Promotion(url=product.url, obstacle="It is out of stock.")
    commission = priced(merchant, product, hot, now).commission_minor
    return Promotion(
        commission_micros=min(micros_of(commission, currency), Micros(MOST_MICROS)),
        url=product.url,
        obstacle="" if commission else "A sale of it pays no commission.",
    )


def _bidding(item: LineItem, promotions: Promotions) -> LineItem:
    shown = promotions.get(item.product)
    return replace(item, bid_micros=shown.commission_micros) if shown else item


def _leading(
    creative: Creative, items: dict[LineItemId, LineItem], promotions: Promotions
) -> Creative:
    item = items.get(creative.line_item_id)
    shown = promotions.get(item.product) if item else None
    if shown is None or not shown.url:
        return creative
    return replace(creative, landing_url=shown.url, landing_kind=LandingKind.WEB, fallback_url="")
