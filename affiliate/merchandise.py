"""Merchants and what they sell: products, categories, and dated rates of hot products.

Never here: feeds (`adserver.feeds`) or which rate an order earns (`commission`). The one surprising
fact: a product that left the feed stays, out of stock, so that a late order still finds its rate.
"""

from dataclasses import dataclass
from datetime import datetime

from affiliate.partner import NOTHING, Rate
from models.domain.ids import MerchantId, Sku


@dataclass(frozen=True, slots=True)
class Merchant:
    """A shop that pays commissions. Its orders are in `currency`.

    `home_url` is where a link to the merchant leads; product pages and deep links lie under its
    host. `gift_categories` earn nothing. `trusted` merchants' rows become payable before they have
    paid; the others' when they have prepaid or paid.
    """

    merchant_id: MerchantId
    name: str
    home_url: str
    currency: str = "CNY"
    default_rate: Rate = NOTHING
    category_rates: tuple[tuple[str, Rate], ...] = ()
    gift_categories: frozenset[str] = frozenset()
    trusted: bool = False
    active: bool = True
    key_generation: int = 1


@dataclass(frozen=True, slots=True)
class Product:
    """A SKU of a merchant; `rate` is its own where it has one."""

    merchant_id: MerchantId
    sku: Sku
    title: str
    url: str
    price_minor: int
    category: str = ""
    image_url: str = ""
    in_stock: bool = True
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class HotRate:
    """A hot product: a rate of its own over [starts_at, ends_at)."""

    merchant_id: MerchantId
    sku: Sku
    rate: Rate
    starts_at: datetime
    ends_at: datetime
