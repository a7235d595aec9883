"""The log counted by a rule, and the engine asked by the same rule: the same requests."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from adserver.eventlog.rows import decided_row, pack_rows, unpack_columns
from adserver.ports import EventStore
from adserver.reports.fitting import Draft, placements_for, shapes_of
from adserver.reports.targeting_sql import Condition, matching
from models.domain.ad_request import AdRequest
from models.domain.campaign import Rule, Targeting
from models.domain.event import Decided
from models.domain.ids import UserKey
from models.domain.marketplace import Marketplace
from models.domain.placement import Format
from models.domain.user import UserProfile, UserState
from ranking import eligibility
from ranking.catalog import Catalog
from tests.builders import (
    ad_request,
    advertiser,
    app,
    campaign,
    creative,
    line_item,
    placement,
)

LINE_ITEMS, REQUESTS = 160, 400
BEGINS = datetime(2026, 10, 27, 3, 10, tzinfo=UTC)  # New York changes its clocks within
ENDS = BEGINS + timedelta(days=9)
ZONES = ("Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
SAID = {
    "country": ("", "chn", "usa", "deu", "fra"),
    "region": ("", "bj", "gd", "île-de-france"),
    "city": ("", "beijing", "西安", "são paulo"),
    "os": ("", "android", "ios", "harmony'os"),
    "os_version": (
        "", "beta", "8", "9.0", "010.0", "12.1", "12.1.4", "14.2", "14.0.0", "0", "0.0.1", "v14",
        " 13 beta", "14..2", "99999999999999999999.1", "\u30009.9", "٣",
    ),
    "make": ("", "xiaomi", "apple", "oppo \\ a"),
    "device_type": tuple(range(9)),
    "connection": tuple(range(8)),
    "carrier": ("", "cmcc", "100%"),
    "language": ("", "zh", "zh-cn", "zh_cn", " en", "en-us", "-", "english"),
    "gender": ("", "f", "m", "o", "x"),
    "birth_year": (0, 2025, 2009, 2002, 1990, 1935),
    "segments": ((), (1,), (2, 40), (9, 65535)),
}  # fmt: skip
LISTED = {
    "country": ("CHN", "usa", " Deu "),
    "region": ("BJ", "sh", "Île-de-France"),
    "city": ("Beijing", "西安", "SÃO PAULO"),
    "os": ("android", "iOS", "Harmony'OS"),
    "os_version": (
        "..9", "9..12", "12.1..12.1", "12..", "14", "10.0..13.0", "9.0.1..", "0..0", "..", "x..y",
        "14.2..14", "99999999999999999999..",
    ),
    "make": ("xiaomi", "Apple", "OPPO \\ A"),
    "device_type": ("phone", "5", "mobile", "TV", "0", "300", "fridge"),
    "connection": ("wifi", "Cellular", "6", "5g", "3"),
    "carrier": ("cmcc", "100%"),
    "language": ("zh", "zh_CN", "EN", "en-US"),
    "gender": ("F", "m", "O"),
    "age": ("18..24", "25..", "..17", "30..40", "35", "1..2", "..", "old"),
    "interest": ("1", "2", "3", "040", "65535", "shoes"),
    "app_category": ("books", "games", "IAB1", "IAB7-3"),
    "placement": ("pl1", "PL2"),
    "hour_of_week": tuple(map(str, range(168))),
}  # fmt: skip


def a_rule(name: str, rng: random.Random) -> Rule:
    def some() -> frozenset[str]:
        return frozenset(rng.sample(LISTED[name], k=rng.randrange(1, 1 + len(LISTED[name]) // 2)))

    include, exclude = rng.choice(((1, 0), (1, 0), (0, 1), (1, 1)))
    return Rule(some() if include else frozenset(), some() if exclude else frozenset())


def a_market(rng: random.Random) -> Marketplace:
    """Line items whose one or two rules are of every kind, in a market that blocks some."""
    rules = sorted(LISTED)
    names = [[rules[n % len(rules)], *rng.sample(rules, k=n // 80)] for n in range(LINE_ITEMS)]
    return Marketplace(
        advertisers=tuple(
            advertiser(advertiser_id=f"adv{n}", time_zone=zone, categories=frozenset(categories))
            for n, (zone, categories) in enumerate(
                zip(ZONES, ((), ("IAB7-3",), ("iab1",), ("Games",)), strict=True)
            )
        ),
        campaigns=tuple(
            campaign(campaign_id=f"cmp{n}", advertiser_id=f"adv{n}") for n in range(len(ZONES))
        ),
        line_items=tuple(
            line_item(
                line_item_id=f"li{n}",
                campaign_id=f"cmp{rng.randrange(len(ZONES))}",
                targeting=Targeting(**{name: a_rule(name, rng) for name in names[n]}),
            )
            for n in range(LINE_ITEMS)
        ),
        creatives=tuple(
            creative(
                creative_id=f"cr{n}",
                line_item_id=f"li{n}",
                format=rng.choice((Format.SPLASH, Format.SPLASH, Format.BANNER)),
                w=(w := rng.choice((0, 0, 320))),
                h=w and 50,
            )
            for n in range(LINE_ITEMS)
        ),
        apps=(
            app(category="books"),
            app(app_id="app2", category="IAB1-2", blocked_categories=frozenset({"iab7"})),
            app(app_id="app3", category="Games", active=False),
        ),
        placements=(
            placement(),
            placement(placement_id="pl2", app_id="app2", format=Format.BANNER, sizes=((320, 50),)),
            placement(placement_id="pl3", app_id="app2", blocked_advertisers=frozenset({"adv0"})),
            placement(placement_id="pl4", app_id="app3"),
            placement(placement_id="pl5", sizes=((300, 250),)),
        ),
    )  # fmt: skip


def a_request(number: int, market: Marketplace, rng: random.Random) -> AdRequest:
    apps = {one.app_id: one for one in market.apps}
    where = rng.choice(market.placements)
    said = {name: rng.choice(values) for name, values in SAID.items()}
    return ad_request(
        request_id=str(number),
        app=apps[where.app_id],
        placement=where,
        personalized=rng.random() < 0.8,
        user_key=UserKey(number),
        **said,
    )


def a_user(rng: random.Random) -> UserState:
    profile = UserProfile(
        gender=rng.choice(("", "F", "M")),
        birth_year=rng.choice((0, 1996, 2010)),
        interests=rng.choice(((), (1, 3), (40,), (77,))),
    )
    return UserState(profile, known=True)


def decided(number: int, request: AdRequest, user: UserState, now: datetime) -> Decided:
    return Decided(
        event_id=UUID(int=number + 1),
        request=request,
        profile=user.profile,
        occurred_ms=int(now.timestamp() * 1000),
        ads=0,
        no_ad_reason="floor",
        funnel=(),
        rejected=(),
        latency_us=1,
        snapshot_version="",
        model_version="",
        experiment_arms="",
        user_known=True,
        profile_loaded=True,
    )


def let_pass(catalog: Catalog, request: AdRequest, user: UserState, now: datetime) -> set[str]:
    """The line items that are left of the engine's slate after eligibility."""
    slate = catalog.slate_for(request.placement)
    slate = eligibility.screen(slate, catalog.rules, request, user, now)
    return {catalog.ads[ad].line_item.line_item_id for ad in slate.ads.tolist()}


