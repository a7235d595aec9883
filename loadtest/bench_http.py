"""`POST /v1/ads` under load: throughput beside a bare handler's, and latency in an open loop.

A micro-benchmark in that it lays the house out itself: 10,000 line items, a forest of 200 trees, a
million profiles. The server is `adunion serve`, pinned to one core; Redis and the load share the
other. The one surprising fact: each request names a user drawn at random, so profiles are read from
Redis and not from some cache on the way.
"""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from adserver import embedded, history_package, keyring, publication
from adserver.config import Settings
from adserver.marketplace import package
from adserver.reload import MODEL
from adserver.stores.catalog_publisher import DIRECTORY as CATALOG
from adserver.stores.redis_client import RedisLine
from adserver.stores.users import RedisUsers
from loadtest import bench_decide
from loadtest.http_client import Answer, HttpClient
from models.domain.user import UserProfile

USERS = int(os.environ.get("BENCH_USERS", "1000000"))
BODIES = 1_000
CONNECTIONS = 64
WRK_S = int(os.environ.get("BENCH_WRK_S", "10"))
OPEN_RATE = 1_736.0
OPEN_S = float(os.environ.get("BENCH_OPEN_S", "60"))
SERVER_CORE, LOAD_CORE = 0, 1
READY_LIMIT_S = 120.0
BARE = """
import sys, uvloop
from aiohttp import web
answer = b"x" * int(sys.argv[2])
async def handler(request):
    await request.json()
    return web.Response(body=answer, content_type="application/json")
application = web.Application()
application.router.add_post("/v1/ads", handler)
uvloop.install()
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""
"""The other side of the ratio: parses the same body, answers as many constant bytes."""


@dataclass(frozen=True)
class House:
    """A worker's data directory, filled, with bodies to send and the key to send them with."""

    settings: Settings
    app_key: str
    bodies: list[bytes]


