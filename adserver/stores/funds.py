"""Funds: who may draw on them, and how many. Their money is an account of the ledger.

Never here: what is drawn (`affiliate.revenue_share`, `adserver.accounting`). The one surprising
fact: an enrolment is dated and never deleted, so a day that is counted again is judged by who was
enrolled then.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, or_, select, update

from adserver.marketplace.problem import Sentence
from adserver.stores.ledger_tables import LEDGER_POSTINGS, LEDGER_TRANSACTIONS
from adserver.stores.revenue_tables import FUND_ENROLMENTS, FUNDS
from affiliate.chart_of_accounts import subsidy_pool
from affiliate.ledger import Reason
from models.domain.ids import PartnerId, PoolId
from models.domain.money import Micros


class FundError(ValueError):
    """A change to a fund that is refused; nothing was changed."""


class UnknownFundError(FundError):
    """There is no such fund."""


@dataclass(frozen=True, slots=True)
class Fund:
    """A named pool; at most `enrolment_limit` partners at a time, None for as many as like."""

    pool_id: PoolId
    name: str
    currency: str
    created_at: datetime
    enrolment_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A partner's time in a fund: [enrolled_at, left_at)."""

    pool_id: PoolId
    partner_id: PartnerId
    enrolled_at: datetime
    left_at: datetime | None = None


def add_fund(connection: Connection, fund: Fund) -> None:
    """Makes a fund, empty.

    Raises:
        FundError: its id is taken.
    """
    if fund_of(connection, fund.pool_id):
        raise FundError(Sentence("there is a fund %(id)s already", id=repr(fund.pool_id)))
    connection.execute(insert(FUNDS), [asdict(fund)])


def set_limit(connection: Connection, pool_id: PoolId, limit: int | None) -> None:
    """Changes how many partners may be enrolled; those who are stay.

    Raises:
        FundError: there is no such fund.
    """
    require(connection, pool_id)
    mine = FUNDS.c.pool_id == pool_id
    connection.execute(update(FUNDS).where(mine).values(enrolment_limit=limit))


def fund_of(connection: Connection, pool_id: PoolId) -> Fund | None:
    """One fund, nobody else's to change until this transaction ends; None for an unknown id."""
    mine = select(FUNDS).where(FUNDS.c.pool_id == pool_id).with_for_update()
    row = connection.execute(mine).mappings().first()
    return Fund(**row) if row else None


def require(connection: Connection, pool_id: PoolId) -> Fund:
    """One fund. Raises UnknownFundError when there is none of that id."""
    fund = fund_of(connection, pool_id)
    if fund is None:
        raise UnknownFundError(Sentence("there is no fund %(id)s", id=repr(pool_id)))
    return fund


def all_funds(connection: Connection) -> list[Fund]:
    """Every fund, by id."""
    rows = connection.execute(select(FUNDS).order_by(FUNDS.c.pool_id)).mappings()
    return [Fund(**row) for row in rows]


def enrol(connection: Connection, pool_id: PoolId, partner_id: PartnerId, now: datetime) -> bool:
    """Lets a partner draw on a fund from now on; False when it may already.

    Raises:
        FundError: there is no such fund, or it has as many partners as it takes.
    """
    fund = require(connection, pool_id)
    inside = {one.partner_id for one in enrolments(connection, pool_id) if one.left_at is None}
    if partner_id in inside:
        return False
    if fund.enrolment_limit is not None and len(inside) >= fund.enrolment_limit:
        most = {"id": repr(pool_id), "most": fund.enrolment_limit}
        raise FundError(Sentence("fund %(id)s takes %(most)s partners and has them", **most))
    row = {"pool_id": pool_id, "partner_id": partner_id, "enrolled_at": now}
    connection.execute(insert(FUND_ENROLMENTS), [row])
    return True


