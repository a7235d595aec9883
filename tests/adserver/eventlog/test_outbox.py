"""What a worker's outbox promises, on real files."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adserver.eventlog.liveness import HeldError
from adserver.eventlog.outbox import WorkerOutbox
from adserver.eventlog.outbox_file import Batch, OutboxFile
from adserver.eventlog.rows import pack_rows, unpack_columns, unpack_tracked
from adserver.ports import OutboxFullError
from models.domain.event import Booked, Verdict
from tests.adserver.eventlog.happenings import COUNTED, happening
from tests.engines import START_LIMIT_S

DUPLICATE = Booked(Verdict.DUPLICATE)


def shipped(path: Path, table: str = "impressions") -> list[str]:
    """The ids in the batches that wait for the shipper."""
    with closing(OutboxFile(path)) as file:
        shipment = file.claim(1_000_000)
    batches = [] if shipment is None else [one for one in shipment.batches if one.table == table]
    return [one.hex() for one in unpack_columns(table, [b.body for b in batches])["event_id"]]


def set_aside_in(directory: Path) -> list[Path]:
    """The damaged outboxes that were kept."""
    return [path for path in directory.iterdir() if ".damaged-" in path.name]


async def test_an_appended_event_is_read_by_another_process_before_it_is_settled(
    outbox: WorkerOutbox, tmp_path: Path
) -> None:
    event = happening(1)
    assert await outbox.append(event)
    with closing(OutboxFile(tmp_path / "outbox/w0.sqlite")) as file:
        assert [unpack_tracked(body) for body in file.waiting(10)] == [event]


async def test_a_settled_event_becomes_a_row_and_waits_no_more(tmp_path: Path) -> None:
    outbox = WorkerOutbox(tmp_path, "w0", 100)
    await outbox.append(happening(1))
    outbox.settle(happening(1), COUNTED)
    outbox.close()
    assert shipped(tmp_path / "w0.sqlite") == [happening(1).event_id.hex]
    with closing(OutboxFile(tmp_path / "w0.sqlite")) as file:
        assert file.waiting(10) == []


async def test_the_same_event_again_is_not_appended_twice(outbox: WorkerOutbox) -> None:
    answers = await asyncio.gather(*(outbox.append(happening(1)) for _ in range(5)))
    assert sorted(answers) == [False, False, False, False, True]


async def test_a_verdict_on_an_event_that_no_longer_waits_changes_nothing(tmp_path: Path) -> None:
    outbox = WorkerOutbox(tmp_path, "w0", 100)
    await outbox.append(happening(1))
    for booked in (COUNTED, COUNTED, DUPLICATE):
        outbox.settle(happening(1), booked)
    outbox.close()
    assert len(shipped(tmp_path / "w0.sqlite")) == 1


async def test_a_duplicate_leaves_no_row(tmp_path: Path) -> None:
    outbox = WorkerOutbox(tmp_path, "w0", 100)
    await outbox.append(happening(1))
    outbox.settle(happening(1), DUPLICATE)
    outbox.close()
    with closing(OutboxFile(tmp_path / "w0.sqlite")) as file:
        assert file.claim(10) is None
        assert file.backlog() == 0


async def test_a_full_outbox_refuses_until_the_shipper_has_taken_some(tmp_path: Path) -> None:
    outbox = WorkerOutbox(tmp_path, "w0", 3)
    for number in range(3):
        await outbox.append(happening(number))
        outbox.settle(happening(number), COUNTED)
    with pytest.raises(OutboxFullError, match="3 rows wait"):
        await outbox.append(happening(3))
    await asyncio.sleep(0.2)  # until the lazy commit has written the verdicts
    with closing(OutboxFile(tmp_path / "w0.sqlite")) as file:
        shipment = file.claim(10)
        assert shipment is not None
        file.forget(shipment)
    assert await outbox.append(happening(3))
    outbox.close()


async def test_statistics_are_dropped_before_money_is_refused(tmp_path: Path) -> None:
    outbox = WorkerOutbox(tmp_path, "w0", 10)
    outbox.keep(Batch("census", 8, pack_rows([("x",)] * 8)))
    outbox.keep(Batch("census", 2, pack_rows([("x",)] * 2)))
    await asyncio.sleep(0.2)
    await asyncio.gather(outbox.append(happening(1)), outbox.append(happening(2)))
    outbox.close()
    with closing(OutboxFile(tmp_path / "w0.sqlite")) as file:
        assert file.backlog() == 10


async def test_a_shipment_is_the_same_bytes_until_it_is_forgotten(
    outbox: WorkerOutbox, tmp_path: Path
) -> None:
    path = tmp_path / "outbox/w0.sqlite"
    for number in range(20):
        await outbox.append(happening(number))
        outbox.settle(happening(number), COUNTED)
    await asyncio.sleep(0.2)
    with closing(OutboxFile(path)) as file:
        first = file.claim(5)
    outbox.keep(Batch("census", 1, pack_rows([("x",)])))
    await asyncio.sleep(0.2)
    with closing(OutboxFile(path)) as file:
        again = file.claim(1_000)
        assert again == first
        assert again is not None
        file.forget(again)
        after = file.claim(1_000)
    assert after is not None
    assert after.first == again.last + 1
    assert after.name != again.name


@pytest.mark.usefixtures("outbox")
async def test_a_second_worker_of_the_same_name_is_told_who_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adserver.eventlog.outbox.PATIENCE_S", 0.1)
    with pytest.raises(HeldError, match=f"worker w0 \\(process {os.getpid()}\\)"):
        WorkerOutbox(tmp_path / "outbox", "w0", 100)


@pytest.mark.parametrize(
    "damage", [b"not a database at all" * 50, b"SQLite format 3\x00" + b"\xff" * 9000]
)
async def test_a_damaged_outbox_is_set_aside_with_its_name_in_the_log(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "w0.sqlite").write_bytes(damage)
    outbox = WorkerOutbox(tmp_path, "w0", 100)
    assert await outbox.append(happening(1))
    outbox.close()
    [aside] = set_aside_in(tmp_path)
    assert aside.read_bytes() == damage
    assert aside.name in caplog.text


class DamagedDatabase:
    """What SQLite says of a page that went bad."""

    def execute(self, *_statement: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    def close(self) -> None:
        pass


async def test_an_outbox_damaged_while_in_use_is_set_aside_and_loses_nothing_new(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = WorkerOutbox(tmp_path, "w0", 100)
    outbox._file._db.close()
    outbox._file._db = DamagedDatabase()
    assert await outbox.append(happening(1))
    assert [event.event_id for event in await outbox.unsettled(10)] == [happening(1).event_id]
    outbox.close()
    assert "set aside" in caplog.text


_WRITER = """
import asyncio, sys
from pathlib import Path
from adserver.eventlog.outbox import WorkerOutbox
from tests.adserver.eventlog.happenings import COUNTED, happening

