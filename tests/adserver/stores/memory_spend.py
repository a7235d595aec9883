"""A store of spend and a clock in the hands of a test.

The one surprising fact: `charge` clamps as `charge.lua` does; `test_bookkeeper_model` holds the
script to it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from adserver.ports import StoreAwayError
from adserver.stores.bookkeeper import Budget
from adserver.stores.spend import Spent
from models.domain.ids import LineItemId
from models.domain.money import Micros
from tests.builders import NOW


class MemorySpend:
    """A spend store that can be filled, emptied, slow and away."""

    def __init__(self) -> None:
        self.on_day: dict[tuple[LineItemId, int], int] = {}
        self.in_total: dict[LineItemId, int] = {}
        self.away = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked = asyncio.Event()

    def spend(self, line_item: LineItemId, day: int, micros: int) -> None:
        self.on_day[line_item, day] = self.on_day.get((line_item, day), 0) + micros
        self.in_total[line_item] = self.in_total.get(line_item, 0) + micros

    def charge(self, line_item: LineItemId, day: int, price: Micros, budget: Budget) -> Micros:
        """What is left of the price within the budgets, spent."""
        left: int = price
        if budget.daily_micros is not None:
            left = min(left, budget.daily_micros - self.on_day.get((line_item, day), 0))
        if budget.total_micros is not None:
            left = min(left, budget.total_micros - self.in_total.get(line_item, 0))
        self.spend(line_item, day, max(left, 0))
        return Micros(max(left, 0))

    async def spent(
        self, line_items: Sequence[LineItemId], days: Sequence[int]
    ) -> list[tuple[Micros, Micros]]:
        if self.away:
            raise StoreAwayError("away")
        found = [
            (Micros(self.on_day.get((one, day), 0)), Micros(self.in_total.get(one, 0)))
            for one, day in zip(line_items, days, strict=True)
        ]
        self.asked.set()
        await self.answering.wait()
        return found

    async def restore(self, log: Sequence[Spent]) -> None:
        for one in log:
            self.on_day[one.line_item_id, one.day] = one.on_day_micros
            self.in_total[one.line_item_id] = one.in_total_micros


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
