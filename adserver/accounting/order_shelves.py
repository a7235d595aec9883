"""What price lists say about sales: products, hot rates, links' own rates, the merchant's rates.

Never here: which of them counts (`affiliate.commission`). The one surprising fact: merchants' rates
and hot rates are those of the instant of the sale, products and links those of the day the sale
became known, since feeds keep no past.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from adserver.accounting.order_basis import Shelf
from adserver.stores.links import links_of
from adserver.stores.partners import Life
from adserver.stores.products import hot_rates_of, products_of
from affiliate.attribution import Attributed
from affiliate.link import Link
from affiliate.merchandise import HotRate, Merchant, Product
from affiliate.order import OrderFact
from affiliate.partner import Rate
from models.domain.ids import LinkCode, MerchantId, Sku

Sold = tuple[OrderFact, Attributed]


class Shelves:
    """One merchant's price lists, loaded as they are asked for."""

    def __init__(
        self, connection: Connection, merchant_id: MerchantId, life: Life[Merchant]
    ) -> None:
        self._connection = connection
        self._merchant_id = merchant_id
        self._life = life
        self._products: dict[Sku, Product | None] = {}
        self._hot: dict[Sku, list[HotRate]] = {}
        self._links: dict[LinkCode, Rate | None] = {}

    def fetch(self, sold: Iterable[Sold]) -> None:
        """Loads whatever these sales need."""
        sold = list(sold)
        if skus := {sale.sku for sale, _ in sold} - self._products.keys():
            products = products_of(self._connection, self._merchant_id, skus)
            hot = hot_rates_of(self._connection, self._merchant_id, skus)
            self._products |= {sku: products.get(sku) for sku in skus}
            self._hot |= {sku: hot.get(sku, []) for sku in skus}
        codes = {found.touch.link_code for _, found in sold if found.touch} - self._links.keys()
        if codes:
            links = links_of(self._connection, codes)
            self._links |= {code: _own_rate(links.get(code)) for code in codes}

    def shelf(self, sale: OrderFact, found: Attributed) -> Shelf:
        """What they say about a sale that was fetched."""
        moment = sale.occurred_at
        hot = (one for one in self._hot[sale.sku] if one.starts_at <= moment < one.ends_at)
        link_rate = self._links[found.touch.link_code] if found.touch else None
        return Shelf(self._life.at(moment), self._products[sale.sku], next(hot, None), link_rate)


def _own_rate(link: Link | None) -> Rate | None:
    return link.rate if link else None
