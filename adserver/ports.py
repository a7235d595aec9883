"""Every socket in the wall, as a Protocol, on one page.

What the rest of the house needs from Redis, SQL and the event store.

The serving plane's sockets are asynchronous and never wait long; the control plane's are plain
calls.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from models.domain.event import AdServed, Booked, Census, Decided, Offer, Tracked, Verdict
from models.domain.ids import LineItemId, UserKey
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from models.domain.user import UserProfile, UserState


class UserStore(Protocol):
    """Profiles and exposures of users (Redis)."""

    async def load(self, user_key: UserKey | None, *, personalized: bool) -> UserState:
        """One trip, shared with the other requests of this loop turn.

        After the time limit an unloaded state. Never raises.
        """
        ...

    async def save_profiles(self, profiles: Iterable[tuple[UserKey, UserProfile]]) -> int:
        """Writes a batch of profiles; answers how many."""
        ...


class Bookkeeper(Protocol):
    """Exactly-once counting of tracked events, with spend and exposures (Redis).

    Raises `StoreAwayError` when it cannot be reached.
    """

    async def inspect(self, event: Tracked) -> Booked | None:
        """What is known before anything is written: a duplicate, a missing impression, a burst.

        None when it may be booked.
        """
        ...

    async def book(self, event: Tracked) -> Booked:
        """Counts the event once, however often it is called with it.

        Marks, spend (clamped to the budget), exposures.
        """
        ...


class SpendStore(Protocol):
    """Spend per line item (Redis). Raises `StoreAwayError` when it cannot be reached."""

    async def spent(
        self, line_items: Sequence[LineItemId], days: Sequence[int]
    ) -> list[tuple[Micros, Micros]]:
        """(spent on the given local day, spent in total) for each line item."""
        ...


class StoreAwayError(Exception):
    """A neighbour did not answer in time. The caller has a lesser answer ready."""


class OutboxFullError(Exception):
    """The outbox reached its limit.

    What money depends on must be refused until the shipper has caught up.
    """


class Outbox(Protocol):
    """A worker's durable queue of tracked events."""

    async def append(self, event: Tracked) -> bool:
        """Returns when the event is on disk (one fsync serves all that wait).

        False: it waited there already, and whoever brought it first books it. Raises
        `OutboxFullError`.
        """
        ...

    def note(self, event: Tracked, verdict: Verdict) -> None:
        """Keeps an event that does not count, for `suspects`. Never waits, may be dropped."""
        ...

    async def unsettled(self, limit: int) -> list[Tracked]:
        """The oldest events without an outcome: left by a crash, or while Redis was away."""
        ...

    def settle(self, event: Tracked, booked: Booked) -> None:
        """Notes the outcome, after which the shipper may take the event. Never waits."""
        ...


class Recorder(Protocol):
    """Decisions and ads served.

    Recorded without waiting, dropped and counted when the queue is full.
    """

    def record(self, decided: Decided, served: Sequence[AdServed]) -> None: ...

    def record_census(self, census: Iterable[Census]) -> None: ...


class SpendBook(Protocol):
    """The worker's own view of budgets: spent as last read plus what open offers have reserved."""

    def reserve(self, offer: Offer) -> None: ...

    def release(self, offer: Offer, charged: Micros) -> None: ...


class StatementRefusedError(Exception):
    """The event store understood a statement and refused it; the message is the store's own."""


class EventStore(Protocol):
    """ClickHouse or chDB. Control plane only; plain calls, from any thread.

    All may raise `StoreAwayError` and `StatementRefusedError`.
    """

    def execute(self, statement: str) -> None:
        """Runs DDL."""
        ...

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]], name: str = "") -> None:
        """Inserts rows given as equally long columns.

        Returns when the store has acknowledged them. A batch that is sent again has the same
        `name`, by which newer servers recognise it. Raises `StoreAwayError`.
        """
        ...

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
        """Runs one SELECT with %(name)s parameters; answers its columns in order.

        Raises `StoreAwayError`.
        """
        ...

    def version(self) -> tuple[int, int]:
        """The engine's (major, minor)."""
        ...

    def close(self) -> None: ...


class CatalogStore(Protocol):
    """The catalog in SQL. Every write raises the revision in the same transaction."""

    def revision(self) -> int: ...

    def load(self) -> Marketplace: ...

    def replace(self, marketplace: Marketplace, now: datetime) -> int:
        """Makes the stored catalog equal to this one, whole or not at all.

        Answers the new revision.
        """
        ...
