"""What is typed into the form of a line item, and what becomes of it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st
from multidict import MultiDict

from adserver.console.advertisers.line_item_form import (
    FOR_THE_HOUSE,
    Reading,
    Typed,
    draft,
    errors_of,
    made,
    read_line_item,
    typed_new,
    typed_of,
)
from adserver.console.advertisers.targeting_form import read_targeting_form, typed_targeting
from models.domain.campaign import (
    CapLevel,
    CapPeriod,
    FrequencyCap,
    PricingModel,
    Rule,
    Targeting,
)
from models.domain.ids import CampaignId, LineItemId, ProductRef
from models.domain.money import Micros
from tests import builders

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")
IDS = {"line_item_id": LineItemId("li_new"), "campaign_id": CampaignId("cmp1")}
FILLED = {
    "name": "Morning",
    "pricing": "cpm",
    "bid": "12.5",
    "starts_at": "2026-11-20T08:00",
    "pacing": "even",
}


def form_of(typed: Typed) -> MultiDict[str]:
    return MultiDict((name, text) for name, texts in typed.items() for text in texts)


def read(before: Any = None, zone: Any = SHANGHAI, **typed: Any) -> Reading:
    pairs = MultiDict(FILLED)
    for name, value in typed.items():
        pairs.popall(name, None)
        pairs.extend((name, one) for one in ([value] if isinstance(value, str) else value))
    return read_line_item(pairs, zone, before, any_pricing=False)


def test_a_filled_form_makes_a_line_item_in_the_advertisers_clock() -> None:
    item = made(read(daily_budget="500", ends_at="2026-12-01T00:00"), None, IDS)
    assert item is not None
    assert (item.bid_micros, item.daily_budget_micros) == (12_500_000, 500_000_000)
    assert item.starts_at == datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
    assert item.ends_at == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert item.total_budget_micros is None


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("bid", "12,50"),
        ("bid", "1e3"),
        ("bid", "0.0000001"),
        ("bid", "-1"),
        ("bid", "9" * 30),
        ("daily_budget", "0"),
        ("starts_at", "tomorrow"),
        ("starts_at", "1899-01-01T00:00"),
        ("ends_at", "2026-02-30T00:00"),
        ("pricing", "gold"),
        ("pricing", "cpt"),
        ("pacing", ""),
        ("name", "   "),
        ("name", "x" * 201),
        ("name", "a\x07b"),
        ("product", "no slash"),
    ],
)
def test_what_is_not_right_is_said_at_its_field(name: str, typed: str) -> None:
    reading = read(**{name: typed})
    assert [*reading.errors] == [name]
    assert made(reading, None, IDS) is None


def test_no_amount_is_ever_a_float() -> None:
    item = made(read(bid="0.1", daily_budget="0.3"), None, IDS)
    assert item is not None
    assert (item.bid_micros, item.daily_budget_micros) == (100_000, 300_000)


def test_an_hour_that_clocks_show_twice_is_refused_when_typed_and_kept_when_left() -> None:
    twice = "2026-10-25T02:30"
    assert "shown twice" in read(zone=BERLIN, starts_at=twice).errors["starts_at"]
    second = datetime(2026, 10, 25, 1, 30, 17, tzinfo=UTC)
    before = builders.line_item(starts_at=second)
    typed = typed_of(before, BERLIN)
    assert typed["starts_at"] == [twice]
    reading = read_line_item(form_of(typed), BERLIN, before, any_pricing=False)
    assert made(reading, before, IDS) == before


def test_caps_are_rows_and_empty_rows_are_none() -> None:
    rows = {"cap_impressions": ["3", "", " 10 "], "cap_each": ["day/line_item", "hour/campaign",
                                                              "lifetime/campaign"]}  # fmt: skip
    item = made(read(**rows), None, IDS)
    assert item is not None
    assert item.caps == (
        FrequencyCap(3, CapPeriod.DAY),
        FrequencyCap(10, CapPeriod.LIFETIME, CapLevel.CAMPAIGN),
    )


@pytest.mark.parametrize(
    ("impressions", "each"),
    [("many", "day/line_item"), ("0", "day/line_item"), ("3", "year/line_item"), ("3", "")],
)
def test_a_cap_that_is_none_is_said_at_the_caps(impressions: str, each: str) -> None:
    assert "cap_impressions" in read(cap_impressions=impressions, cap_each=each).errors


def test_the_same_window_twice_is_refused() -> None:
    rows = {"cap_impressions": ["3", "4"], "cap_each": ["day/campaign"] * 2}
    assert "twice" in read(**rows).errors["cap_impressions"]


def test_a_product_costs_its_advertiser_nothing_so_only_the_house_books_it() -> None:
    sale = {"pricing": "cps", "bid": "", "product": "shop/4711"}
    assert read(**sale).errors == {"pricing": FOR_THE_HOUSE}
    operators = read_line_item(MultiDict({**FILLED, **sale}), SHANGHAI, None, any_pricing=True)
    assert operators.errors == {}
    before = builders.line_item(
        pricing=PricingModel.CPS, bid_micros=Micros(0), product=ProductRef("shop/4711")
    )
    assert read(before, **sale).errors == {}


def test_targeting_is_read_by_its_notation() -> None:
    reading = read(
        include_country="chn, JPN",
        include_age="18..24,60..",
        include_os=["android", "ios"],
        include_carrier="Mobile, Ltd\nOther",
        exclude_city="Berlin",
        include_hour_of_week="mon-fri 9..10",
    )
    assert reading.errors == {}
    targeting: Targeting = reading.attributes["targeting"]
    assert targeting.country.include == {"chn", "JPN"}
    assert targeting.age.include == {"18..24", "60.."}
    assert targeting.os.include == {"android", "ios"}
    assert targeting.carrier.include == {"Mobile, Ltd", "Other"}
    assert targeting.city == Rule(exclude=frozenset({"Berlin"}))
    assert len(targeting.hour_of_week.include) == 10


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("include_country", "China"),
        ("exclude_country", "C"),
        ("include_age", "old"),
        ("include_hour_of_week", "noon"),
        ("include_interest", "0"),
        ("exclude_device_type", "9"),
        ("include_region", "x" * 101),
    ],
)
def test_a_wrong_value_of_targeting_is_said_at_its_list(name: str, typed: str) -> None:
    assert [*read(**{name: typed}).errors] == [name]


def test_what_is_both_wanted_and_left_out_is_said() -> None:
    assert "both" in read(include_os="ios", exclude_os="iOS").errors["exclude_os"]


def test_refusals_of_the_catalog_find_their_inputs() -> None:
    problems = {
        "targeting": "there is no placement 'pl9'",
        "caps": "too many",
        "bid": "must be more than zero",
    }
    assert errors_of(problems) == {
        "include_placement": "there is no placement 'pl9'",
        "cap_impressions": "too many",
        "bid": "must be more than zero",
    }
    assert errors_of({"targeting": "os: is wrong"}) == {"include_os": "is wrong"}


def test_a_forecast_needs_no_name_but_the_rest() -> None:
    assert draft(read(name=""), None, IDS) is not None
    assert draft(read(name="", bid="much"), None, IDS) is None


def test_a_new_form_begins_at_the_full_hour_of_the_advertisers_clock() -> None:
    typed = typed_new(datetime(2026, 11, 18, 12, 34, tzinfo=UTC), SHANGHAI)
    assert typed["starts_at"] == ["2026-11-18T20:00"]


TEXT = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=9)
RULES = {
    "country": st.sampled_from(["CHN", "JPN", "DEU"]),
    "os": st.sampled_from(["android", "ios", "Tizen"]),
    "carrier": st.sampled_from(["A, B", "C", "D; E"]),
    "age": st.sampled_from(["18..24", "60..", "..12"]),
    "interest": st.integers(1, 65_535).map(str),
    "hour_of_week": st.integers(0, 167).map(str),
    "region": TEXT,
    "connection": st.sampled_from(["wifi", "5g", "0"]),
}


@st.composite
def targetings(draw: st.DrawFn) -> Targeting:
    rules = {}
    for name, values in RULES.items():
        chosen = draw(st.lists(values, max_size=6, unique_by=str.lower))
        split = draw(st.integers(0, len(chosen)))
        rules[name] = Rule(frozenset(chosen[:split]), frozenset(chosen[split:]))
    return Targeting(**rules)


@given(targetings())
def test_what_the_form_shows_reads_back_as_it_was(targeting: Targeting) -> None:
    found, errors = read_targeting_form(form_of(typed_targeting(targeting)))
    assert errors == {}
    assert found == targeting


@given(targetings(), st.integers(1, 10**9), st.booleans())
def test_a_line_item_that_is_shown_and_saved_is_the_same(
    targeting: Targeting, bid: int, paused: bool
) -> None:
    before = replace(
        builders.line_item(bid_micros=Micros(bid), paused=paused),
        targeting=targeting,
        caps=(FrequencyCap(3, CapPeriod.DAY, CapLevel.ADVERTISER),),
    )
    reading = read_line_item(form_of(typed_of(before, BERLIN)), BERLIN, before, any_pricing=False)
    assert made(reading, before, IDS) == before
