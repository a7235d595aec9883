"""Requests sorted by user in the background: every hour once, the newest first."""

from datetime import UTC, datetime, timedelta

import pytest

from adserver.console.insight import insight_loop
from adserver.console.insight.insight_loop import SortedRequests
from adserver.eventlog.rows import decided_row, pack_rows, unpack_columns
from adserver.ports import EventStore
from models.domain.event import Decided
from models.domain.ids import UserKey
from tests.adserver.eventlog.conftest import clickhouse_database, store
from tests.adserver.eventlog.happenings import decided

__all__ = ["clickhouse_database", "store"]
NOW = datetime(2026, 11, 18, 12, 30, tzinfo=UTC)


def at(hours_ago: float, number: int) -> Decided:
    when = NOW - timedelta(hours=hours_ago)
    found = decided(number, user_key=UserKey(number))
    found.occurred_ms = int(when.timestamp() * 1000)
    return found


def put(store: EventStore, *made: Decided) -> None:
    rows = [decided_row(one) for one in made]
    store.insert("decisions", unpack_columns("decisions", [pack_rows(rows)]))


def copied(store: EventStore) -> list[int]:
    found = store.query("SELECT user_key FROM requests_by_user ORDER BY user_key")
    return [int(key) for key in found["user_key"]]


def test_hours_that_are_over_are_copied_once(store: EventStore) -> None:
    put(store, at(0.1, 1), at(1, 2), at(2, 3), at(2.1, 4), at(100, 5), at(24 * 31, 6))
    loop = SortedRequests(store)
    assert loop.look(NOW) == 3
    assert copied(store) == [2, 3, 4, 5]
    assert loop.look(NOW) == 0
    assert SortedRequests(store).look(NOW) == 0, "a new console knows what is there"
    assert loop.look(NOW + timedelta(hours=1)) == 1
    assert copied(store) == [1, 2, 3, 4, 5]


def test_an_hour_waits_for_late_rows(store: EventStore) -> None:
    put(store, at(0.6, 1))
    loop = SortedRequests(store)
    assert loop.look(NOW.replace(minute=4)) == 0
    assert loop.look(NOW.replace(minute=6)) == 1


def test_the_newest_hours_come_first_and_it_pauses_between_them(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insight_loop, "HOURS_AT_ONCE", 2)
    put(store, *(at(hours, hours) for hours in range(1, 6)))
    loop, pauses = SortedRequests(store), list[int]()
    assert loop.look(NOW, lambda: pauses.append(1)) == 2
    assert copied(store) == [1, 2]
    assert len(pauses) == 2
    assert [loop.look(NOW) for _ in range(3)] == [2, 1, 0]
    assert copied(store) == [1, 2, 3, 4, 5]
