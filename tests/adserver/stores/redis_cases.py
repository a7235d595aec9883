"""What the tests of the Redis stores share: every kind of Redis, and names nobody used before.

Nothing is flushed: the server may be somebody's own (ADUNION_TEST_REDIS_URL).
"""

from collections.abc import AsyncIterator, Sequence
from secrets import randbits, token_hex
from typing import Any

import pytest
from redis import Redis

from adserver.ports import StoreAwayError
from adserver.stores.redis_client import RedisLine
from adserver.stores.redis_lanes import Command, Reply
from models.domain.event import EventKind, Offer, Tracked, event_id, offer_id
from models.domain.ids import AppId, LineItemId, UserKey
from tests import builders

EVERY_REDIS = ("redis_embedded_url", "redis_server_url", "redis_cluster_url")


@pytest.fixture(params=EVERY_REDIS)
def redis_url(request: pytest.FixtureRequest) -> str:
    """Embedded, server and cluster in turn."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
async def line(redis_url: str) -> AsyncIterator[RedisLine]:
    opened = RedisLine(redis_url, timeout_s=5)
    yield opened
    await opened.close()


def forget_scripts(url: str) -> None:
    """What a restart does to the scripts of a server, of every node of a cluster."""
    with Redis.from_url(url) as client:
        if not client.info("cluster")["cluster_enabled"]:
            client.script_flush()
            return
        nodes = client.cluster("nodes")
    for address in nodes:
        with Redis.from_url(f"redis://{address}") as node:
            node.script_flush()


class DyingLine(RedisLine):
    """Dies at one of its trips: before it left, or after it was done with the answer lost."""

    def __init__(self, url: str, dies_at: int, after_it_was_done: bool) -> None:
        super().__init__(url, timeout_s=5)
        self._left = dies_at
        self._after_it_was_done = after_it_was_done

    async def send(self, commands: Sequence[Command]) -> list[Reply]:
        self._left -= 1
        if self._left == 0 and not self._after_it_was_done:
            raise StoreAwayError("dead")
        replies = await super().send(commands)
        if self._left == 0:
            raise StoreAwayError("dead")
        return replies


def new_user() -> UserKey:
    return UserKey(randbits(63))


def new_line_item() -> LineItemId:
    return LineItemId(f"li-{token_hex(6)}")


def new_offer(**changes: Any) -> Offer:
    """An offer of a request, a user and a line item that Redis has never heard of."""
    fresh = {
        "offer_id": offer_id(AppId("app1"), token_hex(8), 0),
        "line_item_id": new_line_item(),
        "user_key": new_user(),
    }
    return builders.offer(**(fresh | changes))


def event_of(offer: Offer, kind: EventKind, after_s: float = 1.0, **changes: Any) -> Tracked:
    """What happened to the offer so many seconds after it was served, seen by a new address."""
    at_ms = offer.served_ms + int(after_s * 1000)
    plain = {
        "event_id": event_id(offer.offer_id, kind, changes.pop("salt", "")),
        "occurred_ms": at_ms,
        "received_ms": at_ms,
        "address_key": randbits(60),
    }
    return builders.tracked(offer=offer, kind=kind, **(plain | changes))
