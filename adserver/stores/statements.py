"""Statements in the database: written once at a closing, read ever after.

Never here: layout, or the entries of the ledger that a statement is made of. The one surprising
fact: a partner without money and without entries has no statement, so the balances that a month
opens with are those of the closing before it, and nothing for those who are not in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from adserver.stores.ledger_rows import with_postings
from adserver.stores.ledger_tables import LEDGER_POSTINGS, LEDGER_TRANSACTIONS
from adserver.stores.order_tables import ORDER_ROWS
from adserver.stores.settlement_tables import (
    CLOSING_FUNDING,
    CLOSING_ITEMS,
    CLOSINGS,
    STATEMENT_STEPS,
    STATEMENTS,
)
from affiliate.calendar import Period
from affiliate.chart_of_accounts import partner_accounts
from affiliate.ledger import Entry
from affiliate.payout import Held
from affiliate.settlement import Outcome
from affiliate.statement import Balances, Item, Statement, Step
from models.domain.ids import PartnerId
from models.domain.money import Micros

_S, _N, _I, _R = STATEMENTS.c, STATEMENT_STEPS.c, CLOSING_ITEMS.c, ORDER_ROWS.c
_P, _T = LEDGER_POSTINGS.c, LEDGER_TRANSACTIONS.c
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class ClosingItem:
    """A line with money still open at a closing, and what came of it.

    `what` names it for people: "merchant/order/line", or the day and placement of ads.
    """

    period: Period
    currency: str
    partner_id: PartnerId
    kind: str
    ref: str
    what: str
    outcome: Outcome
    payable_from: datetime | None
    amount: Micros


def add(connection: Connection, statements: Sequence[Statement]) -> None:
    """Keeps statements. Raises IntegrityError for one that is there."""
    if not statements:
        return
    connection.execute(insert(STATEMENTS), [_row(one) for one in statements])
    steps = [
        _key(one) | {"item": step.item, "lines": step.lines, "amount_micros": step.amount}
        for one in statements
        for step in one.steps
    ]
    if steps:
        connection.execute(insert(STATEMENT_STEPS), steps)


def _key(statement: Statement) -> dict[str, Any]:
    return {
        "period": statement.period,
        "currency": statement.currency,
        "partner_id": statement.partner_id,
    }


def _row(one: Statement) -> dict[str, Any]:
    balances = {
        f"{account}_{end}": getattr(getattr(one, end), account)
        for end in ("opening", "closing")
        for account in Balances._fields
    }
    return (
        _key(one)
        | balances
        | {
            "partner_name": one.partner_name,
            "closed_at": one.closed_at,
            "pays_at": one.pays_at,
            "head_hash": one.head_hash,
            "reserved": one.reserved,
            "minimum_minor": one.minimum_minor,
            "payout_minor": one.payout_minor,
            "held": one.held or "",
        }
    )


def opening_balances(
    connection: Connection, period: Period, currency: str
) -> dict[PartnerId, Balances]:
    """What the last closing before a month left on partners' accounts, nothing left out."""
    last = (
        select(func.max(CLOSINGS.c.period))
        .where(CLOSINGS.c.currency == currency, CLOSINGS.c.period < period)
        .scalar_subquery()
    )
    query = select(
        _S.partner_id, _S.pending_closing, _S.payable_closing, _S.clawback_closing
    ).where(_S.currency == currency, _S.period == last)
    return {PartnerId(row[0]): Balances(*row[1:]) for row in connection.execute(query)}


def available_then(
    connection: Connection, period: Period, currency: str
) -> dict[PartnerId, Micros]:
    """What was payable and not on its way when a month was closed."""
    query = select(_S.partner_id, _S.payable_closing - _S.reserved).where(
        _S.period == period, _S.currency == currency
    )
    return {PartnerId(name): Micros(amount) for name, amount in connection.execute(query)}


def find(
    connection: Connection,
    *,
    period: Period | None = None,
    partner_id: PartnerId | None = None,
    currency: str | None = None,
) -> list[Statement]:
    """Statements by month, currency and partner; all that are not named."""
    given = {"period": period, "partner_id": partner_id, "currency": currency}
    asked = {name: value for name, value in given.items() if value is not None}
    steps: dict[tuple[str, ...], list[Step]] = {}
    query = select(STATEMENT_STEPS).where(*(_N[name] == value for name, value in asked.items()))
    for row in connection.execute(query).mappings():
        own = steps.setdefault(_place(row), [])
        own.append(Step(Item(row["item"]), row["lines"], Micros(row["amount_micros"])))
    query = (
        select(STATEMENTS)
        .where(*(_S[name] == value for name, value in asked.items()))
        .order_by(_S.period, _S.currency, _S.partner_id)
    )
    return [
        _statement(row, steps.get(_place(row), [])) for row in connection.execute(query).mappings()
    ]


