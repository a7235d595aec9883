"""Everybody who asks in the same turn of the event loop is served by one trip.

Here: gathering questions, sharing the answers out, the time limit on waiting. Never here: what is
asked (`redis_client`, `users`). The surprising fact: the time limit is one timer for all who wait
together, because a timer for each would cost as much as the question.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

LANES = 4  # trips under way at once; while all are stuck the next gathering just grows


class Gathering(Generic[Question, Answer]):
    """Turns `serve(questions) -> answers` (in their order) into an answer for each who asks.

    An answer that is an exception is raised to its asker.
    """

    def __init__(
        self,
        serve: Callable[[list[Question]], Coroutine[Any, Any, Sequence[Answer | Exception]]],
    ) -> None:
        self._serve = serve
        self._questions: list[Question] = []
        self._askers: list[asyncio.Future[Answer]] = []
        self._under_way: set[asyncio.Task[Sequence[Answer | Exception]]] = set()

    def ask(self, question: Question) -> asyncio.Future[Answer]:
        """The answer, when its trip is back."""
        loop = asyncio.get_running_loop()
        if not self._questions:
            self._open(loop)
        asker: asyncio.Future[Answer] = loop.create_future()
        self._questions.append(question)
        self._askers.append(asker)
        return asker

    async def close(self) -> None:
        """Waits for the trips under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(self._depart)

    def _depart(self) -> None:
        if not self._questions or len(self._under_way) >= LANES:
            return
        trip = asyncio.get_running_loop().create_task(self._serve(self._questions))
        self._under_way.add(trip)
        trip.add_done_callback(partial(self._arrive, self._askers))
        self._questions, self._askers = [], []

    def _arrive(
        self,
        askers: list[asyncio.Future[Answer]],
        trip: asyncio.Task[Sequence[Answer | Exception]],
    ) -> None:
        self._under_way.discard(trip)
        self._depart()
        for asker, answer in zip(askers, _answers(trip, len(askers)), strict=True):
            if asker.done():  # gave up, or its request was cancelled
                continue
            if isinstance(answer, Exception):
                asker.set_exception(answer)
            else:
                asker.set_result(answer)


class ImpatientGathering(Gathering[Question, Answer]):
    """A gathering that gives the answer `late` to who has waited `limit_s`.

    Their trip goes on without them.
    """

    def __init__(
        self,
        serve: Callable[[list[Question]], Coroutine[Any, Any, Sequence[Answer | Exception]]],
        limit_s: float,
        late: Answer,
    ) -> None:
        super().__init__(serve)
        self._limit_s = limit_s
        self._late = late

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        super()._open(loop)
        loop.call_later(self._limit_s, self._give_up, self._askers)

    def _give_up(self, askers: list[asyncio.Future[Answer]]) -> None:
        if askers is self._askers:  # all lanes are stuck: they never left
            self._questions, self._askers = [], []
        for asker in askers:
            if not asker.done():
                asker.set_result(self._late)


def _answers(
    trip: asyncio.Task[Sequence[Answer | Exception]], askers: int
) -> Sequence[Answer | Exception]:
    if trip.cancelled():
        return [ConnectionAbortedError("the trip was cancelled")] * askers
    failure = trip.exception()
    if isinstance(failure, Exception):
        return [failure] * askers
    return trip.result()