def selected(store: EventStore, where: Condition, placements: list[str]) -> set[str]:
    if not placements:
        return set()
    sql = f"SELECT request_id FROM decisions WHERE placement_id IN %(places)s AND {where.sql}"
    found = store.query(sql, {**where.parameters, "places": tuple(placements)})
    return set(found["request_id"])


@pytest.mark.parametrize("seed", range(3))
def test_the_log_is_counted_as_the_engine_decides(store: EventStore, seed: int) -> None:
    rng = random.Random(seed)
    market = a_market(rng)
    catalog = Catalog.build(market, BEGINS)
    expected: dict[str, set[str]] = {item.line_item_id: set() for item in market.line_items}
    rows = []
    for number in range(REQUESTS):
        now = BEGINS + timedelta(seconds=rng.randrange(int((ENDS - BEGINS).total_seconds())))
        request, user = a_request(number, market, rng), a_user(rng)
        rows.append(decided_row(decided(number, request, user, now)))
        for item in let_pass(catalog, request, user, now):
            expected[item].add(request.request_id)
    store.insert("decisions", unpack_columns("decisions", [pack_rows(rows)]))
    span = (int(BEGINS.timestamp() * 1000), int(ENDS.timestamp() * 1000))
    owners = {one.campaign_id: one.advertiser_id for one in market.campaigns}
    advertisers = {one.advertiser_id: one for one in market.advertisers}
    passed = 0
    for item in market.line_items:
        own = [one for one in market.creatives if one.line_item_id == item.line_item_id]
        draft = Draft(advertisers[owners[item.campaign_id]], item, shapes_of(own))
        places = [one.placement_id for one in placements_for(market, draft)]
        where = matching(item.targeting, ZoneInfo(draft.advertiser.time_zone), *span)
        assert selected(store, where, places) == expected[item.line_item_id], item.targeting
        passed += len(expected[item.line_item_id])
    assert passed > LINE_ITEMS * REQUESTS / 20
