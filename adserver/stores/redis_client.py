"""The line to Redis: what is asked in one loop turn travels together, or fails together.

Here: the time limit, the circuit breaker, teaching scripts to a server that does not know them, and
turning every failure into `StoreAwayError`. Never here: a key or what it means. The surprising
fact: a line is not open when it is made. A worker starts while Redis is away and finds it later.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import (
    ConnectionError as NoConnectionError,
    NoScriptError,
    ReadOnlyError,
    TimeoutError as NoAnswerError,
)

from adserver.ports import StoreAwayError
from adserver.stores.breaker import Breaker
from adserver.stores.gathering import Gathering
from adserver.stores.redis_lanes import FAILURES, Argument, Command, Lanes, Reply, opened

ANSWER_TIMEOUT_S = 0.5
FAILURES_TO_OPEN = 3
PAUSE_S = 0.25

GONE = (NoConnectionError, NoAnswerError, ReadOnlyError)  # who answered so is no longer the one

logger = logging.getLogger(__name__)
_bodies: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script that lies beside this file, called by its hash."""

    sha: str

    def call(self, keys: Sequence[bytes], *arguments: Argument) -> Command:
        """The command that runs it. In a cluster all keys must have equal text in braces."""
        return ("EVALSHA", self.sha, len(keys), *keys, *arguments)


def script(name: str) -> Script:
    """Reads `<name>.lua`."""
    body = Path(__file__).with_name(f"{name}.lua").read_text()
    sha = hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest()
    _bodies[sha] = body
    return Script(sha)


class RedisLine:
    """Sends commands to the Redis at `url` (redis://, rediss:// or unix://)."""

    def __init__(self, url: str, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._lanes: Lanes | None = None
        self._clustered: bool | None = None
        self._opening = asyncio.Lock()
        self.breaker = Breaker(FAILURES_TO_OPEN, PAUSE_S)
        self._gathering: Gathering[Command, Reply] = Gathering(self.send)

    async def clustered(self) -> bool:
        """Whether it is a cluster, in which a script may only touch keys of one slot.

        Raises:
            StoreAwayError: nobody ever answered.
        """
        if self._clustered is None:
            await self.send([])
        return bool(self._clustered)

    async def ask(self, command: Command) -> Reply:
        """One command, sent together with all others of this loop turn.

        Raises:
            StoreAwayError: no answer, or an error for an answer.
        """
        return await self._gathering.ask(command)

    async def ask_all(self, commands: Sequence[Command]) -> list[Reply]:
        """As `ask`, for several at once.

        Raises:
            StoreAwayError: one of them failed (others may have been done).
        """
        return await asyncio.gather(*map(self._gathering.ask, commands))

    async def send(self, commands: Sequence[Command]) -> list[Reply]:
        """All commands in one trip; a command that failed has a `StoreAwayError` in its place.

        Raises:
            StoreAwayError: nobody answered.
        """
        if not self.breaker.may_try():
            raise StoreAwayError("Redis did not answer lately")
        try:
            async with asyncio.timeout(self._timeout_s):
                replies = await self._replies(commands)
        except (*FAILURES, TimeoutError) as failure:
            self.breaker.note(success=False)
            raise StoreAwayError(f"Redis: {str(failure) or 'no answer in time'}") from failure
        self.breaker.note(success=True)
        return [_judged(reply) for reply in replies]

    async def carry_out(self, commands: Sequence[Command]) -> list[Reply]:
        """All commands in one trip, every one with success.

        Raises:
            StoreAwayError: nobody answered, or a command failed (others may have been done).
        """
        replies = await self.send(commands)
        for reply in replies:
            if isinstance(reply, StoreAwayError):
                raise reply
        return replies

    async def ping(self) -> bool:
        """Whether Redis answers."""
        with suppress(StoreAwayError):
            await self.carry_out([("EXISTS", b"p{}")])
            return True
        return False

    async def close(self) -> None:
        """Waits for what was asked, then closes the connections."""
        await self._gathering.close()
        lanes, self._lanes = self._lanes, None
        if lanes is not None:
            with suppress(*FAILURES):
                await lanes.retire()

    async def _replies(self, commands: Sequence[Command]) -> list[Reply]:
        lanes = self._lanes or await self._open()
        try:
            replies = await lanes.trip(commands)
            unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if unknown:  # a server that is new, or was started again: EVAL teaches it the script
                taught = await lanes.trip([_with_body(commands[at]) for at in unknown])
                for at, reply in zip(unknown, taught, strict=True):
                    replies[at] = reply
        except BaseException:
            await self._give_up(lanes)
            raise
        if any(isinstance(reply, GONE) for reply in replies):
            await self._give_up(lanes)
        return replies

    async def _open(self) -> Lanes:
        async with self._opening:
            if self._lanes is None:
                self._lanes = await opened(self._url)
                self._clustered = self._lanes.clustered
            return self._lanes

    async def _give_up(self, lanes: Lanes) -> None:
        """The next trip opens new ones. A cluster's are kept: they know more nodes than the URL."""
        if lanes.clustered:
            return
        if self._lanes is lanes:
            self._lanes = None
        with suppress(*FAILURES):
            await lanes.retire()


def _with_body(command: Command) -> Command:
    return ("EVAL", _bodies[str(command[1])], *command[2:])


def _judged(reply: Reply) -> Reply:
    if not isinstance(reply, Exception):
        return reply
    logger.error("Redis refused a command: %s", reply)
    return StoreAwayError(f"Redis: {reply}")
