"""Refused ad requests are noted for the app that sent them, and never slow anything."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from adserver.api.refusals import MOST_APPS, OLD_KEY, Refusals
from adserver.ports import StoreAwayError
from adserver.stores.redis_client import RedisLine
from adserver.stores.refusals import KEPT, Refusal, keep, latest, reader
from models.domain.ids import AppId
from tests.adserver.api.running import Worker, unique, wait_for


def kept(worker: Worker, app_id: str = "app1") -> list[Refusal]:
    """What Redis has of an app."""

    async def ask() -> list[Refusal]:
        line = RedisLine(worker.settings.redis_url)
        try:
            return await latest(line, AppId(app_id))
        finally:
            await line.close()

    return asyncio.run(ask())


def test_a_refusal_is_kept_with_its_reason_and_place(worker: Worker) -> None:
    client = worker.client("app2")
    assert client.ask("pl4", user={"yob": "1994"}).status == 400
    wait_for(lambda: kept(worker, "app2"))
    told = kept(worker, "app2")[0]
    assert (told.status, told.field) == (400, "/user/yob")
    assert told.detail == "Expected `int`, got `str`"
    assert told.agent == "okhttp/4.12.0"


def test_another_apps_placement_is_noted_for_who_asked(worker: Worker) -> None:
    assert worker.client("app2").ask("pl1").status == 403
    wait_for(lambda: any("another app" in one.detail for one in kept(worker, "app2")))


def test_only_the_newest_twenty_of_an_app_are_kept(worker: Worker) -> None:
    client = worker.client()
    for number in range(30):
        assert client.ask(f"none{number}").status == 400
    wait_for(lambda: len(kept(worker)) == KEPT)


def test_an_unknown_key_belongs_to_nobody_but_a_rotated_one_does(worker: Worker) -> None:
    client = worker.client()
    client.app_key = "app2.1." + "0" * 32
    assert client.ask().status == 401
    client.app_key = worker.key("app2", generation=9)
    assert client.ask().status == 401
    wait_for(lambda: any(one.detail == OLD_KEY for one in kept(worker, "app2")))
    assert sum(one.status == 401 for one in kept(worker, "app2")) == 1


def test_keys_of_any_kind_are_refused_and_break_nothing(worker: Worker) -> None:
    client = worker.client()
    for key in ("", ".", "..", "a.b.c", "app1.x.y", "app1.99999999999.z", "é.1.x", "app1.²."):
        client.app_key = key.encode().decode("latin-1")
        assert client.ask().status == 401


def test_what_is_kept_is_plain_ascii_whatever_was_sent(worker: Worker) -> None:
    client = worker.client("app2", user_agent="<script>" + "\xe9" * 100)
    placement_id = unique("p")
    client.ask(placement_id, count="<b>é</b>")
    wait_for(lambda: any(one.field == "/count" for one in kept(worker, "app2")))
    assert all(one.agent.isascii() and len(one.agent) < 400 for one in kept(worker, "app2"))


class AwayLine(RedisLine):
    async def carry_out(self, commands: Any) -> list[Any]:
        raise StoreAwayError(f"nobody took {commands}")


async def test_a_redis_that_is_away_costs_the_notes_and_nothing_else() -> None:
    refusals, line = Refusals(), AwayLine("redis://127.0.0.1:1")
    refusals.note(AppId("a"), Refusal(1, 400, "x"))
    task = asyncio.create_task(refusals.run(line))
    await asyncio.sleep(1.3)
    assert not task.done()
    task.cancel()
    await asyncio.wait((task,))
    await line.close()


@settings(max_examples=20)
@given(st.integers(1, 60), st.integers(1, 3))
def test_what_waits_is_bounded(per_app: int, apps: int) -> None:
    refusals = Refusals()
    for number in range(per_app):
        for app in range(apps):
            refusals.note(AppId(f"a{app}"), Refusal(number, 400, "x"))
    waiting = refusals._waiting
    assert {len(own) for own in waiting.values()} == {min(per_app, KEPT)}
    assert waiting[AppId("a0")][-1].at_ms == per_app - 1


def test_a_thousand_apps_wait_and_no_more() -> None:
    refusals = Refusals()
    for number in range(MOST_APPS + 5):
        refusals.note(AppId(f"a{number}"), Refusal(1, 400, "x"))
    assert len(refusals._waiting) == MOST_APPS


async def test_the_console_reads_them_newest_first_from_a_thread(redis_server_url: str) -> None:
    line, app_id = RedisLine(redis_server_url), AppId(unique("app"))
    await keep(line, {app_id: [Refusal(1, 400, "old"), Refusal(2, 403, "new")]})
    ask = reader(line, asyncio.get_running_loop())
    found = await asyncio.to_thread(ask, app_id)
    assert found is not None
    assert [one.detail for one in found] == ["new", "old"]
    await line.close()


async def test_the_console_says_when_nobody_knows() -> None:
    line = AwayLine("redis://127.0.0.1:1")
    ask = reader(line, asyncio.get_running_loop())
    assert await asyncio.to_thread(ask, AppId("a")) is None
    await line.close()


@pytest.mark.parametrize("path", ["/healthz", "/v1/nothing"])
def test_other_paths_are_not_noted(worker: Worker, path: str) -> None:
    before = len(worker.serving.refusals._waiting)
    worker.client().call("GET", path)
    assert len(worker.serving.refusals._waiting) <= before
