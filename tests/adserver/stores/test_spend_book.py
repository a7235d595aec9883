"""Reservations and readings, on a board made from a real catalog and a store written by hand."""

import asyncio
from dataclasses import replace

import pytest

from adserver.config import Settings
from adserver.stores.spend_book import WorkerSpendBook
from models.domain.campaign import PricingModel
from models.domain.ids import LineItemId
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from ranking.catalog import Catalog
from ranking.pacing import SpendBoard
from tests import builders
from tests.adserver.stores.memory_spend import Clock, MemorySpend
from tests.builders import NOW

LI1 = LineItemId("li1")


def a_market(*names: str) -> Marketplace:
    budget = {"daily_budget_micros": Micros(1_000_000), "total_budget_micros": Micros(9_000_000)}
    return builders.marketplace(
        line_items=tuple(
            builders.line_item(line_item_id=LineItemId(name), **budget) for name in names
        ),
        creatives=tuple(
            builders.creative(creative_id=f"cr-{name}", line_item_id=LineItemId(name))
            for name in names
        ),
    )


def board_of(*names: str) -> SpendBoard:
    return SpendBoard.for_catalog(Catalog.build(a_market(*names), NOW))


@pytest.fixture
def store() -> MemorySpend:
    return MemorySpend()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(store: MemorySpend, clock: Clock) -> WorkerSpendBook:
    return WorkerSpendBook(store, Settings(), clock)


def reserved(board: SpendBoard, name: LineItemId = LI1) -> int:
    return int(board.reserved[board.catalog.line_item_row[name]])


def spent(board: SpendBoard, name: LineItemId = LI1) -> tuple[int, int]:
    row = board.catalog.line_item_row[name]
    return int(board.spent_today[row]), int(board.spent_total[row])


def today(board: SpendBoard) -> int:
    return int(board.spending.day[board.catalog.line_item_row[LI1]])


async def reading_held_up(book: WorkerSpendBook, store: MemorySpend) -> asyncio.Task[None]:
    """A refresh whose reading was made and is on its way back until `store.answering` is set."""
    store.answering.clear()
    store.asked.clear()
    reading = asyncio.create_task(book.refresh())
    await store.asked.wait()
    return reading


async def test_a_board_is_trusted_only_once_spend_was_read(
    book: WorkerSpendBook, store: MemorySpend
) -> None:
    board, trusted = board_of("li1"), []
    book.rebind(board)
    for away in (True, False, True):
        store.away = away
        await book.refresh()
        trusted.append(board.trusted)
    assert trusted == [False, True, False]


async def test_spend_of_today_and_in_total_is_read(
    book: WorkerSpendBook, store: MemorySpend
) -> None:
    book.rebind(board := board_of("li0", "li1"))
    await book.refresh()
    store.spend(LI1, today(board), 7)
    store.spend(LI1, today(board) - 1, 100)
    await book.refresh()
    assert spent(board) == (7, 107)
    assert spent(board, LineItemId("li0")) == (0, 0)


async def test_an_offer_is_reserved_until_it_is_charged_and_the_charge_is_read(
    book: WorkerSpendBook, store: MemorySpend
) -> None:
    book.rebind(board := board_of("li1"))
    await book.refresh()
    offer = builders.offer(reserved_micros=Micros(300))
    book.reserve(offer)
    assert reserved(board) == 300
    store.spend(LI1, today(board), 250)
    book.release(offer, Micros(250))
    assert (reserved(board), spent(board)) == (250, (0, 0))
    await book.refresh()
    assert (reserved(board), spent(board)) == (0, (250, 250))


async def test_a_charge_that_overtakes_a_reading_is_neither_lost_nor_counted_twice(
    book: WorkerSpendBook, store: MemorySpend
) -> None:
    book.rebind(board := board_of("li1"))
    await book.refresh()
    book.reserve(offer := builders.offer(reserved_micros=Micros(300)))
    reading = await reading_held_up(book, store)
    store.spend(LI1, today(board), 250)
    book.release(offer, Micros(250))
    store.answering.set()
    await reading
    assert (reserved(board), spent(board)) == (250, (0, 0))
    await book.refresh()
    assert (reserved(board), spent(board)) == (0, (250, 250))


