"""Sales that clicks on product ads brought, as conversions of the ads; taken back when undone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from adserver.config import Settings
from adserver.console.product_conversions import ProductConversions
from adserver.eventlog.open_store import open_for_reading
from adserver.eventlog.rows import pack_rows, settled_row, unpack_columns
from adserver.ports import EventStore
from adserver.stores import database
from adserver.stores.order_tables import ORDER_ROWS
from models.domain.event import Booked, EventKind, Verdict
from tests import schemas
from tests.adserver.eventlog.happenings import happening
from tests.adserver.stores.made_orders import put_row
from tests.builders import NOW

CLICKS = [happening(number, EventKind.CLICK, creative_id=f"cr{number % 2}") for number in range(4)]
NOTHING: dict[Any, int] = {}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    schemas.furnish(tmp_path)
    opened = database.connect(Settings(data_dir=tmp_path))
    yield opened
    opened.dispose()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = open_for_reading(Settings(data_dir=tmp_path))
    yield opened
    opened.close()


def ship(store: EventStore, *numbers: int) -> None:
    found = [settled_row(CLICKS[number], Booked(Verdict.COUNTED)) for number in numbers]
    rows = [row for one in found if one for row in one[1:]]
    store.insert("clicks", unpack_columns("clicks", [pack_rows(rows)]))


def order(engine: Engine, number: int, click: int, **changes: Any) -> None:
    own = {"touch_id": CLICKS[click].event_id.hex, "touch_kind": "ad"} | changes
    with database.writing(engine) as connection:
        put_row(connection, number, NOW, **own)


def test_each_sale_is_a_conversion_where_its_click_was(engine: Engine, store: EventStore) -> None:
    sales = ProductConversions(engine, store, days=30)
    assert sales.refresh(NOW) == NOTHING
    ship(store, 0, 1, 2, 2)
    for number, click in enumerate((0, 2, 2, 1), 1):
        order(engine, number, click)
    expected = {("cr0", "pl1", "conversions"): 3, ("cr1", "pl1", "conversions"): 1}
    assert sales.refresh(NOW) == expected
    assert sales.refresh(NOW) == expected
    assert ProductConversions(engine, store, days=30).refresh(NOW) == expected


def test_a_click_that_is_shipped_after_its_order_is_found_then(
    engine: Engine, store: EventStore
) -> None:
    sales = ProductConversions(engine, store, days=30)
    order(engine, 1, 3)
    assert sales.refresh(NOW) == NOTHING
    ship(store, 3)
    assert sales.refresh(NOW) == {("cr1", "pl1", "conversions"): 1}


def test_a_sale_that_is_cancelled_counts_no_longer(engine: Engine, store: EventStore) -> None:
    sales = ProductConversions(engine, store, days=30)
    ship(store, 0)
    order(engine, 1, 0)
    order(engine, 2, 0)
    assert sum(sales.refresh(NOW).values()) == 2
    with database.writing(engine) as connection:
        undone = update(ORDER_ROWS).where(ORDER_ROWS.c.row_id == "r1")
        connection.execute(undone.values(status="cancelled", modified_seq=3))
    assert sum(sales.refresh(NOW).values()) == 1
    assert sum(sales.refresh(NOW + timedelta(days=31)).values()) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"touch_kind": "link"},
        {"relation": "same_merchant"},
        {"paid_at": None},
        {"status": "cancelled"},
        {"touch_id": "no click of ours"},
        {"paid_at": NOW - timedelta(days=31)},
    ],
)
def test_what_is_no_sale_of_the_ads_product_does_not_count(
    engine: Engine, store: EventStore, changes: dict[str, Any]
) -> None:
    ship(store, 0)
    order(engine, 1, 0, **changes)
    assert ProductConversions(engine, store, days=30).refresh(NOW) == NOTHING
