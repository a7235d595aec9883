"""Profiles and exposures, on every kind of Redis."""

import asyncio
import random
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

import pytest

from adserver.config import Settings
from adserver.stores import redis_keys
from adserver.stores.bookkeeper import Budget, RedisBookkeeper
from adserver.stores.redis_client import RedisLine
from adserver.stores.redis_lanes import Command, Reply
from adserver.stores.users import NOT_LOADED, RedisUsers
from models.domain.event import EventKind
from models.domain.ids import LineItemId, UserKey
from models.domain.user import Exposure, UserProfile, UserState
from tests import engines
from tests.adserver.stores.redis_cases import event_of, new_offer, new_user
from tests.builders import NOW_MS

READER = UserProfile(
    "F", 1994, (3, 9), (12,), city_tier=2, sessions_7d=40, custom=(1, 0, 7, 0, 0, 0, 0, 9)
)
SHANGHAI_S = 28_800


class CountingLine(RedisLine):
    """Counts its trips."""

    trips = 0

    async def send(self, commands: Sequence[Command]) -> list[Reply]:
        self.trips += 1
        return await super().send(commands)


@pytest.fixture
def users(line: RedisLine) -> RedisUsers:
    return RedisUsers(line, timeout_ms=5_000)


async def expose(line: RedisLine, user: UserKey, line_item: str, *at_s: float) -> None:
    """Impressions of the line item on the user, so many seconds after the tests' noon."""
    books = RedisBookkeeper(line, lambda _: Budget(), Settings(), clock_ms=lambda: NOW_MS)
    for second in at_s:
        offer = new_offer(user_key=user, line_item_id=LineItemId(line_item))
        await books.book(event_of(offer, EventKind.IMPRESSION, after_s=second))


async def test_a_user_who_is_forgotten_leaves_nothing(line: RedisLine, users: RedisUsers) -> None:
    user, other = new_user(), new_user()
    await users.save_profiles([(user, READER), (other, READER)])
    books = RedisBookkeeper(line, lambda _: Budget(), Settings(), clock_ms=lambda: NOW_MS)
    offer = new_offer(user_key=user)
    for kind in (EventKind.IMPRESSION, EventKind.CLICK):
        await books.book(event_of(offer, kind))
    assert (await users.load(user, personalized=True)).exposures
    await users.forget(user)
    assert await users.load(user, personalized=True) == UserState(known=True)
    assert (await users.load(other, personalized=True)).profile == READER
    for key_of in (redis_keys.impressions_seen, redis_keys.clicks_of_user):
        assert await line.ask(("EXISTS", key_of(user))) == 0


async def test_a_saved_profile_is_visible_to_the_next_load(users: RedisUsers) -> None:
    user = new_user()
    assert await users.load(user, personalized=True) == UserState(known=True)
    assert await users.save_profiles([(user, UserProfile("M"))]) == 1
    assert (await users.load(user, personalized=True)).profile == UserProfile("M")
    await users.save_profiles([(user, READER)])
    assert await users.load(user, personalized=True) == UserState(READER, known=True)


async def test_many_profiles_are_saved_and_loaded_each_to_its_user(users: RedisUsers) -> None:
    rng = random.Random(5)
    saved = {new_user(): UserProfile(birth_year=rng.randrange(2000)) for _ in range(1500)}
    assert await users.save_profiles(iter(saved.items())) == 1500
    asked = list(saved)[::3]
    states = await asyncio.gather(*(users.load(user, personalized=True) for user in asked))
    assert [state.profile for state in states] == [saved[user] for user in asked]


async def test_without_a_user_there_is_no_trip(redis_server_url: str) -> None:
    line = CountingLine(redis_server_url)
    state = await RedisUsers(line, timeout_ms=20).load(None, personalized=True)
    assert state == UserState(known=False, loaded=True)
    assert line.trips == 0
    await line.close()


@pytest.mark.parametrize("url", ["redis_server_url", "redis_cluster_url"])
async def test_users_of_one_loop_turn_share_one_trip(
    url: str, request: pytest.FixtureRequest
) -> None:
    line = CountingLine(request.getfixturevalue(url), timeout_s=5)
    users = RedisUsers(line, timeout_ms=5_000)
    keys = [new_user() for _ in range(30)]
    await line.clustered()
    line.trips = 0
    await asyncio.gather(*(users.load(user, personalized=True) for user in keys))
    assert line.trips == 1
    await line.close()


