"""Orders in SQL: facts, rows and customers' clicks, on somebody's open transaction.

Never here: what a line earns (`adserver.accounting`). The one surprising fact: every change of a
row gets the next number of one sequence while the ledger's lock is held, so who pulls by that
number never misses a row that was committed late.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.dialects import postgresql, sqlite

from adserver.stores.order_rows import (
    COLUMNS,
    OrderRow,
    fact_columns,
    fact_from,
    row_columns,
    row_id_of_fact,
)
from adserver.stores.order_tables import (
    CUSTOMER_TOUCHES,
    ORDER_DEPARTURES,
    ORDER_FACTS,
    ORDER_ROWS,
)
from adserver.stores.revenue_tables import AD_SHARES
from affiliate.order import OrderFact, Touch
from models.domain.ids import MerchantId

_AT_ONCE = 1_000
_KEYS = {
    ORDER_ROWS: ("row_id",),
    ORDER_DEPARTURES: ("row_id", "partner_id"),
    CUSTOMER_TOUCHES: ("merchant_id", "customer_ref", "touch_id"),
}
NO_FINDINGS: frozenset[str] = frozenset({"", "customer"})
"""Methods of rows that a further click of the customer may change."""


def rows_by_id(connection: Connection, row_ids: Collection[str]) -> dict[str, OrderRow]:
    """Those of the rows that there are."""
    return _rows(connection, ORDER_ROWS.c.row_id, row_ids)


def rows_of_scopes(connection: Connection, scopes: Collection[str]) -> dict[str, OrderRow]:
    """All rows of contract versions and months."""
    return _rows(connection, ORDER_ROWS.c.scope, scopes)


def rows_of_customers(
    connection: Connection, merchant_id: MerchantId, refs: Collection[str]
) -> dict[str, OrderRow]:
    """A merchant's rows of some customers whose partner a further click may change."""
    table = ORDER_ROWS.c
    mine = (table.merchant_id == merchant_id) & table.method.in_(sorted(NO_FINDINGS))
    return _rows(connection, table.customer_ref, refs, mine)


def facts_of(
    connection: Connection, merchant_id: MerchantId, rows: Mapping[str, OrderRow]
) -> dict[str, dict[int, OrderFact]]:
    """All facts of a merchant's rows, by row id and version."""
    found: dict[str, dict[int, OrderFact]] = {row_id: {} for row_id in rows}
    query = select(ORDER_FACTS).where(ORDER_FACTS.c.merchant_id == merchant_id)
    orders = {row.order_id for row in rows.values()}
    for part in _parts(query, ORDER_FACTS.c.order_id, orders):
        for line in connection.execute(part):
            fact = fact_from(line)
            row_id = row_id_of_fact(fact)
            if row_id in found:
                found[row_id][fact.version] = fact
    return found


def customers_of_orders(
    connection: Connection, merchant_id: MerchantId, order_ids: Collection[str]
) -> set[str]:
    """The customers of a merchant's orders, as far as they are known."""
    table = ORDER_ROWS.c
    query = select(table.customer_ref).where(table.merchant_id == merchant_id).distinct()
    found: set[str] = set()
    for part in _parts(query, table.order_id, order_ids):
        found.update(connection.execute(part).scalars())
    return found - {""}


def unattributed_sales(
    connection: Connection, since: datetime
) -> dict[MerchantId, list[tuple[str, datetime]]]:
    """Customers and times of sales that changed since then and are still nobody's, by merchant."""
    table = ORDER_ROWS.c
    query = select(table.merchant_id, table.customer_ref, table.paid_at).where(
        table.modified_seq > _seq_before(connection, since),
        table.method == "",
        table.customer_ref != "",
        table.paid_at.is_not(None),
    )
    found: dict[MerchantId, list[tuple[str, datetime]]] = {}
    for merchant_id, ref, paid_at in connection.execute(query):
        found.setdefault(MerchantId(merchant_id), []).append((ref, paid_at))
    return found


def _seq_before(connection: Connection, moment: datetime) -> int:
    """The highest number given before an instant."""
    table = ORDER_ROWS.c
    query = select(table.modified_seq).where(table.modified_at < moment)
    query = query.order_by(table.modified_seq.desc()).limit(1)
    return int(connection.execute(query).scalar() or 0)


