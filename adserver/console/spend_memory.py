"""Reminds a Redis that has forgotten.

What the log says was charged is spent, whatever Redis says.

Never here: counting in Redis (`stores.spend`). The one surprising fact: it only ever raises. The
log is a moment behind Redis, so a Redis that knows more is right, and one that knows less has lost
data.
"""

import logging
from collections import Counter

from adserver.ports import StoreAwayError
from adserver.stores.spend import RedisSpend, Spent
from models.domain.ids import LineItemId
from models.domain.money import Micros

log = logging.getLogger(__name__)

RECENT_DAYS = 3  # before the last day of all; no budget asks for older ones


class SpendMemory:
    """Compares Redis with the log; one per console."""

    def __init__(self, spend: RedisSpend) -> None:
        self._spend = spend

    async def remind(self, charges: Counter[tuple[str, int]]) -> int:
        """Raises spends that are below `charges`, micros by (line item, local day).

        Answers how many.

        Does nothing while Redis is away; the next round will.
        """
        known = spent_of(charges)
        line_items, days = [one.line_item_id for one in known], [one.day for one in known]
        try:
            found = await self._spend.spent(line_items, days)
            forgotten = [
                one
                for one, (on_day, in_total) in zip(known, found, strict=True)
                if on_day < one.on_day_micros or in_total < one.in_total_micros
            ]
            await self._spend.restore(forgotten)
        except StoreAwayError:
            return 0
        if forgotten:
            log.warning("Redis has forgotten what %d line items spent: reminded", len(forgotten))
        return len(forgotten)


def spent_of(charges: Counter[tuple[str, int]]) -> list[Spent]:
    """What each line item spent in total and on its last day, if Redis still keeps that day."""
    recent = max((day for _, day in charges), default=0) - RECENT_DAYS
    totals: Counter[str] = Counter()
    last_day: dict[str, int] = {}
    for (line_item, day), micros in charges.items():
        totals[line_item] += micros
        last_day[line_item] = max(day, last_day.get(line_item, day))
    return [
        Spent(
            LineItemId(item),
            day,
            Micros(charges[item, day] if day > recent else 0),
            Micros(totals[item]),
        )
        for item, day in sorted(last_day.items())
    ]
