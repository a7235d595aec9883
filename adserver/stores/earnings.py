"""What one partner has earned and where it stands: sums over its rows, its days and its accounts.

Never here: rates, or what a closing does (`settlement`). The one surprising fact: the open months'
bridge is made of the ledger's entries since the last closing, and is never kept anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from adserver.stores.ledger_tables import LEDGER_BALANCES, LEDGER_POSTINGS, LEDGER_TRANSACTIONS
from adserver.stores.order_rows import OrderRow
from adserver.stores.order_tables import ORDER_ROWS
from adserver.stores.orders import row_from, row_selection
from adserver.stores.revenue_tables import AD_SHARES
from adserver.stores.settlement_tables import PAYOUTS
from affiliate.calendar import Period
from affiliate.chart_of_accounts import (
    Kind,
    kind_of,
    partner_accounts,
    partner_pending,
)
from affiliate.ledger import Reason
from affiliate.payout import State
from affiliate.settlement import Outcome
from affiliate.statement import Item, Moved, Step
from models.domain.ids import PartnerId
from models.domain.money import Micros, micros_of

_R, _A = ORDER_ROWS.c, AD_SHARES.c
_P, _T = LEDGER_POSTINGS.c, LEDGER_TRANSACTIONS.c
_EARNED = _R.partner_minor + _R.subsidy_minor
_ACCRUED = _A.share_micros + _A.subsidy_micros + _A.guarantee_micros
_FIRST = or_(
    _T.key.like("order:%:1"),
    *(_T.key.like(f"adshare:%:1:{part}") for part in ("share", "subsidy", "guarantee")),
)


@dataclass(frozen=True, slots=True)
class Holding:
    """A partner's three accounts in one currency, in micros; `reserved` of payable is on its way.

    `paid` is what banks have confirmed so far.
    """

    currency: str
    pending: int = 0
    payable: int = 0
    reserved: int = 0
    clawback: int = 0
    paid: int = 0

    @property
    def available(self) -> int:
        """Payable and not on its way yet."""
        return self.payable - self.reserved


@dataclass(frozen=True, slots=True)
class Sum:
    """What lines come to, in micros: as first told, as they stand now, and made payable so far."""

    lines: int = 0
    base: int = 0
    estimated: int = 0
    earned: int = 0
    subsidy: int = 0
    matured: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(
            self.lines + other.lines,
            self.base + other.base,
            self.estimated + other.estimated,
            self.earned + other.earned,
            self.subsidy + other.subsidy,
            self.matured + other.matured,
        )


def holdings(connection: Connection, partner_id: PartnerId) -> dict[str, Holding]:
    """The partner's accounts by currency; currencies that it never had money in are left out."""
    table = LEDGER_BALANCES.c
    query = select(table.currency, table.account, table.posted, table.reserved).where(
        table.account.in_(partner_accounts(partner_id))
    )
    found: dict[str, dict[str, int]] = {}
    for currency, account, posted, reserved in connection.execute(query):
        own = found.setdefault(currency, {})
        name = kind_of(account).removeprefix("partner_")
        own[name] = int(posted)
        if name == "payable":
            own["reserved"] = abs(int(reserved))
    paid = _paid(connection, partner_id)
    return {
        currency: Holding(currency, **found.get(currency, {}), paid=paid.get(currency, 0))
        for currency in sorted(found.keys() | paid.keys())
    }


def _paid(connection: Connection, partner_id: PartnerId) -> dict[str, int]:
    table = PAYOUTS.c
    query = (
        select(table.currency, func.sum(table.amount_minor))
        .where(table.partner_id == partner_id, table.state == State.CONFIRMED.value)
        .group_by(table.currency)
    )
    return {one: micros_of(int(amount), one) for one, amount in connection.execute(query)}


def moved_after(
    connection: Connection, partner_id: PartnerId, currency: str, closed: Period | None
) -> list[Moved]:
    """What the entries of the months after `closed` did to the accounts, by what they were for."""
    capped = _T.refs.like('%"cap_reached"%')
    query = (
        select(_P.account, _T.reason, _FIRST, capped, func.count(), func.sum(_P.amount))
        .join(LEDGER_TRANSACTIONS, and_(_T.currency == _P.currency, _T.seq == _P.seq))
        .where(*_mine_after(partner_id, currency, closed))
        .group_by(_P.account, _T.reason, _FIRST, capped)
    )
    return [
        Moved(kind_of(account), Reason(reason), bool(first), bool(cap), lines, Micros(int(amount)))
        for account, reason, first, cap, lines, amount in connection.execute(query)
    ]


