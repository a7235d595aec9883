"""Findings and the money around them: the same on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import BigInteger, Connection, Engine, Integer, Table, insert

from adserver.stores import findings, migrations
from adserver.stores.database import connect_url, writing
from adserver.stores.revenue_tables import AD_SHARES, DAILY_REVENUE
from adserver.stores.tables import Instant
from affiliate.ad_revenue import Finding
from models.domain.ids import AppId, LineItemId, PlacementId
from tests import builders
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

DAY = date(2026, 10, 5)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = connect_url(database_url)
    migrations.upgrade(opened)
    yield opened
    opened.dispose()


def put(connection: Connection, table: Table, **given: object) -> None:
    """A row; numbers that are not given are 0, texts empty."""
    row: dict[str, object] = {}
    for column in table.columns:
        if isinstance(column.type, Instant):
            row[column.name] = builders.NOW
        else:
            row[column.name] = 0 if isinstance(column.type, BigInteger | Integer) else ""
    connection.execute(insert(table).values(row | given))


def books(connection: Connection) -> None:
    """A placement and a line item a day, each in both tables, told apart by their amounts."""
    for power, (day, app, item) in enumerate(
        [(DAY, "app1", "li1"), (DAY, "app1", "li2"), (DAY, "app2", "li1"), (NEXT, "app1", "li1")]
    ):
        amount = 10**power
        place = {"day": day.isoformat(), "app_id": app, "placement_id": f"{app}.{item}"}
        put(
            connection,
            DAILY_REVENUE,
            **place,
            line_item_id=item,
            impressions=amount,
            invalid_impressions=2 * amount,
            revenue_micros=3 * amount,
            invalid_micros=4 * amount,
        )
        put(connection, AD_SHARES, **place, estimated_micros=4 * amount, restated_micros=amount,
            invalid_micros=6 * amount)  # fmt: skip


def sums(cells: int, shares: int) -> tuple[int, ...]:
    return (cells, 2 * cells, 3 * cells, 4 * cells, 5 * shares, 6 * shares)


def test_each_finding_has_the_money_of_what_it_names_and_no_more(engine: Engine) -> None:
    told = {
        Finding("inv_app", "x", DAY, DAY, AppId("app1")): sums(11, 11),
        Finding("inv_days", "x", DAY, NEXT, AppId("app1")): sums(1011, 1011),
        Finding("inv_item", "x", DAY, NEXT, line_item_id=LineItemId("li1")): sums(1101, 1111),
        Finding("inv_place", "x", DAY, DAY, AppId("app1"), PlacementId("app1.li2")): sums(10, 10),
        Finding("inv_phone", "x", DAY, DAY, address_key=5): sums(111, 111),
        Finding("inv_none", "x", DAY, DAY, AppId("app3")): sums(0, 0),
    }
    with writing(engine) as connection:
        books(connection)
        for one in told:
            findings.add_rule(connection, one, builders.NOW)
        ids = [one.finding_id for one in told]
        found = findings.money_around(connection, [*ids, "inv_unknown"])
        assert found == {one.finding_id: amounts for one, amounts in told.items()} | {
            "inv_unknown": sums(0, 0)
        }
        assert findings.money_around(connection, ids[:1]) == {ids[0]: sums(11, 11)}
        assert findings.money_around(connection, []) == {}


def test_one_finding_is_found_as_in_the_list(engine: Engine) -> None:
    with writing(engine) as connection:
        findings.add_rule(connection, Finding("inv_a", "x", DAY, DAY, AppId("app1")), builders.NOW)
        (listed,) = findings.all_findings(connection)
        assert findings.find(connection, "inv_a") == listed
        assert findings.find(connection, "inv_b") is None
