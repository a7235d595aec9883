"""A closing in the database: which lines are ripe, what a month moved, what was closed before.

Everything here works on sets of rows; a closing of a million lines is a dozen statements. Never
here: a decision about money (`affiliate.settlement` has the rules that `judge` repeats in SQL). The
one surprising fact: what a merchant has paid in is not kept anywhere. It is what its account has
plus what its rows owe.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from adserver.stores.ledger_tables import LEDGER_BALANCES, LEDGER_POSTINGS, LEDGER_TRANSACTIONS
from adserver.stores.order_tables import ORDER_ROWS
from adserver.stores.orders import next_seq
from adserver.stores.revenue_tables import AD_SHARES
from adserver.stores.settlement_tables import (
    CLOSING_FUNDING,
    CLOSING_ITEMS,
    CLOSINGS,
    PERIOD_EXTENSIONS,
)
from affiliate.calendar import Period
from affiliate.chart_of_accounts import AccountName, Kind, kind_of, owner_of
from affiliate.ledger import Reason
from affiliate.settlement import Outcome
from affiliate.statement import Item, Moved, Step
from models.domain.ids import MerchantId, PartnerId
from models.domain.money import Micros, micros_of

_R, _A, _I, _F = ORDER_ROWS.c, AD_SHARES.c, CLOSING_ITEMS.c, CLOSING_FUNDING.c
_P, _T = LEDGER_POSTINGS.c, LEDGER_TRANSACTIONS.c

_EARNED = _R.partner_minor + _R.subsidy_minor
_ACCRUED = _A.share_micros + _A.subsidy_micros + _A.guarantee_micros
_ALL = 2**62
_FIRST = or_(
    _T.key.like("order:%:1"),
    *(_T.key.like(f"adshare:%:1:{part}") for part in ("share", "subsidy", "guarantee")),
)


@dataclass(frozen=True, slots=True)
class Closing:
    """A month of one currency that is closed. `ripe_until`: hold days that were over by then."""

    period: Period
    currency: str
    closed_at: datetime
    ripe_until: datetime
    pays_at: datetime
    head_hash: str
    statements: int


@dataclass(frozen=True, slots=True)
class Month:
    """The month that is being closed: its rows were paid for before `ends_at`."""

    period: Period
    currency: str
    ends_at: datetime
    ripe_until: datetime

    @property
    def scale(self) -> int:
        """Micros in a minor unit of the currency."""
        return micros_of(1, self.currency)


def extensions_of(connection: Connection, period: Period) -> int:
    """How often a month was extended."""
    own = PERIOD_EXTENSIONS.c.period == period
    return connection.execute(
        select(func.count()).select_from(PERIOD_EXTENSIONS).where(own)
    ).scalar_one()


def extend(connection: Connection, period: Period, number: int, now: datetime, why: str) -> None:
    """Remembers an extension. Raises IntegrityError when its number was there."""
    row = {"period": period, "number": number, "extended_at": now, "why": why}
    connection.execute(insert(PERIOD_EXTENSIONS), [row])


def closings(connection: Connection, period: Period | None = None) -> list[Closing]:
    """What was closed, by month and currency."""
    query = select(CLOSINGS).order_by(CLOSINGS.c.period, CLOSINGS.c.currency)
    if period is not None:
        query = query.where(CLOSINGS.c.period == period)
    return [Closing(**row) for row in connection.execute(query).mappings()]


def closing_of(connection: Connection, period: Period, currency: str) -> Closing | None:
    """The closing of a month in a currency, when there was one."""
    found = (one for one in closings(connection, period) if one.currency == currency)
    return next(found, None)


def add_closing(connection: Connection, closing: Closing) -> None:
    """Remembers a closing. Raises IntegrityError when the month was closed."""
    row = {column.name: getattr(closing, column.name) for column in CLOSINGS.columns}
    connection.execute(insert(CLOSINGS), [row])


def earliest_month(connection: Connection, currency: str, after: Period | None) -> Period | None:
    """The first month with entries, after one that is closed."""
    query = select(func.min(_T.period)).where(_T.currency == currency, _T.period > (after or ""))
    found: str | None = connection.execute(query).scalar()
    return Period(found) if found else None


def make_room(connection: Connection) -> None:
    """Lets the database use some hundred megabytes of memory for this connection's sets of rows.

    Measured: a closing of a million lines takes a third of the time.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size=-400000")
    else:
        connection.exec_driver_sql("SET LOCAL work_mem = '256MB'")


