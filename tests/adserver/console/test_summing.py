"""The loop that keeps the sums: the newest hour first, older ones together, all of an old log."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adserver.console import summing
from adserver.console.summing import HourlySums
from adserver.eventlog.ddl import prepare
from adserver.eventlog.rows import decided_row
from adserver.eventlog.stale_hours import LEFT_ON_DISK, StaleHours
from adserver.eventlog.store_chdb import ChdbStore
from adserver.eventlog.sums import HOUR_MS, hours_made
from adserver.ports import EventStore
from adserver.reports.requests import RequestScope, requests
from adserver.reports.span import Span
from tests.adserver.eventlog.billed import put
from tests.adserver.eventlog.happenings import decided
from tests.builders import NOW, NOW_MS

HOUR = NOW_MS // HOUR_MS


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventStore]:
    opened = ChdbStore(tmp_path / "events", "a test")
    prepare(opened)
    yield opened
    opened.close()


def ask(events: EventStore, *hours_ago: int) -> None:
    """One request in each of these hours."""
    rows = [decided_row(replace(decided(n), occurred_ms=NOW_MS - n * HOUR_MS)) for n in hours_ago]
    put(events, "decisions", rows)


def made(events: EventStore) -> set[int]:
    """How many hours ago the hours are that have sums."""
    return {HOUR - hour for hour, _ in hours_made(events)}


def asked(events: EventStore) -> int:
    span = Span(NOW - timedelta(days=10), NOW + timedelta(days=1))
    return requests(events, RequestScope(), span).requests


def test_the_newest_hour_comes_before_all_the_others(
    events: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summing, "WORK_S", 0.0)
    stale = StaleHours(tmp_path / "stale.json")
    sums = HourlySums(events, stale)
    assert sums.look(NOW) == 0
    ask(events, 0, 1, 50)
    for hours_ago in (50, 1, 0):
        stale.note("decisions", [HOUR - hours_ago])
    assert sums.look(NOW) == 2
    assert made(events) == {0, 50}
    assert sums.look(NOW) == 1
    assert made(events) == {0, 1, 50}
    assert asked(events) == 3


def test_an_older_log_is_summed_day_by_day_and_tells_how_far_it_is(
    events: EventStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(summing, "WORK_S", 0.0)
    monkeypatch.setattr(summing, "TELL_S", 0.0)
    ask(events, *range(72))
    sums = HourlySums(events, StaleHours(tmp_path / "stale.json"))
    looks = 0
    while asked(events) < 72:
        sums.look(NOW)
        looks += 1
    assert looks == 2  # two days at a time: 72 hours that end at noon lie on four days
    told = [record.getMessage() for record in caplog.records if "hourly sums" in record.message]
    assert told[0] == "hourly sums: 72 hours of the log are summed in the background"
    assert "37 of 72 hours, about" in told[1]
    assert told[-1] == "hourly sums: all 72 hours are summed"


def test_a_restart_sums_only_what_was_left(events: EventStore, tmp_path: Path) -> None:
    ask(events, *range(200))
    path = tmp_path / "stale.json"
    stale = StaleHours(path)
    while asked(events) < 200:
        HourlySums(events, stale).look(NOW)
    assert HourlySums(events, StaleHours(path)).look(NOW) <= LEFT_ON_DISK
    assert asked(events) == 200


def test_rows_that_expired_keep_their_sums(events: EventStore, tmp_path: Path) -> None:
    ask(events, 1, 100)
    path = tmp_path / "stale.json"
    HourlySums(events, StaleHours(path), retention_days=2).look(NOW)
    events.execute("ALTER TABLE decisions DROP PARTITION 20261114")
    path.unlink()
    sums = HourlySums(events, StaleHours(path), retention_days=2)
    assert sums.look(NOW) == 1  # the young hour, for nobody knows what came since
    assert asked(events) == 2


def test_a_clock_that_was_set_back_cannot_make_old_sums_count(
    events: EventStore, tmp_path: Path
) -> None:
    ask(events, 1)
    path = tmp_path / "stale.json"
    HourlySums(events, StaleHours(path)).look(NOW + timedelta(days=300))
    ask(events, 1)
    put(events, "decisions", [decided_row(replace(decided(77), occurred_ms=NOW_MS - HOUR_MS))])
    stale = StaleHours(path)
    stale.note("decisions", [HOUR - 1])
    HourlySums(events, stale).look(NOW)
    assert asked(events) == 2
