"""Random markets, requests and users, from pools so small that rules and values often meet."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from models.domain.ad_request import AdRequest
from models.domain.campaign import (
    Advertiser,
    Campaign,
    CapLevel,
    CapPeriod,
    Creative,
    FrequencyCap,
    LineItem,
    PricingModel,
    Rule,
    Targeting,
)
from models.domain.marketplace import Marketplace
from models.domain.placement import App, Format, Placement
from models.domain.user import Exposure, UserProfile, UserState
from tests.builders import ad_request, advertiser, app, campaign, creative, line_item, placement

ZONES = ("Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "UTC")
COUNTRIES = ("CHN", "usa", "Deu")
VERSIONS = ("8", "9.0", "10", "12.1", "12.1.4", "13", "14.2")
VERSION_RANGES = ("..9", "9..12", "12.1..12.1", "12..", "14", "10.0..13.0", "9.0.1..")
AGE_RANGES = ("18..24", "25..", "..17", "30..40", "35")
CATEGORIES = ("IAB1", "IAB1-2", "IAB7", "IAB7-3")
SIZES = ((320, 50), (300, 250), (0, 0))
SEGMENTS = ("1", "2", "3", "40")
NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def rules(*values: str) -> st.SearchStrategy[Rule]:
    few = st.frozensets(st.sampled_from(values), max_size=2)
    return st.one_of(
        st.just(Rule()), st.builds(Rule, include=few), st.builds(Rule, exclude=few),
        st.builds(Rule, include=few, exclude=few),
    )  # fmt: skip


def hours() -> st.SearchStrategy[Rule]:
    some = st.frozensets(st.integers(0, 167).map(str), max_size=60)
    return st.one_of(st.just(Rule()), st.builds(Rule, include=some, exclude=some))


TARGETINGS = st.builds(
    Targeting,
    country=rules(*COUNTRIES),
    region=rules("BJ", "sh"),
    city=rules("Beijing", "xian"),
    os=rules("android", "iOS"),
    os_version=rules(*VERSION_RANGES),
    make=rules("xiaomi", "Apple"),
    device_type=rules("phone", "5", "mobile", "tv"),
    connection=rules("wifi", "cellular", "6", "5g"),
    carrier=rules("cmcc", "cucc"),
    language=rules("zh", "zh-CN", "en"),
    gender=rules("F", "m", "O"),
    age=rules(*AGE_RANGES),
    interest=rules(*SEGMENTS),
    app_category=rules("books", "games"),
    placement=rules("pl1", "PL2"),
    hour_of_week=hours(),
)
FEW_RULES = st.one_of(st.just(Targeting()), TARGETINGS)

CAPS = st.builds(
    FrequencyCap, st.integers(0, 3), st.sampled_from(CapPeriod), st.sampled_from(CapLevel)
)
INSTANTS = st.integers(-400, 400).map(lambda hour: NOW + timedelta(hours=hour))
ACTIVE = st.sampled_from((True, True, True, True, True, True, True, False))


def advertisers(n: int) -> st.SearchStrategy[Advertiser]:
    return st.builds(
        advertiser,
        advertiser_id=st.just(f"adv{n}"),
        time_zone=st.sampled_from(ZONES),
        categories=st.frozensets(st.sampled_from(CATEGORIES), max_size=2),
        active=ACTIVE,
    )


def campaigns(n: int) -> st.SearchStrategy[Campaign]:
    return st.builds(
        campaign,
        campaign_id=st.just(f"cmp{n}"),
        advertiser_id=st.sampled_from(("adv0", "adv1", "adv2")),
        active=ACTIVE,
    )


def line_items(n: int) -> st.SearchStrategy[LineItem]:
    return st.builds(
        line_item,
        line_item_id=st.just(f"li{n}"),
        campaign_id=st.sampled_from(("cmp0", "cmp1", "cmp2", "cmp3")),
        pricing=st.sampled_from(
            (PricingModel.CPM, PricingModel.CPC, PricingModel.CPA, PricingModel.CPS)
        ),
        bid_micros=st.integers(1_000, 60_000_000),
        starts_at=st.one_of(st.just(NOW - timedelta(days=30)), INSTANTS),
        ends_at=st.one_of(st.none(), INSTANTS),
        caps=st.lists(CAPS, max_size=2).map(tuple),
        targeting=FEW_RULES,
        active=ACTIVE,
    )


def creatives(n: int) -> st.SearchStrategy[Creative]:
    def made(size: tuple[int, int], **changes: Any) -> Creative:
        return creative(creative_id=f"cr{n}", w=size[0], h=size[1], **changes)

    return st.builds(
        made,
        size=st.sampled_from(SIZES),
        line_item_id=st.sampled_from([f"li{item}" for item in range(6)]),
        format=st.sampled_from((Format.SPLASH, Format.SPLASH, Format.BANNER)),
        active=ACTIVE,
    )


def blocks() -> st.SearchStrategy[frozenset[str]]:
    return st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(CATEGORIES)))


NAMES = st.one_of(
    st.just(frozenset[str]()), st.frozensets(st.sampled_from(("adv0", "adv1")), max_size=1)
)
APPS: st.SearchStrategy[App] = st.builds(
    app,
    category=st.sampled_from(("books", "Games")),
    blocked_categories=blocks(),
    blocked_advertisers=NAMES,
    active=ACTIVE,
)


def placements(n: int) -> st.SearchStrategy[Placement]:
    return st.builds(
        placement,
        placement_id=st.just(f"pl{n}"),
        format=st.sampled_from((Format.SPLASH, Format.SPLASH, Format.BANNER)),
        sizes=st.lists(st.sampled_from(SIZES[:2]), max_size=2).map(tuple),
        floor_cpm_micros=st.sampled_from((0, 500_000, 20_000_000)),
        max_ads=st.integers(1, 3),
        blocked_categories=blocks(),
        blocked_advertisers=NAMES,
        active=ACTIVE,
    )


@st.composite
def marketplaces(draw: st.DrawFn) -> Marketplace:
    return Marketplace(
        advertisers=tuple(draw(advertisers(n)) for n in range(3)),
        campaigns=tuple(draw(campaigns(n)) for n in range(4)),
        line_items=tuple(draw(line_items(n)) for n in range(6)),
        creatives=tuple(draw(creatives(n)) for n in range(draw(st.integers(0, 10)))),
        apps=(draw(APPS),),
        placements=tuple(draw(placements(n)) for n in range(2)),
    )


@st.composite
def requests(draw: st.DrawFn, market: Marketplace) -> AdRequest:
    def one_of(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    return ad_request(
        app=market.apps[0],
        placement=one_of(*market.placements),
        count=one_of(1, 2, 5),
        personalized=one_of(True, True, False),
        country=one_of("", "chn", "usa", "fra"),
        region=one_of("", "bj", "gd"),
        city=one_of("", "beijing", "xian"),
        os=one_of("", "android", "ios"),
        os_version=one_of("", "beta", *VERSIONS),
        make=one_of("", "xiaomi", "vivo"),
        device_type=one_of(0, 1, 3, 4, 5),
        connection=one_of(0, 2, 3, 6, 7),
        carrier=one_of("", "cmcc"),
        language=one_of("", "zh", "zh-cn", "en"),
        gender=one_of("", "f", "o"),
        birth_year=one_of(0, 2008, 2000, 1990),
        segments=one_of((), (1,), (2, 40), (9,)),
    )


EXPOSURES = st.builds(
    Exposure,
    lifetime=st.integers(0, 4),
    day=st.sampled_from((20774, 20775, 20776)),
    in_day=st.integers(0, 3),
    hour=st.sampled_from((int(NOW.timestamp()) // 3600 - 1, int(NOW.timestamp()) // 3600)),
    in_hour=st.integers(0, 3),
    minute=st.sampled_from((int(NOW.timestamp()) // 60 - 1, int(NOW.timestamp()) // 60)),
    in_minute=st.integers(0, 2),
    last_seen_s=st.just(int(NOW.timestamp()) - 90),
)
PROFILES = st.builds(
    UserProfile,
    gender=st.sampled_from(("", "F", "M")),
    birth_year=st.sampled_from((0, 1996, 2010)),
    interests=st.sampled_from(((), (1, 3), (40,), (77,))),
)
USERS = st.builds(
    UserState,
    profile=PROFILES,
    exposures=st.dictionaries(st.sampled_from([f"li{n}" for n in range(7)]), EXPOSURES),
    known=st.sampled_from((True, True, True, False)),
    loaded=st.sampled_from((True, True, True, False)),
)
