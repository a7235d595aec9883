"""`decide()` under a stop-watch: 10,000 and 100,000 live line items, equally many eligible.

A micro-benchmark, so unlike the rest of `loadtest` it knows our code. The one surprising fact: the
forest is trained on rows that the encoder made of random requests, clicks by a made-up rule, since
only splits on real columns cost what splits cost.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import lightgbm
import numpy as np

from models.ctr.artifact import Artifact, Member
from models.ctr.calibration import Calibration
from models.ctr.encoder import BoundEncoder
from models.ctr.encoding import Vocabulary
from models.ctr.features import SERVING_SCHEMA, Kind
from models.ctr.serving import CtrModel
from models.domain.ad_request import AdRequest
from models.domain.campaign import (
    Advertiser,
    Campaign,
    CapPeriod,
    Creative,
    FrequencyCap,
    LineItem,
    PricingModel,
    Rule,
    Targeting,
)
from models.domain.history import History, HistoryCell
from models.domain.ids import (
    AdvertiserId,
    AppId,
    CampaignId,
    CreativeId,
    LineItemId,
    PlacementId,
    UserKey,
)
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from models.domain.placement import App, Format, Placement
from models.domain.user import Exposure, UserProfile, UserState
from ranking.decision import decide
from ranking.exploration import ExplorationPolicy
from ranking.snapshot import Snapshot, build_snapshot

NOW = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
TREES, LEAVES = 200, 63
ELIGIBLE = 300
ADVERTISERS = 500
REQUESTS = 400
ROUNDS = 3
CITIES = ("beijing", "shanghai", "shenzhen", "chengdu", "wuhan", "xian", "hangzhou", "nanjing")
MAKES = ("xiaomi", "huawei", "vivo", "oppo", "apple", "honor")
PRICING = (PricingModel.CPM, PricingModel.CPC, PricingModel.CPA)


def market(line_items: int, seed: int = 0) -> Marketplace:
    """Line items of which about `ELIGIBLE` target one request, by city, make, system and age."""
    rng = np.random.default_rng(seed)
    targeted = rng.random(line_items) < ELIGIBLE / line_items
    return Marketplace(
        advertisers=tuple(
            Advertiser(AdvertiserId(f"a{n}"), str(n), categories=frozenset({f"IAB{n % 20}"}))
            for n in range(ADVERTISERS)
        ),
        campaigns=tuple(
            Campaign(CampaignId(f"c{n}"), AdvertiserId(f"a{n % ADVERTISERS}"), f"Campaign {n}")
            for n in range(2 * ADVERTISERS)
        ),
        line_items=tuple(
            _line_item(n, bool(hit), rng) for n, hit in enumerate(targeted.tolist())
        ),
        creatives=tuple(
            Creative(
                CreativeId(f"cr{n}"), LineItemId(f"li{n}"), Format.SPLASH, f"https://{n}.example/",
                w=1080, h=1920, title=f"Offer {n % 97}", cta=("Buy", "Open", "Get")[n % 3],
            )
            for n in range(line_items)
        ),
        apps=(App(AppId("app"), "App", "com.example", "books"),),
        placements=tuple(
            Placement(PlacementId(f"pl{n}"), AppId("app"), str(n), Format.SPLASH, (), Micros(1_000))
            for n in range(4)
        ),
    )  # fmt: skip


def _line_item(n: int, hit: bool, rng: np.random.Generator) -> LineItem:
    pricing = PRICING[n % 3]
    price = {PricingModel.CPM: 20_000_000, PricingModel.CPC: 800_000, PricingModel.CPA: 30_000_000}
    others = frozenset(rng.choice(CITIES[1:], 2).tolist())
    targeting = Targeting(
        city=Rule(include=frozenset({"beijing"}) if hit else others),
        make=Rule(exclude=frozenset({MAKES[1 + n % 5]})),
        os=Rule(include=frozenset({"android"})),
        os_version=Rule(include=frozenset({f"{8 + n % 4}..15"})),
        age=Rule(include=frozenset({f"{16 + n % 6}..60"}) if n % 2 else frozenset()),
        interest=Rule(exclude=frozenset({str(100 + n % 50)})),
        hour_of_week=Rule(exclude=frozenset({"3", "4"})),
    )
    return LineItem(
        LineItemId(f"li{n}"), CampaignId(f"c{n % (2 * ADVERTISERS)}"), f"Line item {n}", pricing,
        datetime(2026, 1, 1, tzinfo=UTC), Micros(int(price[pricing] * rng.uniform(0.5, 1.5))),
        daily_budget_micros=Micros(10**12), caps=(FrequencyCap(5, CapPeriod.DAY),) if n % 2 else (),
        targeting=targeting,
    )  # fmt: skip


def requests(marketplace: Marketplace, seed: int = 1) -> list[tuple[AdRequest, UserState]]:
    """Requests of users who differ, all in the city that about `ELIGIBLE` line items target."""
    rng = np.random.default_rng(seed)
    return [_request(n, marketplace, rng) for n in range(REQUESTS)]


def _request(
    n: int, marketplace: Marketplace, rng: np.random.Generator
) -> tuple[AdRequest, UserState]:
    few = rng.integers(1, 9, 10).tolist()
    profile = UserProfile(
        gender="FM"[n % 2], birth_year=int(rng.integers(1970, 2003)),
        interests=(few[0], few[1] + 10, few[2] + 20), recent_categories=(few[3], few[4] + 10),
        device_price_band=few[5], city_tier=few[6], activity_level=few[7], purchase_power=few[8],
        sessions_7d=few[9],
    )  # fmt: skip
    seen = {
        f"li{n}": Exposure(few[0], 20775, few[1], 494_260, 1, 0, 0, int(NOW.timestamp()) - 9_000)
        for n in rng.integers(0, 1_000, 5).tolist()
    }
    request = AdRequest(
        f"r{n}", marketplace.apps[0], marketplace.placements[n % 4], user_key=UserKey(n),
        country="chn", city="beijing", os="android", os_version="14", make=MAKES[0],
        model=f"m{few[0]}", device_type=4, connection=2, language="zh", screen_w=1440,
        screen_h=3200, app_version="3.2.1",
    )  # fmt: skip
    return request, UserState(profile, seen, known=True)


def history(marketplace: Marketplace, seed: int = 2) -> History:
    """What a day of log says about every tenth creative."""
    rng = np.random.default_rng(seed)
    shown = rng.integers(1, 5_000, len(marketplace.creatives))
    cells = (
        HistoryCell(
            creative.creative_id,
            marketplace.placements[n % 4].placement_id,
            int(shown[n]),
            int(shown[n] // 50),
            0,
        )
        for n, creative in enumerate(marketplace.creatives)
        if n % 10 == 0
    )
    return History(1, tuple(cells))


def trained(encoder: BoundEncoder, asked: Sequence[tuple[AdRequest, UserState]]) -> Artifact:
    """200 trees of 63 leaves over the encoder's own rows."""
    rng = np.random.default_rng(3)
    ads = rng.integers(0, len(encoder.ads), (len(asked), 50)).astype(np.int32)
    rows = np.concatenate(
        [
            encoder.rows(some, encoder.encode(request, user, NOW))
            for some, (request, user) in zip(ads, asked, strict=True)
        ]
    )
    kinds = SERVING_SCHEMA.slot_kinds
    categories = [n for n, kind in enumerate(kinds) if kind in (Kind.CATEGORY, Kind.MULTI_CATEGORY)]
    vocabularies = {n: Vocabulary.of(rows[:, n]) for n in categories}
    columns = rows.copy()
    for n, vocabulary in vocabularies.items():
        columns[:, n] = vocabulary.codes(rows[:, n])
    chance = np.nan_to_num(columns % 7).sum(axis=1)
    clicked = chance + rng.normal(0, 5, len(rows)) > np.quantile(chance, 0.9)
    data = lightgbm.Dataset(columns, clicked, categorical_feature=categories)
    shape = {"objective": "binary", "num_leaves": LEAVES, "verbose": -1, "num_threads": 2}
    booster = lightgbm.train(shape, data, num_boost_round=TREES)
    member = Member(booster.model_to_string(), tuple(range(len(kinds))), vocabularies)
    known = slice(0, 20)
    scores = np.asarray(booster.predict(columns[known], raw_score=True))
    return Artifact("bench", SERVING_SCHEMA, (member,), Calibration(), rows[known], scores)


