"""The forecast in a form and over REST: with a week, with nothing, with the log away."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adserver.api.problems import NotFoundError, UnprocessableError
from adserver.console.insight.forecast_endpoints import (
    ForecastBody,
    ForecastCap,
    ForecastRule,
    make_forecast,
)
from adserver.console.insight.panel import Panel, forecast_panel
from adserver.console.web.rendering import render
from adserver.ports import StoreAwayError
from adserver.reports.bidding import LimitKind
from adserver.reports.forecast import Trouble
from models.domain.campaign import CapPeriod, LineItem, PricingModel, Rule, Targeting
from models.domain.ids import LineItemId
from models.domain.money import Micros
from models.domain.placement import Format
from tests.adserver.console.insight.house import OP, House, with_a_week, without_log
from tests.adserver.reports.week import ours
from tests.builders import NOW


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with with_a_week(tmp_path_factory.mktemp("week")) as opened:
        yield opened


def html_of(house: House, panel: Panel, language: str = "en") -> str:
    call = house.call(language=language)
    return render("insight/forecast_panel.html", {"forecast": panel}, call)


def test_the_panel_tells_figures_limits_and_draws_the_curve(house: House) -> None:
    panel = forecast_panel(house.desk, house.call(), ours(bid_micros=Micros(12_000_000)))
    assert next(label for label, _, _ in panel.stats) == "Requests that match, a day"
    assert any("most others go to higher bids" in says for says, _ in panel.limits)
    assert panel.impressions.startswith("<svg")
    assert len(panel.rows) > 10
    shown = html_of(house, panel)
    assert "What limits it" in shown
    assert "style=" not in shown
    assert "如何" not in shown


def test_the_panel_speaks_chinese(house: House) -> None:
    call = house.call(language="zh")
    shown = html_of(house, forecast_panel(house.desk, call, ours()), "zh")
    assert "受什么限制" in shown
    assert "每日展示" in shown


def test_without_creatives_every_format_is_assumed_and_it_says_so(house: House) -> None:
    unsaved = replace(ours(), line_item_id=LineItemId("li_new"))
    panel = forecast_panel(house.desk, house.call(), unsaved)
    assert panel.stats
    assert "It has no creative yet" in panel.notes[0]
    only = forecast_panel(house.desk, house.call(), unsaved, [Format.NATIVE])
    assert not only.stats
    assert "No placement would take it" in only.notes[1]


def test_a_draft_that_could_not_be_saved_has_a_forecast_all_the_same(house: House) -> None:
    backwards = replace(
        ours(bid_micros=Micros(0)), ends_at=ours().starts_at, total_budget_micros=Micros(0)
    )
    assert forecast_panel(house.desk, house.call(), backwards).notes


def test_nobody_who_matches_is_said(house: House) -> None:
    nobody = ours(targeting=Targeting(city=Rule(include=frozenset({"Atlantis"}))))
    assert (
        "none matched this targeting" in forecast_panel(house.desk, house.call(), nobody).notes[0]
    )


def test_while_the_log_is_away_the_panel_says_so_and_rest_says_503(tmp_path: Path) -> None:
    with without_log(tmp_path) as house:
        panel = forecast_panel(house.desk, house.call(), ours())
        assert "does not answer" in panel.notes[0]
        with pytest.raises(StoreAwayError):
            make_forecast(house.desk, house.call(data=ForecastBody(bid_micros=1_000_000)))


def test_rest_tells_the_same_of_a_saved_line_item_with_changes(house: House) -> None:
    body = ForecastBody(line_item_id="ours", bid_micros=40_000_000)
    high = make_forecast(house.desk, house.call(data=body))
    assert high.expected.bid_micros == 40_000_000
    assert not high.formats_assumed
    assert high.days == 7.0
    low = make_forecast(house.desk, house.call(data=ForecastBody("ours", bid_micros=4_000_000)))
    assert low.expected.impressions < high.expected.impressions
    assert low.spend_low_micros <= low.expected.spend_micros <= low.spend_high_micros
    impressions = [point.impressions for point in high.curve]
    assert impressions == sorted(impressions)


def test_rest_takes_targeting_caps_and_budgets(house: House) -> None:
    body = ForecastBody(
        formats=[Format.SPLASH],
        bid_micros=40_000_000,
        targeting={"country": ForecastRule(include=["CHN"])},
        caps=[ForecastCap(1, CapPeriod.LIFETIME)],
        daily_budget_micros=10_000,
    )
    told = make_forecast(house.desk, house.call(data=body))
    kinds = {limit.kind for limit in told.limits}
    assert {LimitKind.TARGETING, LimitKind.FREQUENCY_CAP, LimitKind.DAILY_BUDGET} <= kinds
    assert told.expected.spend_micros == 10_000
    assert told.formats_assumed


def test_a_guess_at_clicks_is_called_one(house: House) -> None:
    body = ForecastBody("ours", pricing=PricingModel.CPC, bid_micros=1_000_000)
    assert Trouble.FEW_CLICKS in make_forecast(house.desk, house.call(data=body)).troubles


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (ForecastBody(bid_micros=0), "/bid_micros"),
        (ForecastBody(bid_micros=1, targeting={"moon": ForecastRule()}), "/targeting/moon"),
        (
            ForecastBody(bid_micros=1, targeting={"age": ForecastRule(include=["old"])}),
            "/targeting/age/include/0",
        ),
        (ForecastBody(pricing=PricingModel.CPS, product="m/sku"), "/pricing"),
    ],
)
def test_what_no_line_item_could_be_is_refused_with_its_field(
    house: House, body: ForecastBody, field: str
) -> None:
    with pytest.raises(UnprocessableError) as refused:
        make_forecast(house.desk, house.call(data=body))
    assert refused.value.field == field


def test_anothers_line_item_is_not_there(house: House) -> None:
    with pytest.raises(NotFoundError):
        make_forecast(house.desk, house.call(data=ForecastBody("li1", bid_micros=1)))
    nobody = house.call(OP, params={"advertiser_id": "nobody"}, data=ForecastBody())
    with pytest.raises(NotFoundError):
        make_forecast(house.desk, nobody)


def test_a_total_budget_tells_how_long_it_lasts_or_what_a_day_of_the_flight_has(
    house: House,
) -> None:
    endless = ForecastBody("ours", bid_micros=40_000_000, total_budget_micros=50_000_000)
    told = make_forecast(house.desk, house.call(data=endless))
    lasts = told.total_budget_lasts_days
    assert lasts == pytest.approx(50_000_000 / told.expected.spend_micros)
    ends = NOW.replace(day=28)
    body = ForecastBody("ours", bid_micros=40_000_000, total_budget_micros=1_000_000, ends_at=ends)
    told = make_forecast(house.desk, house.call(data=body))
    assert told.expected.spend_micros == 100_000
    assert LimitKind.TOTAL_BUDGET in {limit.kind for limit in told.limits}


def test_a_line_item_of_the_catalog_is_what_the_panel_is_for(house: House) -> None:
    stored = house.desk.catalog.get(LineItem, "ours")
    assert "It has no creative" not in forecast_panel(house.desk, house.call(), stored).notes[0]
