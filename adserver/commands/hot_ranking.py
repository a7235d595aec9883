"""What the ranking of hot products is made of, brought together from SQL and the event log.

Never here: the ranking itself (`affiliate.hot_products`). The one surprising fact: products of
merchants who count in another currency are left out; their commissions cannot be compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from adserver.eventlog.product_clicks import product_signals
from adserver.ports import EventStore
from adserver.stores import database, partners, products
from adserver.stores.product_sales import direct_orders
from adserver.stores.promotion import promoting
from affiliate.hot_products import NO_SIGNALS, HotProduct, Key, Priced, Signals, priced, rank
from affiliate.merchandise import HotRate, Merchant


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is asked for: the products of these merchants, or of all who count in `currency`."""

    currency: str
    since: datetime
    now: datetime
    merchants: Sequence[Merchant] | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """The answer, best first."""

    currency: str
    products: list[HotProduct]


def ranked(engine: Engine, store: EventStore, asked: Ranking) -> Ranked:
    """Ranks all products that are in stock and whose sales pay a commission.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    with database.reading(engine) as connection:
        line_items = promoting(connection)
        orders = direct_orders(connection, asked.since, asked.now)
    since_ms, now_ms = (int(one.timestamp() * 1000) for one in (asked.since, asked.now))
    seen: dict[Key, Signals] = product_signals(store, line_items, since_ms, now_ms)
    for key, count in orders.items():
        seen[key] = seen.get(key, NO_SIGNALS) + Signals(orders=count)
    currency = asked.merchants[0].currency if asked.merchants else asked.currency
    with database.reading(engine) as connection:
        owners = asked.merchants or [
            one
            for one in partners.merchants(connection).values()
            if one.active and one.currency == currency
        ]
        found = (sale for owner in owners for sale in _sales(connection, owner, asked.now))
        return Ranked(currency, rank(found, seen, currency))


def _sales(connection: Connection, owner: Merchant, now: datetime) -> Iterator[Priced]:
    hot: dict[str, list[HotRate]] = {}
    for one in products.hot_rates(connection, owner.merchant_id, since=now):
        hot.setdefault(one.sku, []).append(one)
    for product in products.all_products(connection, owner.merchant_id):
        if product.in_stock:
            sale = priced(owner, product, hot.get(product.sku, []), now)
            if sale.commission_minor:
                yield sale