def fund(
    connection: Connection,
    month: Month,
    trusted: Collection[MerchantId],
    balances: Mapping[str, int],
) -> None:
    """Notes what each merchant that pays first has paid, and what is left of it for ripe lines.

    `balances` are the merchants' accounts in micros, by merchant.
    """
    done = case((and_(_R.matured_minor > 0, _R.matured_minor >= _EARNED), _R.commission_minor))
    owed = (
        select(
            _R.merchant_id,
            func.sum(_R.commission_minor).label("owed"),
            func.coalesce(func.sum(done), 0).label("used"),
        )
        .where(_R.currency == month.currency)
        .group_by(_R.merchant_id)
    )
    rows = []
    for merchant, total, used in connection.execute(owed):
        paid = balances.get(merchant, 0) // month.scale + int(total)
        if merchant not in trusted:
            rows.append(
                {
                    "period": month.period,
                    "currency": month.currency,
                    "merchant_id": merchant,
                    "paid_minor": paid,
                    "used_minor": int(used),
                    "available_minor": paid - int(used),
                }
            )
    if rows:
        connection.execute(insert(CLOSING_FUNDING), rows)


def judge(connection: Connection, month: Month) -> None:
    """Writes an item for each line with money still open, with what comes of it.

    Order lines as `affiliate.settlement.outcome` and `covered` say; days of ads are payable.
    """
    columns = [column.name for column in CLOSING_ITEMS.columns]
    orders = (
        select(
            literal(month.period),
            literal(month.currency),
            _R.partner_id,
            _R.row_id,
            literal("order"),
            _outcome(month),
            _R.payable_from,
            (_EARNED - _R.matured_minor) * month.scale,
        )
        .where(_open(month))
        .order_by(_R.partner_id, _R.row_id)
    )
    ads = select(
        literal(month.period),
        literal(month.currency),
        _A.partner_id,
        _A.day + "/" + _A.app_id + "/" + _A.placement_id,
        literal("ad"),
        literal(Outcome.PAYABLE.value),
        null(),
        _ACCRUED - _A.matured_micros,
    ).where(_accrued(month))
    connection.execute(insert(CLOSING_ITEMS).from_select(columns, orders))
    connection.execute(insert(CLOSING_ITEMS).from_select(columns, ads))


def _open(month: Month) -> ColumnElement[bool]:
    return and_(
        _R.currency == month.currency,
        _R.partner_id.is_not(None),
        _R.paid_at < month.ends_at,
        _R.matured_minor < _EARNED,
    )


def _accrued(month: Month) -> ColumnElement[bool]:
    return and_(
        _A.currency == month.currency,
        _A.partner_id != "",
        _A.period <= month.period,
        _A.matured_micros < _ACCRUED,
    )


def _outcome(month: Month) -> ColumnElement[str]:
    mine = and_(_F.period == month.period, _F.currency == month.currency)
    queue = (
        select(
            _R.row_id,
            _F.available_minor,
            func.sum(_R.commission_minor)
            .over(
                partition_by=_R.merchant_id,
                order_by=(_R.matured_minor == 0, _R.paid_at, _R.row_id),
                rows=(None, 0),
            )
            .label("so_far"),
        )
        .join(CLOSING_FUNDING, and_(mine, _F.merchant_id == _R.merchant_id))
        .where(_open(month), _R.payable_from <= month.ripe_until)
        .subquery()
    )
    uncovered = select(queue.c.row_id).where(queue.c.so_far > queue.c.available_minor)
    return case(
        (_R.payable_from.is_(None), Outcome.NOT_RECEIVED.value),
        (_R.payable_from > month.ripe_until, Outcome.IN_HOLD.value),
        (_R.row_id.in_(uncovered), Outcome.NOT_FUNDED.value),
        else_=Outcome.PAYABLE.value,
    )


def mature(connection: Connection, month: Month, now: datetime) -> None:
    """Sets what has matured on the rows that the items call payable, which changes them at `now`.

    The same lines again, found without looking each of them up by its id; each gets a number of
    its own among the changes, by which partners pull.
    """
    uncovered = select(_I.ref).where(
        _I.period == month.period,
        _I.currency == month.currency,
        _I.outcome == Outcome.NOT_FUNDED.value,
    )
    ripe = and_(_open(month), _R.payable_from <= month.ripe_until, _R.row_id.not_in(uncovered))
    place = func.row_number().over(order_by=(_R.paid_at, _R.row_id)).label("place")
    changed = select(_R.row_id, place).where(ripe).subquery()
    changes = {
        "matured_minor": _EARNED,
        "modified_at": now,
        "modified_seq": next_seq(connection) - 1 + changed.c.place,
    }
    connection.execute(update(ORDER_ROWS).where(_R.row_id == changed.c.row_id).values(changes))
    connection.execute(update(AD_SHARES).where(_accrued(month)).values(matured_micros=_ACCRUED))


