"""Products and hot rates in SQL: by SKU for who judges orders, whole for feeds and publication.

Never here: how a feed is written (`adserver.feeds`). The one surprising fact: what a feed brings is
told from what stands there by one statement a batch; a product that did not change is marked as
seen and nothing else, so `changed_at` says when something really did.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    and_,
    case,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from adserver.stores import product_search
from adserver.stores.product_tables import HOT_RATES, PRODUCTS
from affiliate.merchandise import HotRate, Product
from affiliate.partner import Rate
from models.domain.ids import MerchantId, Sku

BATCH_ROWS = 1_000
_KEYS_AT_ONCE = 10_000

T = TypeVar("T")


class HotRateOverlapError(ValueError):
    """Two hot rates of one product would be in force at the same time."""


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a batch of products did: new ones, changed ones, and the rest that were as told."""

    added: int = 0
    changed: int = 0
    same: int = 0

    def __add__(self, other: "Upserted") -> "Upserted":
        return Upserted(
            self.added + other.added, self.changed + other.changed, self.same + other.same
        )


def products_of(
    connection: Connection, merchant_id: MerchantId, skus: Collection[Sku]
) -> dict[Sku, Product]:
    """Those of the SKUs that the merchant has, out of stock ones included."""
    found = {}
    for row in _of_skus(connection, PRODUCTS, merchant_id, skus):
        product = product_from_row(row)
        found[product.sku] = product
    return found


def hot_rates_of(
    connection: Connection, merchant_id: MerchantId, skus: Collection[Sku]
) -> dict[Sku, list[HotRate]]:
    """All hot rates of the SKUs, past and coming ones too, oldest first; SKUs without are left out.

    At most one is in force at any moment.
    """
    found: dict[Sku, list[HotRate]] = {}
    for row in _of_skus(connection, HOT_RATES, merchant_id, skus):
        found.setdefault(Sku(row["sku"]), []).append(_hot_rate_from_row(row))
    for rates in found.values():
        rates.sort(key=lambda one: one.starts_at)
    return found


def hot_rates(
    connection: Connection, merchant_id: MerchantId | None = None, *, since: datetime
) -> list[HotRate]:
    """The hot rates that end after `since`, of one merchant where given; soonest first."""
    query = select(HOT_RATES).where(HOT_RATES.c.ends_at > since)
    if merchant_id is not None:
        query = query.where(HOT_RATES.c.merchant_id == merchant_id)
    rates = [_hot_rate_from_row(row) for row in connection.execute(query).mappings()]
    return sorted(rates, key=lambda one: (one.starts_at, one.merchant_id, one.sku))


def all_products(
    connection: Connection, merchant_id: MerchantId, *, after: str = "", limit: int | None = None
) -> Iterator[Product]:
    """A merchant's products after one SKU, in the database's order of SKUs, as they are read."""
    query = select(PRODUCTS).where(
        and_(PRODUCTS.c.merchant_id == merchant_id, PRODUCTS.c.sku > after)
    )
    query = query.order_by(PRODUCTS.c.sku).limit(limit)
    with closing(connection.execute(query.execution_options(yield_per=BATCH_ROWS))) as rows:
        for row in rows.mappings():
            yield product_from_row(row)


def count_products(connection: Connection, merchant_id: MerchantId) -> tuple[int, int]:
    """How many products a merchant has, and how many of them are in stock."""
    own = PRODUCTS.c.merchant_id == merchant_id
    everything = select(func.count()).select_from(PRODUCTS).where(own)
    in_stock = everything.where(PRODUCTS.c.in_stock)
    return (
        int(connection.execute(everything).scalar_one()),
        int(connection.execute(in_stock).scalar_one()),
    )


def counts_of(
    connection: Connection, ids: Collection[MerchantId]
) -> dict[MerchantId, tuple[int, int]]:
    """`count_products` of many merchants; those without products are not there."""
    in_stock = func.sum(case((PRODUCTS.c.in_stock, 1), else_=0))
    own = PRODUCTS.c.merchant_id
    query = select(own, func.count(), in_stock).group_by(own)
    found: dict[MerchantId, tuple[int, int]] = {}
    for some in _batches(sorted(ids), BATCH_ROWS):
        for merchant_id, every, stocked in connection.execute(query.where(own.in_(some))):
            found[merchant_id] = int(every), int(stocked)
    return found


def upsert(connection: Connection, products: Iterable[Product], now: datetime) -> Upserted:
    """Adds products, or takes the place of those with their merchant and SKU.

    Of a SKU that is told twice the last one counts.
    """
    done = Upserted()
    for batch in _batches(products, BATCH_ROWS):
        latest = {(one.merchant_id, one.sku): one for one in batch}
        by_merchant: dict[MerchantId, list[Product]] = {}
        for product in latest.values():
            by_merchant.setdefault(product.merchant_id, []).append(product)
        for merchant_id, own in by_merchant.items():
            done += _upsert_batch(connection, merchant_id, own, now)
    return done


