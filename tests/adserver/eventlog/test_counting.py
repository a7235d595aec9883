"""The order of counting, and what is left right whatever breaks between its steps."""

import asyncio
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from adserver.eventlog.counting import Counting
from adserver.eventlog.leftovers import count_leftovers
from adserver.eventlog.outbox import WorkerOutbox
from adserver.eventlog.outbox_file import OutboxFile
from adserver.eventlog.rows import unpack_columns
from adserver.ports import OutboxFullError
from models.domain.event import Booked, EventKind, Tracked, Verdict
from models.domain.money import Micros
from tests.adserver.eventlog.fakes import Books
from tests.adserver.eventlog.happenings import happening

CLICK = EventKind.CLICK


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def counting(outbox: WorkerOutbox, books: Books) -> Counting:
    return Counting(outbox, books)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox/w0.sqlite"


async def rows(path: Path) -> dict[str, dict[str, list[object]]]:
    """The rows ready to ship, as columns by table."""
    await asyncio.sleep(0.2)  # verdicts are written lazily
    with closing(OutboxFile(path)) as file:
        shipment = file.claim(10_000)
    tables = {batch.table for batch in shipment.batches} if shipment else set()
    return {
        table: unpack_columns(
            table,
            [one.body for one in (shipment.batches if shipment else ()) if one.table == table],
        )
        for table in tables
    }


async def test_an_impression_counts_and_its_row_has_the_charge(
    counting: Counting, path: Path
) -> None:
    assert await counting.count(happening(1)) == Booked(Verdict.COUNTED, Micros(20_000))
    assert (await rows(path))["impressions"]["charged_micros"] == [20_000]


async def test_an_event_is_on_disk_before_it_is_booked(outbox: WorkerOutbox, path: Path) -> None:
    class Watching(Books):
        async def book(self, event: Tracked) -> Booked:
            with closing(OutboxFile(path)) as file:
                assert file.waiting_count() == 1
            return await super().book(event)

    booked = await Counting(outbox, Watching()).count(happening(1))
    assert booked.verdict is Verdict.COUNTED


async def test_a_beacon_that_comes_ten_times_counts_once(counting: Counting, path: Path) -> None:
    booked = await asyncio.gather(*(counting.count(happening(1)) for _ in range(9)))
    booked.append(await counting.count(happening(1)))
    assert sorted(one.verdict for one in booked) == [Verdict.COUNTED] + [Verdict.DUPLICATE] * 9
    assert len((await rows(path))["impressions"]["event_id"]) == 1


async def test_who_comes_second_is_not_told_duplicate_when_the_first_could_not_be_kept(
    tmp_path: Path, books: Books
) -> None:
    full = WorkerOutbox(tmp_path, "w0", 0)
    counting = Counting(full, books)
    outcomes = await asyncio.gather(
        *(counting.count(happening(1)) for _ in range(3)), return_exceptions=True
    )
    full.close()
    assert [type(outcome) for outcome in outcomes] == [OutboxFullError] * 3
    assert books.counted == {}


async def test_a_click_without_impression_is_kept_as_a_suspect(
    counting: Counting, path: Path
) -> None:
    assert await counting.recount() == 0  # nothing waits that could be its impression
    booked = await counting.count(happening(1, CLICK))
    assert booked.verdict is Verdict.NO_IMPRESSION
    found = await rows(path)
    assert found.keys() == {"suspects"}
    assert found["suspects"]["verdict"] == ["no_impression"]
    assert found["suspects"]["kind"] == ["click"]


async def test_a_doubt_is_kept_once_and_its_replay_is_a_duplicate(
    counting: Counting, path: Path
) -> None:
    doubtful = replace(happening(1), doubt=Verdict.INVALID_TRAFFIC)
    verdicts = [(await counting.count(doubtful)).verdict for _ in range(3)]
    assert verdicts == [Verdict.INVALID_TRAFFIC, Verdict.DUPLICATE, Verdict.DUPLICATE]
    assert len((await rows(path))["suspects"]["event_id"]) == 1


