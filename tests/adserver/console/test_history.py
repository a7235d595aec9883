"""The published history: recounted whole days, copies dropped, old days let go."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from adserver import publication
from adserver.console.history import DAYS, HistoryPublisher
from adserver.eventlog.ddl import prepare
from adserver.eventlog.rows import pack_rows, settled_row, unpack_columns
from adserver.eventlog.store_chdb import ChdbStore
from adserver.ports import StatementRefusedError
from adserver.reload import HISTORY, HISTORY_FILE
from models.domain.event import EventKind
from models.domain.history import History, HistoryCell
from tests.adserver.eventlog.happenings import COUNTED, happening
from tests.builders import NOW, NOW_MS

DAY_MS = 86_400_000
TODAY = NOW_MS // DAY_MS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChdbStore]:
    opened = ChdbStore(tmp_path / "events")
    prepare(opened)
    yield opened
    opened.close()


def put(store: ChdbStore, numbers: range, kind: EventKind, days_ago: int = 0) -> None:
    """Counted events of ads served some days ago."""
    served_ms = NOW_MS - days_ago * DAY_MS
    settled = [settled_row(happening(n, kind, served_ms=served_ms), COUNTED) for n in numbers]
    table = f"{kind}s"
    rows = [one[1] for one in settled if one is not None]
    store.insert(table, unpack_columns(table, [pack_rows(rows)]))


def published(data_dir: Path) -> History:
    root = data_dir / HISTORY
    version = publication.current(root)
    assert version is not None
    return msgspec.msgpack.decode(publication.read(root, version)[HISTORY_FILE], type=History)


def nothing() -> set[int]:
    return set()


def test_the_first_look_counts_every_day_and_publishes(store: ChdbStore, tmp_path: Path) -> None:
    put(store, range(5), EventKind.IMPRESSION)
    put(store, range(5, 7), EventKind.IMPRESSION, days_ago=3)
    put(store, range(1), EventKind.CLICK)
    assert HistoryPublisher(store, tmp_path).look(nothing, NOW) is not None
    assert published(tmp_path) == History(NOW_MS, (HistoryCell("cr1", "pl1", 7, 1, 0),))


def test_only_days_with_new_rows_are_counted_again_and_copies_change_nothing(
    store: ChdbStore, tmp_path: Path
) -> None:
    history = HistoryPublisher(store, tmp_path)
    put(store, range(5), EventKind.IMPRESSION)
    history.look(nothing, NOW)
    put(store, range(5), EventKind.IMPRESSION)
    assert history.look(lambda: {TODAY}, NOW) is None
    put(store, range(5, 8), EventKind.IMPRESSION)
    assert history.look(nothing, NOW) is None
    assert history.look(lambda: {TODAY}, NOW + timedelta(seconds=30)) is not None
    assert published(tmp_path).cells == (HistoryCell("cr1", "pl1", 8, 0, 0),)


def test_days_too_long_ago_are_let_go(store: ChdbStore, tmp_path: Path) -> None:
    history = HistoryPublisher(store, tmp_path)
    put(store, range(5), EventKind.IMPRESSION)
    history.look(nothing, NOW)
    assert history.look(nothing, NOW + timedelta(days=DAYS)) is not None
    assert published(tmp_path).cells == ()


def test_days_whose_counting_failed_are_counted_next_time(store: ChdbStore, tmp_path: Path) -> None:
    history = HistoryPublisher(store, tmp_path)
    history.look(nothing, NOW)
    put(store, range(2), EventKind.IMPRESSION)
    store.execute("RENAME TABLE clicks TO elsewhere")
    with pytest.raises(StatementRefusedError):
        history.look(lambda: {TODAY}, NOW)
    store.execute("RENAME TABLE elsewhere TO clicks")
    assert history.look(nothing, NOW + timedelta(seconds=30)) is not None
    assert published(tmp_path).cells == (HistoryCell("cr1", "pl1", 2, 0, 0),)
