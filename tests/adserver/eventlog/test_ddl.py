"""The DDL's text for the servers we cannot start here: newer ones and clusters."""

import pytest

from adserver.eventlog.ddl import SINCE, Dialect, add_missing, create, create_all
from adserver.eventlog.schema import BY_NAME, TABLES
from adserver.eventlog.sums import FIGURES, REQUEST_FIGURES, SUM_TABLES

OLDEST, NEWEST = (18, 16), (26, 9)
CLICKS = BY_NAME["clicks"]


def test_the_oldest_server_gets_nothing_it_does_not_know() -> None:
    text = "\n".join(create_all(Dialect(OLDEST, retention_days=30)))
    for word in ("LowCardinality", "CODEC", "TTL", "dedup", "fsync", "ON CLUSTER"):
        assert word not in text


def test_the_newest_server_gets_everything() -> None:
    text = "\n".join(create_all(Dialect(NEWEST, retention_days=30)))
    for word in (
        "LowCardinality(String)",
        "CODEC(DoubleDelta, LZ4)",
        "CODEC(ZSTD(1))",
        "TTL day_at + INTERVAL 30 DAY",
        "non_replicated_deduplication_window = 1000",
        "fsync_after_insert = 1",
    ):
        assert word in text


@pytest.mark.parametrize("option", SINCE)
def test_an_option_is_written_from_its_version_on(option: str) -> None:
    major, minor = SINCE[option]
    assert Dialect((major, minor)).has(option)
    assert not Dialect((major - 1, 99)).has(option)


def test_money_never_expires() -> None:
    for table in TABLES:
        [statement] = create(table, Dialect(NEWEST, retention_days=7))
        assert ("TTL" in statement) is not table.money


def test_one_machine_gets_one_table_partitioned_by_the_day_the_ad_was_served() -> None:
    [statement] = create(CLICKS, Dialect(OLDEST))
    assert statement.startswith("CREATE TABLE IF NOT EXISTS clicks (\n  event_id UUID,\n")
    assert statement.endswith(
        "  day_at DateTime('UTC') DEFAULT toDateTime(intDiv(served_ms, 1000), 'UTC')\n"
        ") ENGINE = ReplacingMergeTree()\n"
        "PARTITION BY toYYYYMMDD(day_at)\n"
        "ORDER BY (line_item_id, served_ms, event_id)\n"
        "SETTINGS old_parts_lifetime = 120"
    )


def test_a_cluster_gets_a_replicated_table_on_each_node_and_a_distributed_one_over_them() -> None:
    stored, distributed = create(CLICKS, Dialect(NEWEST, cluster="ads"))
    assert stored.startswith("CREATE TABLE IF NOT EXISTS clicks_local ON CLUSTER ads (")
    assert (
        "ReplicatedReplacingMergeTree("
        "'/clickhouse/tables/{shard}/adunion/clicks_local', '{replica}')" in stored
    )
    assert "non_replicated" not in stored
    assert distributed == (
        "CREATE TABLE IF NOT EXISTS clicks ON CLUSTER ads AS clicks_local "
        "ENGINE = Distributed(ads, currentDatabase(), clicks_local, cityHash64(toString(offer_id)))"
    )


def test_copies_of_an_event_always_go_to_the_same_node() -> None:
    for table in TABLES:
        _, distributed = create(table, Dialect(NEWEST, cluster="ads"))
        assert "toString(offer_id)" in distributed or "toString(event_id)" in distributed
        assert "rand()" not in distributed


def test_all_sums_of_an_hour_lie_on_one_node_and_the_newest_wins() -> None:
    for table in SUM_TABLES:
        stored, distributed = create(table, Dialect(NEWEST, cluster="ads"))
        assert "'{replica}', run)" in stored
        assert "cityHash64(toString(hour))" in distributed
        [alone] = create(table, Dialect(OLDEST))
        assert "ReplacingMergeTree(run)\nPARTITION BY intDiv(hour, 720)" in alone
        assert {*table.order} == {*table.names} - {"run"} - {*FIGURES} - {*REQUEST_FIGURES}


def test_missing_columns_are_added_on_every_table_that_has_them() -> None:
    present = set(CLICKS.names) - {"detail"}
    assert add_missing(CLICKS, present, Dialect(OLDEST)) == [
        "ALTER TABLE clicks ADD COLUMN detail String"
    ]
    assert add_missing(CLICKS, present, Dialect(OLDEST, cluster="ads")) == [
        "ALTER TABLE clicks_local ON CLUSTER ads ADD COLUMN detail String",
        "ALTER TABLE clicks ON CLUSTER ads ADD COLUMN detail String",
    ]
    assert add_missing(CLICKS, set(CLICKS.names), Dialect(OLDEST)) == []


def test_every_column_is_explained_and_every_key_is_a_column() -> None:
    for table in TABLES:
        assert {table.day_of, *table.order} <= set(table.names)
        assert len(set(table.names)) == len(table.names)
        assert table.order[-1] == table.names[0] == "event_id"
        assert all(len(column.meaning) > 10 for column in table.columns)