def subsidies_after(
    connection: Connection, partner_id: PartnerId, currency: str, closed: Period | None
) -> Step:
    """How much of the new commissions of those months a fund pays."""
    other = LEDGER_POSTINGS.alias()
    query = (
        select(func.count(), func.sum(-other.c.amount))
        .select_from(LEDGER_POSTINGS)
        .join(LEDGER_TRANSACTIONS, and_(_T.currency == _P.currency, _T.seq == _P.seq))
        .join(other, and_(other.c.currency == _P.currency, other.c.seq == _P.seq))
        .where(
            _P.currency == currency,
            _P.account == partner_pending(partner_id),
            _P.period > (closed or ""),
            other.c.account.like(f"{Kind.SUBSIDY_POOL}:%"),
            _T.key.like("order:%:1"),
        )
    )
    lines, amount = connection.execute(query).one()
    return Step(Item.SUBSIDIES, int(lines), Micros(int(amount or 0)))


def _mine_after(
    partner_id: PartnerId, currency: str, closed: Period | None
) -> tuple[ColumnElement[bool], ...]:
    return (
        _P.currency == currency,
        _P.account.in_(partner_accounts(partner_id)),
        _P.period > (closed or ""),
        _P.moves,
    )


def open_lines(
    connection: Connection, partner_id: PartnerId, currency: str, now: datetime
) -> dict[Outcome, tuple[int, Micros]]:
    """The lines with money that is not payable yet: how many and micros, by what they wait for.

    PAYABLE: they are ripe for the next closing, if their merchant has paid by then.
    """
    outcome = case(
        (_R.payable_from.is_(None), Outcome.NOT_RECEIVED.value),
        (_R.payable_from > now, Outcome.IN_HOLD.value),
        else_=Outcome.PAYABLE.value,
    )
    orders = (
        select(outcome, func.count(), func.sum(_EARNED - _R.matured_minor))
        .where(_R.partner_id == partner_id, _R.currency == currency, _R.matured_minor < _EARNED)
        .group_by(outcome)
    )
    scale = micros_of(1, currency)
    found = {
        Outcome(name): (int(lines), Micros(int(amount) * scale))
        for name, lines, amount in connection.execute(orders)
    }
    days = select(func.count(), func.sum(_ACCRUED - _A.matured_micros)).where(
        _A.partner_id == partner_id, _A.currency == currency, _A.matured_micros < _ACCRUED
    )
    lines, amount = connection.execute(days).one()
    before = found.get(Outcome.PAYABLE, (0, Micros(0)))
    found[Outcome.PAYABLE] = (before[0] + int(lines), Micros(before[1] + int(amount or 0)))
    return found


@dataclass(frozen=True, slots=True)
class Span:
    """Lines of one partner and currency: orders paid for in [since, until), days of its months."""

    partner_id: PartnerId
    currency: str
    period: Period
    since: datetime
    until: datetime


ORDER_KEYS: Mapping[str, Any] = {
    "app": _R.app_id,
    "placement": _R.placement_id,
    "merchant": _R.merchant_id,
    "link": _R.link_code,
    "product": _R.merchant_id + "/" + _R.sku,
    "category": _R.category,
    **{f"sub{number}": _R[f"sub{number}"] for number in range(1, 6)},
}
"""What sales can be broken down by."""
AD_KEYS: Mapping[str, Any] = {"app": _A.app_id, "placement": _A.placement_id, "day": _A.day}
"""What days of ads can be broken down by."""


def sales_by(connection: Connection, span: Span, key: str) -> dict[str, Sum]:
    """Sales by one of `ORDER_KEYS`, such as "sub1"; "" for those without."""
    return _sales(connection, span, ORDER_KEYS[key])


