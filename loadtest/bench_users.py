"""How many user profiles with 24 features a GiB of Redis memory holds, keys included.

A micro-benchmark, so unlike the rest of `loadtest` it knows our code. The one surprising fact: what
is counted is what the server's allocator hands out, so the embedded Redis (glibc) and a packaged
one (jemalloc) differ; the figure is the smaller of the two.
"""

import asyncio
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

from adserver.config import Settings
from adserver.embedded import redis_running
from adserver.stores.packed_profile import packed
from adserver.stores.redis_client import RedisLine
from adserver.stores.users import RedisUsers
from models.domain.ids import UserKey
from models.domain.user import UserProfile

USERS = 200_000
GIB = 2**30
LOADS, TOGETHER = 30_000, 16


def measure() -> dict[str, dict[str, Any]]:
    """`users_per_gib`, with bytes a user on each server and what else was timed on the way."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="ad-") as name:
        with redis_running(Settings(data_dir=Path(name))) as url:
            found["embedded"] = asyncio.run(_measured(url))
        if shutil.which("redis-server"):
            with _packaged(Path(name)) as url:
                found["packaged"] = asyncio.run(_measured(url))
    bytes_a_user = max(one["bytes_a_user"] for one in found.values())
    return {"users_per_gib": {"value": GIB / bytes_a_user, "unit": "users", **found}}


@contextmanager
def _packaged(directory: Path) -> Iterator[str]:
    socket = directory / "packaged.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
    with subprocess.Popen(  # noqa: S603 - the system's own server, no text from outside
        command, stdout=subprocess.DEVNULL, cwd=directory
    ) as server:
        try:
            while not socket.exists():
                sleep(0.01)
            yield f"unix://{socket}"
        finally:
            server.terminate()


async def _measured(url: str) -> dict[str, float]:
    rng = random.Random(7)
    line = RedisLine(url, timeout_s=10)
    users = RedisUsers(line, timeout_ms=10_000)
    keys = [UserKey(rng.getrandbits(63)) for _ in range(USERS)]
    profiles = [_profile(rng) for _ in range(1000)]
    before = await _used_memory(line)
    began = perf_counter()
    await users.save_profiles((key, profiles[at % 1000]) for at, key in enumerate(keys))
    saving_s = perf_counter() - began
    grown = await _used_memory(line) - before
    began = process_time()
    for _ in range(LOADS // TOGETHER):
        asked = rng.choices(keys, k=TOGETHER)
        await asyncio.gather(*(users.load(key, personalized=True) for key in asked))
    loading_s = process_time() - began
    await line.close()
    return {
        "bytes_a_user": grown / USERS,
        "profile_bytes": max(len(packed(profile)) for profile in profiles),
        "saved_a_second": USERS / saving_s,
        f"load_cpu_us_{TOGETHER}_together": loading_s / LOADS * 1e6,
    }


async def _used_memory(line: RedisLine) -> int:
    told: bytes = await line.ask(("INFO", "memory"))
    return int(told.split(b"used_memory:")[1].split()[0])


def _profile(rng: random.Random) -> UserProfile:
    """All 24 features known: three interests, three recent categories, eight custom features."""
    return UserProfile(
        gender=rng.choice("FM"),
        birth_year=rng.randrange(1940, 2010),
        interests=tuple(rng.sample(range(1, 65_536), 3)),
        recent_categories=tuple(rng.sample(range(1, 65_536), 3)),
        device_price_band=rng.randrange(1, 6),
        city_tier=rng.randrange(1, 6),
        activity_level=rng.randrange(1, 6),
        purchase_power=rng.randrange(1, 6),
        tenure_months=rng.randrange(1, 120),
        sessions_7d=rng.randrange(1, 100),
        sessions_30d=rng.randrange(1, 400),
        app_count=rng.randrange(1, 200),
        orders_90d=rng.randrange(1, 60),
        education_level=rng.randrange(1, 6),
        income_band=rng.randrange(1, 9),
        household=rng.randrange(1, 6),
        custom=tuple(rng.randrange(1, 256) for _ in range(8)),
    )
