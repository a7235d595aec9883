"""Writes the event tables' DDL for the server at hand.

One machine or a cluster, ClickHouse 18.16 or the newest.

Never here: what the columns are (`schema`). The one surprising fact: on a cluster every table is
two, a replicated `<name>_local` on each node and a `Distributed` one under the plain name that
everybody reads and writes.
"""

import logging
from dataclasses import dataclass

from adserver.eventlog.schema import TABLES, Column, Table
from adserver.eventlog.sums import SUM_TABLES
from adserver.ports import EventStore

log = logging.getLogger(__name__)

Version = tuple[int, int]

# Since which server version an option may be written; where in doubt, a later one.
SINCE: dict[str, Version] = {
    "codec": (19, 14),  # Delta, DoubleDelta and ZSTD for single columns
    "low_cardinality": (19, 14),  # dictionary-encoded strings
    "ttl": (19, 14),  # rows that expire
    "fsync": (20, 10),  # parts on disk before the insert is acknowledged
    "dedup_window": (21, 4),  # drop a re-sent block on tables that are not replicated
    "dedup_token": (22, 2),  # recognise a re-sent block by its name
}
DEDUP_WINDOW_BLOCKS = 1000
HOURS_IN_PARTITION = 720  # of sums: 30 days
# Merged parts stay this long: four times what Linux lets a written page wait for the disk. The
# server's own 8 minutes would keep a hundred thousand small files around.
MERGED_PARTS_KEPT_S = 120


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the DDL is written for.

    Server version, cluster name ("" for one machine), days to keep (0: all).
    """

    version: Version
    cluster: str = ""
    retention_days: int = 0

    def has(self, option: str) -> bool:
        """Whether the server knows an option of `SINCE`."""
        return self.version >= SINCE[option]


def create_all(dialect: Dialect) -> list[str]:
    """The statements that make every table that is missing, in the order to run them."""
    return [statement for table in (*TABLES, *SUM_TABLES) for statement in create(table, dialect)]


def create(table: Table, dialect: Dialect) -> list[str]:
    """The statements that make one table if it is missing."""
    if not dialect.cluster:
        return [_stored(table, dialect, table.name, "")]
    where = f" ON CLUSTER {dialect.cluster}"
    local = f"{table.name}_local"
    key = next(name for name in ("offer_id", "event_id", "hour") if name in table.names)
    distributed = (
        f"CREATE TABLE IF NOT EXISTS {table.name}{where} AS {local} "
        f"ENGINE = Distributed({dialect.cluster}, currentDatabase(), {local}, "
        f"cityHash64(toString({key})))"  # all that befell one offer on one node, copies included
    )
    return [_stored(table, dialect, local, where), distributed]


def add_missing(table: Table, present: set[str], dialect: Dialect) -> list[str]:
    """The statements that add the columns a newer release brought to an older table."""
    missing = [column for column in table.columns if column.name not in present]
    names = [table.name]
    where = ""
    if dialect.cluster:
        names, where = [f"{table.name}_local", table.name], f" ON CLUSTER {dialect.cluster}"
    return [
        f"ALTER TABLE {name}{where} ADD COLUMN {_typed(column, dialect)}"
        for column in missing
        for name in names
    ]


def prepare(store: EventStore, cluster: str = "", retention_days: int = 0) -> None:
    """Brings the store's tables up to this release: makes those missing, adds columns.

    Runs at every start.
    """
    dialect = Dialect(store.version(), cluster, retention_days)
    for statement in create_all(dialect):
        store.execute(statement)
    found = store.query("SELECT table, name FROM system.columns WHERE database = currentDatabase()")
    present: dict[str, set[str]] = {}
    for name, column in zip(found["table"], found["name"], strict=True):
        present.setdefault(name, set()).add(column)
    for table in (*TABLES, *SUM_TABLES):
        for statement in add_missing(table, present[table.name], dialect):
            store.execute(statement)
    log.info("event store %d.%d is ready", *dialect.version)


def _stored(table: Table, dialect: Dialect, name: str, where: str) -> str:
    typed = [f"  {_typed(column, dialect)}" for column in table.columns]
    partition = f"intDiv({table.day_of}, {HOURS_IN_PARTITION})"
    if not table.newest:
        partition = "toYYYYMMDD(day_at)"
        second = f"intDiv({table.day_of}, 1000)"
        typed.append(f"  day_at DateTime('UTC') DEFAULT toDateTime({second}, 'UTC')")
    # The engine drops copies when it merges, which is when it likes: readers drop them too.
    engine = f"ReplacingMergeTree({table.newest})"
    if dialect.cluster:
        path = f"/clickhouse/tables/{{shard}}/adunion/{name}"
        newest = f", {table.newest}" if table.newest else ""
        engine = f"ReplicatedReplacingMergeTree('{path}', '{{replica}}'{newest})"
    lines = [
        f"CREATE TABLE IF NOT EXISTS {name}{where} (",
        ",\n".join(typed),
        f") ENGINE = {engine}",
        f"PARTITION BY {partition}",
        f"ORDER BY ({', '.join(table.order)})",
    ]
    if not table.money and dialect.retention_days and dialect.has("ttl"):
        lines.append(f"TTL day_at + INTERVAL {dialect.retention_days} DAY")
    if settings := _settings(dialect):
        lines.append(f"SETTINGS {settings}")
    return "\n".join(lines)


def _typed(column: Column, dialect: Dialect) -> str:
    kind = "String" if column.kind == "Bytes" else column.kind
    if column.repeats and dialect.has("low_cardinality"):
        kind = f"LowCardinality({kind})"
    packed = ""
    if column.name.endswith("_ms") and dialect.has("codec"):
        packed = " CODEC(DoubleDelta, LZ4)"
    if column.kind == "Bytes" and dialect.has("codec"):
        packed = " CODEC(ZSTD(1))"
    return f"{column.name} {kind}{packed}"


def _settings(dialect: Dialect) -> str:
    settings = {"old_parts_lifetime": MERGED_PARTS_KEPT_S}
    if dialect.has("fsync"):
        # The outbox forgets what was acknowledged: that must outlive a power cut.
        settings |= {"fsync_after_insert": 1, "fsync_part_directory": 1}
    if dialect.has("dedup_window") and not dialect.cluster:
        settings["non_replicated_deduplication_window"] = DEDUP_WINDOW_BLOCKS
    return ", ".join(f"{name} = {value}" for name, value in settings.items())
