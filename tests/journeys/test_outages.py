"""Journeys 1 and 2 while a neighbour is away: ads flow on, and nothing counted is lost.

ADUNION_TEST_OUTAGE_S says how long the neighbour stays away (60 for the long variant).
"""

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest

from tests import engines
from tests.journeys.books import books_agree
from tests.journeys.installation import Crowd, installation

OUTAGE_S = float(os.environ.get("ADUNION_TEST_OUTAGE_S", "3"))
RECOVERY_S = 30
PHONES = 8
FREE_OF_LIMITS = {"li1"}  # neither cap nor budget
WITH_LIMITS = {"li2", "li3"}  # budgets


@pytest.mark.timeout(600)
async def test_clickhouse_may_stop_and_start_again(
    short_dir: Path, own_redis: str, clickhouse: engines.Running
) -> None:
    with installation(short_dir / "var", own_redis, clickhouse_url=clickhouse.url) as house:
        await house.started()
        crowd = Crowd(f"http://127.0.0.1:{house.settings.port}", house.app_key(), seed=3)
        living = asyncio.create_task(crowd.live(PHONES))
        await asyncio.sleep(1)
        clickhouse.server.stop()
        counted_before = len(crowd.told)
        await asyncio.sleep(OUTAGE_S)
        counted_meanwhile = len(crowd.told) - counted_before
        clickhouse.server.start()
        await asyncio.sleep(1)
        crowd.stop()
        await living
        assert counted_meanwhile > 20
        assert crowd.unanswered == 0
        assert crowd.answers.keys() == {200}
        assert set(crowd.told.values()) == {"counted"}
        found = await house.drained(crowd.expected())
        assert set(found) == crowd.expected()
        await books_agree(house)
        said = house.console.log.read_text()
    assert "rows wait, trying again" in said
    assert "event store back after" in said


@pytest.mark.timeout(600)
async def test_redis_may_stop_and_start_again(short_dir: Path, redis: engines.Running) -> None:
    with installation(short_dir / "var", redis.url) as house:
        await house.started()
        crowd = Crowd(f"http://127.0.0.1:{house.settings.port}", house.app_key(), seed=4)
        living = asyncio.create_task(crowd.live(PHONES))
        await asyncio.sleep(2)
        assert crowd.ads.keys() >= FREE_OF_LIMITS | WITH_LIMITS
        redis.server.stop()
        await asyncio.sleep(1.5)  # until the worker has noticed that it no longer knows the spend
        crowd.ads.clear()
        await asyncio.sleep(OUTAGE_S)
        shown_meanwhile = Counter(crowd.ads)
        redis.server.start()
        await until_budgets_serve_again(crowd)
        crowd.stop()
        await living
        assert shown_meanwhile.keys() & FREE_OF_LIMITS
        assert not shown_meanwhile.keys() & WITH_LIMITS
        assert crowd.unanswered == 0
        assert crowd.answers.keys() == {200}
        assert Counter(crowd.told.values())["deferred"] > 20
        assert set(crowd.told.values()) <= {"counted", "deferred"}
        found = await house.drained(crowd.expected())
        assert Counter(found).most_common(1)[0][1] == 1
        assert set(found) == crowd.expected()
        await books_agree(house)


async def until_budgets_serve_again(crowd: Crowd) -> None:
    """Waits until line items with a budget are shown again."""
    crowd.ads.clear()
    for _ in range(RECOVERY_S * 10):
        if crowd.ads.keys() & WITH_LIMITS:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("line items with a budget did not come back")