def add_facts(connection: Connection, facts: Sequence[OrderFact], now: datetime) -> None:
    """Keeps facts whose versions are new."""
    if facts:
        connection.execute(ORDER_FACTS.insert(), [fact_columns(fact, now) for fact in facts])


def put_rows(connection: Connection, rows: Sequence[OrderRow]) -> None:
    """Adds rows, or takes the place of those with their ids."""
    _upsert(connection, ORDER_ROWS, [row_columns(row) for row in rows])


def next_seq(connection: Connection) -> int:
    """The number that the next changed row gets; to be asked for under the ledger's lock."""
    last = connection.execute(select(func.max(ORDER_ROWS.c.modified_seq))).scalar() or 0
    left = connection.execute(select(func.max(ORDER_DEPARTURES.c.modified_seq))).scalar() or 0
    return int(max(last, left)) + 1


def touches_of_customers(
    connection: Connection, merchant_id: MerchantId, refs: Collection[str]
) -> dict[str, dict[str, Touch]]:
    """What is known of customers' clicks, by the merchant's name for them and the click's id."""
    found: dict[str, dict[str, Touch]] = {ref: {} for ref in refs}
    table = CUSTOMER_TOUCHES.c
    query = select(table.customer_ref, table.touch_id, table.touch)
    for part in _parts(query.where(table.merchant_id == merchant_id), table.customer_ref, refs):
        for ref, touch_id, text in connection.execute(part):
            found[ref][touch_id] = _touch.decode(text)
    return found


def learn_touches(
    connection: Connection, merchant_id: MerchantId, learned: Iterable[tuple[str, Touch]]
) -> None:
    """Keeps whose clicks these were, as (customer, click)."""
    rows = [
        {
            "merchant_id": merchant_id,
            "customer_ref": ref,
            "touch_id": touch.touch_id,
            "clicked_at": touch.clicked_at,
            "touch": _encode(touch).decode(),
        }
        for ref, touch in learned
    ]
    _upsert(connection, CUSTOMER_TOUCHES, rows)


def note_departures(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keeps that rows left a partner, so that it hears of it when it pulls."""
    _upsert(connection, ORDER_DEPARTURES, list(rows))


def subsidised_minor(
    connection: Connection,
    partner_id: str,
    pool_id: str,
    currency: str,
    month: tuple[datetime, datetime],
) -> int:
    """What a partner's orders of a month [begin, end) have had from a fund so far."""
    table = ORDER_ROWS.c
    query = select(func.sum(table.subsidy_minor)).where(
        table.partner_id == partner_id,
        table.paid_at >= month[0],
        table.paid_at < month[1],
        table.pool_id == pool_id,
        table.currency == currency,
    )
    return int(connection.execute(query).scalar() or 0)


def subsidised_by_ads_micros(
    connection: Connection, partner_id: str, pool_id: str, currency: str, period: str
) -> int:
    """What a partner's ads of a month have had from a fund so far."""
    table = AD_SHARES.c
    query = select(func.sum(table.subsidy_micros)).where(
        table.partner_id == partner_id,
        table.period == period,
        table.pool_id == pool_id,
        table.currency == currency,
    )
    return int(connection.execute(query).scalar() or 0)


_touch = msgspec.json.Decoder(Touch)
_encode = msgspec.json.Encoder().encode


def row_from(row: Any) -> OrderRow:
    """A row of a `select(*row_selection())`."""
    return OrderRow(*row)


def row_selection() -> list[ColumnElement[Any]]:
    """The columns of a row in the order in which `row_from` takes them."""
    return [ORDER_ROWS.c[name] for name in COLUMNS]


def _rows(
    connection: Connection,
    column: ColumnElement[str],
    values: Collection[str],
    mine: ColumnElement[bool] | None = None,
) -> dict[str, OrderRow]:
    query = select(*row_selection())
    query = query if mine is None else query.where(mine)
    found = (
        OrderRow(*row) for part in _parts(query, column, values) for row in connection.execute(part)
    )
    return {row.row_id: row for row in found}


def _parts(
    query: Select[Any], column: ColumnElement[str], values: Collection[str]
) -> Iterator[Select[Any]]:
    """The query for some of the values at a time: databases limit how many a statement has."""
    wanted = sorted(set(values))
    for start in range(0, len(wanted), _AT_ONCE):
        yield query.where(column.in_(wanted[start : start + _AT_ONCE]))


def _upsert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(table)
    keys = _KEYS[table]
    others = {column.name: column for column in statement.excluded if column.name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)
