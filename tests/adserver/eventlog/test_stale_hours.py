"""What is stale is known after any crash; an hour too many may be named, never one too few."""

from pathlib import Path

import pytest

from adserver.eventlog.stale_hours import LEFT_ON_DISK, Stale, StaleHours
from adserver.eventlog.sums import Part


@pytest.fixture
def path(tmp_path: Path) -> Path:
    StaleHours(tmp_path / "stale.json").all_are_known()
    return tmp_path / "stale.json"


def test_without_a_file_everything_is_doubtful_until_all_was_looked_at(tmp_path: Path) -> None:
    stale = StaleHours(tmp_path / "stale.json")
    assert stale.is_unknown
    stale.note("clicks", [5])
    assert not (tmp_path / "stale.json").exists()
    stale.all_are_known()
    again = StaleHours(tmp_path / "stale.json")
    assert not again.is_unknown
    assert [*again.waiting()] == [Stale(5, Part.CLICKED)]


@pytest.mark.parametrize("text", ["", "[[1]]", "[[1, 9]]", "7"])
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "stale.json").write_text(text)
    assert StaleHours(tmp_path / "stale.json").is_unknown


def test_a_noted_hour_is_on_disk_at_once(path: Path) -> None:
    StaleHours(path).note("ads_served", [3, 4])
    parts = [Part.SHOWN, Part.CLICKED, Part.CONVERTED]
    assert [*StaleHours(path).waiting()] == [Stale(h, part) for h in (3, 4) for part in parts]


def test_rows_that_come_while_an_hour_is_summed_leave_it_stale(path: Path) -> None:
    stale = StaleHours(path)
    stale.note("clicks", [1, 2])
    summed = stale.waiting()
    stale.note("clicks", [2])
    stale.done(summed)
    assert [*stale.waiting()] == [Stale(2, Part.CLICKED)]


def test_tables_that_nothing_is_summed_from_make_nothing_stale(path: Path) -> None:
    stale = StaleHours(path)
    stale.note("census", [1])
    stale.note("link_clicks", [1])
    assert stale.waiting() == {}


def test_the_file_forgets_what_is_summed_after_a_while(path: Path) -> None:
    stale = StaleHours(path)
    stale.note("clicks", range(LEFT_ON_DISK + 1))
    stale.done(stale.waiting())
    assert StaleHours(path).waiting() == {}
