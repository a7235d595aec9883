"""Closing a month, on both databases: what matures, what waits, what is taken back."""

from collections.abc import Iterator

import pytest

from adserver.accounting.closing import Closings
from adserver.stores import database, migrations, statements
from adserver.stores.database import connect_url
from affiliate.calendar import Period
from affiliate.statement import Item, Statement
from models.domain.ids import PartnerId
from tests.adserver.accounting.till import P1, SHANGHAI, Till, at
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

OCTOBER, NOVEMBER, DECEMBER = Period("2026-10"), Period("2026-11"), Period("2026-12")
CNY = "CNY"
YUAN = 1_000_000
FEN = 10_000


@pytest.fixture
def till(database_url: str) -> Iterator[Till]:
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    till = Till(engine)
    till.merchant()
    till.partner()
    yield till
    engine.dispose()


def close(till: Till, period: Period, now: str, currency: str = CNY) -> None:
    Closings(till.engine, SHANGHAI).close(period, currency, at(now))


def statement(till: Till, period: Period, partner: str = P1, currency: str = CNY) -> Statement:
    with database.reading(till.engine) as connection:
        (found,) = statements.find(
            connection, period=period, partner_id=PartnerId(partner), currency=currency
        )
    return found


def test_a_received_order_whose_hold_is_over_becomes_payable(till: Till) -> None:
    till.sell("a", at("2026-10-05"), earns=12_000, fee=1_000)
    till.sell("a", at("2026-10-12"), payable_from=at("2026-10-19"))
    close(till, OCTOBER, "2026-11-10")
    found = statement(till, OCTOBER)
    assert [(step.item, step.lines, step.amount) for step in found.steps] == [
        (Item.COMMISSIONS, 1, 120 * YUAN)
    ]
    assert found.closing == (0, 120 * YUAN, 0)
    assert (found.payout_minor, found.held) == (12_000, None)
    assert found.head_hash
