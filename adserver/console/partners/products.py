"""Products that a partner may link to: searched by words, or the hot ones.

Never here: the index of words (`stores.product_search`) or the formula of the ranking
(`affiliate.hot_products`). The one surprising fact: the hot ones are ranked among what was clicked
or sold lately, what has a hot rate, and the first products of each merchant; ranking a million
would tell the same and take half a minute.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from adserver.console.desk import Desk
from adserver.eventlog.partner_clicks import most_clicked
from adserver.ports import StoreAwayError
from adserver.stores import database, partners, product_search, products
from adserver.stores.product_sales import direct_orders
from affiliate.hot_products import NO_SIGNALS, Key, Priced, Signals, priced, rank
from affiliate.merchandise import Merchant, Product
from affiliate.partner import Rate, contract_for_sales
from models.domain.ids import MerchantId, PartnerId, Sku
from models.domain.money import PPM, portion

LOOK_BACK = timedelta(days=28)
MOST_SHOWN = 50
MOST_CLICKED = 1_000
FIRST_OF_EACH = 50


@dataclass(frozen=True, slots=True)
class Offer:
    """A product with what a sale of one piece pays; `yours_minor` is the partner's part of it."""

    merchant: Merchant
    product: Product
    rate: Rate
    commission_minor: int
    yours_minor: int
    is_hot: bool
    clicks: int = 0
    orders: int = 0


def found(desk: Desk, partner_id: PartnerId, words: str, only: str, now: datetime) -> list[Offer]:
    """Products with these words, of one merchant where named: in stock and best paying first."""
    with database.reading(desk.engine) as connection:
        shops = _shops(connection, only)
        if words.strip():
            keys = product_search.search(connection, words, only)
        else:
            keys = [
                (one, sku)
                for one in shops
                for sku in product_search.first_in_stock(connection, one, FIRST_OF_EACH)
            ]
        share = _share_ppm(connection, partner_id, now)
        offers = _offers(connection, shops, keys, share, now)
    return sorted(
        offers,
        key=lambda one: (
            not one.product.in_stock,
            -one.yours_minor,
            one.merchant.merchant_id,
            one.product.sku,
        ),
    )


def hot(desk: Desk, partner_id: PartnerId, only: str, now: datetime) -> list[Offer]:
    """The products that promise most now: by what clicks on them bring, and what a sale pays."""
    clicks = _clicks(desk, now)
    with database.reading(desk.engine) as connection:
        shops = _shops(connection, only)
        orders = direct_orders(connection, now - LOOK_BACK, now)
        seen: dict[Key, Signals] = {key: Signals(clicks=count) for key, count in clicks.items()}
        for key, count in orders.items():
            seen[key] = seen.get(key, NO_SIGNALS) + Signals(orders=count)
        keys = {key for key in seen if key[0] in shops}
        for merchant_id in shops:
            rates = products.hot_rates(connection, merchant_id, since=now)
            keys |= {(one.merchant_id, one.sku) for one in rates if one.starts_at <= now}
            first = product_search.first_in_stock(connection, merchant_id, FIRST_OF_EACH)
            keys |= {(merchant_id, Sku(sku)) for sku in first}
        share = _share_ppm(connection, partner_id, now)
        offers = _offers(connection, shops, sorted(keys), share, now)
    return _ranked(offers, seen, desk.settings.currency)[:MOST_SHOWN]


def _clicks(desk: Desk, now: datetime) -> Mapping[Key, int]:
    if not desk.is_ready():
        return {}
    try:
        return most_clicked(desk.store, (now - LOOK_BACK, now), MOST_CLICKED)
    except StoreAwayError:
        return {}


def _ranked(offers: Sequence[Offer], seen: Mapping[Key, Signals], currency: str) -> list[Offer]:
    able = {
        (one.product.merchant_id, one.product.sku): one
        for one in offers
        if one.product.in_stock and one.commission_minor and one.merchant.currency == currency
    }
    sales = (Priced(one.product, one.rate, one.commission_minor) for one in able.values())
    return [
        replace(
            able[one.priced.product.merchant_id, one.priced.product.sku],
            clicks=one.signals.clicks,
            orders=one.signals.orders,
        )
        for one in rank(sales, seen, currency)
    ]


def merchants_of(desk: Desk) -> dict[MerchantId, Merchant]:
    """The merchants that may be linked to."""
    with database.reading(desk.engine) as connection:
        return _shops(connection, "")


def _shops(connection: Connection, only: str) -> dict[MerchantId, Merchant]:
    return {
        key: one
        for key, one in partners.merchants(connection).items()
        if one.active and only in ("", key)
    }


def _share_ppm(connection: Connection, partner_id: PartnerId, now: datetime) -> int:
    """The partner's part of commissions now; all of it where no contract says otherwise."""
    contracts = partners.contracts_of(connection, [partner_id])[partner_id]
    contract = contract_for_sales(contracts, now)
    return contract.terms.commission_share_ppm if contract else PPM


def _offers(
    connection: Connection,
    shops: Mapping[MerchantId, Merchant],
    keys: Iterable[tuple[str, str]],
    share_ppm: int,
    now: datetime,
) -> list[Offer]:
    by_shop: dict[MerchantId, list[Sku]] = {}
    for merchant_id, sku in keys:
        if MerchantId(merchant_id) in shops:
            by_shop.setdefault(MerchantId(merchant_id), []).append(Sku(sku))
    offers = []
    for merchant_id, skus in by_shop.items():
        merchant = shops[merchant_id]
        rates = products.hot_rates_of(connection, merchant_id, skus)
        for sku, product in products.products_of(connection, merchant_id, skus).items():
            sale = priced(merchant, product, rates.get(sku, []), now)
            yours = portion(sale.commission_minor, share_ppm)
            is_hot = any(one.starts_at <= now < one.ends_at for one in rates.get(sku, []))
            offers.append(Offer(merchant, product, sale.rate, sale.commission_minor, yours, is_hot))
    return offers
