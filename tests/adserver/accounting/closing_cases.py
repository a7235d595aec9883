"""What tests of closings and payouts share: an open till, months, and a look at all tables.

Never here: a test.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from adserver.accounting.closing import Closed, Closings
from adserver.accounting.payouts import Payouts
from adserver.accounting.reading_statements import Statements
from adserver.statements.lines import lines_of
from adserver.statements.page import html_of
from adserver.statements.table import csv_of
from adserver.stores import database, migrations
from adserver.stores.database import connect_url
from adserver.stores.ledger_tables import LEDGER_BALANCES, LEDGER_POSTINGS
from adserver.stores.order_tables import ORDER_ROWS
from adserver.stores.settlement_tables import (
    CLOSING_ITEMS,
    CLOSINGS,
    PAYOUT_EVENTS,
    PAYOUTS,
    STATEMENT_STEPS,
    STATEMENTS,
)
from affiliate.calendar import Period
from affiliate.statement import Statement
from models.domain.ids import PartnerId
from tests.adserver.accounting.till import P1, SHANGHAI, Till, at

OCTOBER, NOVEMBER, DECEMBER = Period("2026-10"), Period("2026-11"), Period("2026-12")
CNY = "CNY"
YUAN = 1_000_000
FEN = 10_000
EVERYTHING = (
    LEDGER_BALANCES, LEDGER_POSTINGS, ORDER_ROWS, CLOSINGS, CLOSING_ITEMS, STATEMENTS,
    STATEMENT_STEPS, PAYOUTS, PAYOUT_EVENTS,
)  # fmt: skip


@pytest.fixture
def till(database_url: str) -> Iterator[Till]:
    """A trusted merchant, an approved partner, and nothing sold yet."""
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    till = Till(engine)
    till.merchant()
    till.partner()
    yield till
    engine.dispose()


def close(till: Till, period: Period, now: str, currency: str = CNY) -> Closed:
    return Closings(till.engine, SHANGHAI).close(period, currency, at(now))


def payouts(till: Till) -> Payouts:
    return Payouts(till.engine, SHANGHAI)


def statement(till: Till, period: Period, partner: str = P1, currency: str = CNY) -> Statement:
    (found,) = Statements(till.engine).find(
        period=period, partner_id=PartnerId(partner), currency=currency
    )
    return found


def written(till: Till, found: Statement) -> tuple[str, str]:
    """The statement as HTML and as CSV."""
    texts = []
    for writer in (html_of, csv_of):
        with Statements(till.engine).opened(found) as opened:
            lines = lines_of(opened.entries, found.partner_id)
            texts.append("".join(writer(found, lines, opened.items, SHANGHAI)))
    return texts[0], texts[1]


def state(engine: Engine) -> dict[str, list[Any]]:
    """All rows of all tables of settlement, in one order."""
    with database.reading(engine) as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)))) for table in EVERYTHING
        }


class KilledError(Exception):
    """The process died."""


@contextmanager
def killed_at(engine: Engine, number: int) -> Iterator[None]:
    """Dies before the `number`-th statement that is sent to the database."""
    sent = 0

    def count(*_: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == number:
            raise KilledError

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", count)


def survives_kills(engine: Engine, act: Callable[[], object]) -> int:
    """Kills `act` before each of its statements in turn, and finally lets it through.

    Answers how often it was killed. A kill must leave everything as it was.
    """
    before = state(engine)
    for number in range(1, 500):
        try:
            with killed_at(engine, number):
                act()
        except KilledError:
            assert state(engine) == before, f"a kill before statement {number} left something"
        else:
            return number - 1
    raise AssertionError("it never came to an end")
