"""Random events in random order, with replays, retries and crashes, against counting by hand."""

import random
from dataclasses import dataclass, field

import pytest

from adserver.config import Settings
from adserver.ports import StoreAwayError
from adserver.stores.bookkeeper import Budget, RedisBookkeeper
from adserver.stores.redis_client import RedisLine
from adserver.stores.redis_lanes import Command, Reply
from adserver.stores.spend import RedisSpend
from models.domain.campaign import PricingModel
from models.domain.event import Booked, EventKind, Tracked, Verdict
from models.domain.ids import LineItemId
from models.domain.money import Micros
from tests.adserver.stores.redis_cases import event_of, new_line_item, new_offer
from tests.builders import NOW_MS

BUDGET = Budget(daily_micros=Micros(150_000), total_micros=Micros(170_000))
DAY_S = 86_400
REFUSED = {EventKind.VIEWABLE: Verdict.NO_IMPRESSION, EventKind.CLICK: Verdict.NO_IMPRESSION}


class FlakyLine(RedisLine):
    """Loses one trip in five, half of them on the way back."""

    def __init__(self, url: str, rng: random.Random) -> None:
        super().__init__(url, timeout_s=5)
        self._rng = rng

    async def send(self, commands: list[Command]) -> list[Reply]:
        fate = self._rng.random()
        if fate < 0.1:
            raise StoreAwayError("lost on the way there")
        replies = await super().send(commands)
        if fate < 0.2:
            raise StoreAwayError("lost on the way back")
        return replies


@dataclass
class CountedByHand:
    """What should be in Redis, in plain dictionaries."""

    owner: dict[object, LineItemId] = field(default_factory=dict)
    outcome: dict[object, Booked] = field(default_factory=dict)
    on_day: dict[tuple[LineItemId, int], int] = field(default_factory=dict)
    in_total: dict[LineItemId, int] = field(default_factory=dict)
    counts: dict[tuple[LineItemId, EventKind], int] = field(default_factory=dict)

    def book(self, event: Tracked) -> Booked:
        offer = event.offer
        if self.owner.get(offer.offer_id, offer.line_item_id) != offer.line_item_id:
            return Booked(Verdict.DUPLICATE)
        if event.event_id in self.outcome:
            return self.outcome[event.event_id]
        if event.kind in REFUSED and offer.offer_id not in self.owner:
            return Booked(REFUSED[event.kind])
        self.owner[offer.offer_id] = offer.line_item_id
        item, day = offer.line_item_id, (offer.line_item_id, event.budget_day)
        self.counts[item, event.kind] = self.counts.get((item, event.kind), 0) + 1
        left = min(
            150_000 - self.on_day.get(day, 0),
            170_000 - self.in_total.get(item, 0),
            offer.price_micros if event.kind is offer.billable else 0,
        )
        self.on_day[day] = self.on_day.get(day, 0) + left
        self.in_total[item] = self.in_total.get(item, 0) + left
        self.outcome[event.event_id] = Booked(Verdict.COUNTED, Micros(left))
        return self.outcome[event.event_id]


def any_events(rng: random.Random) -> list[Tracked]:
    """Offers of four line items over two days; a fifth of them retried with another ad."""
    line_items = [new_line_item() for _ in range(4)]
    events = []
    for _ in range(60):
        pricing = rng.choice([PricingModel.CPM, PricingModel.CPC])
        plain = new_offer(
            line_item_id=rng.choice(line_items), pricing=pricing, price_micros=Micros(13_000)
        )
        shown = [plain]
        if rng.random() < 0.2:
            shown.append(new_offer(line_item_id=rng.choice(line_items), offer_id=plain.offer_id))
        day_s = rng.choice([0, DAY_S])
        for offer in shown:
            for kind in (EventKind.IMPRESSION, EventKind.VIEWABLE, EventKind.CLICK):
                events += [event_of(offer, kind, after_s=day_s + 1)] * rng.choice([0, 1, 1, 2])
    rng.shuffle(events)
    return events


async def insisted(books: RedisBookkeeper, event: Tracked) -> Booked:
    while True:
        try:
            return await books.book(event)
        except StoreAwayError:
            continue


@pytest.mark.parametrize("seed", range(4))
async def test_redis_agrees_with_counting_by_hand(redis_url: str, seed: int) -> None:
    rng = random.Random(seed)
    line, by_hand = FlakyLine(redis_url, rng), CountedByHand()
    books = RedisBookkeeper(line, lambda _: BUDGET, Settings(), clock_ms=lambda: NOW_MS + 1000)
    events = any_events(rng)
    for event in events:
        assert await insisted(books, event) == by_hand.book(event)
    await line.close()
    await agree(redis_url, by_hand, events)


async def agree(url: str, by_hand: CountedByHand, events: list[Tracked]) -> None:
    line = RedisLine(url, timeout_s=5)
    spend = RedisSpend(line)
    pairs = sorted({(event.offer.line_item_id, event.budget_day) for event in events})
    line_items, days = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert await spend.spent(line_items, days) == [
        (by_hand.on_day.get(pair, 0), by_hand.in_total.get(pair[0], 0)) for pair in pairs
    ]
    for line_item, counts in zip(line_items, await spend.counts(line_items), strict=True):
        assert counts == {kind: by_hand.counts.get((line_item, kind), 0) for kind in EventKind}
    await line.close()
