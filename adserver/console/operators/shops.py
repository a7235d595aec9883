"""Merchants as operators see them: all of them, one with its fields, payments and products.

Never here: feeds (`feeds`), or what a merchant sees of itself (`console.partners`). The one
surprising fact: a merchant's currency is fixed once it is chosen, for orders are in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators.house import partners_of, reason, zone_of
from adserver.console.operators.refusals import refused
from adserver.console.operators.written_fields import Written, read_fields
from adserver.console.web.language import N_
from adserver.marketplace.fields import write_entity
from adserver.marketplace.partnering import merchant_kind
from adserver.stores import audit, database, partners as stored, products
from adserver.stores.catalog import make_id
from adserver.stores.ledger import Journal
from adserver.stores.partner_lookup import merchant_of
from adserver.stores.partners import Change
from affiliate.chart_of_accounts import merchant_receivable
from affiliate.merchandise import Merchant
from models.domain.ids import MerchantId
from models.domain.money import Micros


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant, its products, and its account: below 0 is what it owes."""

    merchant: Merchant
    products: int
    in_stock: int
    balance: Micros


def everyone(desk: Desk) -> list[Shop]:
    """All merchants, those in use first."""
    with database.reading(desk.engine) as connection:
        journal = Journal(connection, zone_of(desk))
        found = [_shop(connection, journal, one) for one in stored.merchants(connection).values()]
    return sorted(found, key=lambda one: (not one.merchant.active, one.merchant.name))


def find(desk: Desk, merchant_id: str) -> tuple[Shop, list[Change]]:
    """One merchant and its history, newest first. Raises NotFoundError."""
    with database.reading(desk.engine) as connection:
        merchant = stored.merchant_of(connection, MerchantId(merchant_id))
        if merchant is None:
            raise NotFoundError("there is no such merchant")
        history = stored.history_of(connection, "merchant", merchant_id)[::-1]
        return _shop(connection, Journal(connection, zone_of(desk)), merchant), history


def add(
    desk: Desk, who: Identity, given: Mapping[str, Written], why: str, now: datetime
) -> Merchant:
    """A new merchant. Raises CatalogError."""
    currency = _currency(desk, given)
    kind = merchant_kind(currency)
    named = {**given, "merchant_id": given.get("merchant_id") or make_id(kind)}
    values = read_fields(kind, {**named, "currency": currency}, zone_of(desk))
    for name in ("name", "home_url", "default_rate"):
        if name not in values:
            raise refused(N_("is needed"), name)
    merchant = Merchant(**values)
    with partners_of(desk).changing(now, who.actor) as changes:
        changes.add_merchant(merchant, reason(why))
        after = written(desk, merchant)
        audit.record(
            changes.connection, who, "add", "merchant", merchant.merchant_id, None, after, now
        )
    return merchant


def edit(
    desk: Desk, who: Identity, merchant_id: str, given: Mapping[str, Written], why: str
) -> Merchant:
    """Changes the fields that are given (an empty one back to its default).

    Raises:
        NotFoundError: there is no such merchant.
        CatalogError: a field is not as it must be.
    """
    currency = find(desk, merchant_id)[0].merchant.currency
    kind, now = merchant_kind(currency), datetime.now(zone_of(desk))
    read = read_fields(kind, given, zone_of(desk))
    emptied = {
        field.attribute_name: kind.defaults[field.attribute_name]
        for field in kind.fields
        if field.name in given and field.attribute_name in kind.defaults
    }
    values = {
        name: value
        for name, value in (emptied | read).items()
        if name not in ("merchant_id", "currency", "key_generation")
    }
    with partners_of(desk).changing(now, who.actor) as changes:
        before = merchant_of(changes.connection, MerchantId(merchant_id))
        after = changes.edit_merchant(
            MerchantId(merchant_id), lambda one: replace(one, **values), reason(why)
        )
        if after != before:
            told = written(desk, before), written(desk, after)
            audit.record(changes.connection, who, "edit", "merchant", merchant_id, *told, now)
    return after


def written(desk: Desk, merchant: Merchant) -> dict[str, Any]:
    """A merchant's fields as they are written, without what its key follows from."""
    fields = write_entity(merchant_kind(merchant.currency), merchant, zone_of(desk))
    fields.pop("key_generation", None)
    return fields


def _currency(desk: Desk, given: Mapping[str, Written]) -> str:
    return str(given.get("currency") or desk.settings.currency).strip().upper()


def _shop(connection: Any, journal: Journal, merchant: Merchant) -> Shop:
    every, in_stock = products.count_products(connection, merchant.merchant_id)
    account = merchant_receivable(merchant.merchant_id)
    return Shop(merchant, every, in_stock, journal.balance(account, merchant.currency).posted)
