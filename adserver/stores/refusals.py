"""The newest refused ad requests of each app, kept in Redis for the partners' integration check.

Never here: why one was refused (`adserver.api`). The one surprising fact: it may all be lost.
Twenty an app, for a week, as far as Redis was there; nothing that counts depends on it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from adserver.ports import StoreAwayError
from adserver.stores.redis_client import RedisLine
from models.domain.ids import AppId

KEPT = 20
KEPT_S = 7 * 86_400
PATIENCE_S = 2.0


class Refusal(msgspec.Struct, frozen=True):
    """One refused request: when, with which status, why, and where in the body.

    `agent` is what the sender called itself.
    """

    at_ms: int
    status: int
    detail: str
    field: str = ""
    agent: str = ""


Refused = Sequence[Refusal] | None
"""None: nobody knows, because Redis did not answer."""


def key_of(app_id: AppId) -> bytes:
    """The list of an app, the newest first."""
    return b"r{%b}" % app_id.encode()


async def keep(line: RedisLine, refused: Mapping[AppId, Sequence[Refusal]]) -> None:
    """Adds refusals, oldest first, in one trip.

    Raises:
        StoreAwayError: Redis did not answer.
    """
    commands: list[tuple[bytes | str | int, ...]] = []
    for app_id, own in refused.items():
        key = key_of(app_id)
        commands.append(("LPUSH", key, *map(msgspec.json.encode, own)))
        commands.append(("LTRIM", key, 0, KEPT - 1))
        commands.append(("EXPIRE", key, KEPT_S))
    await line.carry_out(commands)


async def latest(line: RedisLine, app_id: AppId) -> list[Refusal]:
    """The newest refusals of an app, the newest first.

    Raises:
        StoreAwayError: Redis did not answer.
    """
    (found,) = await line.carry_out([("LRANGE", key_of(app_id), 0, KEPT - 1)])
    return [msgspec.json.decode(one, type=Refusal) for one in found]


def reader(line: RedisLine, loop: asyncio.AbstractEventLoop) -> Callable[[AppId], Refused]:
    """`latest` for threads beside the loop; None while Redis does not answer."""

    def read(app_id: AppId) -> Refused:
        asked = asyncio.run_coroutine_threadsafe(latest(line, app_id), loop)
        try:
            return asked.result(PATIENCE_S)
        except (StoreAwayError, TimeoutError):
            asked.cancel()
            return None

    return read
