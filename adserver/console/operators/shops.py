"""Merchants as operators see them: all of them, one with its fields, payments and products.

Never here: feeds (`feeds`), or what a merchant sees of itself (`console.partners`). The one
surprising fact: a merchant's currency is fixed once it is chosen, for orders are in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators.house import partners_of, reason, zone_of
from adserver.console.operators.paging import Order, Place
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
from affiliate.chart_of_accounts import Kind, merchant_receivable
from affiliate.merchandise import Merchant
from models.domain.ids import MerchantId
from models.domain.money import NO_MONEY, Micros


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant, its products, and its account: below 0 is what it owes."""

    merchant: Merchant
    products: int
    in_stock: int
    balance: Micros


def _place(one: Merchant) -> Place:
    return not one.active, one.name, one.merchant_id


IN_USE_FIRST = Order(_place)


def everyone(desk: Desk) -> list[Merchant]:
    """All merchants, those in use first."""
    with database.reading(desk.engine) as connection:
        return IN_USE_FIRST.sorted(stored.merchants(connection).values())


def with_counts(desk: Desk, some: Sequence[Merchant]) -> list[Shop]:
    """These merchants with their products and accounts, in few statements."""
    with database.reading(desk.engine) as connection:
        counts = products.counts_of(connection, [one.merchant_id for one in some])
        journal = Journal(connection, zone_of(desk))
        held = {
            (code, one.account): one.posted
            for code in {one.currency for one in some}
            for one in journal.balances(code, Kind.MERCHANT_RECEIVABLE)
        }
    return [
        Shop(
            one,
            *counts.get(one.merchant_id, (0, 0)),
            held.get((one.currency, merchant_receivable(one.merchant_id)), NO_MONEY),
        )
        for one in some
    ]


def find(desk: Desk, merchant_id: str) -> tuple[Shop, list[Change]]:
    """One merchant and its history, newest first. Raises NotFoundError."""
    with database.reading(desk.engine) as connection:
        merchant = stored.merchant_of(connection, MerchantId(merchant_id))
        if merchant is None:
            raise NotFoundError("there is no such merchant")
        history = stored.history_of(connection, "merchant", merchant_id)[::-1]
    return with_counts(desk, [merchant])[0], history


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
