"""A forecast, held against what the engine's own auction would have won on the same requests."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adserver.ports import EventStore
from adserver.reports import by_user, lookback
from adserver.reports.bidding import LimitKind
from adserver.reports.fitting import Draft, Shape
from adserver.reports.forecast import Trouble, forecast
from models.domain.campaign import CapPeriod, FrequencyCap, LineItem, PricingModel, Rule, Targeting
from models.domain.ids import LineItemId
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from models.domain.placement import Format
from tests.adserver.reports.week import DAYS, Log, Truth, Week, ours, rivals, with_ours
from tests.builders import NOW, advertiser, placement

OURS = advertiser(advertiser_id="ours")
CHINA = Targeting(country=Rule(include=frozenset({"chn"})))


@pytest.fixture
def market() -> Marketplace:
    return rivals(random.Random(7))


def drafted(item: LineItem, **changes: Any) -> Draft:
    unsaved = replace(item, line_item_id=LineItemId(""))
    return Draft(OURS, replace(unsaved, **changes), frozenset({Shape(Format.SPLASH)}))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"bid_micros": Micros(4_000_000)},
        {"bid_micros": Micros(12_000_000), "targeting": CHINA},
        {"bid_micros": Micros(40_000_000)},
        {"pricing": PricingModel.CPC, "bid_micros": Micros(1_400_000)},
        {"caps": (FrequencyCap(2, CapPeriod.DAY),), "bid_micros": Micros(25_000_000)},
        {"caps": (FrequencyCap(3, CapPeriod.LIFETIME),), "targeting": CHINA},
    ],
    ids=["middle", "low", "china", "high", "clicks", "capped", "capped for life"],
)
def test_a_forecast_comes_true_when_the_week_is_decided_again(
    store: EventStore, market: Marketplace, changes: dict[str, Any]
) -> None:
    week, log, truth = Week.of(market, random.Random(3)), Log(store), Truth()
    week.happen(market, log)
    log.write()
    week.happen(with_ours(market, ours(**changes)), truth)
    told = forecast(store, market, drafted(ours(**changes)), NOW)
    assert told.point.impressions == pytest.approx(truth.shown_a_day, rel=0.07, abs=3)
    assert told.point.spend_micros == pytest.approx(truth.spend_a_day, rel=0.07, abs=50_000)


@pytest.mark.parametrize("bid", [9_000_000, 15_000_000, 26_000_000])
def test_what_a_line_item_won_itself_is_no_rival_of_its_next_bid(
    store: EventStore, market: Marketplace, bid: int
) -> None:
    week, log, truth = Week.of(market, random.Random(3)), Log(store), Truth()
    week.happen(with_ours(market, ours()), log)
    log.write()
    week.happen(with_ours(market, ours(bid_micros=Micros(bid))), truth)
    saved = Draft(OURS, ours(bid_micros=Micros(bid)), frozenset({Shape(Format.SPLASH)}))
    told = forecast(store, market, saved, NOW)
    assert told.point.impressions == pytest.approx(truth.shown_a_day, rel=0.07, abs=3)
    assert told.point.spend_micros == pytest.approx(truth.spend_a_day, rel=0.1, abs=50_000)


def test_some_users_of_the_sorted_copy_tell_about_the_same_as_all(
    store: EventStore, market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    week, log = Week.of(market, random.Random(3)), Log(store)
    week.happen(market, log)
    log.write()
    draft = drafted(ours(caps=(FrequencyCap(2, CapPeriod.DAY),)))
    whole = forecast(store, market, draft, NOW)
    by_user.prepare(store)
    monkeypatch.setattr(lookback, "FEW_REQUESTS", 1_000)
    monkeypatch.setattr(lookback, "_PROBE", by_user.BUCKETS)
    assert forecast(store, market, draft, NOW).looked_at == whole.looked_at, "not copied yet"
    first, last = (int(at.timestamp()) // 3600 for at in (NOW - timedelta(days=DAYS), NOW))
    for hour in range(first, last):
        by_user.fill(store, hour)
    copied = forecast(store, market, draft, NOW)
    assert (copied.looked_at, copied.as_of) == (whole.looked_at, NOW)
    assert copied.point.impressions == pytest.approx(whole.point.impressions)
    monkeypatch.setattr(lookback, "SAMPLE_REQUESTS", 2_500)
    some = forecast(store, market, draft, NOW)
    assert some.looked_at < whole.looked_at
    assert some.one_in > 1
    assert some.point.win_rate == pytest.approx(whole.point.win_rate, rel=0.1)
    assert some.point.impressions == pytest.approx(whole.point.impressions, rel=0.4)


def test_limits_are_named_with_the_strictest_first(store: EventStore, market: Marketplace) -> None:
    week, log = Week.of(market, random.Random(3), 1_500), Log(store)
    week.happen(market, log)
    log.write()
    asks_much = drafted(
        ours(),
        bid_micros=Micros(40_000_000),
        targeting=CHINA,
        daily_budget_micros=Micros(100_000),
    )
    told = forecast(store, market, asks_much, NOW)
    kinds = [limit.kind for limit in told.limits]
    assert kinds[0] is LimitKind.DAILY_BUDGET
    assert LimitKind.TARGETING in kinds
    assert LimitKind.BID not in kinds
    assert told.point.spend_micros == 100_000
    assert told.spend.high <= 100_000
    too_low = forecast(store, market, drafted(ours(), bid_micros=Micros(1_000_000)), NOW)
    assert too_low.point.impressions == 0
    assert {limit.kind for limit in too_low.limits} <= {LimitKind.BID, LimitKind.FLOOR}
    assert max(point.impressions for point in too_low.curve) > 0, "the curve shows where it wins"


def test_a_log_of_an_hour_speaks_of_a_day_and_says_that_it_is_young(
    store: EventStore, market: Marketplace
) -> None:
    week, log = Week.of(market, random.Random(3), 1_680), Log(store)
    hour = [one for one in week.asked if one[0] >= NOW - timedelta(hours=3)]
    Week(hour).happen(market, log)
    log.write()
    told = forecast(store, market, drafted(ours(bid_micros=Micros(50_000_000))), NOW)
    assert {Trouble.LITTLE_TIME, Trouble.FEW_REQUESTS} <= set(told.troubles)
    assert told.days == pytest.approx(3 / 24, rel=0.1)
    assert told.fitting_a_day == pytest.approx(240 * 3 / 4, rel=0.4)


def test_what_cannot_be_forecast_says_why(store: EventStore, market: Marketplace) -> None:
    nothing = forecast(store, market, Draft(OURS, ours(), frozenset()), NOW)
    assert nothing.troubles == [Trouble.NO_CREATIVE]
    misfit = forecast(store, market, Draft(OURS, ours(), frozenset({Shape(Format.NATIVE)})), NOW)
    assert misfit.troubles == [Trouble.NO_PLACEMENT]
    empty = forecast(store, market, drafted(ours()), NOW)
    assert empty.troubles == [Trouble.NO_REQUESTS]
    assert not empty.says_something
    Week.of(market, random.Random(3), 50).happen(market, log := Log(store))
    log.write()
    nobody = Targeting(os=Rule(include=frozenset({"plan9"})))
    assert forecast(store, market, drafted(ours(targeting=nobody)), NOW).troubles == [
        Trouble.NOBODY_MATCHES
    ]


def test_a_house_of_thousands_of_placements_still_fits_into_a_statement(
    store: EventStore, market: Marketplace
) -> None:
    Week.of(market, random.Random(3), 200).happen(market, log := Log(store))
    log.write()
    many = [
        placement(placement_id=f"a_placement_with_a_very_long_name_{n:030}") for n in range(4_000)
    ]
    wide = replace(market, placements=(*market.placements, *many))
    told = forecast(store, wide, drafted(ours(pricing=PricingModel.CPC)), NOW)
    assert told.looked_at > 100
