"""Catalog, profile and model change while 50 requests a second flow: nobody notices but the ads.

Promised: a catalog change within 2 s, a model within 5 s, a profile at once. A loaded test machine
is given `SLACK_S` more; what it really took is in the test's log (--log-level=INFO).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from adserver import keyring, publication
from adserver.stores.catalog import open_catalog
from adserver.stores.redis_client import RedisLine
from adserver.stores.users import RedisUsers
from models.ctr.artifact import Artifact
from models.ctr.dataset import Dataset
from models.ctr.ensemble import raw_scores
from models.ctr.features import SERVING_SCHEMA
from models.ctr.training import Recipe, learn
from models.domain.campaign import Creative, Rule, Targeting
from models.domain.ids import CreativeId, LineItemId
from models.domain.money import Micros
from models.domain.user import UserProfile
from tests.builders import creative, line_item
from tests.journeys.installation import Installation, installation

RATE = 50
CATALOG_S, MODEL_S, SLACK_S = 2.0, 5.0, 3.0
SEGMENT = 777
REFUSAL_SHOWS_S = 1.5
log = logging.getLogger(__name__)


@dataclass
class Pulse:
    """50 requests a second, each sent on schedule whether the one before was answered or not."""

    house: Installation
    answers: list[tuple[int, Any]] = field(default_factory=list)
    _going: bool = True

    async def beat(self) -> None:
        began, headers = time.monotonic(), {"X-App-Key": self.house.app_key()}
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
            asyncio.TaskGroup() as sent,
        ):
            for number in count():
                if not self._going:
                    return
                await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
                sent.create_task(self.ask(session, f"pulse-{number}", f"u{number % 40}"))

    async def ask(self, session: aiohttp.ClientSession, request_id: str, user: str) -> Any:
        asked = {
            "request_id": request_id,
            "placement_id": "pl1",
            "user": {"id": user},
            "debug": True,
        }
        url = f"http://127.0.0.1:{self.house.settings.port}/v1/ads"
        async with session.post(url, json=asked) as answer:
            body = await answer.json() if answer.status == 200 else None
        self.answers.append((answer.status, body))
        return body

    def stop(self) -> None:
        self._going = False

    async def seconds_until(self, seen: Callable[[Any], bool]) -> float:
        """How long it takes until an answer shows it, from now on."""
        began, looked = time.monotonic(), len(self.answers)
        while True:
            fresh = self.answers[looked:]
            looked += len(fresh)
            if any(seen(body) for _, body in fresh if body):
                return time.monotonic() - began
            assert time.monotonic() - began < 60, "never seen"
            await asyncio.sleep(0.01)


def titles(body: Any) -> list[str]:
    return [ad["title"] for ad in body["ads"]]


def line_items(body: Any) -> list[str]:
    return [ad["line_item_id"] for ad in body["ads"]]


def change_catalog(house: Installation) -> None:
    """A new title, and a line item for people with one interest who nobody knows of yet."""
    now = datetime.now(UTC)
    wanted = Targeting(interest=Rule(include=frozenset({str(SEGMENT)})))
    with closing(open_catalog(house.settings)) as catalog:
        catalog.edit(Creative, "cr1", lambda old: replace(old, title="Changed"), now)
        item = line_item(
            line_item_id=LineItemId("li9"), bid_micros=Micros(90_000_000), targeting=wanted
        )
        catalog.add(replace(item, starts_at=now), now)
        catalog.add(creative(creative_id=CreativeId("cr9"), line_item_id=LineItemId("li9")), now)


async def save_profile(house: Installation, user: str) -> None:
    line = RedisLine(house.settings.redis_url)
    users = RedisUsers(line, timeout_ms=1000)
    key = keyring.load(house.settings).user_key(user)
    assert await users.save_profiles([(key, UserProfile(interests=(SEGMENT,)))]) == 1
    await line.close()


def some_model(version: str) -> dict[str, bytes]:
    """The files of a model that learned from noise: good enough to be taken up."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(600, len(SERVING_SCHEMA.slots)))
    clicked = (rng.random(600) < 0.3).astype(np.float64)
    learned = learn(
        Dataset(SERVING_SCHEMA, rows, clicked), recipe=Recipe(members=1, rounds=5, threads=1)
    )
    return Artifact(
        version=version,
        schema=SERVING_SCHEMA,
        members=learned.members,
        calibration=learned.calibration,
        known_rows=rows[:8],
        known_scores=raw_scores(learned.members, rows[:8]),
    ).to_files()


@pytest.mark.timeout(300)
async def test_catalog_profile_and_model_change_and_no_request_fails(
    short_dir: Path, own_redis: str
) -> None:
    good, broken = some_model("m1"), some_model("m2")
    broken["booster_0.txt"] = broken["booster_0.txt"][:100]
    with installation(short_dir / "var", own_redis) as house:
        await house.started()
        pulse = Pulse(house)
        beating = asyncio.create_task(pulse.beat())
        await pulse.seconds_until(lambda body: "li1" in line_items(body))

        change_catalog(house)
        took = await pulse.seconds_until(lambda body: "Changed" in titles(body))
        log.info("the catalog was seen after %.2f s", took)
        assert took < CATALOG_S + SLACK_S
        assert not any("li9" in line_items(body) for _, body in pulse.answers if body)

        await save_profile(house, "u7")
        headers = {"X-App-Key": house.app_key()}
        async with aiohttp.ClientSession(headers=headers) as session:
            asked = [await pulse.ask(session, f"at-once-{number}", "u7") for number in range(5)]
        assert any("li9" in line_items(body) for body in asked)

        models = house.settings.data_dir / "ctr"
        publication.publish(models, "m1", good)
        took = await pulse.seconds_until(lambda body: body["debug"]["model"] == "m1")
        log.info("the model was seen after %.2f s", took)
        assert took < MODEL_S + SLACK_S

        publication.publish(models, "m2", broken)
        await asyncio.sleep(REFUSAL_SHOWS_S)
        assert await pulse.seconds_until(lambda body: body["debug"]["model"] == "m1") < SLACK_S

        pulse.stop()
        await beating
        assert {status for status, _ in pulse.answers} == {200}
        assert "m2" in house.worker.log.read_text()
        assert not any(body["debug"]["model"] == "m2" for _, body in pulse.answers)
