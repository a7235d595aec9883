"""What a merchant sees of its own: orders and what came of them, products, keys, its account.

Never here: which partner's customer bought; a merchant sees that a sale earned somebody something,
and what it owes for it. The one surprising fact: an account below zero is what the merchant owes,
above zero what it has prepaid.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.stores import audit, database, partners, product_search, products
from adserver.stores.ledger import Journal
from adserver.stores.order_queries import told_of
from adserver.stores.order_rows import OrderRow
from adserver.stores.order_tables import ORDER_ROWS
from adserver.stores.orders import row_from, row_selection
from adserver.stores.partner_changes import SqlPartners
from affiliate.chart_of_accounts import merchant_receivable
from affiliate.merchandise import Merchant, Product
from affiliate.order import OrderFact
from models.domain.ids import MerchantId, Sku

FIRST_PRODUCTS = 50
_R = ORDER_ROWS.c


@dataclass(frozen=True, slots=True)
class Account:
    """What a merchant owes or has prepaid, in micros; its commission so far in minor units."""

    balance: int
    lines: int
    commission_minor: int

    @property
    def owes(self) -> int:
        """Micros that are to be paid; 0 while something is prepaid."""
        return max(0, -self.balance)


def merchant_of(desk: Desk, call: Call) -> Merchant:
    """The merchant in the path.

    Raises:
        NotFoundError: there is none.
    """
    with database.reading(desk.engine) as connection:
        found = partners.merchant_of(connection, MerchantId(call.params["merchant_id"]))
    if found is None:
        raise NotFoundError("there is no such merchant")
    return found


def account_of(desk: Desk, merchant: Merchant) -> Account:
    """The merchant's account with the house."""
    zone = ZoneInfo(desk.settings.time_zone)
    with database.reading(desk.engine) as connection:
        name = merchant_receivable(merchant.merchant_id)
        balance = Journal(connection, zone).balance(name, merchant.currency).posted
        query = select(func.count(), func.sum(_R.commission_minor)).where(
            _R.merchant_id == merchant.merchant_id, _R.currency == merchant.currency
        )
        lines, commission = connection.execute(query).one()
    return Account(balance, int(lines), int(commission or 0))


def orders_page(
    desk: Desk, merchant: Merchant, only: Mapping[str, str], before_seq: int, limit: int
) -> list[OrderRow]:
    """Order lines of a merchant, the last changed first, below a change's number; 0: from the top.

    `only` may name an `order_id` and a `status`.
    """
    query = select(*row_selection()).where(_R.merchant_id == merchant.merchant_id)
    for name in ("order_id", "status"):
        if wanted := only.get(name, ""):
            query = query.where(_R[name] == wanted)
    if before_seq:
        query = query.where(_R.modified_seq < before_seq)
    query = query.order_by(_R.modified_seq.desc()).limit(limit)
    with database.reading(desk.engine) as connection:
        return [row_from(row) for row in connection.execute(query)]


def order_of(
    desk: Desk, merchant: Merchant, row_id: str
) -> tuple[OrderRow, list[tuple[OrderFact, datetime]]]:
    """One order line of the merchant, and what it told us of it.

    Raises:
        NotFoundError: it has no such line.
    """
    query = select(*row_selection()).where(
        _R.row_id == row_id, _R.merchant_id == merchant.merchant_id
    )
    with database.reading(desk.engine) as connection:
        found = connection.execute(query).first()
        if found is None:
            raise NotFoundError("you have told us of no such order line")
        row = row_from(found)
        return row, list(told_of(connection, row))


def products_page(
    desk: Desk, merchant: Merchant, words: str
) -> tuple[list[Product], tuple[int, int]]:
    """Products by their words, or the first ones; and how many there are, and in stock."""
    with database.reading(desk.engine) as connection:
        skus = _skus(connection, merchant.merchant_id, words)
        found = products.products_of(connection, merchant.merchant_id, skus)
        counts = products.count_products(connection, merchant.merchant_id)
    return sorted(found.values(), key=lambda one: one.sku), counts


def _skus(connection: Connection, merchant_id: MerchantId, words: str) -> list[Sku]:
    if words.strip():
        return [Sku(sku) for _, sku in product_search.search(connection, words, merchant_id)]
    return [
        Sku(sku) for sku in product_search.first_in_stock(connection, merchant_id, FIRST_PRODUCTS)
    ]


def key_of(desk: Desk, merchant: Merchant) -> tuple[str, str]:
    """The bearer key with which orders are reported, and the secret that signs them."""
    owner, generation = merchant.merchant_id, merchant.key_generation
    keyring = desk.keyring
    return (
        keyring.api_key("merchant", owner, generation),
        keyring.signing_secret("merchant", owner, generation),
    )


def rotate_key(desk: Desk, merchant: Merchant, who: Identity, now: datetime) -> Merchant:
    """Gives a merchant a new key and secret; the old ones are refused at once."""
    house = SqlPartners(desk.engine, desk.settings.currency, ZoneInfo(desk.settings.time_zone))
    with house.changing(now, who.actor) as changes:
        after = changes.edit_merchant(
            merchant.merchant_id,
            lambda one: replace(one, key_generation=one.key_generation + 1),
            "key rotated",
        )
        told = (
            {"key_generation": merchant.key_generation},
            {"key_generation": after.key_generation},
        )
        audit.record(changes.connection, who, "edit", "merchant", merchant.merchant_id, *told, now)
    return after
