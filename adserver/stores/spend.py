"""What line items have spent, as Redis knows it.

Here: reading it for many line items at a time, and raising it to what the log says after Redis lost
data. Never here: spending (`bookkeeper`). The surprising fact: line items live in 64 shards, so
that ten thousand of them are read by some 64 scripts and not by ten thousand commands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from adserver.stores import redis_keys
from adserver.stores.bookkeeper import SPENT_DAY_KEPT_S
from adserver.stores.redis_client import RedisLine, script
from models.domain.event import EventKind
from models.domain.ids import LineItemId
from models.domain.money import NO_MONEY, Micros

SPENT, RESTORE = script("spent"), script("restore_spend")
SHARDS_A_TRIP = 8  # a slice of work after which others get their turn
RESTORED_AT_ONCE = 500

_shard = lru_cache(maxsize=262_144)(redis_keys.shard)


@dataclass(frozen=True, slots=True)
class Spent:
    """What the event log says of a line item."""

    line_item_id: LineItemId
    day: int
    on_day_micros: Micros
    in_total_micros: Micros


class RedisSpend:
    """`ports.SpendStore` on a line to Redis."""

    def __init__(self, line: RedisLine) -> None:
        self._line = line

    async def spent(
        self, line_items: Sequence[LineItemId], days: Sequence[int]
    ) -> list[tuple[Micros, Micros]]:
        """(spent on the given local day, spent in total) for each line item.

        Raises:
            StoreAwayError: Redis is away.
        """
        found: list[tuple[Micros, Micros]] = [(NO_MONEY, NO_MONEY)] * len(line_items)
        groups = list(_grouped(line_items, days).items())
        for start in range(0, len(groups), SHARDS_A_TRIP):
            trip = groups[start : start + SHARDS_A_TRIP]
            replies = await self._line.ask_all(
                [
                    SPENT.call(
                        [redis_keys.spent_on(at, day), redis_keys.spent_in_total(at)],
                        *(line_items[position] for position in positions),
                    )
                    for (at, day), positions in trip
                ]
            )
            for (_, positions), reply in zip(trip, replies, strict=True):
                numbers = [Micros(int(number)) for number in reply.split()]
                on_day, in_total = numbers[: len(positions)], numbers[len(positions) :]
                for position, pair in zip(
                    positions, zip(on_day, in_total, strict=True), strict=True
                ):
                    found[position] = pair
        return found

    async def counts(self, line_items: Sequence[LineItemId]) -> list[Mapping[EventKind, int]]:
        """How many events of each kind were counted, for each line item.

        Raises:
            StoreAwayError: Redis is away.
        """
        kinds = list(EventKind)
        replies = await self._line.ask_all(
            [
                ("HGET", redis_keys.counted(_shard(line_item), kind), line_item)
                for line_item in line_items
                for kind in kinds
            ]
        )
        numbers = iter(int(reply or 0) for reply in replies)
        return [{kind: next(numbers) for kind in kinds} for _ in line_items]

    async def restore(self, log: Iterable[Spent]) -> None:
        """Raises each spend to what the log says, where Redis knows of less.

        For a Redis that came back empty or with old data; harmless at any other time.

        Raises:
            StoreAwayError: Redis is away; call it again.
        """
        commands = [
            RESTORE.call(
                [
                    redis_keys.spent_on(_shard(one.line_item_id), one.day),
                    redis_keys.spent_in_total(_shard(one.line_item_id)),
                ],
                *(one.line_item_id, one.on_day_micros, one.in_total_micros, SPENT_DAY_KEPT_S),
            )
            for one in log
        ]
        for start in range(0, len(commands), RESTORED_AT_ONCE):
            await self._line.carry_out(commands[start : start + RESTORED_AT_ONCE])


def _grouped(
    line_items: Sequence[LineItemId], days: Sequence[int]
) -> dict[tuple[int, int], list[int]]:
    """Positions of the line items by (shard, day)."""
    groups: dict[tuple[int, int], list[int]] = {}
    for position, (line_item, day) in enumerate(zip(line_items, days, strict=True)):
        groups.setdefault((_shard(line_item), day), []).append(position)
    return groups