@pytest.mark.parametrize(
    ("pricing", "held_s"), [(PricingModel.CPM, 1800), (PricingModel.CPC, 1800 + 7200)]
)
async def test_a_reservation_lapses_when_its_event_can_no_longer_come(
    book: WorkerSpendBook, clock: Clock, pricing: PricingModel, held_s: int
) -> None:
    book.rebind(board := board_of("li1"))
    book.reserve(offer := builders.offer(pricing=pricing, reserved_micros=Micros(300)))
    clock.pass_s(held_s)
    await book.refresh()
    assert reserved(board) == 300
    clock.pass_s(120)
    await book.refresh()
    assert reserved(board) == 0
    book.release(offer, Micros(20))
    assert reserved(board) == 20


async def test_an_offer_of_another_worker_gives_nothing_back(book: WorkerSpendBook) -> None:
    book.rebind(board := board_of("li1"))
    book.release(builders.offer(reserved_micros=Micros(300)), Micros(0))
    assert reserved(board) == 0


async def test_a_new_catalog_keeps_spend_and_reservations_by_line_item(
    book: WorkerSpendBook, store: MemorySpend
) -> None:
    book.rebind(first := board_of("li1"))
    await book.refresh()
    store.spend(LI1, today(first), 40)
    await book.refresh()
    book.reserve(offer := builders.offer(reserved_micros=Micros(300)))
    book.rebind(second := board_of("li0", "li1"))
    assert (reserved(second), spent(second), second.trusted) == (300, (40, 40), True)
    book.rebind(board_of("li0"))
    book.release(offer, Micros(300))
    book.rebind(third := board_of("li1"))
    assert reserved(third) == 300
    await book.refresh()
    assert reserved(third) == 0


async def test_a_board_swapped_during_a_reading_keeps_its_charges_reserved(
    book: WorkerSpendBook, store: MemorySpend
) -> None:
    book.rebind(first := board_of("li1"))
    await book.refresh()
    store.spend(LI1, today(first), 250)
    book.release(builders.offer(), Micros(250))
    reading = await reading_held_up(book, store)
    book.rebind(second := board_of("li1"))
    store.answering.set()
    await reading
    assert reserved(second) == 250
    await book.refresh()
    assert (reserved(second), spent(second)) == (0, (250, 250))


async def test_a_store_that_forgot_is_reminded_and_not_believed(
    book: WorkerSpendBook, store: MemorySpend
) -> None:
    book.rebind(board := board_of("li1"))
    await book.refresh()
    store.spend(LI1, today(board), 250)
    await book.refresh()
    store.on_day.clear()
    store.in_total.clear()
    await book.refresh()
    assert spent(board) == (250, 250)
    assert store.in_total == {LI1: 250}
    assert store.on_day == {(LI1, today(board)): 250}


async def test_a_new_day_begins_with_nothing_spent(
    book: WorkerSpendBook, store: MemorySpend, clock: Clock
) -> None:
    book.rebind(board := board_of("li1"))
    await book.refresh()
    store.spend(LI1, today(board), 250)
    await book.refresh()
    clock.pass_s(4 * 3600)  # midnight in Shanghai
    await book.refresh()
    assert spent(board) == (0, 250)


async def test_the_loop_reads_a_new_board_at_once(book: WorkerSpendBook) -> None:
    running = asyncio.create_task(book.run())
    await asyncio.sleep(0.01)
    book.rebind(board := board_of("li1"))
    await asyncio.sleep(0.2)
    assert board.trusted
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_offers_of_line_items_nobody_knows_are_no_trouble(book: WorkerSpendBook) -> None:
    stranger = replace(builders.offer(), line_item_id=LineItemId("gone"))
    book.reserve(stranger)
    book.rebind(board := board_of("li1"))
    book.reserve(stranger)
    book.release(stranger, Micros(5))
    assert reserved(board) == 0
