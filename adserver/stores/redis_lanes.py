"""Connections to Redis: one server or a cluster, found out when they are opened.

Here: taking commands there and replies back in one trip. Never here: time limits, scripts, what a
failure means (`redis_client`). The surprising fact: a single server's connections are used without
redis-py's pool and client around them, which would cost 26 of the 48 us of a trip.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ConnectionError as NoConnectionError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

Argument = bytes | str | int
Command = tuple[Argument, ...]
Reply = Any  # bytes, int, None or lists of them; a `ResponseError` for a command that was refused

FAILURES = (RedisError, RedisClusterException, OSError)
NO_LIMITS: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": None}


class Lanes(ABC):
    """Where trips go. `clustered`: a script may only touch keys of one slot."""

    clustered: bool

    def __init__(self) -> None:
        self._under_way = 0
        self._retired = False

    async def trip(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies to all commands, in order.

        Raises:
            RedisError, RedisClusterException or OSError: nobody answered (`FAILURES`).
        """
        self._under_way += 1
        try:
            return await self._go(commands)
        finally:
            self._under_way -= 1
            if self._retired and not self._under_way:
                await self._close()

    async def retire(self) -> None:
        """No trip will begin any more; the last one under way closes the connections."""
        self._retired = True
        if not self._under_way:
            await self._close()

    @abstractmethod
    async def _go(self, commands: Sequence[Command]) -> list[Reply]: ...

    @abstractmethod
    async def _close(self) -> None: ...


async def opened(url: str) -> Lanes:
    """Lanes to what answers at this URL. Raises one of `FAILURES`."""
    client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), **NO_LIMITS)
    clustered = True
    try:
        clustered = (await client.info("cluster")).get("cluster_enabled") == 1
    finally:
        if clustered:
            await client.aclose()
    if not clustered:
        return ServerLanes(client)
    return ClusterLanes(RedisCluster.from_url(url, retry=Retry(NoBackoff(), 1), **NO_LIMITS))


class ServerLanes(Lanes):
    """Connections to one server, each taken by one trip at a time."""

    clustered = False

    def __init__(self, client: Redis) -> None:
        super().__init__()
        self._pool = client.connection_pool
        self._idle: list[AbstractConnection] = []

    async def _go(self, commands: Sequence[Command]) -> list[Reply]:
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

    async def _close(self) -> None:
        self._idle.clear()
        await self._pool.disconnect()


async def _reply(lane: AbstractConnection) -> Reply:
    try:
        return await lane.read_response()
    except ResponseError as refusal:
        return refusal


class ClusterLanes(Lanes):
    """The nodes of a cluster; a trip visits all that it needs at once.

    A command whose node failed has the failure for a reply.
    """

    clustered = True

    def __init__(self, client: RedisCluster) -> None:
        super().__init__()
        self._client = client

    async def _go(self, commands: Sequence[Command]) -> list[Reply]:
        pipeline = self._client.pipeline()
        for command in commands:
            pipeline.execute_command(*command)
        return list(await pipeline.execute(raise_on_error=False))

    async def _close(self) -> None:
        await self._client.aclose()
