"""Decide, reserve, charge, lapse, read and swap in any order: no budget is ever promised twice.

Of what is sold by impression, spent plus the price of every offer that may still be shown stays
within the budgets, whatever Redis and the clock do. Clicks are reserved in expectation (decision
0005): of them, spent plus reserved is within the budgets whenever an offer is made, and what is
charged always is.
"""

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import Phase, settings as trying, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adserver.api.ads import offer_of
from adserver.config import Settings
from adserver.stores.bookkeeper import Budget
from adserver.stores.spend_book import WorkerSpendBook
from models.domain.campaign import LineItem, Pacing, PricingModel
from models.domain.event import EventKind, Offer, Tracked, event_id
from models.domain.ids import LineItemId
from models.domain.money import Micros
from models.domain.placement import AuctionType
from models.domain.user import UserState
from ranking.decision import decide
from ranking.exploration import ExplorationPolicy
from tests.adserver.stores.memory_spend import Clock, MemorySpend
from tests.builders import (
    ad_request,
    advertiser,
    campaign,
    creative,
    line_item,
    marketplace,
    placement as a_placement,
)
from tests.ranking.markets import Told, snapshot_of

PLACEMENT = a_placement(auction=AuctionType.FIRST_PRICE, max_ads=3)
SETTINGS = Settings()


def item(number: int, **changes: Any) -> LineItem:
    names = {"line_item_id": f"li{number}", "campaign_id": f"cmp{number}", "pacing": Pacing.ASAP}
    return line_item(**names | changes)


ITEMS = (
    item(1, daily_budget_micros=Micros(50_000), total_budget_micros=Micros(90_000)),
    item(2, daily_budget_micros=Micros(30_001), pacing=Pacing.EVEN),
    item(
        3, total_budget_micros=Micros(50_000), pricing=PricingModel.CPC, bid_micros=Micros(30_000)
    ),
)
BUDGETS = {
    one.line_item_id: Budget(one.daily_budget_micros, one.total_budget_micros) for one in ITEMS
}
MARKET = marketplace(
    advertisers=tuple(advertiser(advertiser_id=f"adv{n}") for n in (1, 2, 3)),
    campaigns=tuple(campaign(campaign_id=f"cmp{n}", advertiser_id=f"adv{n}") for n in (1, 2, 3)),
    line_items=ITEMS,
    creatives=tuple(creative(creative_id=f"cr{n}", line_item_id=f"li{n}") for n in (1, 2, 3)),
    placements=(PLACEMENT,),
)
SNAPSHOT = snapshot_of(MARKET, pctr=Told(0.5), policy=ExplorationPolicy(epsilon=1.0))


class Trading(RuleBasedStateMachine):
    """One worker's budgets, with a Redis and a clock that do as they please."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store, self.clock = MemorySpend(), Clock()
        self.book = WorkerSpendBook(self.store, SETTINGS, self.clock)
        self.open: list[Offer] = []
        self.reading: asyncio.Task[None] | None = None
        self.asked = 0
        self.swap()
        self.read()

    def teardown(self) -> None:
        if self.reading is not None:
            self.end_reading()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    @rule()
    def swap(self) -> None:
        """A new snapshot of the same catalog."""
        spend = type(SNAPSHOT.spend).for_catalog(SNAPSHOT.catalog)
        self.snapshot = replace(SNAPSHOT, spend=spend)
        self.book.rebind(spend)

    @rule(count=st.integers(1, 3), lot=st.integers(0, 2**64 - 1))
    def ask(self, count: int, lot: int) -> None:
        """An app asks; what wins is reserved as `api.ads` does."""
        self.asked += 1
        request = ad_request(request_id=f"r{self.asked}", placement=PLACEMENT, count=count)
        now = self.clock()
        user = UserState(known=True, loaded=True)
        decision = decide(request, user, self.snapshot, now, np.uint64(lot))
        for winner in decision.winners:
            offer = offer_of(winner, request, now)
            self.book.reserve(offer)
            self.open.append(offer)
            self._fits(offer.line_item_id)

    def _fits(self, name: LineItemId) -> None:
        board, budget = self.snapshot.spend, BUDGETS[name]
        row = board.catalog.line_item_row[name]
        reserved = board.reserved[row]
        if budget.daily_micros is not None:
            assert board.spent_today[row] + reserved <= budget.daily_micros
        if budget.total_micros is not None:
            assert board.spent_total[row] + reserved <= budget.total_micros

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def show(self, data: st.DataObject) -> None:
        """The billable event of an offer arrives in time: charged in Redis, then released."""
        offer = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        now_ms = int(self.clock().timestamp() * 1000)
        kind = offer.billable
        event = Tracked(event_id(offer.offer_id, kind), kind, offer, now_ms, now_ms)
        charged = self.store.charge(
            offer.line_item_id, event.budget_day, offer.price_micros, BUDGETS[offer.line_item_id]
        )
        assert kind is EventKind.CLICK or charged == offer.price_micros, "shown for nothing"
        self.book.release(offer, charged)

    @rule(seconds=st.sampled_from([1, 59, 1_790, 1_801, 4 * 3_600]))
    def wait(self, seconds: int) -> None:
        """Time passes; offers that are too old can no longer be charged."""
        self.clock.pass_s(seconds)
        now_ms = int(self.clock().timestamp() * 1000)
        self.open = [o for o in self.open if now_ms - o.served_ms <= held_s(o) * 1000]
        if self.reading is None:
            self.read()

    @precondition(lambda self: self.reading is None)
    @rule()
    def read(self) -> None:
        """Redis is read."""
        self.loop.run_until_complete(self.book.refresh())

    @precondition(lambda self: self.reading is None and not self.store.away)
    @rule()
    def begin_reading(self) -> None:
        """Redis has been asked, and what it says is on its way."""
        self.store.answering.clear()
        self.store.asked.clear()
        self.reading = self.loop.create_task(self.book.refresh())
        self.loop.run_until_complete(self.store.asked.wait())

    @precondition(lambda self: self.reading is not None)
    @rule()
    def end_reading(self) -> None:
        """The reading arrives."""
        assert self.reading is not None
        self.store.answering.set()
        self.loop.run_until_complete(self.reading)
        self.reading = None

    @rule(away=st.booleans())
    def lose_redis(self, away: bool) -> None:
        """Redis goes, or comes back."""
        self.store.away = away

    @invariant()
    def no_impression_is_promised_twice(self) -> None:
        for name in ("li1", "li2"):
            line_item, budget = LineItemId(name), BUDGETS[LineItemId(name)]
            promised = sum(o.price_micros for o in self.open if o.line_item_id == name)
            if budget.total_micros is not None:
                spent = self.store.in_total.get(line_item, 0)
                assert spent + promised <= budget.total_micros
            for day in {day for who, day in self.store.on_day if who == name}:
                assert self.store.on_day[line_item, day] <= (budget.daily_micros or 0)

    @invariant()
    def clicks_are_charged_within_their_budget(self) -> None:
        assert self.store.in_total.get(LineItemId("li3"), 0) <= 50_000


def held_s(offer: Offer) -> int:
    """How long an offer may be charged after it was served."""
    clicks = SETTINGS.click_window_s if offer.billable is EventKind.CLICK else 0
    return SETTINGS.ad_expires_s + clicks


TestTrading = Trading.TestCase
TestTrading.settings = trying(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes here
)
