"""Large random markets in which most line items come far: what hypothesis's small ones rarely do.

Made from a seed, so that one number names a market, its request and its user.
"""

import random
from datetime import datetime, timedelta
from typing import Any

from models.domain.ad_request import AdRequest
from models.domain.campaign import CapLevel, CapPeriod, FrequencyCap, PricingModel, Rule, Targeting
from models.domain.marketplace import Marketplace
from models.domain.user import Exposure, UserProfile, UserState
from tests.builders import (
    NOW,
    ad_request,
    advertiser,
    app,
    campaign,
    creative,
    line_item,
    placement,
)
from tests.ranking.strategies import (
    AGE_RANGES,
    COUNTRIES,
    SEGMENTS,
    VERSION_RANGES,
    VERSIONS,
    ZONES,
)

LINE_ITEMS = 80
ADVERTISERS, CAMPAIGNS = 5, 12
LISTED = {
    "country": COUNTRIES,
    "region": ("BJ", "sh"),
    "city": ("Beijing", "xian"),
    "os": ("android", "iOS"),
    "os_version": VERSION_RANGES,
    "make": ("xiaomi", "Apple"),
    "device_type": ("phone", "5", "mobile", "tv"),
    "connection": ("wifi", "cellular", "6", "5g"),
    "carrier": ("cmcc", "cucc"),
    "language": ("zh", "zh-CN", "en"),
    "gender": ("F", "m"),
    "age": AGE_RANGES,
    "interest": SEGMENTS,
    "app_category": ("books", "games"),
    "placement": ("pl1", "PL2"),
    "hour_of_week": tuple(map(str, range(168))),
}


def market(rng: random.Random) -> Marketplace:
    """Everything is active and fits; line items have two or three rules and a cap or two."""
    numbers = range(LINE_ITEMS)
    return Marketplace(
        advertisers=tuple(
            advertiser(advertiser_id=f"adv{n}", time_zone=rng.choice(ZONES))
            for n in range(ADVERTISERS)
        ),
        campaigns=tuple(
            campaign(campaign_id=f"cmp{n}", advertiser_id=f"adv{n % ADVERTISERS}")
            for n in range(CAMPAIGNS)
        ),
        line_items=tuple(_line_item(n, rng) for n in numbers),
        creatives=tuple(
            creative(creative_id=f"cr{n}", line_item_id=f"li{n % LINE_ITEMS}")
            for n in range(LINE_ITEMS + 20)
        ),
        apps=(app(category=rng.choice(("books", "Games"))),),
        placements=(placement(max_ads=4), placement(placement_id="pl2")),
    )


def _line_item(n: int, rng: random.Random) -> Any:
    caps = [
        FrequencyCap(
            rng.choice((1, 2, 3, 5)), rng.choice(list(CapPeriod)), rng.choice(list(CapLevel))
        )
        for _ in range(rng.choice((0, 0, 1, 2)))
    ]
    begins = rng.choice((-900, -900, -900, -1, 0, 1))
    return line_item(
        line_item_id=f"li{n}",
        campaign_id=f"cmp{rng.randrange(CAMPAIGNS)}",
        pricing=rng.choice(
            (PricingModel.CPM, PricingModel.CPC, PricingModel.CPA, PricingModel.CPS)
        ),
        bid_micros=rng.randrange(1_000, 60_000_000),
        starts_at=NOW + timedelta(seconds=begins),
        ends_at=rng.choice((None, None, NOW + timedelta(seconds=rng.choice((0, 1, 900))))),
        caps=tuple(caps),
        targeting=Targeting(
            **{name: _rule(LISTED[name], rng) for name in rng.sample(sorted(LISTED), k=2)}
        ),
    )


def _rule(values: tuple[str, ...], rng: random.Random) -> Rule:
    def some() -> frozenset[str]:
        return frozenset(rng.sample(values, k=max(1, len(values) // 2)))

    include, exclude = rng.choice(((1, 0), (1, 0), (0, 1), (1, 1)))
    return Rule(some() if include else frozenset(), some() if exclude else frozenset())


def request(rng: random.Random, marketplace: Marketplace) -> AdRequest:
    return ad_request(
        app=marketplace.apps[0],
        placement=rng.choice(marketplace.placements),
        count=rng.choice((1, 3, 20)),
        personalized=rng.random() < 0.8,
        country=rng.choice(("", "chn", "usa", "fra")),
        region=rng.choice(("", "bj", "gd")),
        city=rng.choice(("", "beijing", "xian")),
        os=rng.choice(("", "android", "ios")),
        os_version=rng.choice(("", "beta", *VERSIONS)),
        make=rng.choice(("", "xiaomi", "vivo")),
        device_type=rng.choice((0, 1, 3, 4, 5)),
        connection=rng.choice((0, 2, 3, 6, 7)),
        carrier=rng.choice(("", "cmcc")),
        language=rng.choice(("", "zh", "zh-cn", "en")),
        gender=rng.choice(("", "f", "o")),
        birth_year=rng.choice((0, 2008, 2002, 1990)),
        segments=rng.choice(((), (1,), (2, 40), (9,))),
    )


def user(rng: random.Random, now: datetime = NOW) -> UserState:
    seen = rng.sample(range(LINE_ITEMS), k=rng.choice((0, 5, 25)))
    profile = UserProfile(
        gender=rng.choice(("", "F", "M")),
        birth_year=rng.choice((0, 1996, 2010)),
        interests=rng.choice(((), (1, 3), (40,), (77,))),
    )
    return UserState(
        profile,
        {f"li{n}": _exposure(rng, int(now.timestamp())) for n in seen},
        known=rng.random() < 0.9,
        loaded=rng.random() < 0.9,
    )


def _exposure(rng: random.Random, now_s: int) -> Exposure:
    return Exposure(
        lifetime=rng.randrange(6),
        day=now_s // 86_400 + rng.choice((-1, 0, 0, 1)),
        in_day=rng.randrange(4),
        hour=now_s // 3600 - rng.choice((0, 0, 1)),
        in_hour=rng.randrange(3),
        minute=now_s // 60 - rng.choice((0, 0, 1)),
        in_minute=rng.randrange(3),
        last_seen_s=now_s - 30,
    )