def _place(row: RowMapping) -> tuple[str, ...]:
    return row["period"], row["currency"], row["partner_id"]


def _statement(row: RowMapping, steps: list[Step]) -> Statement:
    order = list(Item)
    ends = {
        end: Balances(*(Micros(row[f"{account}_{end}"]) for account in Balances._fields))
        for end in ("opening", "closing")
    }
    return Statement(
        period=Period(row["period"]),
        currency=row["currency"],
        partner_id=PartnerId(row["partner_id"]),
        partner_name=row["partner_name"],
        closed_at=row["closed_at"],
        pays_at=row["pays_at"],
        head_hash=row["head_hash"],
        opening=ends["opening"],
        closing=ends["closing"],
        reserved=Micros(row["reserved"]),
        steps=tuple(sorted(steps, key=lambda step: order.index(step.item))),
        minimum_minor=row["minimum_minor"],
        payout_minor=row["payout_minor"],
        held=Held(row["held"]) if row["held"] else None,
    )


def moved(connection: Connection, period: Period, currency: str, partner_id: PartnerId) -> Balances:
    """What the ledger's entries of a month did to a partner's accounts, in micros."""
    accounts = partner_accounts(partner_id)
    query = (
        select(_P.account, func.sum(_P.amount))
        .where(_P.currency == currency, _P.account.in_(accounts), _P.period == period, _P.moves)
        .group_by(_P.account)
    )
    sums = {account: int(amount) for account, amount in connection.execute(query)}
    return Balances(*(Micros(sums.get(account, 0)) for account in accounts))


def entries(
    connection: Connection, period: Period, currency: str, partner_id: PartnerId
) -> Iterator[Entry]:
    """The ledger's entries of a month on a partner's accounts, in their order, a page at a time.

    Found account by account: `Journal.entries` would go through the whole month for each partner.
    """
    mine = select(_P.seq).where(
        _P.currency == currency,
        _P.account.in_(partner_accounts(partner_id)),
        _P.period == period,
    )
    seqs = sorted(set(connection.execute(mine).scalars()))
    for start in range(0, len(seqs), _AT_ONCE):
        some = seqs[start : start + _AT_ONCE]
        query = (
            select(LEDGER_TRANSACTIONS)
            .where(_T.currency == currency, _T.seq.in_(some))
            .order_by(_T.seq)
        )
        yield from with_postings(connection, connection.execute(query).all())


def items(
    connection: Connection, period: Period, currency: str, partner_id: PartnerId
) -> Iterator[ClosingItem]:
    """What a closing found for a partner's open lines, by reference, a page at a time."""
    after = ""
    while True:
        query = (
            _with_orders()
            .where(
                _I.period == period,
                _I.currency == currency,
                _I.partner_id == partner_id,
                _I.ref > after,
            )
            .order_by(_I.ref)
            .limit(_AT_ONCE)
        )
        page = [_item(row) for row in connection.execute(query).mappings()]
        yield from page
        if len(page) < _AT_ONCE:
            return
        after = page[-1].ref


def items_of_line(connection: Connection, ref: str) -> list[ClosingItem]:
    """What each closing found for one line or day, the first closing first."""
    query = _with_orders().where(_I.ref == ref).order_by(_I.period)
    return [_item(row) for row in connection.execute(query).mappings()]


def funding_of(
    connection: Connection, period: Period, currency: str, merchant_id: str
) -> RowMapping | None:
    """What a merchant that pays first had paid at a closing, in minor units."""
    table = CLOSING_FUNDING.c
    query = select(CLOSING_FUNDING).where(
        table.period == period, table.currency == currency, table.merchant_id == merchant_id
    )
    return connection.execute(query).mappings().first()


def _with_orders() -> Any:
    order = _R.merchant_id + "/" + _R.order_id + "/" + _R.line_id
    return select(CLOSING_ITEMS, func.coalesce(order, _I.ref).label("what")).outerjoin(
        ORDER_ROWS, (_R.row_id == _I.ref) & (_I.kind == "order")
    )


def _item(row: RowMapping) -> ClosingItem:
    return ClosingItem(
        period=Period(row["period"]),
        currency=row["currency"],
        partner_id=PartnerId(row["partner_id"]),
        kind=row["kind"],
        ref=row["ref"],
        what=row["what"],
        outcome=Outcome(row["outcome"]),
        payable_from=row["payable_from"],
        amount=Micros(row["amount_micros"]),
    )
