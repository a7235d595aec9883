"""Partners, contracts, coupons and merchants in SQL: reads and plain writes in a transaction.

Never here: who may change what, and when (`partner_changes`). The one surprising fact: what a sale
earns depends on how things were when it was paid for, and orders come late. So a partner and a
merchant can be asked for as a `Life`, which knows what they were at any instant.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Select, Table, func, insert, select, update

from adserver.stores import partner_rows as rows
from adserver.stores.partner_tables import (
    CONTRACTS,
    COUPONS,
    MERCHANTS,
    PARTNER_HISTORY,
    PARTNERS,
)
from affiliate.merchandise import Merchant
from affiliate.partner import Contract, Coupon, Partner, Standing
from models.domain.ids import ContractId, MerchantId, PartnerId

E = TypeVar("E")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Because:
    """What a change is called in the history, who made it and why."""

    what: str
    who: str = ""
    why: str = ""


ADDED = Because("added")
CHANGED = Because("changed")


@dataclass(frozen=True, slots=True)
class Life(Generic[E]):
    """What something was from when on, the earliest first; never empty."""

    states: tuple[tuple[datetime, E], ...]

    def at(self, moment: datetime) -> E:
        """What it was at an instant; what it was first for instants before that."""
        place = bisect_right(self.states, moment, key=lambda state: state[0])
        return self.states[max(place - 1, 0)][1]


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the history: `state` is all of it after the change."""

    at: datetime
    kind: str
    entity_id: str
    version: int
    because: Because
    state: dict[str, Any]


def partners_of(connection: Connection, ids: Collection[PartnerId]) -> dict[PartnerId, Partner]:
    """The partners of these ids that there are, as they are now."""
    found = (
        rows.partner_from(row)
        for query in _batched(select(PARTNERS), PARTNERS.c.partner_id, ids)
        for row in connection.execute(query).mappings()
    )
    return {partner.partner_id: partner for partner in found}


def all_partners(connection: Connection) -> dict[PartnerId, Partner]:
    """Every partner as it is now, by id."""
    found = (rows.partner_from(row) for row in connection.execute(select(PARTNERS)).mappings())
    return {one.partner_id: one for one in sorted(found, key=lambda one: one.partner_id)}


def lives_of(connection: Connection, ids: Collection[PartnerId]) -> dict[PartnerId, Life[Partner]]:
    """What partners were over time.

    An approval counts for all that was before it too: when a partner begins to earn is said by its
    contracts, which may reach back.
    """
    found: dict[PartnerId, list[tuple[datetime, Partner]]] = {}
    for change in _changes(connection, "partner", ids):
        partner = rows.partner_from(change.state)
        states = found.setdefault(partner.partner_id, [])
        if len(states) == 1 and states[0][1].standing in (Standing.APPLIED, Standing.REJECTED):
            states.clear()
        states.append((change.at, partner))
    return {partner_id: Life(tuple(states)) for partner_id, states in found.items()}


def contracts_of(
    connection: Connection, partner_ids: Collection[PartnerId]
) -> dict[PartnerId, list[Contract]]:
    """All versions of these partners' contracts; partners without any have an empty list."""
    found: dict[PartnerId, list[Contract]] = {one: [] for one in partner_ids}
    for query in _batched(select(CONTRACTS), CONTRACTS.c.partner_id, partner_ids):
        for row in connection.execute(query).mappings():
            found[PartnerId(row["partner_id"])].append(rows.contract_from(row))
    return {partner_id: sorted(own, key=_contract_order) for partner_id, own in found.items()}


def all_contracts(connection: Connection) -> dict[PartnerId, list[Contract]]:
    """All versions of all contracts, by partner; partners without any are not there."""
    found: dict[PartnerId, list[Contract]] = {}
    for row in connection.execute(select(CONTRACTS)).mappings():
        found.setdefault(PartnerId(row["partner_id"]), []).append(rows.contract_from(row))
    return {partner_id: sorted(own, key=_contract_order) for partner_id, own in found.items()}


def versions_of(connection: Connection, contract_id: ContractId) -> list[Contract]:
    """The versions of one contract, the first one first."""
    query = select(CONTRACTS).where(CONTRACTS.c.contract_id == contract_id)
    found = (rows.contract_from(row) for row in connection.execute(query).mappings())
    return sorted(found, key=lambda one: one.version)


def coupons_of(
    connection: Connection, merchant_id: MerchantId, codes: Collection[str]
) -> dict[str, Coupon]:
    """The partner coupons behind these codes of a merchant, whatever their dates.

    Keyed by the codes as they were asked for; case does not matter. A code is one partner's for
    good, so a late order finds whose it was.
    """
    keys = {rows.code_key(code) for code in codes}
    own = select(COUPONS).where(COUPONS.c.merchant_id == merchant_id)
    found = {
        row["code_key"]: rows.coupon_from(row)
        for query in _batched(own, COUPONS.c.code_key, keys)
        for row in connection.execute(query).mappings()
    }
    return {code: found[key] for code in codes if (key := rows.code_key(code)) in found}


def all_coupons(connection: Connection) -> list[Coupon]:
    """Every coupon, by merchant and code."""
    found = (rows.coupon_from(row) for row in connection.execute(select(COUPONS)).mappings())
    return sorted(found, key=lambda one: (one.merchant_id, one.code))


def merchant_of(connection: Connection, merchant_id: MerchantId) -> Merchant | None:
    """A merchant as it is now, archived or not; None when there is none."""
    query = select(MERCHANTS).where(MERCHANTS.c.merchant_id == merchant_id)
    row = connection.execute(query).mappings().first()
    return rows.merchant_from(row) if row else None