def snapshot_of(marketplace: Marketplace, model: CtrModel | None) -> Snapshot:
    """The market ready to be decided on, with the exploration of the default settings."""
    return build_snapshot(
        "bench", marketplace, history(marketplace), model, ExplorationPolicy(), NOW
    )


def microseconds(snapshot: Snapshot, asked: Sequence[tuple[AdRequest, UserState]]) -> list[float]:
    """How long each decision took. Each is of a request just made, as behind the door."""
    rng = np.random.default_rng(4)
    taken = []
    for made in asked:
        request, user = _fresh(*made)
        began = perf_counter()
        decide(request, user, snapshot, NOW, rng)
        taken.append((perf_counter() - began) * 1e6)
    return taken


def _fresh(request: AdRequest, user: UserState) -> tuple[AdRequest, UserState]:
    seen = {name: Exposure(*exposure) for name, exposure in user.exposures.items()}
    return replace(request), replace(user, profile=replace(user.profile), exposures=seen)


def measure() -> dict[str, Any]:
    """`decide_us_10k` and `decide_growth_100k`, medians of `ROUNDS` rounds taken in turn."""
    small, large = market(10_000), market(100_000)
    asked = requests(small)
    prior = snapshot_of(small, None)
    model = trained(prior.features, asked).model()
    few, many = snapshot_of(small, model), snapshot_of(large, model)
    microseconds(few, asked), microseconds(many, asked)
    rounds = [(_median(few, asked), _median(many, asked)) for _ in range(ROUNDS)]
    ten, hundred = (statistics.median(times) for times in zip(*rounds, strict=True))
    return {
        "decide_us_10k": {"value": ten, "unit": "us", "eligible": _eligible(few, asked)},
        "decide_growth_100k": {
            "value": hundred / ten,
            "unit": "ratio",
            "numerator_us": hundred,
            "denominator_us": ten,
            "eligible": _eligible(many, asked),
        },
    }


def _median(snapshot: Snapshot, asked: Sequence[tuple[AdRequest, UserState]]) -> float:
    return statistics.median(microseconds(snapshot, asked))


def _eligible(snapshot: Snapshot, asked: Sequence[tuple[AdRequest, UserState]]) -> int:
    request, user = asked[0]
    funnel = decide(request, user, snapshot, NOW, np.random.default_rng(5)).funnel
    return dict(funnel)["affordable"]