def found_by_partner(
    connection: Connection, month: Month
) -> dict[PartnerId, dict[Outcome, tuple[int, Micros]]]:
    """Lines and micros of each outcome, by partner."""
    query = (
        select(_I.partner_id, _I.outcome, func.count(), func.sum(_I.amount_micros))
        .where(_I.period == month.period, _I.currency == month.currency)
        .group_by(_I.partner_id, _I.outcome)
    )
    found: dict[PartnerId, dict[Outcome, tuple[int, Micros]]] = {}
    for partner, outcome, lines, amount in connection.execute(query):
        own = found.setdefault(PartnerId(partner), {})
        own[Outcome(outcome)] = lines, Micros(int(amount))
    return found


def moved_by_partner(connection: Connection, month: Month) -> dict[PartnerId, list[Moved]]:
    """What the month's entries did to partners' accounts, summed by what they were for."""
    capped = _T.refs.like('%"cap_reached"%')
    sums = func.count(), func.sum(_P.amount)
    query = (
        select(_P.account, _T.reason, _FIRST, capped, *sums)
        .join(LEDGER_TRANSACTIONS, and_(_T.currency == _P.currency, _T.seq == _P.seq))
        .where(*_of(month.currency, "partner%"), _P.period == month.period, _P.moves)
        .group_by(_P.account, _T.reason, _FIRST, capped)
    )
    found: dict[PartnerId, list[Moved]] = {}
    for account, reason, first, cap, lines, amount in connection.execute(query):
        kind, owner = kind_of(account), PartnerId(owner_of(account))
        moved = Moved(kind, Reason(reason), bool(first), bool(cap), lines, Micros(int(amount)))
        found.setdefault(owner, []).append(moved)
    return found


def subsidies_by_partner(connection: Connection, month: Month) -> dict[PartnerId, Step]:
    """How much of the month's new commissions funds have paid."""
    given = (
        select(_P.currency, _P.seq, _P.amount)
        .where(*_of(month.currency, f"{Kind.SUBSIDY_POOL}:%"), _P.period == month.period)
        .limit(_ALL)  # which keeps the few that there are in front of the join
        .subquery()
        .c
    )
    query = (
        select(_P.account, func.count(), func.sum(-given.amount))
        .join(LEDGER_POSTINGS, and_(_P.currency == given.currency, _P.seq == given.seq))
        .join(LEDGER_TRANSACTIONS, and_(_T.currency == given.currency, _T.seq == given.seq))
        .where(_P.account.like(f"{Kind.PARTNER_PENDING}:%"), _T.key.like("order:%:1"))
        .group_by(_P.account)
    )
    return {
        PartnerId(owner_of(account)): Step(Item.SUBSIDIES, lines, Micros(int(amount)))
        for account, lines, amount in connection.execute(query)
    }


def moved_later(connection: Connection, month: Month) -> dict[AccountName, int]:
    """What entries of later months did to partners' accounts, in micros."""
    query = (
        select(_P.account, func.sum(_P.amount))
        .where(*_of(month.currency, "partner%"), _P.period > month.period, _P.moves)
        .group_by(_P.account)
    )
    return {AccountName(account): int(amount) for account, amount in connection.execute(query)}


def _of(currency: str, accounts: str) -> tuple[ColumnElement[bool], ...]:
    """That a posting is on accounts whose names are like that.

    Balances know all accounts there are, so an index on (account, month) can lead straight to
    them.
    """
    held = LEDGER_BALANCES.c
    names = select(held.account).where(held.currency == currency, held.account.like(accounts))
    return _P.currency == currency, _P.account.in_(names)


def pending_of_rows(connection: Connection, currency: str) -> dict[PartnerId, int]:
    """What rows and days say is earned and not yet payable, in micros, by partner."""
    scale = micros_of(1, currency)
    found: dict[PartnerId, int] = {}
    queries: list[Any] = [
        select(_R.partner_id, func.sum(_EARNED - _R.matured_minor) * scale)
        .where(_R.currency == currency, _R.partner_id.is_not(None), _R.matured_minor < _EARNED)
        .group_by(_R.partner_id),
        select(_A.partner_id, func.sum(_ACCRUED - _A.matured_micros))
        .where(_A.currency == currency, _A.partner_id != "", _A.matured_micros < _ACCRUED)
        .group_by(_A.partner_id),
    ]
    for query in queries:
        for partner, amount in connection.execute(query):
            found[PartnerId(partner)] = found.get(PartnerId(partner), 0) + int(amount)
    return found