def mark_seen(
    connection: Connection, merchant_id: MerchantId, skus: Collection[Sku], now: datetime
) -> None:
    """Notes that a feed had these SKUs, though it may not have said what they are."""
    for batch in _batches(sorted(set(skus)), _KEYS_AT_ONCE):
        seen = update(PRODUCTS).where(_is_one_of(PRODUCTS, merchant_id, batch))
        connection.execute(seen.values(seen_at=now))


def prune(connection: Connection, merchant_id: MerchantId, now: datetime) -> int:
    """Marks as out of stock what was not upserted at `now`; answers how many were in stock."""
    gone = update(PRODUCTS).where(
        PRODUCTS.c.merchant_id == merchant_id, PRODUCTS.c.seen_at < now, PRODUCTS.c.in_stock
    )
    return connection.execute(gone.values(in_stock=False, changed_at=now)).rowcount


def add_hot_rate(connection: Connection, rate: HotRate, now: datetime) -> None:
    """Adds a hot rate, which nothing takes back.

    Raises:
        HotRateOverlapError: another one of the product is in force at some moment of it.
    """
    table = HOT_RATES
    other = connection.execute(
        select(table.c.starts_at).where(
            table.c.merchant_id == rate.merchant_id,
            table.c.sku == rate.sku,
            table.c.starts_at < rate.ends_at,
            table.c.ends_at > rate.starts_at,
        )
    ).first()
    if other is not None:
        raise HotRateOverlapError(
            f"{rate.merchant_id}/{rate.sku} has a hot rate already from {other[0]:%Y-%m-%d %H:%M} "
            "UTC that is in force at some moment of this one"
        )
    connection.execute(
        table.insert().values(
            merchant_id=rate.merchant_id,
            sku=rate.sku,
            starts_at=rate.starts_at,
            ends_at=rate.ends_at,
            rate_ppm=rate.rate.ppm,
            flat_minor=rate.rate.flat_minor,
            added_at=now,
        )
    )


def product_from_row(row: Mapping[Any, Any]) -> Product:
    """A row of `products` as the domain has it."""
    has_rate = row["rate_ppm"] is not None or row["flat_minor"] is not None
    return Product(
        merchant_id=MerchantId(row["merchant_id"]),
        sku=Sku(row["sku"]),
        title=row["title"],
        url=row["url"],
        price_minor=row["price_minor"],
        category=row["category"],
        image_url=row["image_url"],
        in_stock=row["in_stock"],
        rate=Rate(row["rate_ppm"], row["flat_minor"]) if has_rate else None,
    )


def _hot_rate_from_row(row: Mapping[Any, Any]) -> HotRate:
    return HotRate(
        merchant_id=MerchantId(row["merchant_id"]),
        sku=Sku(row["sku"]),
        rate=Rate(row["rate_ppm"], row["flat_minor"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
    )


def _row_from_product(product: Product, now: datetime) -> dict[str, Any]:
    rate = product.rate or Rate()
    return {
        "merchant_id": product.merchant_id,
        "sku": product.sku,
        "title": product.title,
        "url": product.url,
        "price_minor": product.price_minor,
        "category": product.category,
        "image_url": product.image_url,
        "in_stock": product.in_stock,
        "rate_ppm": rate.ppm,
        "flat_minor": rate.flat_minor,
        "changed_at": now,
        "seen_at": now,
    }


def _upsert_batch(
    connection: Connection, merchant_id: MerchantId, products: Sequence[Product], now: datetime
) -> Upserted:
    known = products_of(connection, merchant_id, [one.sku for one in products])
    different = [one for one in products if known.get(one.sku) != one]
    if different:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement: Any = dialect.insert(PRODUCTS)
        others = {c.name: c for c in statement.excluded if c.name not in {"merchant_id", "sku"}}
        statement = statement.on_conflict_do_update(
            index_elements=["merchant_id", "sku"], set_=others
        )
        connection.execute(statement, [_row_from_product(one, now) for one in different])
        product_search.keep_words(connection, different)
    same = [one.sku for one in products if known.get(one.sku) == one]
    mark_seen(connection, merchant_id, same, now)
    added = sum(one.sku not in known for one in different)
    return Upserted(added, len(different) - added, len(same))


def _of_skus(
    connection: Connection, table: Table, merchant_id: MerchantId, skus: Collection[Sku]
) -> Iterator[RowMapping]:
    for batch in _batches(sorted(set(skus)), _KEYS_AT_ONCE):
        query = select(table).where(_is_one_of(table, merchant_id, batch))
        yield from connection.execute(query).mappings()


def _is_one_of(table: Table, merchant_id: MerchantId, skus: Sequence[Sku]) -> ColumnElement[bool]:
    return and_(table.c.merchant_id == merchant_id, table.c.sku.in_(skus))


def _batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    waiting = iter(values)
    while batch := list(islice(waiting, size)):
        yield batch
