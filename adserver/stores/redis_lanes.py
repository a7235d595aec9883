"""Connections to Redis: one server or a cluster, found out when they are opened.

Here: taking commands there and replies back in one trip. Never here: time limits, scripts, what a
failure means (`redis_client`). The surprising fact: a single server's connections are used without
redis-py's pool and client around them, which would cost 26 of the 48 us of a trip.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnectionError, RedisError, ResponseError

Argument = bytes | str | int
Command = tuple[Argument, ...]
Reply = Any  # bytes, int, None or lists of them; a `ResponseError` for a command that was refused

NO_LIMITS: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": None}


class Lanes(Protocol):
    """Where trips go. `clustered`: a script may only touch keys of one slot."""

    clustered: bool

    async def trip(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies to all commands, in order. Raises `RedisError` or `OSError`."""
        ...

    async def close(self) -> None: ...


async def opened(url: str) -> Lanes:
    """Lanes to what answers at this URL. Raises `RedisError` or `OSError`."""
    client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), **NO_LIMITS)
    lanes = ServerLanes(client)
    try:
        clustered = (await client.info("cluster")).get("cluster_enabled") == 1
    except BaseException:
        await lanes.close()
        raise
    if not clustered:
        return lanes
    await lanes.close()
    return ClusterLanes(RedisCluster.from_url(url, retry=Retry(NoBackoff(), 1), **NO_LIMITS))


class ServerLanes:
    """Connections to one server, each taken by one trip at a time."""

    clustered = False

    def __init__(self, client: Redis) -> None:
        self._pool = client.connection_pool
        self._idle: list[AbstractConnection] = []

    async def trip(self, commands: Sequence[Command]) -> list[Reply]:
        """One more try at once heals connections that broke while idle; all we send may repeat."""
        fresh = not self._idle
        try:
            return await self._once(commands)
        except NoConnectionError:
            if fresh:
                raise
        for lane in self._idle:
            await lane.disconnect()
        return await self._once(commands)

    async def _once(self, commands: Sequence[Command]) -> list[Reply]:
        lane = self._idle.pop() if self._idle else await self._new_lane()
        try:
            await lane.send_packed_command(lane.pack_commands(commands))
            replies = [await _reply(lane) for _ in commands]
        except BaseException:
            await lane.disconnect(nowait=True)  # what is still on its way must not be read later
            await self._pool.release(lane)
            raise
        self._idle.append(lane)
        return replies

    async def _new_lane(self) -> AbstractConnection:
        # redis-py has not annotated the arguments it deprecated.
        lane: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        return lane

    async def close(self) -> None:
        """Closes all connections, those on a trip too."""
        self._idle.clear()
        await self._pool.disconnect()


async def _reply(lane: AbstractConnection) -> Reply:
    try:
        return await lane.read_response()
    except ResponseError as refusal:
        return refusal


class ClusterLanes:
    """The nodes of a cluster; a trip visits all that it needs at once."""

    clustered = True

    def __init__(self, client: RedisCluster) -> None:
        self._client = client

    async def trip(self, commands: Sequence[Command]) -> list[Reply]:
        """A command whose node failed has the failure for a reply."""
        pipeline = self._client.pipeline()
        for command in commands:
            pipeline.execute_command(*command)
        return list(await pipeline.execute(raise_on_error=False))

    async def close(self) -> None:
        """Closes all connections."""
        with suppress(RedisError, OSError):
            await self._client.aclose()
