"""What is written reads back equal: as a file and as a publication."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import yaml
from hypothesis import HealthCheck, given, settings

from adserver.marketplace import rules
from adserver.marketplace.package import pack, unpack
from adserver.marketplace.reading import read_catalog
from adserver.marketplace.writing import write_catalog
from models.domain.marketplace import Marketplace
from tests import builders
from tests.adserver.marketplace.markets import marketplaces

SLOW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@SLOW
@given(marketplaces())
def test_any_sound_marketplace_comes_back_equal_from_its_file(marketplace: Marketplace) -> None:
    assert list(rules.problems_in(marketplace)) == []
    text = write_catalog(marketplace, "CNY")
    again = read_catalog(text, "CNY")
    assert again == marketplace
    assert write_catalog(again, "CNY") == text
    assert read_catalog(text.encode(), "CNY") == marketplace


@SLOW
@given(marketplaces())
def test_other_yaml_readers_see_the_same_texts(marketplace: Marketplace) -> None:
    loaded = yaml.safe_load(write_catalog(marketplace, "CNY"))
    for written, entity in zip(loaded.get("apps", []), marketplace.apps, strict=True):
        assert str(written["name"]) == entity.name
        assert isinstance(written["name"], str)
        assert isinstance(written["bundle"], str)
        assert {type(word) for word in written.get("blocked_categories", [])} <= {str}


@SLOW
@given(marketplaces())
def test_any_marketplace_comes_back_equal_from_its_package(marketplace: Marketplace) -> None:
    content = pack(marketplace, 7)
    assert unpack(content).marketplace == marketplace
    assert unpack(content).revision == 7
    assert pack(unpack(content).marketplace, 7) == content


def test_the_small_marketplace_of_all_tests_is_sound() -> None:
    assert list(rules.problems_in(builders.small_marketplace())) == []


def test_times_are_written_as_the_advertisers_clock_shows_them() -> None:
    text = write_catalog(
        builders.marketplace(
            advertisers=(builders.advertiser(time_zone="America/New_York"),),
            line_items=(builders.line_item(starts_at=datetime(2026, 7, 1, 12, tzinfo=UTC)),),
        ),
        "CNY",
    )
    assert "starts_at: 2026-07-01 08:00-04:00" in text


def test_local_times_are_read_on_the_advertisers_clock_wherever_it_stands() -> None:
    text = """
line_items:
- {line_item_id: li, campaign_id: c, name: L, pricing: cpm, bid: 1, starts_at: 2026-07-01 08:00}
campaigns: [{campaign_id: c, advertiser_id: a, name: C}]
advertisers: [{advertiser_id: a, name: A, time_zone: America/New_York}]
"""
    (item,) = read_catalog(text, "CNY").line_items
    assert item.starts_at == datetime(2026, 7, 1, 8, tzinfo=ZoneInfo("America/New_York"))
    assert item.starts_at.tzinfo is UTC


def test_an_empty_marketplace_is_two_lines() -> None:
    assert write_catalog(Marketplace(), "JPY") == "version: 1\ncurrency: JPY\n"
    assert read_catalog("", "JPY") == Marketplace()
