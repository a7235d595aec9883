"""A forecast, held against what the engine's own auction would have won on the same requests."""

import random
from dataclasses import replace
from typing import Any

import pytest

from adserver.ports import EventStore
from adserver.reports.fitting import Draft, Shape
from adserver.reports.forecast import forecast
from models.domain.campaign import CapPeriod, FrequencyCap, LineItem, PricingModel, Rule, Targeting
from models.domain.ids import LineItemId
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from models.domain.placement import Format
from tests.adserver.reports.week import Log, Truth, Week, ours, rivals, with_ours
from tests.builders import NOW, advertiser

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
