"""Kill switches over real processes: in force within two seconds, and over every restart.

A loaded test machine is given `SLACK_S` more; what it really took is in the test's log.
"""

import asyncio
import itertools
import logging
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adserver.accounts.identity import Identity, Role
from adserver.stores import database, switches
from adserver.stores.switches import EVERYTHING, SwitchKind
from tests.journeys.installation import Installation, installation

PROMISED_S, SLACK_S = 2.0, 3.0
STAYS_S = 1.0
ALL = (SwitchKind.EVERYTHING, EVERYTHING)
WHO = Identity(Role.OPERATOR, "", "op@house.example", "")
_numbers = itertools.count(1)
log = logging.getLogger(__name__)


def throw(house: Installation, wanted: tuple[SwitchKind, str], *, off: bool) -> None:
    engine = database.connect(house.settings)
    with database.writing(engine) as connection:
        now = datetime.now(UTC)
        if off:
            switches.switch_off(connection, wanted, "a journey", WHO, now)
        else:
            switches.switch_on(connection, wanted, WHO, now)
    engine.dispose()


async def asked(house: Installation) -> tuple[int, Any]:
    """One ad request: status, and the creative shown ("" for none)."""
    body = {"request_id": f"kill-{next(_numbers)}", "placement_id": "pl1"}
    url = f"http://127.0.0.1:{house.settings.port}/v1/ads"
    headers = {"X-App-Key": house.app_key()}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json=body) as answer,
    ):
        ads = (await answer.json())["ads"] if answer.status == 200 else []
        return answer.status, ads[0]["creative_id"] if ads else ""


async def seconds_until(house: Installation, status: int) -> float:
    began = time.monotonic()
    while (await asked(house))[0] != status:
        assert time.monotonic() - began < 60, "never seen"
        await asyncio.sleep(0.02)
    took = time.monotonic() - began
    log.info("%d was seen after %.2f s", status, took)
    return took


async def shown_for_a_while(house: Installation) -> set[tuple[int, Any]]:
    until = time.monotonic() + STAYS_S
    seen = set()
    while time.monotonic() < until:
        seen.add(await asked(house))
    return seen


@pytest.mark.timeout(300)
async def test_a_switch_is_in_force_in_two_seconds_and_stays_over_every_restart(
    short_dir: Path, own_redis: str
) -> None:
    with installation(short_dir / "var", own_redis) as house:
        await house.started()
        throw(house, ALL, off=True)
        assert await seconds_until(house, 503) < PROMISED_S + SLACK_S

        house.console.end(signal.SIGKILL)
        house.worker.end(signal.SIGKILL)
        house.worker.start()
        await house.worker.until_ready()
        assert await shown_for_a_while(house) == {(503, "")}

        house.console.start()
        await house.console.until_ready()
        assert await shown_for_a_while(house) == {(503, "")}
        throw(house, ALL, off=False)
        assert await seconds_until(house, 200) < PROMISED_S + SLACK_S


@pytest.mark.timeout(300)
async def test_a_creative_that_is_off_never_wins_again(short_dir: Path, own_redis: str) -> None:
    with installation(short_dir / "var", own_redis) as house:
        await house.started()
        _, creative = await asked(house)
        assert creative
        throw(house, (SwitchKind.CREATIVE, creative), off=True)
        await asyncio.sleep(PROMISED_S)
        assert creative not in {shown for _, shown in await shown_for_a_while(house)}