async def test_while_redis_is_away_events_are_deferred_and_counted_later_in_order(
    counting: Counting, books: Books, path: Path
) -> None:
    books.away = True
    for event in (happening(1), happening(1, CLICK), happening(1), happening(2, CLICK)):
        await counting.count(event)
    assert await counting.recount() == 0
    books.away = False
    assert await counting.recount() == 3
    found = await rows(path)
    assert {table: len(columns["event_id"]) for table, columns in found.items()} == {
        "impressions": 1,
        "clicks": 1,
        "suspects": 1,
    }


async def test_a_click_whose_impression_still_waits_is_deferred_and_then_counted(
    counting: Counting, books: Books
) -> None:
    books.away = True
    await counting.count(happening(1))
    books.away = False
    assert (await counting.count(happening(1, CLICK))).verdict is Verdict.DEFERRED
    for _ in range(3):
        await counting.recount()
        await asyncio.sleep(0.2)
    assert [event.kind for event in books.booked] == [EventKind.IMPRESSION, CLICK]
    assert (await counting.count(happening(2, CLICK))).verdict is Verdict.NO_IMPRESSION


async def test_a_repeat_while_redis_is_away_is_a_duplicate_of_the_first(
    counting: Counting, books: Books
) -> None:
    books.away = True
    verdicts = [(await counting.count(happening(1))).verdict for _ in range(2)]
    assert verdicts == [Verdict.DEFERRED, Verdict.DUPLICATE]


async def test_a_doubt_while_redis_is_away_is_kept_without_counting(
    counting: Counting, books: Books, path: Path
) -> None:
    books.away = True
    doubtful = replace(happening(1), doubt=Verdict.EXPIRED)
    assert (await counting.count(doubtful)).verdict is Verdict.EXPIRED
    assert (await rows(path)).keys() == {"suspects"}


async def test_an_event_that_a_request_is_counting_is_not_counted_again_beside_it(
    outbox: WorkerOutbox,
) -> None:
    class Slow(Books):
        async def book(self, event: Tracked) -> Booked:
            await asyncio.sleep(0.3)
            return await super().book(event)

    books = Slow()
    counting = Counting(outbox, books)
    at_hand = asyncio.create_task(counting.count(happening(1)))
    await asyncio.sleep(0.1)
    assert await counting.recount() == 0
    assert (await at_hand).verdict is Verdict.COUNTED
    assert len(books.booked) == 1


@pytest.mark.parametrize("booked_before_the_crash", [False, True])
async def test_what_a_crash_left_between_disk_and_verdict_counts_once(
    tmp_path: Path, books: Books, booked_before_the_crash: bool
) -> None:
    outbox = WorkerOutbox(tmp_path, "w0", 100)
    await outbox.append(happening(1))
    if booked_before_the_crash:
        await books.book(happening(1))
    outbox.close()
    reborn = WorkerOutbox(tmp_path, "w0", 100)
    assert await Counting(reborn, books).recount() == 1
    reborn.close()
    assert (await rows(tmp_path / "w0.sqlite"))["impressions"]["charged_micros"] == [20_000]
    assert len(books.counted) == 1


async def test_what_a_dead_worker_left_is_counted_by_the_console(
    tmp_path: Path, books: Books
) -> None:
    outbox = WorkerOutbox(tmp_path, "w0", 100)
    for number in range(3):
        await outbox.append(happening(number))
    assert await count_leftovers(tmp_path, books) == 0  # it lives: it counts for itself
    outbox.close()
    books.away = True
    assert await count_leftovers(tmp_path, books) == 0
    books.away = False
    assert await count_leftovers(tmp_path, books) == 3
    assert len((await rows(tmp_path / "w0.sqlite"))["impressions"]["event_id"]) == 3


async def test_recounting_goes_on_through_outages_until_it_is_cancelled(
    counting: Counting, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adserver.eventlog.counting.RECOUNT_PAUSE_S", 0.01)
    books.away = True
    await counting.count(happening(1))
    going_on = asyncio.create_task(counting.keep_recounting())
    await asyncio.sleep(0.1)
    books.away = False
    for _ in range(100):
        await asyncio.sleep(0.02)
        if books.counted:
            break
    going_on.cancel()
    assert len(books.counted) == 1