def measure() -> dict[str, Any]:
    """`http_ratio` and `p99_ms_at_1736`."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        settings = Settings(data_dir=Path(name), port=free_port(), console_port=free_port())
        with embedded.redis_running(settings) as redis_url:
            house = furnished(settings, redis_url)
            with served([sys.executable, "-m", "adserver", "serve"], house, redis_url):
                settle(house)
                ours = throughput(house, house.settings.port)
                latency = asyncio.run(open_loop(house))
                size = asyncio.run(answer_size(house))
            bare = [sys.executable, "-c", BARE, str(settings.console_port), str(size)]
            with served(
                bare,
                replace(house, settings=replace(settings, port=settings.console_port)),
                redis_url,
            ):
                theirs = throughput(house, settings.console_port)
    return {
        "http_ratio": {
            "value": ours.rate / theirs.rate,
            "unit": "ratio",
            "numerator_per_s": ours.rate,
            "denominator_per_s": theirs.rate,
            "not_200": ours.errors,
            "answer_bytes": size,
        },
        "p99_ms_at_1736": latency,
    }


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def furnished(settings: Settings, redis_url: str) -> House:
    """Catalog, history and model published; profiles in Redis."""
    market = bench_decide.market(10_000)
    root = settings.data_dir
    package.publish(root / CATALOG, market, 1)
    history = bench_decide.history(market)
    history_package.publish(root / history_package.DIRECTORY, history, keep=1)
    features = bench_decide.snapshot_of(market, None).features
    model = bench_decide.trained(features, bench_decide.requests(market))
    publication.publish(root / MODEL, model.version, model.to_files())
    secrets = keyring.load(settings)
    asyncio.run(save_profiles(redis_url, secrets))
    key = secrets.api_key("app", market.apps[0].app_id, 1)
    rng = np.random.default_rng(6)
    return House(settings, key, [body(rng) for _ in range(BODIES)])


async def save_profiles(redis_url: str, secrets: keyring.Keyring) -> None:
    """`USERS` profiles that differ."""
    rng = np.random.default_rng(7)
    draws = rng.integers(1, 9, (USERS, 8)).tolist()
    line = RedisLine(redis_url, timeout_s=30)
    await RedisUsers(line, 30_000).save_profiles(
        (secrets.user_key(f"u{n}"), profile(draw)) for n, draw in enumerate(draws)
    )
    await line.close()


def profile(few: list[int]) -> UserProfile:
    """A user like those of `bench_decide`."""
    return UserProfile(
        gender="FM"[few[0] % 2], birth_year=1970 + 4 * few[1],
        interests=(few[2], few[3] + 10, few[4] + 20), recent_categories=(few[5], few[6] + 10),
        device_price_band=few[1], city_tier=few[2] % 5, activity_level=few[3] % 5,
        purchase_power=few[4] % 5, sessions_7d=few[7],
    )  # fmt: skip


def body(rng: np.random.Generator) -> bytes:
    """A body in the shape that wire.md shows; "@" stands where a request id goes."""
    asked = {
        "request_id": "@", "placement_id": f"pl{rng.integers(4)}", "count": 1,
        "user": {"id": f"u{rng.integers(USERS)}"},
        "device": {
            "os": "android", "osv": "14", "make": bench_decide.MAKES[0],
            "model": f"m{rng.integers(1, 9)}",
            "devicetype": 4, "connectiontype": 2, "w": 1440, "h": 3200, "language": "zh",
            "ua": "Mozilla/5.0 (Linux; Android 14; 23127PN0CC)", "ip": "203.0.113.9",
        },
        "geo": {"country": "CHN", "region": "BJ", "city": "Beijing"},
        "app": {"bundle": "com.example.reader", "ver": "3.2.1"}, "regs": {"coppa": 0},
        "test": 0, "debug": False,
    }  # fmt: skip
    return json.dumps(asked, separators=(",", ":")).encode()


@contextmanager
def served(command: list[str], house: House, redis_url: str) -> Iterator[None]:
    """A server of its own process on `SERVER_CORE`, ready."""
    environment = os.environ | {
        "ADUNION_DATA_DIR": str(house.settings.data_dir),
        "ADUNION_REDIS_URL": redis_url,
        "ADUNION_PORT": str(house.settings.port),
        "ADUNION_LOG_LEVEL": "WARNING",
    }
    pinned = ["taskset", "-c", str(SERVER_CORE), *command]
    with subprocess.Popen(pinned, env=environment) as server:  # noqa: S603 - our own command
        try:
            asyncio.run(ready(house))
            yield
        finally:
            server.terminate()


async def ready(house: House) -> None:
    """Returns when a POST is answered with an ad.

    Raises:
        TimeoutError: it never was.
    """
    async with asyncio.timeout(READY_LIMIT_S):
        for number in count():  # one request may well be without an ad, however often it is asked
            client = HttpClient("127.0.0.1", house.settings.port)
            try:
                if (await ask(client, house, number)).status == 200:
                    return
            except OSError:
                pass
            finally:
                client.close()
            await asyncio.sleep(0.2)


async def ask(client: HttpClient, house: House, number: int) -> Answer:
    """One ad request with a request id of its own."""
    sent = house.bodies[number % BODIES].replace(b"@", b"o%d" % number, 1)
    return await client.post_json("/v1/ads", sent, f"X-App-Key: {house.app_key}\r\n")


async def answer_size(house: House) -> int:
    """Bytes of a typical answer."""
    client = HttpClient("127.0.0.1", house.settings.port)
    sizes = [len((await ask(client, house, number)).body) for number in range(100)]
    client.close()
    return int(np.median([size for size in sizes if size]))


@dataclass(frozen=True)
class Throughput:
    """What wrk says: answers a second, and how many were not 2xx or failed."""

    rate: float
    errors: int


WRK_SCRIPT = """
local bodies, turn = {}, 0
for line in io.lines(os.getenv("BENCH_BODIES")) do bodies[#bodies + 1] = line end
local headers = {["Content-Type"] = "application/json", ["X-App-Key"] = os.getenv("BENCH_KEY")}
function request()
  turn = turn + 1
  local body = bodies[turn % #bodies + 1]:gsub("@", turn, 1)
  return wrk.format("POST", "/v1/ads", headers, body)
end
"""


def throughput(house: House, port: int) -> Throughput:
    """Closed loop: wrk with `CONNECTIONS` connections on `LOAD_CORE`."""
    directory = house.settings.data_dir
    (directory / "bodies").write_bytes(b"\n".join(house.bodies) + b"\n")
    (directory / "ads.lua").write_text(WRK_SCRIPT)
    command = [
        *("taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{WRK_S}s"),
        *("-s", str(directory / "ads.lua"), f"http://127.0.0.1:{port}"),
    ]
    environment = {"BENCH_BODIES": str(directory / "bodies"), "BENCH_KEY": house.app_key}
    told = subprocess.run(  # noqa: S603 - our own command
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    if rate is None:
        raise RuntimeError(f"wrk did not say how fast: {told}")
    return Throughput(float(rate[1]), int(failed[1]) if failed else 0)


def settle(house: House) -> None:
    """Lets caches warm and the first budgets be read before anything is measured."""
    throughput(house, house.settings.port)


async def open_loop(
    house: House, rate: float = OPEN_RATE, seconds: float = OPEN_S
) -> dict[str, Any]:
    """Requests leave on a Poisson schedule, whatever comes back; times count from the schedule."""
    rng = np.random.default_rng(8)
    gaps = rng.exponential(1 / rate, int(rate * seconds))
    due = np.cumsum(gaps) + time.perf_counter() + 0.5
    os.sched_setaffinity(0, {LOAD_CORE})
    client = HttpClient("127.0.0.1", house.settings.port, connections=256)
    taken, errors = np.zeros(len(due)), 0

    async def one(number: int, at_s: float) -> None:
        nonlocal errors
        try:
            answer = await ask(client, house, number)
            errors += answer.status not in (200, 204)
        except (OSError, TimeoutError):
            errors += 1
        taken[number] = time.perf_counter() - at_s

    async with asyncio.TaskGroup() as group:
        for number, at_s in enumerate(due.tolist()):
            if (wait_s := at_s - time.perf_counter()) > 0:
                await asyncio.sleep(wait_s)
            group.create_task(one(number, at_s))
    client.close()
    milliseconds = np.percentile(taken * 1000, (50, 90, 99, 99.9)).round(3).tolist()
    shown = dict(zip(("p50", "p90", "p99", "p99_9"), milliseconds, strict=True))
    return {"value": shown["p99"], "unit": "ms", "errors": errors, "requests": len(due), **shown}
