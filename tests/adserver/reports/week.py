"""A week of ad requests that the engine itself decides, as it would be logged, and what it decided.

The truth that forecasts are held against: the same requests are decided again with the line item in
question. Never here: a forecast.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

import numpy as np

from adserver.eventlog.rows import decided_row, pack_rows, served_row, unpack_columns
from adserver.ports import EventStore
from models.domain.ad_request import AdRequest
from models.domain.campaign import Creative, LineItem, PricingModel, Rule, Targeting
from models.domain.event import AdServed, Decided, offer_id
from models.domain.ids import LineItemId, UserKey
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from models.domain.placement import AuctionType, Format
from models.domain.user import Exposure, UserState
from ranking.decision import Decision, decide
from tests.builders import (
    NOW,
    ad_request,
    advertiser,
    app,
    campaign,
    creative,
    line_item,
    offer,
    placement,
)
from tests.ranking.markets import Told, snapshot_of

DAYS, REQUESTS, USERS = 7, 6_000, 400
CTR = 0.01
ZONE_S = 8 * 3600

Happened = tuple[datetime, AdRequest, UserState, Decision]


def rivals(rng: random.Random, count: int = 12) -> Marketplace:
    """Advertisers who buy everywhere or in one country, by impression or by click."""
    numbers = range(count)
    return Marketplace(
        advertisers=tuple(advertiser(advertiser_id=f"adv{n}") for n in numbers),
        campaigns=tuple(campaign(campaign_id=f"cmp{n}", advertiser_id=f"adv{n}") for n in numbers),
        line_items=tuple(
            line_item(
                line_item_id=f"li{n}",
                campaign_id=f"cmp{n}",
                pricing=(pricing := rng.choice((PricingModel.CPM, PricingModel.CPC))),
                bid_micros=Micros(
                    rng.randrange(2_000_000, 30_000_000) // (1 if pricing == "cpm" else 10)
                ),
                starts_at=NOW - timedelta(days=30),
                targeting=Targeting(
                    country=Rule(include=frozenset(rng.sample(("CHN", "USA", "DEU"), k=n % 3)))
                ),
            )
            for n in numbers
        ),
        creatives=tuple(creative(creative_id=f"cr{n}", line_item_id=f"li{n}") for n in numbers),
        apps=(app(),),
        placements=(
            placement(floor_cpm_micros=Micros(3_000_000)),
            placement(placement_id="pl2", floor_cpm_micros=Micros(12_000_000)),
            placement(placement_id="pl3", auction=AuctionType.FIRST_PRICE),
            placement(placement_id="pl4", format=Format.BANNER),
        ),
    )  # fmt: skip


def with_ours(market: Marketplace, item: LineItem, **owner: Any) -> Marketplace:
    """The market with one more advertiser, whose only line item is this one."""
    own = advertiser(advertiser_id="ours", **owner)
    shown: Creative = creative(creative_id="cr_ours", line_item_id=item.line_item_id)
    return replace(
        market,
        advertisers=(*market.advertisers, own),
        campaigns=(*market.campaigns, campaign(campaign_id="cmp_ours", advertiser_id="ours")),
        line_items=(*market.line_items, item),
        creatives=(*market.creatives, shown),
    )


def ours(**changes: Any) -> LineItem:
    """Our line item, which has not been anywhere yet."""
    plain = line_item(
        line_item_id=LineItemId("ours"),
        campaign_id="cmp_ours",
        starts_at=NOW - timedelta(days=30),
        bid_micros=Micros(15_000_000),
    )
    return replace(plain, **changes)


@dataclass
class Week:
    """Requests in order, each with its user; `happen` lets the engine decide them all."""

    asked: Sequence[tuple[datetime, AdRequest, UserKey]]

    @staticmethod
    def of(market: Marketplace, rng: random.Random, requests: int = REQUESTS) -> "Week":
        begin = NOW - timedelta(days=DAYS)
        step = timedelta(days=DAYS) / requests
        keys = [UserKey(int(rng.paretovariate(0.7)) % USERS + 1) for _ in range(requests)]
        return Week(
            [(begin + step * n, _request(n, market, rng), key) for n, key in enumerate(keys)]
        )

    def happen(
        self, market: Marketplace, seen: Callable[[Happened], None], ctr: float = CTR
    ) -> None:
        """Decides every request; users remember what they were shown."""
        snapshot = snapshot_of(market, pctr=Told(ctr), now=NOW - timedelta(days=DAYS))
        lots = np.random.default_rng(1)
        remembered: dict[UserKey, dict[str, Exposure]] = {}
        for now, request, key in self.asked:
            exposures = remembered.setdefault(key, {})
            user = UserState(exposures=exposures, known=True)
            decision = decide(request, user, snapshot, now, lots)
            for winner in decision.winners:
                name = winner.ad.line_item.line_item_id
                if not is_shown(request, name):
                    continue
                exposures[name] = _once_more(exposures.get(name), now)
            seen((now, replace(request, user_key=key), user, decision))


def is_shown(request: AdRequest, line_item_id: str) -> bool:
    """Nine of ten ads are, whoever asks again."""
    return crc32(f"{request.request_id}/{line_item_id}".encode()) % 10 > 0


def _request(n: int, market: Marketplace, rng: random.Random) -> AdRequest:
    return ad_request(
        request_id=f"r{n}",
        app=market.apps[0],
        placement=rng.choice(market.placements),
        country=rng.choice(("", "chn", "chn", "usa", "deu", "fra")),
        os=rng.choice(("android", "ios")),
    )


def _once_more(before: Exposure | None, now: datetime) -> Exposure:
    unix = int(now.timestamp())
    day = (unix + ZONE_S) // 86_400
    lifetime = before.lifetime if before else 0
    in_day = before.in_day if before and before.day == day else 0
    return Exposure(lifetime + 1, day, in_day + 1, unix // 3600, 1, unix // 60, 1, unix)


class Log:
    """Writes what happens into an event store, as the workers do."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._decided: list[Any] = []
        self._served: list[Any] = []

    def __call__(self, happened: Happened) -> None:
        now, request, user, decision = happened
        at_ms = int(now.timestamp() * 1000)
        winners = decision.winners
        number = len(self._decided) + 1
        row = Decided(
            event_id=UUID(int=number),
            request=request,
            profile=user.profile,
            occurred_ms=at_ms,
            ads=len(winners),
            no_ad_reason=decision.no_ad or "",
            funnel=(),
            rejected=(),
            latency_us=1,
            snapshot_version="",
            model_version="",
            experiment_arms="",
            user_known=True,
            profile_loaded=True,
            top_ecpm_micros=winners[0].ecpm_micros if winners else Micros(0),
        )
        self._decided.append(decided_row(row))
        self._served += [served_row(_ad(winner, request, at_ms)) for winner in winners]

    def write(self) -> None:
        """Inserts what was gathered."""
        for table, rows in (("decisions", self._decided), ("ads_served", self._served)):
            self._store.insert(table, unpack_columns(table, [pack_rows(rows)]))


