"""The event store in both its forms, as the event log's own tests open it."""

from tests.adserver.eventlog.conftest import clickhouse_database, store

__all__ = ["clickhouse_database", "store"]