async def write(outbox, first):
    for number in range(first, 10_000_000, 8):
        event = happening(number)
        await outbox.append(event)
        outbox.settle(event, COUNTED)
        sys.stdout.write(event.event_id.hex + "\\n")
        sys.stdout.flush()

async def main():
    outbox = WorkerOutbox(Path(sys.argv[1]), "w0", 10_000_000)
    await asyncio.gather(*(write(outbox, first) for first in range(8)))

asyncio.run(main())
"""


def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().strip() for _ in range(200)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
    writer.stdout.close()
    writer.wait(START_LIMIT_S)
    with closing(OutboxFile(tmp_path / "w0.sqlite")) as file:
        waiting = [unpack_tracked(body).event_id.hex for body in file.waiting(10_000)]
    found = shipped(tmp_path / "w0.sqlite") + waiting
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)


def a_row(number: int) -> tuple[str]:
    return (number.to_bytes(16),)  # type: ignore[return-value]


async def test_a_row_that_needs_no_verdict_is_on_disk_when_it_is_acknowledged(
    outbox: WorkerOutbox, tmp_path: Path
) -> None:
    await asyncio.gather(*(outbox.append_row("link_clicks", a_row(n)) for n in range(50)))
    found = shipped(tmp_path / "outbox/w0.sqlite", "link_clicks")
    assert found == [a_row(n)[0].hex() for n in range(50)]  # type: ignore[attr-defined]


async def test_a_full_outbox_refuses_rows_that_were_promised(tmp_path: Path) -> None:
    outbox = WorkerOutbox(tmp_path, "w0", 2)
    await outbox.append_row("link_clicks", a_row(1))
    await outbox.append(happening(1))
    with pytest.raises(OutboxFullError, match="2 rows wait"):
        await outbox.append_row("link_clicks", a_row(2))
    outbox.close()
    assert len(shipped(tmp_path / "w0.sqlite", "link_clicks")) == 1


async def test_a_row_that_is_no_text_stops_its_caller_and_not_the_outbox(
    outbox: WorkerOutbox,
) -> None:
    with pytest.raises(UnicodeEncodeError):
        await outbox.append_row("link_clicks", ("\ud800",))
    await outbox.append_row("link_clicks", a_row(1))