def _ad(winner: Any, request: AdRequest, at_ms: int) -> AdServed:
    item = winner.ad.line_item
    return AdServed(
        offer=offer(
            offer_id=offer_id(request.app.app_id, request.request_id, winner.position),
            served_ms=at_ms,
            app_id=request.app.app_id,
            placement_id=request.placement.placement_id,
            advertiser_id=winner.ad.advertiser.advertiser_id,
            line_item_id=item.line_item_id,
            creative_id=winner.ad.creative.creative_id,
            pricing=item.pricing,
            price_micros=winner.price_micros,
            reserved_micros=winner.reserved_micros,
            user_key=request.user_key,
        ),
        request=request,
        position=winner.position,
        bid_micros=winner.bid_micros,
        ecpm_micros=winner.ecpm_micros,
        pctr=winner.pctr,
        pcvr=winner.pcvr,
        propensity=winner.propensity,
        features=b"",
        schema_hash="",
        snapshot_version="",
        model_version="",
        profile=UserState().profile,
    )


class Truth:
    """Counts the impressions of our line item, and what they were expected to cost."""

    def __init__(self) -> None:
        self.shown = 0
        self.spend_micros = 0

    def __call__(self, happened: Happened) -> None:
        for winner in happened[3].winners:
            if winner.ad.line_item.line_item_id == "ours" and is_shown(happened[1], "ours"):
                self.shown += 1
                self.spend_micros += winner.reserved_micros

    @property
    def shown_a_day(self) -> float:
        return self.shown / DAYS

    @property
    def spend_a_day(self) -> float:
        return self.spend_micros / DAYS
