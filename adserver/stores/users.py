"""Profiles and exposures of users in Redis.

Here: reading both for all waiting users in one trip, writing profiles. Never here: counting an
exposure (`bookkeeper`). The surprising fact: a slow store answers all the same. After the time
limit a request goes on with `loaded=False`, which withholds capped line items; it never waits and
never fails.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from struct import unpack_from
from time import monotonic

from adserver.ports import StoreAwayError
from adserver.stores import packed_exposures, packed_profile, redis_keys
from adserver.stores.breaker import Breaker
from adserver.stores.gathering import ImpatientGathering
from adserver.stores.packed_profile import NOBODY, packed
from adserver.stores.redis_client import RedisLine, script
from adserver.stores.redis_lanes import Command
from models.domain.ids import UserKey
from models.domain.user import UserProfile, UserState

LOAD = script("load_users")
SLOW_TRIPS_TO_OPEN = 3
PAUSE_S = 0.25
MOST_IN_A_SCRIPT = 500  # users; Lua's unpack takes some 8,000 values
SAVED_AT_ONCE = 1_000

NO_USER = UserState(known=False)
NOT_LOADED = UserState(known=True, loaded=False)
Wanted = tuple[UserKey, bool]  # with or without the profile


class RedisUsers:
    """`ports.UserStore` on a line to Redis."""

    def __init__(self, line: RedisLine, timeout_ms: int) -> None:
        self._line = line
        self._limit_s = timeout_ms / 1000
        self._breaker = Breaker(SLOW_TRIPS_TO_OPEN, PAUSE_S)
        self._gathering = ImpatientGathering(self._load_all, self._limit_s, NOT_LOADED)

    async def load(self, user_key: UserKey | None, *, personalized: bool) -> UserState:
        """One trip, shared with the other requests of this loop turn. Never raises."""
        if user_key is None:
            return NO_USER
        if not self._breaker.may_try():
            return NOT_LOADED
        return await self._gathering.ask((user_key, personalized))

    async def save_profiles(self, profiles: Iterable[tuple[UserKey, UserProfile]]) -> int:
        """Writes profiles, visible to the next load; answers how many.

        Raises:
            StoreAwayError: Redis is away; what was written before stays.
            ValueError: a feature out of its range; likewise.
        """
        return await self.save_packed((user, packed(profile)) for user, profile in profiles)

    async def save_packed(self, values: Iterable[tuple[UserKey, bytes]]) -> int:
        """As `save_profiles`, for profiles that `packed_profile` has packed."""
        rows, saved = iter(values), 0
        while batch := list(islice(rows, SAVED_AT_ONCE)):
            entries = [(redis_keys.profile(user), value) for user, value in batch]
            await self._line.carry_out(await self._writes(entries))
            saved += len(entries)
        return saved

    async def forget(self, user: UserKey) -> None:
        """Removes all that Redis holds of a user: profile, exposures, clicks. Caps begin anew.

        Raises:
            StoreAwayError: Redis is away.
        """
        makers = (
            *(redis_keys.profile, redis_keys.exposures),
            *(redis_keys.impressions_seen, redis_keys.clicks_of_user),
        )
        await self._line.carry_out([("DEL", *(key_of(user) for key_of in makers))])

    async def _writes(self, values: list[tuple[bytes, bytes]]) -> list[Command]:
        if await self._line.clustered():
            return [("SET", key, value) for key, value in values]
        return [("MSET", *(part for pair in values for part in pair))]

    async def _load_all(self, wanted: list[Wanted]) -> Sequence[UserState]:
        asked_at = monotonic()
        try:
            states = await self._states(wanted)
        except StoreAwayError:
            states = [NOT_LOADED] * len(wanted)
        in_time = monotonic() - asked_at <= self._limit_s
        self._breaker.note(success=in_time and states[0].loaded)
        return states

    async def _states(self, wanted: list[Wanted]) -> list[UserState]:
        size = 1 if await self._line.clustered() else MOST_IN_A_SCRIPT
        groups = [wanted[start : start + size] for start in range(0, len(wanted), size)]
        replies = await self._line.send([LOAD.call(_keys(group)) for group in groups])
        states: list[UserState] = []
        for group, reply in zip(groups, replies, strict=True):
            lost = isinstance(reply, StoreAwayError)
            states += [NOT_LOADED] * len(group) if lost else _taken_apart(group, reply)
        return states


def _keys(wanted: Sequence[Wanted]) -> list[bytes]:
    """Two keys a user."""
    keys = []
    for user, personalized in wanted:
        keys.append(redis_keys.profile(user) if personalized else redis_keys.no_profile(user))
        keys.append(redis_keys.exposures(user))
    return keys


def _taken_apart(wanted: Sequence[Wanted], reply: bytes) -> list[UserState]:
    """What load_users.lua put together."""
    sizes = unpack_from(f"<{2 * len(wanted)}I", reply)
    at = 8 * len(wanted)
    states = []
    for profile_size, exposures_size in zip(sizes[::2], sizes[1::2], strict=True):
        middle = at + profile_size
        end = middle + exposures_size
        profile = packed_profile.unpacked(reply[at:middle]) if profile_size else NOBODY
        states.append(UserState(profile, packed_exposures.unpacked(reply[middle:end]), known=True))
        at = end
    return states
