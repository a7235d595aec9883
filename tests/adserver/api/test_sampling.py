"""The census of sampled requests: one a second, counted a minute, recorded once."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np
import pytest

from adserver.api.records import Outcome
from adserver.api.sampling import Sampler
from models.domain.event import AdServed, Census, Decided
from models.domain.user import UserState
from ranking.decision import decide
from ranking.snapshot import Snapshot
from tests.builders import NOW, ad_request, small_marketplace
from tests.ranking.markets import snapshot_of


class Notebook:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.census: list[Census] = []

    def record(self, decided: Decided, served: Sequence[AdServed]) -> None: ...

    def record_census(self, census: Iterable[Census]) -> None:
        self.census += census


@pytest.fixture
def book() -> Notebook:
    return Notebook()


def outcome(of: Snapshot, minutes: int = 0, *, test: bool = False) -> Outcome:
    now, request = NOW + timedelta(minutes=minutes), ad_request(test=test)
    decision = decide(request, UserState(), of, now, np.random.default_rng(1))
    return Outcome(request, UserState(), now, decision, [], 0.0)


async def test_every_line_item_gets_one_reason_for_a_sampled_request(book: Notebook) -> None:
    live, sampler = snapshot_of(small_marketplace()), Sampler(book)
    sampler.consider(live, outcome(live))
    await asyncio.sleep(0)
    sampler.flush()
    assert sorted(row.line_item_id for row in book.census) == ["li1", "li2", "li3", "li4", "li5"]
    reasons = {row.line_item_id: row.reason for row in book.census}
    assert "won" in reasons.values()
    assert reasons["li4"] == "format"
    assert {row.requests for row in book.census} == {1}
    assert len({row.event_id for row in book.census}) == 5


async def test_one_request_a_second_is_enough(book: Notebook) -> None:
    live, sampler = snapshot_of(small_marketplace()), Sampler(book)
    for _ in range(100):
        sampler.consider(live, outcome(live))
    await asyncio.sleep(0)
    sampler.flush()
    assert {row.requests for row in book.census} == {1}


async def test_test_requests_are_not_sampled(book: Notebook) -> None:
    live, sampler = snapshot_of(small_marketplace()), Sampler(book)
    sampler.consider(live, outcome(live, test=True))
    await asyncio.sleep(0)
    sampler.flush()
    assert book.census == []


async def test_a_new_minute_hands_over_the_last_one(
    book: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adserver.api.sampling.EVERY_S", 0.0)
    live, sampler = snapshot_of(small_marketplace()), Sampler(book)
    for minutes in (0, 0, 1):
        sampler.consider(live, outcome(live, minutes))
        await asyncio.sleep(0)
    await asyncio.sleep(0.1)
    assert {row.minute_ms for row in book.census} == {int(NOW.timestamp()) * 1000}
    assert sum(row.requests for row in book.census if row.line_item_id == "li4") == 2
    sampler.flush()
    assert len({row.minute_ms for row in book.census}) == 2
