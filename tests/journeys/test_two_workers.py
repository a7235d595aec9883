"""Two workers on one data directory and one Redis: what either was told counts once, together."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import aiohttp

from models.domain.event import EventKind, event_id, offer_id
from models.domain.ids import AppId
from tests.engines import free_port
from tests.journeys.books import books_agree
from tests.journeys.installation import Crowd, Installation, Process, installation

PHONES = 4
LIVE_S = 2.0


def second_worker(house: Installation) -> Process:
    """Another worker of the same installation, with an outbox and a port of its own."""
    first, port = house.worker, free_port()
    own = {"ADUNION_WORKER_ID": "w1", "ADUNION_PORT": str(port)}
    log = first.log.with_name("second.log")
    return replace(first, environment=first.environment | own, log=log, port=port, child=None)


async def test_events_of_two_workers_count_once(short_dir: Path, own_redis: str) -> None:
    with installation(short_dir / "var", own_redis) as house:
        other = second_worker(house)
        try:
            await house.started()
            other.start()
            await other.until_ready()
            urls = [f"http://127.0.0.1:{worker.port}" for worker in (house.worker, other)]
            crowds = [Crowd(url, house.app_key(), seed) for seed, url in enumerate(urls, 1)]
            living = [asyncio.create_task(crowd.live(PHONES)) for crowd in crowds]
            await asyncio.sleep(LIVE_S)
            for crowd in crowds:
                crowd.stop()
            await asyncio.gather(*living)
            shared = await told_to_both(urls, house.app_key())
            expected = crowds[0].expected() | crowds[1].expected() | {shared}
            assert all(len(crowd.told) > 50 for crowd in crowds)
            assert all(set(crowd.told.values()) == {"counted"} for crowd in crowds)
            rows = Counter(await house.drained(expected))
            assert set(rows) == expected
            assert max(n for event, n in rows.items() if event != shared) == 1
            await books_agree(house)
        finally:
            other.end()


async def told_to_both(urls: list[str], app_key: str) -> str:
    """One worker's ad, shown to both at once, three times each. Answers the impression's id.

    Both may keep it on disk and say that it counts; readers of the log drop the copy.
    """
    body = {"request_id": "shared", "placement_id": "pl1", "user": {"id": "u-shared"}}
    async with aiohttp.ClientSession(headers={"User-Agent": "okhttp/4.12.0"}) as session:

        async def called(url: str) -> str:
            async with session.get(f"{url}?f=j") as answer:
                verdict = await answer.json()
                return "counted" if verdict["counted"] else str(verdict["reason"])

        headers = {"X-App-Key": app_key}
        async with session.post(f"{urls[0]}/v1/ads", headers=headers, json=body) as answer:
            (ad,) = (await answer.json())["ads"]
        path = ad["trackers"]["impression"][0].removeprefix(urls[0])
        verdicts = await asyncio.gather(*(called(f"{url}{path}") for url in urls * 3))
    assert verdicts.count("counted") >= 1
    assert set(verdicts) <= {"counted", "duplicate"}
    return str(event_id(offer_id(AppId("app1"), "shared", 0), EventKind.IMPRESSION))
