"""Stand-ins with a will of their own: a Bookkeeper in memory, a store that fails on command."""

from collections.abc import Mapping, Sequence
from typing import Any

from adserver.ports import StoreAwayError
from models.domain.event import Booked, EventKind, Tracked, Verdict
from models.domain.money import NO_MONEY


class Books:
    """A Bookkeeper in memory: counts each event once, answers the same when asked again."""

    def __init__(self) -> None:
        self.away = False
        self.counted: dict[str, int] = {}
        self.doubts: set[str] = set()
        self.booked: list[Tracked] = []

    async def inspect(self, event: Tracked) -> Booked | None:
        self._reach()
        if event.doubt is not None:
            known = event.event_id.hex in self.doubts
            return Booked(Verdict.DUPLICATE if known else event.doubt)
        if event.event_id.hex in self.counted:
            return Booked(Verdict.DUPLICATE)
        if event.kind is EventKind.CLICK and not self._seen(event):
            return Booked(Verdict.NO_IMPRESSION)
        return None

    async def book(self, event: Tracked) -> Booked:
        self._reach()
        if event.doubt is not None:
            self.doubts.add(event.event_id.hex)
            return Booked(event.doubt)
        self.booked.append(event)
        price = event.offer.price_micros if event.kind is event.offer.billable else NO_MONEY
        self.counted[event.event_id.hex] = price
        return Booked(Verdict.COUNTED, price)

    def _seen(self, event: Tracked) -> bool:
        return any(
            one.kind is EventKind.IMPRESSION and one.offer.offer_id == event.offer.offer_id
            for one in self.booked
        )

    def _reach(self) -> None:
        if self.away:
            raise StoreAwayError("Redis is away")


class MemoryStore:
    """An event store in memory that can be away, before or after it took the rows."""

    def __init__(self) -> None:
        self.inserted: list[tuple[str, str, dict[str, list[Any]]]] = []
        self.away = False
        self.loses_answers = False

    def execute(self, statement: str) -> None:
        raise NotImplementedError(statement)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
        raise NotImplementedError(sql, parameters)

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]], name: str = "") -> None:
        if self.away:
            raise StoreAwayError("away")
        self.inserted.append((table, name, {key: list(values) for key, values in columns.items()}))
        if self.loses_answers:
            raise StoreAwayError("the answer was lost")

    def ids(self, table: str) -> list[bytes]:
        return [
            one for at, _, columns in self.inserted if at == table for one in columns["event_id"]
        ]

    def version(self) -> tuple[int, int]:
        return (26, 9)

    def close(self) -> None:
        pass