def leave(connection: Connection, pool_id: PoolId, partner_id: PartnerId, now: datetime) -> bool:
    """Ends a partner's enrolment, which makes room for another; False when it had none.

    Raises:
        FundError: there is no such fund.
    """
    require(connection, pool_id)
    table = FUND_ENROLMENTS.c
    mine = (table.pool_id == pool_id) & (table.partner_id == partner_id) & table.left_at.is_(None)
    ended = connection.execute(update(FUND_ENROLMENTS).where(mine).values(left_at=now))
    return ended.rowcount > 0


def enrolments(connection: Connection, pool_id: PoolId) -> list[Enrolment]:
    """Who is and was enrolled, the earliest first."""
    table = FUND_ENROLMENTS
    query = select(table).where(table.c.pool_id == pool_id)
    rows = connection.execute(query.order_by(table.c.enrolled_at, table.c.partner_id))
    return [Enrolment(**row) for row in rows.mappings()]


def paid_in(connection: Connection, fund: Fund) -> Micros:
    """All that was ever paid into a fund."""
    posting, told = LEDGER_POSTINGS.c, LEDGER_TRANSACTIONS.c
    query = (
        select(func.sum(posting.amount))
        .select_from(LEDGER_POSTINGS)
        .join(LEDGER_TRANSACTIONS, (posting.currency == told.currency) & (posting.seq == told.seq))
        .where(
            posting.currency == fund.currency,
            posting.account == subsidy_pool(fund.pool_id),
            told.reason == Reason.DEPOSIT.value,
        )
    )
    return Micros(int(connection.execute(query).scalar() or 0))


def paid_into(connection: Connection, some: Iterable[Fund]) -> dict[PoolId, Micros]:
    """`paid_in` of many funds; those into which nothing was paid are not there."""
    posting, told = LEDGER_POSTINGS.c, LEDGER_TRANSACTIONS.c
    owners = {(one.currency, subsidy_pool(one.pool_id)): one.pool_id for one in some}
    query = (
        select(posting.currency, posting.account, func.sum(posting.amount))
        .select_from(LEDGER_POSTINGS)
        .join(LEDGER_TRANSACTIONS, (posting.currency == told.currency) & (posting.seq == told.seq))
        .where(
            posting.currency.in_({code for code, _ in owners}),
            posting.account.in_({account for _, account in owners}),
            told.reason == Reason.DEPOSIT.value,
        )
        .group_by(posting.currency, posting.account)
    )
    return {
        owners[code, account]: Micros(int(amount))
        for code, account, amount in connection.execute(query)
        if (code, account) in owners
    }


def enrolments_of(connection: Connection, ids: Iterable[PoolId]) -> dict[PoolId, list[Enrolment]]:
    """`enrolments` of many funds; those that nobody ever entered are not there."""
    table = FUND_ENROLMENTS
    query = select(table).where(table.c.pool_id.in_(set(ids)))
    found: dict[PoolId, list[Enrolment]] = {}
    for row in connection.execute(
        query.order_by(table.c.enrolled_at, table.c.partner_id)
    ).mappings():
        found.setdefault(row["pool_id"], []).append(Enrolment(**row))
    return found


def may_draw(
    connection: Connection, pairs: Iterable[tuple[str, str]], begin: datetime, end: datetime
) -> set[tuple[str, str]]:
    """Those (fund, partner) of `pairs` whose fund is open to them at some time of [begin, end).

    A fund that takes everybody asks for no enrolment: a contract that names it is enough.
    """
    table, wanted = FUND_ENROLMENTS.c, set(pairs)
    full = select(FUNDS.c.pool_id).where(FUNDS.c.enrolment_limit.is_not(None))
    limited = set(connection.execute(full).scalars())
    inside = select(table.pool_id, table.partner_id).where(
        table.enrolled_at < end, or_(table.left_at.is_(None), table.left_at > begin)
    )
    enrolled = {(pool, partner) for pool, partner in connection.execute(inside)}
    return {pair for pair in wanted if pair[0] not in limited or pair in enrolled}
