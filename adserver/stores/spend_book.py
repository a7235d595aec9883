"""The worker's own view of budgets: what Redis says is spent, plus what open offers may still cost.

Here: reservations from decision to charge or lapse, and the loop that keeps a `SpendBoard` fresh.
Never here: who may still spend (`ranking.pacing`). The surprising fact: a charge stays reserved
until a reading of Redis that began after it was booked. Adding it at once would count it twice
whenever a reading overtook the news of it.

Reservations are kept as sums by line item and minute of their end, not by offer: ten million open
offers of a busy worker take no more memory than ten thousand.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from adserver.config import Settings
from adserver.ports import SpendStore, StoreAwayError
from adserver.stores.spend import Spent
from models.domain.campaign import PricingModel
from models.domain.event import Offer
from models.domain.ids import LineItemId
from models.domain.money import Micros
from ranking.pacing import SpendBoard, control
from ranking.records import UNLIMITED

REFRESH_S = 1.0
MINUTE_MS = 60_000

logger = logging.getLogger(__name__)


class RestorableSpend(SpendStore, Protocol):
    """A spend store that can be told what it has forgotten."""

    async def restore(self, log: Sequence[Spent]) -> None: ...


def now_utc() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class WorkerSpendBook:
    """`ports.SpendBook` over the board of the snapshot in force. One thread, that of the loop."""

    def __init__(
        self,
        store: RestorableSpend,
        settings: Settings,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._store = store
        self._clock = clock
        to_impression = settings.ad_expires_s * 1000
        to_click = to_impression + settings.click_window_s * 1000
        # A conversion may come days later: then its reservation has lapsed, and booking clamps.
        self._held_ms = {PricingModel.CPM: to_impression, PricingModel.CPC: to_click}
        self._held_at_most_ms = to_click
        self._open: dict[int, Counter[LineItemId]] = {}  # micros by minute of lapse
        self._charged: Counter[LineItemId] = Counter()  # micros booked since a reading began
        self._being_read: Counter[LineItemId] = Counter()  # micros booked before it began
        self._board: SpendBoard | None = None
        self._budgeted = np.empty(0, np.int64)  # rows
        self._line_items: list[LineItemId] = []  # of those rows
        self._rebound = asyncio.Event()

    def rebind(self, board: SpendBoard) -> None:
        """Goes on with the board of a new snapshot, which learns all that is known.

        To be called in the turn in which the snapshot is swapped in. Until the first reading
        no board is trusted; later ones are, and line items new to them are read at once.
        """
        if self._board is None:
            board.trusted = False
        else:
            board.take_over(self._board)
        self._board = board
        limited = (board.budgets.daily != UNLIMITED) | (board.budgets.total != UNLIMITED)
        self._budgeted = np.flatnonzero(limited)
        self._line_items = [board.catalog.line_items[row].line_item_id for row in self._budgeted]
        board.reserved[:] = 0
        for sums in (self._charged, self._being_read, *self._open.values()):
            for line_item, micros in sums.items():
                self._set_aside(line_item, micros)
        self._rebound.set()

    def reserve(self, offer: Offer) -> None:
        """Sets aside what the offer is expected to cost, until it is charged or lapses."""
        row = self._row(offer.line_item_id)
        if self._board is None or row is None or not offer.reserved_micros:
            return
        self._board.reserve(row, offer.reserved_micros)
        if (sums := self._open.get(minute := self._lapses(offer))) is None:
            sums = self._open[minute] = Counter()
        sums[offer.line_item_id] += offer.reserved_micros

    def release(self, offer: Offer, charged: Micros) -> None:
        """The offer was charged: that is set aside in place of its reservation, till it is read."""
        sums = self._open.get(self._lapses(offer), Counter())
        reserved = min(offer.reserved_micros, sums[offer.line_item_id])
        if reserved:  # otherwise it has lapsed, or another worker made the offer
            sums[offer.line_item_id] -= reserved
        self._charged[offer.line_item_id] += charged
        self._set_aside(offer.line_item_id, charged - reserved)

    async def run(self) -> None:
        """Keeps the board fresh until cancelled: every second, and at once after `rebind`."""
        while True:
            self._rebound.clear()
            try:
                await self.refresh()
            except Exception:
                logger.exception("the spend board could not be refreshed; trying again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rebound.wait(), REFRESH_S)

    async def refresh(self) -> None:
        """One look at clock and store: lapses, pacing, what was spent. Redis away: not trusted."""
        now = self._clock()
        self._lapse(int(now.timestamp() * 1000))
        if (board := self._board) is None:
            return
        await asyncio.to_thread(control, board, now)  # the first call compiles, for seconds
        if board is not self._board:
            return
        self._being_read, self._charged = self._charged, Counter()
        try:
            await self._read(board)
            if board is self._board:  # or else it was swapped meanwhile: next time
                self._cover(board)
        except StoreAwayError:
            (self._board or board).trusted = False
        finally:
            self._charged.update(self._being_read)
            self._being_read = Counter()

    def _cover(self, board: SpendBoard) -> None:
        """The reading is in: the charges booked before it began are part of what is spent."""
        for line_item, micros in self._being_read.items():
            self._set_aside(line_item, -micros)
        self._being_read = Counter()
        board.trusted = True

    async def _read(self, board: SpendBoard) -> None:
        rows, line_items = self._budgeted, self._line_items
        days = board.spending.day[rows]
        read = np.array(await self._store.spent(line_items, days.tolist()), np.int64).reshape(-1, 2)
        known = np.column_stack((board.spent_today[rows], board.spent_total[rows]))
        lost = np.flatnonzero(read[:, 1] < known[:, 1])
        if lost.size:  # sums only grow, so Redis came back without its latest data
            logger.warning("Redis has forgotten what %d line items spent: reminded", lost.size)
            read[lost] = np.maximum(read[lost], known[lost])
            await self._store.restore(
                [
                    Spent(line_items[at], int(days[at]), *map(Micros, read[at].tolist()))
                    for at in lost
                ]
            )
        same_day = board.spending.day[rows] == days
        board.spent_total[rows] = read[:, 1]
        board.spent_today[rows[same_day]] = read[same_day, 0]

    def _lapses(self, offer: Offer) -> int:
        held_ms = self._held_ms.get(offer.pricing, self._held_at_most_ms)
        return (offer.served_ms + held_ms) // MINUTE_MS + 1

    def _lapse(self, now_ms: int) -> None:
        for minute in [minute for minute in self._open if minute * MINUTE_MS <= now_ms]:
            for line_item, micros in self._open.pop(minute).items():
                self._set_aside(line_item, -micros)

    def _set_aside(self, line_item: LineItemId, micros: int) -> None:
        """More or less of it. Not a change to the pace, which counts offers when they are made."""
        row = self._row(line_item)
        if self._board is not None and row is not None:
            self._board.release(row, -micros)

    def _row(self, line_item: LineItemId) -> int | None:
        return None if self._board is None else self._board.catalog.line_item_row.get(line_item)
