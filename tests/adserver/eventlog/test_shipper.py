"""How rows reach the store, and what happens when it is away, unsure, or the outbox is damaged."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from adserver.eventlog.ddl import prepare
from adserver.eventlog.liveness import Held
from adserver.eventlog.outbox import lock_path
from adserver.eventlog.outbox_file import Batch, OutboxFile, Settled
from adserver.eventlog.queries import event_ids
from adserver.eventlog.rows import pack_rows, pack_tracked, settled_row
from adserver.eventlog.shipper import Shipper
from adserver.ports import EventStore, StoreAwayError
from models.domain.event import EventKind
from tests.adserver.eventlog.fakes import MemoryStore
from tests.adserver.eventlog.happenings import COUNTED, happening
from tests.builders import NOW_MS

FOREVER = 2**62


def fill(path: Path, first: int, last: int, kind: EventKind = EventKind.IMPRESSION) -> None:
    """Settled events in an outbox, one commit each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(OutboxFile(path)) as file:
        for number in range(first, last):
            event = happening(number, kind)
            file.write([(event.event_id.bytes, pack_tracked(event))])
            file.write((), [Settled(event.event_id.bytes, settled_row(event, COUNTED))])


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def shipper(tmp_path: Path, memory: MemoryStore) -> Shipper:
    return Shipper(tmp_path, memory, batch_rows=10)


def drain(shipper: Shipper) -> int:
    total = 0
    while shipped := shipper.ship_once():
        total += shipped
    shipper.close()
    return total


def test_all_outboxes_are_emptied_those_of_dead_workers_too(
    tmp_path: Path, shipper: Shipper, memory: MemoryStore
) -> None:
    fill(tmp_path / "w0.sqlite", 0, 25)
    fill(tmp_path / "gone.sqlite", 25, 30, EventKind.CLICK)
    assert drain(shipper) == 30
    assert len(set(memory.ids("impressions"))) == 25
    assert len(set(memory.ids("clicks"))) == 5
    assert drain(shipper) == 0


def test_nothing_is_forgotten_while_the_store_is_away(
    tmp_path: Path, shipper: Shipper, memory: MemoryStore
) -> None:
    fill(tmp_path / "w0.sqlite", 0, 5)
    memory.away = True
    for _ in range(3):
        with pytest.raises(StoreAwayError):
            shipper.ship_once()
    memory.away = False
    assert drain(shipper) == 5


def test_after_a_lost_answer_the_same_batch_goes_again_under_the_same_name(
    tmp_path: Path, shipper: Shipper, memory: MemoryStore
) -> None:
    fill(tmp_path / "w0.sqlite", 0, 5)
    memory.loses_answers = True
    with pytest.raises(StoreAwayError):
        shipper.ship_once()
    shipper.close()
    fill(tmp_path / "w0.sqlite", 5, 20)  # what came meanwhile must not slip into it
    memory.loses_answers = False
    reborn = Shipper(tmp_path, memory, batch_rows=1_000)
    reborn.ship_once()
    reborn.close()
    first, second, *_ = memory.inserted
    assert first == second


def test_a_kill_between_acknowledgement_and_forgetting_sends_copies_not_losses(
    tmp_path: Path, memory: MemoryStore
) -> None:
    fill(tmp_path / "w0.sqlite", 0, 5)
    with closing(OutboxFile(tmp_path / "w0.sqlite")) as file:
        assert file.claim(3) is not None  # claimed, sent, acknowledged; and then killed
    drain(Shipper(tmp_path, memory, batch_rows=3))
    assert len(set(memory.ids("impressions"))) == 5


