"""Payouts in the database, and everything that ever happened to one.

Never here: the ledger, or whether a change is allowed (`adserver.accounting.payouts`). The one
surprising fact: a payout's row changes, but each of its attempts and ends is remembered beside it
in a table that only grows.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from adserver.stores.settlement_tables import PAYOUT_EVENTS, PAYOUTS
from affiliate.calendar import Period
from affiliate.payout import Payout, State
from models.domain.ids import PartnerId
from models.domain.money import Minor

_P = PAYOUTS.c


class Event(NamedTuple):
    """Something that happened to an attempt of a payout."""

    attempt: int
    state: State
    at: datetime
    note: str


def add(connection: Connection, payouts: Sequence[Payout]) -> None:
    """Keeps new payouts. Raises IntegrityError for one that is there."""
    if payouts:
        connection.execute(insert(PAYOUTS), [asdict(one) for one in payouts])
        connection.execute(insert(PAYOUT_EVENTS), [_event(one) for one in payouts])


def put(connection: Connection, payout: Payout) -> None:
    """Makes a payout that is there into this, and remembers it."""
    own = _P.payout_id == payout.payout_id
    connection.execute(update(PAYOUTS).where(own).values(asdict(payout)))
    connection.execute(insert(PAYOUT_EVENTS), [_event(payout)])


def _event(payout: Payout) -> dict[str, Any]:
    return {
        "payout_id": payout.payout_id,
        "attempt": payout.attempt,
        "state": payout.state,
        "at": payout.changed_at,
        "note": payout.note,
    }


def find(connection: Connection, **asked: str | None) -> list[Payout]:
    """Payouts by id, month, currency, partner and state; of these columns those given."""
    given = {name: value for name, value in asked.items() if value is not None}
    query = (
        select(PAYOUTS)
        .where(*(_P[name] == value for name, value in given.items()))
        .order_by(_P.period, _P.currency, _P.partner_id)
    )
    return [_payout(row) for row in connection.execute(query).mappings()]


def counts(connection: Connection, **asked: str) -> dict[tuple[Period, State], int]:
    """How many payouts there are by month and state; of the columns those that are given."""
    query = (
        select(_P.period, _P.state, func.count())
        .where(*(_P[name] == value for name, value in asked.items()))
        .group_by(_P.period, _P.state)
    )
    rows = connection.execute(query)
    return {(Period(period), State(state)): int(count) for period, state, count in rows}


def events_of(connection: Connection, payout_id: str) -> list[Event]:
    """What happened to a payout, the first thing first."""
    table = PAYOUT_EVENTS.c
    query = (
        select(table.attempt, table.state, table.at, table.note)
        .where(table.payout_id == payout_id)
        .order_by(table.attempt, table.at)
    )
    found = [Event(row[0], State(row[1]), row[2], row[3]) for row in connection.execute(query)]
    return sorted(found, key=lambda one: (one.attempt, one.state is not State.PENDING))


def _payout(row: Any) -> Payout:
    return Payout(
        **{
            **row,
            "period": Period(row["period"]),
            "partner_id": PartnerId(row["partner_id"]),
            "amount_minor": Minor(row["amount_minor"]),
            "state": State(row["state"]),
        }
    )
