"""Sums that stay true: recounted, never added to."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from adserver.console.rollup import HOUR_MS, Rollup

TODAY = 20_000
NOON = TODAY * 24 + 12
NOON_MS = NOON * HOUR_MS


@dataclass
class Log:
    """Events by hour, and which spans were asked for."""

    events: Counter[int] = field(default_factory=Counter)
    asked: list[tuple[int, int]] = field(default_factory=list)
    away: bool = False

    def count(self, since_ms: int, until_ms: int) -> Counter[str]:
        if self.away:
            raise ConnectionError("away")
        since, until = since_ms // HOUR_MS, until_ms // HOUR_MS
        self.asked.append((since, until - since))
        return Counter(events=sum(n for at, n in self.events.items() if since <= at < until))

    def hours(self) -> list[int]:
        return sorted(self.events)


@pytest.fixture
def log() -> Log:
    return Log(Counter({NOON - 24 * 9 - 1: 5, NOON - 24 * 9: 7, NOON - 1: 11, NOON: 13}))


def test_at_first_everything_is_counted_old_days_in_one_go(log: Log) -> None:
    assert Rollup(log.count, log.hours).refresh(NOON_MS)["events"] == 36
    assert log.asked == [((TODAY - 9) * 24, 24), (NOON - 1, 1), (NOON, 1)]


def test_afterwards_only_touched_hours_are_counted(log: Log) -> None:
    rollup = Rollup(log.count, log.hours)
    rollup.refresh(NOON_MS)
    log.asked.clear()
    log.events[NOON] += 2
    assert rollup.refresh(NOON_MS)["events"] == 36
    rollup.touch([NOON])
    assert rollup.refresh(NOON_MS)["events"] == 38
    assert log.asked == [(NOON, 1)]


def test_a_late_row_of_an_old_day_recounts_that_day(log: Log) -> None:
    rollup = Rollup(log.count, log.hours)
    rollup.refresh(NOON_MS)
    log.events[NOON - 24 * 9] += 1
    rollup.touch([NOON - 24 * 9])
    assert rollup.refresh(NOON_MS)["events"] == 37


def test_as_time_goes_by_hours_become_days_without_counting_again(log: Log) -> None:
    rollup = Rollup(log.count, log.hours)
    rollup.refresh(NOON_MS)
    log.asked.clear()
    for days in range(1, 6):
        assert rollup.refresh(NOON_MS + days * 24 * HOUR_MS)["events"] == 36
    assert log.asked == []
    log.events[NOON] += 1
    rollup.touch([NOON])
    assert rollup.refresh(NOON_MS + 5 * 24 * HOUR_MS)["events"] == 37


def test_days_too_long_ago_are_let_go_and_not_counted(log: Log) -> None:
    rollup = Rollup(log.count, log.hours, days=5)
    assert rollup.refresh(NOON_MS)["events"] == 24
    assert rollup.refresh(NOON_MS + 6 * 24 * HOUR_MS)["events"] == 0
    assert all(length == 1 for _, length in log.asked)


def test_what_could_not_be_counted_is_counted_next_time(log: Log) -> None:
    rollup = Rollup(log.count, log.hours)
    rollup.refresh(NOON_MS)
    log.events[NOON] += 4
    rollup.touch([NOON])
    log.away = True
    with pytest.raises(ConnectionError):
        rollup.refresh(NOON_MS)
    log.away = False
    assert rollup.refresh(NOON_MS)["events"] == 40