def merchants(connection: Connection) -> dict[MerchantId, Merchant]:
    """Every merchant as it is now, archived ones included, by id."""
    found = (rows.merchant_from(row) for row in connection.execute(select(MERCHANTS)).mappings())
    return {one.merchant_id: one for one in sorted(found, key=lambda one: one.merchant_id)}


def merchant_life(connection: Connection, merchant_id: MerchantId) -> Life[Merchant] | None:
    """What a merchant and its rates were over time; None when there is none."""
    states = [
        (change.at, rows.merchant_from(change.state))
        for change in _changes(connection, "merchant", [merchant_id])
    ]
    return Life(tuple(states)) if states else None


def history_of(connection: Connection, kind: str, entity_id: str) -> list[Change]:
    """What happened to one partner, contract, coupon ("merchant/code") or merchant."""
    return list(_changes(connection, kind, [entity_id]))


def add_partner(
    connection: Connection, partner: Partner, now: datetime, because: Because = ADDED
) -> None:
    """Adds a partner as it stands. Raises IntegrityError when its id is taken."""
    _add(connection, PARTNERS, rows.partner_row(partner) | {"changed_at": now}, because)


def put_partner(
    connection: Connection, partner: Partner, now: datetime, because: Because = CHANGED
) -> None:
    """Makes a partner that is there into this."""
    _put(connection, PARTNERS, rows.partner_row(partner) | {"changed_at": now}, because)


def add_merchant(
    connection: Connection, merchant: Merchant, now: datetime, because: Because = ADDED
) -> None:
    """Adds a merchant. Raises IntegrityError when its id is taken."""
    _add(connection, MERCHANTS, rows.merchant_row(merchant) | {"changed_at": now}, because)


def put_merchant(
    connection: Connection, merchant: Merchant, now: datetime, because: Because = CHANGED
) -> None:
    """Makes a merchant that is there into this."""
    _put(connection, MERCHANTS, rows.merchant_row(merchant) | {"changed_at": now}, because)


def add_contract(
    connection: Connection, contract: Contract, now: datetime, because: Because = ADDED
) -> None:
    """Adds a version as it stands; whether it may begin then is asked in `partner_changes`."""
    _add(connection, CONTRACTS, rows.contract_row(contract) | {"made_at": now}, because)


def put_contract(
    connection: Connection, contract: Contract, now: datetime, because: Because = CHANGED
) -> None:
    """Sets when a version that is there ends."""
    _put(connection, CONTRACTS, rows.contract_row(contract) | {"made_at": now}, because)


def add_coupon(
    connection: Connection, coupon: Coupon, now: datetime, because: Because = ADDED
) -> None:
    """Adds a coupon. Raises IntegrityError when the merchant's code is somebody's already."""
    _add(connection, COUPONS, rows.coupon_row(coupon) | {"made_at": now}, because)


def put_coupon(
    connection: Connection, coupon: Coupon, now: datetime, because: Because = CHANGED
) -> None:
    """Sets when a coupon that is there ends."""
    _put(connection, COUPONS, rows.coupon_row(coupon) | {"made_at": now}, because)


def _contract_order(one: Contract) -> tuple[datetime, str, int]:
    return one.starts_at, one.contract_id, one.version


def _batched(query: Select[Any], column: Any, values: Iterable[str]) -> Iterable[Select[Any]]:
    """The query for some of the values at a time: databases limit how many a statement has."""
    wanted = sorted(set(values))
    for start in range(0, len(wanted), _AT_ONCE):
        yield query.where(column.in_(wanted[start : start + _AT_ONCE]))


def _changes(connection: Connection, kind: str, ids: Iterable[str]) -> Iterable[Change]:
    table = PARTNER_HISTORY
    own = select(table).where(table.c.kind == kind).order_by(table.c.seq)
    for query in _batched(own, table.c.entity_id, ids):
        for row in connection.execute(query).mappings():
            yield Change(
                row["at"],
                row["kind"],
                row["entity_id"],
                row["version"],
                Because(row["what"], row["who"], row["why"]),
                row["state"],
            )


def _add(connection: Connection, table: Table, row: dict[str, Any], because: Because) -> None:
    connection.execute(insert(table).values(row))
    _remember(connection, table, row, because)


def _put(connection: Connection, table: Table, row: dict[str, Any], because: Because) -> None:
    mine = [column == row[column.name] for column in table.primary_key.columns]
    values = {name: value for name, value in row.items() if name != "made_at"}
    connection.execute(update(table).where(*mine).values(values))
    _remember(connection, table, row, because)


_KINDS = {PARTNERS: "partner", CONTRACTS: "contract", COUPONS: "coupon", MERCHANTS: "merchant"}


def _remember(connection: Connection, table: Table, row: dict[str, Any], because: Because) -> None:
    """Adds a line to the history. Its times never go back, even when a clock does."""
    kind, history = _KINDS[table], PARTNER_HISTORY
    entity_id = _entity_id(kind, row)
    at: datetime = row["changed_at"] if "changed_at" in row else row["made_at"]
    mine = (history.c.kind == kind) & (history.c.entity_id == entity_id)
    last = connection.execute(select(func.max(history.c.at)).where(mine)).scalar()
    times = {"changed_at", "made_at"}
    line = {
        "at": max(at, last or at),
        "kind": kind,
        "entity_id": entity_id,
        "version": row.get("version", 0),
        "partner_id": row.get("partner_id", ""),
        "what": because.what,
        "who": because.who,
        "why": because.why,
        "state": rows.state_of({name: row[name] for name in row if name not in times}),
    }
    connection.execute(insert(history).values(line))


def _entity_id(kind: str, row: dict[str, Any]) -> str:
    if kind == "coupon":
        return f"{row['merchant_id']}/{row['code']}"
    return str(row[f"{kind}_id"])
