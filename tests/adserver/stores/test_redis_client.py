"""The line finds out what it talks to, and every failure is a store that is away."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from adserver.ports import StoreAwayError
from adserver.stores.redis_client import FAILURES_TO_OPEN, PAUSE_S, RedisLine
from adserver.stores.users import LOAD
from tests import engines
from tests.adserver.stores.redis_cases import forget_scripts, new_user


@pytest.fixture
def own_redis(short_dir: Path) -> Iterator[engines.Running]:
    """A server that this test may stop."""
    with engines.redis_server(short_dir) as started:
        yield started


async def test_a_cluster_is_recognised_and_reached_on_all_its_nodes(
    redis_cluster_url: str, redis_server_url: str
) -> None:
    for url, clustered in ((redis_cluster_url, True), (redis_server_url, False)):
        line = RedisLine(url, timeout_s=5)
        keys = [f"t{{{new_user()}}}" for _ in range(50)]
        await line.carry_out([("SET", key, number, "EX", 60) for number, key in enumerate(keys)])
        found = await line.ask_all([("GET", key) for key in keys])
        assert [int(one) for one in found] == list(range(50))
        assert await line.clustered() is clustered
        await line.close()


async def test_commands_asked_in_one_turn_travel_together(line: RedisLine) -> None:
    key = f"t{{{new_user()}}}"
    assert await line.ask_all([("INCR", key), ("INCR", key), ("EXPIRE", key, 60)]) == [1, 2, 1]


async def test_a_refused_command_is_an_error_for_its_asker_only(
    line: RedisLine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    key = f"t{{{new_user()}}}"
    await line.ask(("SET", key, "text", "EX", 60))
    wrong, right = await asyncio.gather(
        line.ask(("INCR", key)), line.ask(("GET", key)), return_exceptions=True
    )
    assert isinstance(wrong, StoreAwayError)
    assert right == b"text"
    with pytest.raises(StoreAwayError):
        await line.carry_out([("GET", key), ("INCR", key)])


async def test_a_script_unknown_to_the_server_is_taught_in_a_lone_call_and_among_others(
    line: RedisLine, redis_url: str
) -> None:
    key = b"t{%d}" % new_user()
    forget_scripts(redis_url)
    nothing = b"\0\0\0\0"
    assert await line.ask(LOAD.call([key])) == nothing
    forget_scripts(redis_url)
    assert await line.ask_all([LOAD.call([key]), ("GET", key), LOAD.call([key])]) == [
        nothing,
        None,
        nothing,
    ]


async def test_a_line_made_while_redis_is_away_finds_it_later(own_redis: engines.Running) -> None:
    own_redis.server.stop()
    line = RedisLine(own_redis.url)
    assert not await line.ping()
    own_redis.server.start()
    await asyncio.sleep(PAUSE_S)
    assert await line.ping()
    await line.close()


async def test_a_restarted_redis_is_used_again_at_once(own_redis: engines.Running) -> None:
    line = RedisLine(own_redis.url, timeout_s=5)
    assert await line.ping()
    own_redis.server.kill()
    own_redis.server.start()
    assert await line.ping()
    await line.close()


async def test_a_redis_that_hangs_costs_nothing_after_some_tries(
    own_redis: engines.Running,
) -> None:
    line = RedisLine(own_redis.url, timeout_s=0.1)
    assert await line.ping()
    assert own_redis.server.process is not None
    own_redis.server.process.send_signal(signal.SIGSTOP)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(StoreAwayError):
            await line.ask(("GET", "t"))
    began = monotonic()
    for _ in range(100):
        with pytest.raises(StoreAwayError):
            await line.ask(("GET", "t"))
    assert monotonic() - began < 0.1
    own_redis.server.process.send_signal(signal.SIGCONT)
    await asyncio.sleep(PAUSE_S)
    assert await line.ping()
    await line.close()
