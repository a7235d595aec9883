"""The SQL catalog: the same contract on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from adserver.config import Settings
from adserver.marketplace.kinds import KINDS, Entity
from adserver.marketplace.problem import CatalogError
from adserver.stores.catalog import SqlCatalog, make_id, open_catalog
from models.domain.campaign import (
    Advertiser,
    Campaign,
    CapLevel,
    CapPeriod,
    Creative,
    FrequencyCap,
    LineItem,
    Review,
    Rule,
    Targeting,
)
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from models.domain.placement import App, Placement
from tests import builders
from tests.adserver.marketplace.markets import marketplaces
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

NOW = builders.NOW
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    opened = open_catalog(Settings(database_url=database_url))
    yield opened
    opened.close()


def test_a_new_catalog_is_empty_and_at_revision_zero(catalog: SqlCatalog) -> None:
    assert catalog.load() == Marketplace()
    assert catalog.revision() == 0


def test_what_was_put_in_whole_comes_out_equal(catalog: SqlCatalog) -> None:
    assert catalog.replace(builders.small_marketplace(), NOW) == 1
    assert catalog.load() == builders.small_marketplace()
    assert catalog.revision() == 1


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(wanted=marketplaces())
def test_any_sound_marketplace_takes_the_place_of_any_other(
    catalog: SqlCatalog, wanted: Marketplace
) -> None:
    catalog.replace(wanted, NOW)
    assert catalog.load() == wanted


def test_putting_in_the_same_again_changes_nothing(catalog: SqlCatalog) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    assert catalog.replace(builders.small_marketplace(), LATER) == 1
    assert catalog.revision() == 1


def test_a_whole_that_breaks_a_rule_changes_nothing(catalog: SqlCatalog) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    broken = replace(builders.small_marketplace(), advertisers=())
    with pytest.raises(CatalogError, match="there is no advertiser 'adv1'"):
        catalog.replace(broken, LATER)
    assert catalog.load() == builders.small_marketplace()
    assert catalog.revision() == 1


def test_a_whole_that_was_compared_with_an_older_catalog_is_refused(catalog: SqlCatalog) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    catalog.put(builders.advertiser(name="Renamed"), NOW)
    with pytest.raises(CatalogError, match="changed meanwhile"):
        catalog.replace(Marketplace(), LATER, if_revision=1)
    assert len(catalog.load().advertisers) == 3


def test_progress_is_told_up_to_the_last_entity(catalog: SqlCatalog) -> None:
    told: list[int] = []
    catalog.replace(builders.small_marketplace(), NOW, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 3 + 3 + 5 + 6 + 2 + 4


def test_every_kind_is_added_and_found(catalog: SqlCatalog) -> None:
    market = builders.marketplace()
    entities: list[Entity] = [
        *market.advertisers,
        *market.campaigns,
        *market.line_items,
        *market.creatives,
        *market.apps,
        *market.placements,
    ]
    for number, entity in enumerate(entities, 1):
        assert catalog.add(entity, NOW) == number
    assert catalog.load() == market
    for entity in entities:
        assert catalog.find(type(entity)) == [entity]


def test_adding_an_id_that_is_taken_is_refused(catalog: SqlCatalog) -> None:
    catalog.add(builders.advertiser(), NOW)
    with pytest.raises(CatalogError, match="advertiser adv1, advertiser_id: is there already"):
        catalog.add(builders.advertiser(name="Another"), NOW)
    assert catalog.get(Advertiser, "adv1").name == "Advertiser One"
    assert catalog.revision() == 1


def test_an_entity_that_belongs_to_nothing_is_refused(catalog: SqlCatalog) -> None:
    with pytest.raises(CatalogError, match="campaign_id: there is no campaign 'cmp1'"):
        catalog.add(builders.line_item(), NOW)
    assert catalog.revision() == 0
    assert catalog.find(LineItem) == []


def test_an_edit_that_would_break_a_reference_is_refused(catalog: SqlCatalog) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    for change in (
        lambda item: replace(item, campaign_id="gone"),
        lambda item: replace(item, targeting=Targeting(placement=Rule(frozenset({"gone"})))),
    ):
        with pytest.raises(CatalogError, match="'gone'"):
            catalog.edit(LineItem, "li1", change, LATER)
    with pytest.raises(CatalogError, match="blocked_advertisers: there is no advertiser 'gone'"):
        catalog.edit(
            App, "app1", lambda app: replace(app, blocked_advertisers=frozenset({"gone"})), LATER
        )
    assert catalog.revision() == 1


def test_an_edit_keeps_the_id(catalog: SqlCatalog) -> None:
    catalog.add(builders.advertiser(), NOW)
    with pytest.raises(CatalogError, match="keeps its id"):
        catalog.edit(Advertiser, "adv1", lambda a: replace(a, advertiser_id="adv2"), LATER)


def test_what_is_not_there_cannot_be_shown_or_edited(catalog: SqlCatalog) -> None:
    with pytest.raises(CatalogError, match="there is no such line item"):
        catalog.get(LineItem, "li1")
    with pytest.raises(CatalogError, match="creative cr9: there is no such creative"):
        catalog.archive(Creative, "cr9", NOW)


def test_archived_entities_stay_and_can_be_restored(catalog: SqlCatalog) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    assert catalog.archive(LineItem, "li1", NOW).active is False
    assert "li1" not in [item.line_item_id for item in catalog.find(LineItem)]
    assert "li1" in [item.line_item_id for item in catalog.find(LineItem, archived=True)]
    assert catalog.get(LineItem, "li1").active is False
    catalog.restore(LineItem, "li1", LATER)
    assert catalog.load() == builders.small_marketplace()
    assert catalog.revision() == 3


def test_a_list_can_be_of_one_parent_only(catalog: SqlCatalog) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    assert [c.campaign_id for c in catalog.find(Campaign, "adv2")] == ["cmp2"]
    assert [p.placement_id for p in catalog.find(Placement, "app2")] == ["pl3", "pl4"]


def test_what_an_import_left_out_can_come_back_under_its_id(catalog: SqlCatalog) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    catalog.replace(Marketplace(), NOW)
    assert catalog.load() == Marketplace()
    with pytest.raises(CatalogError, match="there is no advertiser"):
        catalog.add(builders.campaign(), NOW)
    catalog.add(builders.advertiser(name="Back"), LATER)
    assert catalog.load() == Marketplace(advertisers=(builders.advertiser(name="Back"),))


def test_amounts_times_and_any_alphabet_survive(catalog: SqlCatalog) -> None:
    market = builders.marketplace(
        advertisers=(builders.advertiser(name='茶 ☕ 🍵 O\'Neil "%s"'),),
        line_items=(
            builders.line_item(
                bid_micros=Micros(10**17),
                starts_at=datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC),
                ends_at=datetime(2100, 1, 1, tzinfo=UTC),
                total_budget_micros=Micros(10**17),
                caps=(FrequencyCap(65_535, CapPeriod.LIFETIME, CapLevel.ADVERTISER),),
                targeting=Targeting(city=Rule(frozenset({"São Paulo", "北京"}), frozenset({"x"}))),
            ),
        ),
    )
    catalog.replace(market, NOW)
    assert catalog.load() == market


def test_writers_at_once_lose_nothing_and_count_every_change(catalog: SqlCatalog) -> None:
    catalog.replace(builders.marketplace(), NOW)

    def dearer(item: LineItem) -> LineItem:
        return replace(item, bid_micros=Micros(item.bid_micros + 1_000_000))

    def raise_bid(_writer: int) -> None:
        for _ in range(10):
            catalog.edit(LineItem, "li1", dearer, LATER)

    with ThreadPoolExecutor(6) as writers:
        assert list(writers.map(raise_bid, range(6))) == [None] * 6
    assert catalog.get(LineItem, "li1").bid_micros == 20_000_000 + 60 * 1_000_000
    assert catalog.revision() == 61


def test_a_reader_sees_one_state_with_its_revision_while_others_write(catalog: SqlCatalog) -> None:
    catalog.replace(builders.marketplace(), NOW)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            catalog.put(builders.advertiser(name=f"at {number + 1}"), LATER)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(30):
            revision, market = catalog.load_with_revision()
            if revision > 1:
                assert market.advertisers[0].name == f"at {revision}"
    finally:
        stop.set()
        writer.join()


def test_serving_gets_what_ended_lately_but_not_what_ended_long_ago(catalog: SqlCatalog) -> None:
    def item(name: str, days_ago: int) -> LineItem:
        return builders.line_item(line_item_id=name, ends_at=NOW - timedelta(days=days_ago))

    market = builders.marketplace(
        line_items=(item("lately", 1), item("long", 40), item("soon", -5)),
        creatives=(
            builders.creative(creative_id="c1", line_item_id="lately"),
            builders.creative(creative_id="c2", line_item_id="long"),
            builders.creative(creative_id="c3", line_item_id="soon"),
        ),
    )
    catalog.replace(market, NOW)
    revision, served = catalog.load_for_serving(NOW - timedelta(days=7))
    assert revision == 1
    assert [i.line_item_id for i in served.line_items] == ["lately", "soon"]
    assert [c.creative_id for c in served.creatives] == ["c1", "c3"]


def test_serving_gets_what_was_archived_or_removed_lately_as_not_active(
    catalog: SqlCatalog,
) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    catalog.archive(Creative, "cr5", NOW)
    catalog.archive(Advertiser, "adv3", NOW)
    market = catalog.load()
    removed = replace(
        market, creatives=tuple(c for c in market.creatives if c.creative_id != "cr6")
    )
    catalog.replace(removed, NOW)

    _, served = catalog.load_for_serving(NOW - timedelta(days=7))
    active = {creative.creative_id: creative.active for creative in served.creatives}
    assert active == {
        "cr1": True,
        "cr2": True,
        "cr3": True,
        "cr4": True,
        "cr5": False,
        "cr6": False,
    }
    assert {a.advertiser_id: a.active for a in served.advertisers}["adv3"] is False

    _, served = catalog.load_for_serving(NOW + timedelta(days=7))
    assert [c.creative_id for c in served.creatives] == ["cr1", "cr2", "cr4"]
    assert "adv3" not in [a.advertiser_id for a in served.advertisers]


def test_made_up_ids_begin_with_their_kind_and_differ() -> None:
    made = {make_id(KINDS["line_item"]) for _ in range(1000)}
    assert len(made) == 1000
    assert all(one.startswith("li_") for one in made)


def test_what_was_archived_long_ago_is_not_served_again_because_it_was_edited(
    catalog: SqlCatalog,
) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    catalog.archive(Creative, "cr5", NOW)
    later = NOW + timedelta(days=10)
    catalog.edit(Creative, "cr5", lambda one: replace(one, title="Another"), later)
    catalog.archive(Creative, "cr5", later)
    _, served = catalog.load_for_serving(later - timedelta(days=7))
    assert "cr5" not in {creative.creative_id for creative in served.creatives}


def test_serving_gets_what_waits_for_review_or_was_rejected_as_not_active(
    catalog: SqlCatalog,
) -> None:
    creatives = tuple(
        builders.creative(creative_id=f"cr_{review}", review=review) for review in Review
    )
    catalog.replace(builders.marketplace(creatives=creatives), NOW)
    _, served = catalog.load_for_serving(NOW - timedelta(days=7))
    active = {creative.creative_id: creative.active for creative in served.creatives}
    assert active == {"cr_approved": True, "cr_pending": False, "cr_rejected": False}
    assert {one.review: one.active for one in catalog.find(Creative)} == dict.fromkeys(Review, True)
