"""Refused ad requests, noted for whoever integrates the app: in memory at once, in Redis soon.

Never here: a wait, or an exception of its own. The one surprising fact: a key that nobody has
belongs to no app, so it is not noted; but a key that the app has rotated away is still known to be
the app's, because keys are derived, and the note says so.
"""

import asyncio
import hmac
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from adserver.api.exchange import Answer, Request
from adserver.api.problems import Problem
from adserver.keyring import Keyring
from adserver.ports import StoreAwayError
from adserver.reload import Live
from adserver.stores.redis_client import RedisLine
from adserver.stores.refusals import KEPT, Refusal, keep
from models.domain.ids import AppId

MOST_APPS = 1_000
EVERY_S = 1.0
MOST_CHARS = 200
OLD_KEY = "this key was rotated: send the app's present key"
_GENERATION_DIGITS = 6


class Worker(Protocol):
    """What is needed of a worker."""

    refusals: "Refusals"
    keyring: Keyring

    def live(self) -> Live:
        """The publication in force."""


class Refusals:
    """Those that Redis has not heard of yet: the newest 20 an app, of a thousand apps at most."""

    def __init__(self) -> None:
        self._waiting: dict[AppId, deque[Refusal]] = {}

    def note(self, app_id: AppId, refusal: Refusal) -> None:
        """Keeps one in mind; O(1), and dropped where too many apps wait."""
        own = self._waiting.get(app_id)
        if own is None:
            if len(self._waiting) >= MOST_APPS:
                return
            own = self._waiting[app_id] = deque(maxlen=KEPT)
        own.append(refusal)

    async def run(self, line: RedisLine) -> None:
        """Tells Redis once a second until cancelled; what it does not take is forgotten."""
        while True:
            await asyncio.sleep(EVERY_S)
            if self._waiting:
                waiting, self._waiting = self._waiting, {}
                with suppress(StoreAwayError):
                    await keep(line, waiting)


W = TypeVar("W", bound=Worker)


def noted(
    endpoint: Callable[[W, Request], Awaitable[Answer]],
) -> Callable[[W, Request], Awaitable[Answer]]:
    """The endpoint, whose refusals are noted on their way out."""

    async def answer(worker: W, request: Request) -> Answer:
        try:
            return await endpoint(worker, request)
        except Problem as problem:
            note(worker, request, problem)
            raise

    return answer


def note(worker: Worker, request: Request, problem: Problem) -> None:
    """Notes a refusal under the app that the key belongs, or belonged, to. Never raises."""
    with suppress(Problem):  # nothing is loaded yet, so nobody knows whose it is
        app_id, detail = whose(worker, request.headers.get("X-App-Key", ""), problem.detail)
        if app_id:
            texts = (detail, problem.field, request.headers.get("User-Agent", ""))
            plain = (ascii(text[:MOST_CHARS])[1:-1][:MOST_CHARS] for text in texts)
            now_ms = int(datetime.now(UTC).timestamp() * 1000)
            worker.refusals.note(app_id, Refusal(now_ms, problem.status.value, *plain))


def whose(worker: Worker, key: str, detail: str) -> tuple[AppId, str]:
    """The app of a key, also of one that was rotated away, and what to say; "" for nobody's."""
    app = worker.live().app_of_key.get(key)
    if app is not None:
        return app.app_id, detail
    app_id, _, generation = key.rpartition(".")[0].rpartition(".")
    number = generation if generation.isascii() and generation.isdecimal() else ""
    if app_id and number and len(number) <= _GENERATION_DIGITS:
        former = worker.keyring.api_key("app", app_id, int(number))
        if hmac.compare_digest(former.encode(), key.encode("utf-8", "replace")):
            return AppId(app_id), OLD_KEY
    return AppId(""), detail