def sales_by_day(
    connection: Connection, span: Span, days: list[tuple[str, datetime]]
) -> dict[str, Sum]:
    """Sales by day; `days` are their names and ends, in order."""
    named = case(*((_R.paid_at < end, name) for name, end in days), else_="")
    return _sales(connection, span, named)


def _sales(connection: Connection, span: Span, key: Any) -> dict[str, Sum]:
    amounts = (
        _R.base_minor,
        func.coalesce(_R.estimated_partner_minor, 0),
        _EARNED,
        _R.subsidy_minor,
        _R.matured_minor,
    )
    query = (
        select(key.label("key"), func.count(), *(func.sum(one) for one in amounts))
        .where(
            _R.partner_id == span.partner_id,
            _R.currency == span.currency,
            _R.paid_at >= span.since,
            _R.paid_at < span.until,
        )
        .group_by("key")
    )
    scale = micros_of(1, span.currency)
    return {
        name or "": Sum(lines, *(int(one or 0) * scale for one in sums))
        for name, lines, *sums in connection.execute(query)
    }


def ads_by(connection: Connection, span: Span, key: str) -> dict[str, Sum]:
    """Days of ads by one of `AD_KEYS`; `base` is valid revenue, a line a placement's day."""
    column = AD_KEYS[key]
    amounts = (
        _A.revenue_micros,
        _A.estimated_micros,
        _ACCRUED,
        _A.subsidy_micros,
        _A.matured_micros,
    )
    query = (
        select(column, func.count(), *(func.sum(one) for one in amounts))
        .where(
            _A.partner_id == span.partner_id,
            _A.currency == span.currency,
            _A.period == span.period,
        )
        .group_by(column)
    )
    return {
        name: Sum(lines, *(int(one or 0) for one in sums))
        for name, lines, *sums in connection.execute(query)
    }


@dataclass(frozen=True, slots=True)
class AdDay:
    """A placement's day of ads as a line; amounts in micros."""

    day: str
    app_id: str
    placement_id: str
    impressions: int
    revenue: int
    estimated: int
    earned: int
    invalid: int
    matured: int
    rule: str
    reason: str

    @property
    def name(self) -> str:
        """What `accounting.explaining` knows it by."""
        return f"{self.day}/{self.app_id}/{self.placement_id}"


def ad_days(
    connection: Connection,
    span: Span,
    limit: int,
    after: tuple[str, str, str] | None = None,
    **only: str,
) -> list[AdDay]:
    """The days of ads, newest first, after (day, app, placement).

    `only` names columns that must have these values.
    """
    query = (
        select(
            _A.day, _A.app_id, _A.placement_id, _A.impressions, _A.revenue_micros,
            _A.estimated_micros, _ACCRUED, _A.invalid_micros, _A.matured_micros, _A.rule,
            _A.reason,
        )
        .where(
            _A.partner_id == span.partner_id,
            _A.currency == span.currency,
            _A.period == span.period,
            *(_A[name] == value for name, value in only.items() if value),
        )
        .order_by(_A.day.desc(), _A.app_id, _A.placement_id)
        .limit(limit)
    )  # fmt: skip
    if after is not None:
        day, app_id, placement_id = after
        same_app = and_(_A.app_id == app_id, _A.placement_id > placement_id)
        same_day = and_(_A.day == day, or_(_A.app_id > app_id, same_app))
        query = query.where(or_(_A.day < day, same_day))
    return [AdDay(*row) for row in connection.execute(query)]


def sale_lines(
    connection: Connection, span: Span, limit: int, after: tuple[datetime, str] | None, **only: str
) -> list[OrderRow]:
    """The order lines paid for in the span, newest first, after (paid at, row id)."""
    query = select(*row_selection()).where(
        _R.partner_id == span.partner_id,
        _R.currency == span.currency,
        _R.paid_at >= span.since,
        _R.paid_at < span.until,
        *(ORDER_KEYS[name] == value for name, value in only.items()),
    )
    if after is not None:
        paid_at, row_id = after
        query = query.where(
            or_(_R.paid_at < paid_at, and_(_R.paid_at == paid_at, _R.row_id < row_id))
        )
    query = query.order_by(_R.paid_at.desc(), _R.row_id.desc()).limit(limit)
    return [row_from(row) for row in connection.execute(query)]
