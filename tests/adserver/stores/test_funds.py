"""Many funds at once: the same as one after another, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine

from adserver.stores import funds, migrations
from adserver.stores.database import connect_url, reading
from adserver.stores.funds import Fund
from models.domain.ids import PoolId
from models.domain.money import Micros
from tests.adserver.accounting.ad_house import D1, LONG_AGO, POOL, YUAN, Ads, at
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

OTHER = PoolId("other")
EMPTY = Fund(PoolId("empty"), "Never made", "CNY", LONG_AGO)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = connect_url(database_url)
    migrations.upgrade(opened)
    yield opened
    opened.dispose()


def test_what_was_paid_into_funds_and_who_is_in_them_is_read_at_once(engine: Engine) -> None:
    ads = Ads(engine)
    ads.fund(100)
    ads.fund(7, pool=OTHER)
    ads.pay_out_of_fund(30)
    for day, partner_id in enumerate(("p2", "p1")):
        ads.enrol(partner_id, at(D1 + timedelta(days=day)))
    ads.leave("p1", at(date(2026, 12, 1)))
    with reading(engine) as connection:
        every = [*funds.all_funds(connection), EMPTY]
        paid = funds.paid_into(connection, every)
        assert paid == {POOL: Micros(100 * YUAN), OTHER: Micros(7 * YUAN)}
        assert all(funds.paid_in(connection, one) == paid.get(one.pool_id, 0) for one in every)
        inside = funds.enrolments_of(connection, [one.pool_id for one in every])
        assert inside == {POOL: funds.enrolments(connection, POOL)}
        assert [one.partner_id for one in inside[POOL]] == ["p2", "p1"]
        assert (funds.paid_into(connection, []), funds.enrolments_of(connection, [])) == ({}, {})
