"""The same promises of the event store on chDB and on Debian's ClickHouse server."""

import math
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adserver.eventlog.ddl import prepare
from adserver.eventlog.house_events import house_event_row
from adserver.eventlog.link_clicks import link_click_row
from adserver.eventlog.liveness import HeldError
from adserver.eventlog.rows import (
    census_row,
    decided_row,
    pack_rows,
    served_row,
    settled_row,
    unpack_columns,
)
from adserver.eventlog.schema import TABLES
from adserver.eventlog.store_chdb import ChdbStore
from adserver.eventlog.store_clickhouse import ClickHouseStore
from adserver.ports import EventStore, StatementRefusedError, StoreAwayError
from models.domain.event import Booked, EventKind, Verdict
from tests import engines
from tests.adserver.eventlog.happenings import COUNTED, census, decided, happening, served
from tests.adserver.eventlog.test_link_clicks import AT_MS, TOUCH

ODD_TEXT = 'it\'s \\ "广告" \n\t; DROP TABLE clicks -- %(since)s'
FEATURES = struct.pack("<4d", 1.5, math.nan, -0.0, 1e300)


def one_row_of(table: str) -> tuple[Any, ...]:
    kinds = {"impressions": EventKind.IMPRESSION, "viewables": EventKind.VIEWABLE}
    kinds |= {"clicks": EventKind.CLICK, "conversions": EventKind.CONVERSION}
    if table in kinds:
        settled = settled_row(happening(1, kinds[table], partner_id=ODD_TEXT), COUNTED)
    elif table == "suspects":
        settled = settled_row(happening(1), Booked(Verdict.NO_IMPRESSION))
    else:
        rows = {
            "ads_served": served_row(served(1, FEATURES)),
            "decisions": decided_row(decided(1)),
            "census": census_row(census(1, "won", 3)),
            "house_events": house_event_row(happening(1).offer, EventKind.CLICK, AT_MS),
            "link_clicks": link_click_row(TOUCH, AT_MS, 2**63 - 1, "old.csv"),
        }
        settled = (table, rows[table])
    assert settled is not None
    assert settled[0] == table
    return settled[1]


def columns_of(table: str, *rows: tuple[Any, ...]) -> dict[str, list[Any]]:
    return unpack_columns(table, [pack_rows(rows)])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_of_every_table_comes_back_as_it_was_inserted(
    store: EventStore, table: Any
) -> None:
    inserted = columns_of(table.name, one_row_of(table.name))
    store.insert(table.name, inserted)
    hexed = {"UUID": "toString({})", "Bytes": "hex({})"}
    asked = [
        f"{hexed.get(column.kind, '{}').format(column.name)} AS c{number}"
        for number, column in enumerate(table.columns)
    ]
    found = store.query(f"SELECT {', '.join(asked)} FROM {table.name}")
    for number, column in enumerate(table.columns):
        [value], [expected] = found[f"c{number}"], inserted[column.name]
        if column.kind == "UUID":
            value, expected = value.replace("-", ""), expected.hex()
        if column.kind == "Bytes":
            value, expected = bytes.fromhex(value), expected
        assert list(value) == expected if isinstance(expected, list) else value == expected


def test_preparing_twice_changes_nothing_and_adds_columns_that_are_missing(
    store: EventStore,
) -> None:
    store.insert("census", columns_of("census", one_row_of("census")))
    store.execute("ALTER TABLE census DROP COLUMN requests")
    prepare(store)
    prepare(store)
    assert store.query("SELECT requests, reason FROM census") == {
        "requests": [0],
        "reason": ["won"],
    }


def test_a_query_without_rows_still_names_its_columns(store: EventStore) -> None:
    assert store.query("SELECT line_item_id, clicked.position FROM ads_served AS clicked") == {
        "line_item_id": [],
        "position": [],
    }


def test_parameters_are_quoted_whatever_they_contain(store: EventStore) -> None:
    found = store.query(
        "SELECT %(text)s AS text, %(number)s AS number, 2 IN %(several)s AS among",
        {"text": ODD_TEXT, "number": 7, "several": (1, 2)},
    )
    assert found == {"text": [ODD_TEXT], "number": [7], "among": [1]}


def test_a_refused_statement_says_why_and_the_store_goes_on(store: EventStore) -> None:
    with pytest.raises(StatementRefusedError, match="nowhere"):
        store.query("SELECT * FROM nowhere")
    with pytest.raises(StatementRefusedError):
        store.execute("CREATE NONSENSE")
    assert store.query("SELECT 1 AS one") == {"one": [1]}


def test_the_reading_side_cannot_write(store: EventStore) -> None:
    with pytest.raises(StatementRefusedError):
        store.query("INSERT INTO census (reason) VALUES ('won')")
    with pytest.raises(StatementRefusedError):
        store.query("DROP TABLE census")
    assert store.query("SELECT count() AS rows FROM census") == {"rows": [0]}


def test_threads_may_read_and_write_at_once(store: EventStore) -> None:
    sums: list[object] = []

    def read() -> None:
        asked = "SELECT sum(n) AS n FROM (SELECT arrayJoin(range(1000)) AS n)"
        sums.extend(store.query(asked)["n"][0] for _ in range(20))

    def write() -> None:
        for number in range(10):
            store.insert("census", columns_of("census", census_row(census(number, "won", 1))))

    threads = [threading.Thread(target=work) for work in (read, read, write, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [499_500] * 40
    assert store.query("SELECT uniqExact(event_id) AS n FROM census") == {"n": [10]}


def test_a_second_process_is_told_who_holds_the_chdb_directory(tmp_path: Path) -> None:
    first = ChdbStore(tmp_path / "events", "the first")
    with pytest.raises(HeldError, match="the first"):
        ChdbStore(tmp_path / "events", "the second")
    first.close()
    ChdbStore(tmp_path / "events", "the second").close()


def test_chdb_recognises_a_batch_that_is_sent_again(tmp_path: Path) -> None:
    store = ChdbStore(tmp_path / "events")
    prepare(store)
    for name in ("a", "a", "b"):
        store.insert("census", columns_of("census", one_row_of("census")), name)
    counted = store.query("SELECT count() AS rows FROM census")
    store.close()
    assert counted == {"rows": [2]}


@pytest.fixture
def own_clickhouse(tmp_path: Path) -> Iterator[engines.Running]:
    with engines.clickhouse_server(tmp_path) as running:
        yield running


def test_a_stopped_server_is_away_and_comes_back_without_a_new_store(
    own_clickhouse: engines.Running,
) -> None:
    store = ClickHouseStore(own_clickhouse.url)
    prepare(store)
    own_clickhouse.server.kill()
    with pytest.raises(StoreAwayError):
        store.insert("census", columns_of("census", one_row_of("census")))
    with pytest.raises(StoreAwayError):
        store.query("SELECT 1")
    own_clickhouse.server.start()
    store.insert("census", columns_of("census", one_row_of("census")))
    assert store.query("SELECT count() AS rows FROM census") == {"rows": [1]}
    store.close()