def test_hours_with_new_rows_are_noted_for_the_history(tmp_path: Path, shipper: Shipper) -> None:
    fill(tmp_path / "w0.sqlite", 0, 3)
    drain(shipper)
    assert shipper.take_touched_hours() == {NOW_MS // 3_600_000}


def test_hours_are_noted_before_their_rows_are_forgotten(
    tmp_path: Path, shipper: Shipper, memory: MemoryStore
) -> None:
    fill(tmp_path / "w0.sqlite", 0, 3)
    noted: list[tuple[str, set[int]]] = []

    def note(table: str, hours: set[int]) -> None:
        noted.append((table, hours))
        if len(noted) == 1:
            raise OSError("disk full")

    shipper.note = note
    with pytest.raises(OSError, match="disk full"):
        shipper.ship_once()
    assert drain(shipper) == 3
    assert noted == [("impressions", {NOW_MS // 3_600_000})] * 2
    assert len(memory.ids("impressions")) == 6  # the same rows again: copies, not losses


def test_rows_that_cannot_be_stored_are_kept_apart_and_the_rest_goes_on(
    tmp_path: Path, shipper: Shipper, memory: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path / "w0.sqlite", 0, 2)
    with closing(OutboxFile(tmp_path / "w0.sqlite")) as file:
        bad = Batch("impressions", 1, pack_rows([(b"too short",)]))
        file.write((), (), [bad, Batch("impressions", 1, b"\xc1 not MessagePack")])
    fill(tmp_path / "w0.sqlite", 2, 4)
    drain(shipper)
    assert len(memory.ids("impressions")) == 4
    assert "w0.sqlite" in caplog.text
    with closing(sqlite3.connect(tmp_path / "w0.sqlite")) as db:
        refused = db.execute("SELECT rows, body, reason FROM refused").fetchall()
    assert [(rows, body) for rows, body, _ in refused] == [
        (1, bad.body),
        (1, b"\xc1 not MessagePack"),
    ]
    assert "bytes" in refused[0][2]


def test_a_damaged_outbox_of_a_dead_worker_is_set_aside_and_the_others_go_on(
    tmp_path: Path, shipper: Shipper, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"rubbish" * 1000)
    fill(tmp_path / "w0.sqlite", 0, 3)
    assert drain(shipper) == 3
    [aside] = [path.name for path in tmp_path.iterdir() if "damaged" in path.name]
    assert aside in caplog.text


def test_a_damaged_outbox_of_a_living_worker_is_left_to_the_worker(
    tmp_path: Path, shipper: Shipper, caplog: pytest.LogCaptureFixture
) -> None:
    living = Held(lock_path(tmp_path, "w0"), "worker w0")
    (tmp_path / "w0.sqlite").write_bytes(b"rubbish" * 1000)
    shipper.ship_once()
    shipper.close()
    assert (tmp_path / "w0.sqlite").exists()
    assert "living worker" in caplog.text
    living.release()


def test_the_loop_outlives_an_outage_and_says_how_much_waits(
    tmp_path: Path, memory: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    fill(tmp_path / "w0.sqlite", 0, 12)
    memory.away = True
    shipper = Shipper(tmp_path, memory, batch_rows=10)
    stop = threading.Event()
    loop = threading.Thread(target=shipper.run, args=(0.01, stop))
    loop.start()
    stop.wait(0.3)
    memory.away = False
    for _ in range(200):
        if len(memory.ids("impressions")) == 12:
            break
        stop.wait(0.02)
    stop.set()
    loop.join()
    shipper.close()
    assert len(memory.ids("impressions")) == 12
    assert "12 rows wait" in caplog.text
    assert "event store back" in caplog.text


def test_the_tables_are_made_again_when_the_store_came_back_without_them(
    tmp_path: Path, store: EventStore
) -> None:
    fill(tmp_path / "w0.sqlite", 0, 5)
    store.execute("DROP TABLE impressions")
    shipper = Shipper(tmp_path, store, 10, prepare=lambda: prepare(store))
    shipper.prepared.set()
    stop = threading.Event()
    loop = threading.Thread(target=shipper.run, args=(0.01, stop))
    loop.start()
    for _ in range(300):
        if shipper.waiting == 0 and shipper.take_touched_hours():
            break
        stop.wait(0.02)
    stop.set()
    loop.join()
    shipper.close()
    assert len(event_ids(store, "impressions", 0, FOREVER)) == 5


def test_an_unforeseen_failure_does_not_end_the_loop(
    tmp_path: Path, memory: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path / "w0.sqlite", 0, 5)
    failures = [ZeroDivisionError("nobody thought of it")]

    def prepare_badly() -> None:
        if failures:
            raise failures.pop()

    shipper = Shipper(tmp_path, memory, 10, prepare_badly)
    stop = threading.Event()
    loop = threading.Thread(target=shipper.run, args=(0.01, stop))
    loop.start()
    for _ in range(300):
        if memory.inserted:
            break
        stop.wait(0.02)
    stop.set()
    loop.join()
    shipper.close()
    assert len(memory.ids("impressions")) == 5
    assert "nobody thought of it" in caplog.text


def test_every_row_reaches_both_kinds_of_store(tmp_path: Path, store: EventStore) -> None:
    outbox = tmp_path / "outbox"
    fill(outbox / "w0.sqlite", 0, 30)
    drain(Shipper(outbox, store, batch_rows=7))
    expected = sorted(str(happening(number).event_id) for number in range(30))
    assert sorted(event_ids(store, "impressions", 0, FOREVER)) == expected