async def test_exposures_count_by_minute_hour_day_and_lifetime(
    line: RedisLine, users: RedisUsers
) -> None:
    user, noon = new_user(), NOW_MS // 1000
    await expose(line, user, "li-a", 0, 10, 70, 3700, 4 * 3600, 4 * 3600 + 1)
    await expose(line, user, "li-b", 5)
    state = await users.load(user, personalized=True)
    last = noon + 4 * 3600 + 1
    assert state.exposures["li-a"] == Exposure(
        lifetime=6,
        day=(last + SHANGHAI_S) // 86_400,
        in_day=2,
        hour=last // 3600,
        in_hour=2,
        minute=last // 60,
        in_minute=2,
        last_seen_s=last,
    )
    assert state.exposures["li-b"].lifetime == 1
    assert list(state.exposures) == ["li-b", "li-a"]


async def test_an_impression_booked_late_does_not_count_in_a_window_that_is_over(
    line: RedisLine, users: RedisUsers
) -> None:
    user = new_user()
    await expose(line, user, "li-a", 7200, 0)
    seen = (await users.load(user, personalized=True)).exposures["li-a"]
    assert (seen.lifetime, seen.in_day, seen.in_hour, seen.in_minute) == (2, 2, 1, 1)
    assert seen.last_seen_s == NOW_MS // 1000 + 7200


async def test_the_line_items_seen_longest_ago_are_let_go(
    line: RedisLine, users: RedisUsers
) -> None:
    user = new_user()
    for number in range(140):
        await expose(line, user, f"li-{number}", number)
    await expose(line, user, "li-20", 200)
    exposures = (await users.load(user, personalized=True)).exposures
    assert len(exposures) == 128
    assert next(iter(exposures)) == "li-20"
    assert exposures["li-20"].lifetime == 2
    assert "li-11" not in exposures
    assert "li-12" in exposures


async def test_who_opted_out_has_no_profile_but_keeps_exposures(
    line: RedisLine, users: RedisUsers
) -> None:
    user, other = new_user(), new_user()
    await users.save_profiles([(user, READER), (other, READER)])
    await expose(line, user, "li-a", 0)
    out, within = await asyncio.gather(
        users.load(user, personalized=False), users.load(other, personalized=True)
    )
    assert out.profile == UserProfile()
    assert out.exposures["li-a"].lifetime == 1
    assert within.profile == READER


async def test_values_of_another_type_or_making_read_as_nothing(
    line: RedisLine, users: RedisUsers
) -> None:
    user, other = new_user(), new_user()
    await line.carry_out(
        [
            ("LPUSH", redis_keys.profile(user), "old"),
            ("HSET", redis_keys.exposures(user), "a", "b"),
            ("SET", redis_keys.profile(other), "nonsense"),
            ("SET", redis_keys.exposures(other), "nonsense"),
        ]
    )
    for one in (user, other):
        assert await users.load(one, personalized=True) == UserState(known=True)
    await users.save_profiles([(user, READER)])
    await expose(line, other, "li-a", 0)
    assert (await users.load(user, personalized=True)).profile == READER
    assert (await users.load(other, personalized=True)).exposures["li-a"].lifetime == 1


@pytest.fixture
def own_redis(short_dir: Path) -> Iterator[engines.Running]:
    """A server that this test may stop."""
    with engines.redis_server(short_dir) as started:
        yield started


async def test_a_redis_that_is_away_means_states_not_loaded_and_then_recovers(
    own_redis: engines.Running,
) -> None:
    line = RedisLine(own_redis.url)
    users = RedisUsers(line, timeout_ms=1_000)
    user = new_user()
    await users.save_profiles([(user, READER)])
    own_redis.server.kill()
    assert [await users.load(user, personalized=True) for _ in range(20)] == [NOT_LOADED] * 20
    own_redis.server.start()
    await asyncio.sleep(0.6)
    assert await users.load(user, personalized=True) == UserState(known=True)
    await line.close()


async def test_a_redis_that_hangs_holds_a_request_no_longer_than_its_limit(
    own_redis: engines.Running,
) -> None:
    line = RedisLine(own_redis.url)
    users = RedisUsers(line, timeout_ms=20)
    await line.ping()
    assert own_redis.server.process is not None
    own_redis.server.process.send_signal(signal.SIGSTOP)
    began = monotonic()
    states = await asyncio.gather(*(users.load(new_user(), personalized=True) for _ in range(50)))
    assert states == [NOT_LOADED] * 50
    assert monotonic() - began < 0.4  # 20 ms and what a busy machine adds, not the line's 500 ms
    own_redis.server.process.send_signal(signal.SIGCONT)
    await line.close()
