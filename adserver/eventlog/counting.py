"""Counts a tracked event exactly once: look, make durable, book, note the verdict, answer.

Never here: SQL or Redis. The one surprising fact: the event is on disk *before* it is booked, and
booking the same event again answers the same. So whatever dies between the two, counting again from
the disk is right.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from prometheus_client import Counter

from adserver.ports import Bookkeeper, StoreAwayError
from models.domain.event import Booked, EventKind, Tracked, Verdict

if TYPE_CHECKING:
    from uuid import UUID

log = logging.getLogger(__name__)

RECOUNT_EVENTS = 100  # a wave counted again together; a larger one would hold up requests
RECOUNT_PAUSE_S = 1.0
BREATH_S = 0.02  # between waves, for the requests
NOT_KEPT = frozenset({Verdict.DUPLICATE, Verdict.TEST})
# Refusals that may only mean that the event before this one still waits in the outbox.
MAYBE_EARLY = frozenset({Verdict.NO_IMPRESSION, Verdict.NO_CLICK})
# An impression is counted before the click that needs it.
_IN_THIS_ORDER = (
    EventKind.IMPRESSION,
    EventKind.VIEWABLE,
    EventKind.CLICK,
    EventKind.CONVERSION,
)

VERDICTS = Counter(
    "adunion_tracked_events_total", "Tracked events by kind and verdict", ["kind", "verdict"]
)
RECOUNTED = Counter("adunion_recounted_events_total", "Events counted from the outbox", ["verdict"])


class Waiting(Protocol):
    """The part of an outbox that counting again needs."""

    async def unsettled(self, limit: int) -> list[Tracked]: ...

    def settle(self, event: Tracked, booked: Booked) -> None: ...


class Durable(Waiting, Protocol):
    """The part of an outbox that counting needs."""

    async def append(self, event: Tracked) -> bool: ...

    def note(self, event: Tracked, verdict: Verdict) -> None: ...


class Counting:
    """One worker's counting, over its outbox and the shared Bookkeeper."""

    def __init__(self, outbox: Durable, bookkeeper: Bookkeeper) -> None:
        self._outbox = outbox
        self._bookkeeper = bookkeeper
        self._at_hand: dict[UUID, asyncio.Future[Booked]] = {}  # being counted by a request
        self._behind = True  # whether events may be waiting that no request is counting
        self._deferrals = 0

    async def count(self, event: Tracked) -> Booked:
        """The event's outcome. COUNTED and DEFERRED are answered only after the event is on disk.

        Raises:
            OutboxFullError: it could not be made durable, and is not counted.
        """
        booked = await self._count(event)
        VERDICTS.labels(event.kind.value, booked.verdict.value).inc()
        return booked

    async def _count(self, event: Tracked) -> Booked:
        """One at a time for each event; who comes second must know that the first has succeeded."""
        while (first := self._at_hand.get(event.event_id)) is not None:
            await asyncio.wait((first,))
            if not first.cancelled() and first.exception() is None:
                return Booked(Verdict.DUPLICATE)
        task = asyncio.ensure_future(self._count_alone(event))
        self._at_hand[event.event_id] = task
        try:
            return await task
        finally:
            del self._at_hand[event.event_id]

    async def _count_alone(self, event: Tracked) -> Booked:
        refused, may_book = await self._refusal(event)
        if refused is not None:
            await self._keep_suspect(event, refused.verdict)
            return refused
        if not await self._outbox.append(event):
            return Booked(Verdict.DUPLICATE)
        if not may_book:
            return self._deferred()
        try:
            booked = await self._bookkeeper.book(event)
        except StoreAwayError:
            return self._deferred()
        self._outbox.settle(event, booked)
        return booked

    def _deferred(self) -> Booked:
        self._behind = True
        self._deferrals += 1
        return Booked(Verdict.DEFERRED)

    async def _refusal(self, event: Tracked) -> tuple[Booked | None, bool]:
        """Why the event will not be counted, if that is certain; else whether to book it now."""
        try:
            refused = await self._bookkeeper.inspect(event)
        except StoreAwayError:
            return (None if event.doubt is None else Booked(event.doubt)), False
        if refused is not None and refused.verdict in MAYBE_EARLY and self._behind:
            return None, False  # after an outage, counted in order from the outbox
        return refused, True

    async def _keep_suspect(self, event: Tracked, verdict: Verdict) -> None:
        """Keeps what does not count, once: a replayed doubt is a duplicate of itself."""
        if verdict in NOT_KEPT:
            return
        self._outbox.note(event, verdict)
        with suppress(StoreAwayError):
            await self._bookkeeper.book(replace(event, doubt=verdict))

    async def recount(self) -> int:
        """Counts one wave of events that have no verdict.

        Answers how many got one; 0 if Redis is away.
        """
        deferrals = self._deferrals
        waiting = await self._outbox.unsettled(RECOUNT_EVENTS + len(self._at_hand))
        left = [event for event in waiting if event.event_id not in self._at_hand]
        if not left and deferrals == self._deferrals:
            self._behind = False
        return await settle_all(self._outbox, self._bookkeeper, left)

    async def keep_recounting(self) -> None:
        """Counts what crashes and outages left, until cancelled."""
        while True:
            try:
                settled = await self.recount()
            except sqlite3.DatabaseError as trouble:  # a new outbox may be on its way
                log.warning("the outbox cannot be read now: %s", trouble)
                settled = 0
            await asyncio.sleep(BREATH_S if settled else RECOUNT_PAUSE_S)


async def settle_all(outbox: Waiting, bookkeeper: Bookkeeper, events: Sequence[Tracked]) -> int:
    """Books events from the disk and notes their verdicts.

    Stops, without an error, when Redis is away.
    """
    settled = 0
    try:
        for kind in _IN_THIS_ORDER:
            wave = [event for event in events if event.kind is kind]
            outcomes = await asyncio.gather(*(book_again(bookkeeper, event) for event in wave))
            for event, booked in zip(wave, outcomes, strict=True):
                outbox.settle(event, booked)
                RECOUNTED.labels(booked.verdict.value).inc()
            settled += len(wave)
    except StoreAwayError:
        log.debug("the Bookkeeper is away; %d of %d events settled", settled, len(events))
    return settled


async def book_again(bookkeeper: Bookkeeper, event: Tracked) -> Booked:
    """The outcome of an event that may have been booked before a crash, or not at all."""
    known = await bookkeeper.inspect(event)
    if known is None or known.verdict is Verdict.DUPLICATE:
        return await bookkeeper.book(
            event
        )  # booked before: the same outcome again, its charge included
    return replace(known)
