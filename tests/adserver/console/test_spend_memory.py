"""A Redis that has forgotten is reminded; one that knows more than the log is left alone."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from adserver.console.spend_memory import SpendMemory
from adserver.stores.redis_client import RedisLine
from adserver.stores.spend import RedisSpend
from models.domain.ids import LineItemId
from tests.engines import free_port

TODAY = 20_000


@pytest.fixture
async def spend(redis_server_url: str) -> AsyncIterator[RedisSpend]:
    line = RedisLine(redis_server_url)
    yield RedisSpend(line)
    await line.close()


@pytest.fixture
def item() -> LineItemId:
    return LineItemId(f"li_{uuid.uuid4().hex}")


async def test_a_redis_that_has_forgotten_learns_day_and_total(
    spend: RedisSpend, item: LineItemId
) -> None:
    charges = Counter({(item, TODAY): 5, (item, TODAY - 1): 7})
    assert await SpendMemory(spend).remind(charges) == 1
    assert await spend.spent([item], [TODAY]) == [(5, 12)]
    assert await SpendMemory(spend).remind(charges) == 0


async def test_a_redis_that_knows_more_is_left_alone(spend: RedisSpend, item: LineItemId) -> None:
    memory = SpendMemory(spend)
    await memory.remind(Counter({(item, TODAY): 50}))
    assert await memory.remind(Counter({(item, TODAY): 40})) == 0
    assert await spend.spent([item], [TODAY]) == [(50, 50)]


async def test_a_day_that_redis_has_let_go_is_not_brought_back(
    spend: RedisSpend, item: LineItemId
) -> None:
    charges = Counter({(item, TODAY - 9): 5, (f"{item}-other", TODAY): 7})
    assert await SpendMemory(spend).remind(charges) == 2
    assert await spend.spent([item], [TODAY - 9]) == [(0, 5)]


async def test_while_redis_is_away_nothing_happens() -> None:
    line = RedisLine(f"redis://127.0.0.1:{free_port()}/0")
    assert await SpendMemory(RedisSpend(line)).remind(Counter({("li1", TODAY): 1})) == 0
    await line.close()
