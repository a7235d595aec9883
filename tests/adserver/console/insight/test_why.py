"""Why a line item does not deliver: every obstacle has words, every reason of the engine too."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adserver.api.problems import NotFoundError
from adserver.console.insight import why, why_words
from adserver.eventlog.rows import census_row, pack_rows, unpack_columns
from adserver.eventlog.sums import HOUR_MS, Part, sum_hours
from adserver.reports.explaining import ELSEWHERE, WON, Obstacle
from adserver.stores import database, switches
from adserver.stores.switches import SwitchKind
from models.domain.campaign import Advertiser, Campaign, Creative, LineItem, Review, Rule, Targeting
from models.domain.event import Census
from models.domain.ids import AdvertiserId, LineItemId, PlacementId
from models.domain.money import Micros
from ranking.slate import NoAdReason
from tests.adserver.console.insight.house import ANN, OP, House, settled, without_log
from tests.adserver.eventlog.billed import billed, put
from tests.builders import NOW, NOW_MS

NOWHERE = Targeting(app_category=Rule(include=frozenset({"chess"})))
CHANGES: list[tuple[type[Any], str, dict[str, Any], Obstacle]] = [
    (LineItem, "ours", {"active": False}, Obstacle.ARCHIVED),
    (LineItem, "ours", {"paused": True}, Obstacle.PAUSED),
    (LineItem, "ours", {"ends_at": NOW - timedelta(hours=1)}, Obstacle.ENDED),
    (LineItem, "ours", {"starts_at": NOW + timedelta(hours=1)}, Obstacle.NOT_BEGUN),
    (LineItem, "ours", {"targeting": NOWHERE}, Obstacle.NO_PLACEMENT),
    (Campaign, "cmp_ours", {"active": False}, Obstacle.CAMPAIGN_ARCHIVED),
    (Campaign, "cmp_ours", {"paused": True}, Obstacle.CAMPAIGN_PAUSED),
    (Advertiser, "ours", {"active": False}, Obstacle.ADVERTISER_ARCHIVED),
    (Advertiser, "ours", {"prepaid": True}, Obstacle.NO_MONEY),
    (Creative, "cr_ours", {"active": False}, Obstacle.NO_CREATIVE),
    (Creative, "cr_ours", {"review": Review.PENDING}, Obstacle.IN_REVIEW),
    (Creative, "cr_ours", {"review": Review.REJECTED}, Obstacle.REJECTED),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with settled(tmp_path_factory.mktemp("why")) as opened:
        yield opened


def test_every_reason_of_the_engine_and_every_obstacle_has_words() -> None:
    assert set(why_words.REASONS) == {WON, *NoAdReason}
    assert set(why_words.OBSTACLES) == set(Obstacle)
    assert set(why_words.ADVICE) | why_words.TARGETED <= set(NoAdReason)
    assert set(NoAdReason) >= ELSEWHERE


@pytest.mark.parametrize(("noun", "name", "change", "obstacle"), CHANGES)
def test_what_keeps_it_from_running_is_named_and_leads_to_where_it_is_changed(
    house: House, noun: type[Any], name: str, change: dict[str, Any], obstacle: Obstacle
) -> None:
    catalog = house.desk.catalog
    before = catalog.get(noun, name)
    catalog.edit(noun, name, lambda one: replace(one, **change), NOW)
    try:
        told = why.tell(house.desk, house.call())
        call = house.call(ANN, "zh")
        shown = house.page(why.page(house.desk, call), call)
    finally:
        catalog.edit(noun, name, lambda _: before, NOW)
    assert [one.name for one in told.obstacles] == [obstacle]
    assert not told.can_run
    assert "现在无法投放" in shown


def test_a_kill_switch_of_the_house_is_named(house: House) -> None:
    with database.writing(house.desk.engine) as connection:
        switches.switch_off(connection, (SwitchKind.ADVERTISER, "ours"), "fraud?", OP, NOW)
    told = why.tell(house.desk, house.call())
    with database.writing(house.desk.engine) as connection:
        switches.switch_on(connection, (SwitchKind.ADVERTISER, "ours"), OP, NOW)
    assert [one.name for one in told.obstacles] == [Obstacle.SWITCHED_OFF]
    assert why.tell(house.desk, house.call()).can_run


def put_census(house: House, reasons: list[tuple[str, int]]) -> None:
    rows = [
        census_row(
            Census(
                UUID(int=n + 1),
                NOW_MS - 60_000,
                PlacementId("pl1"),
                LineItemId("ours"),
                reason,
                requests,
            )
        )
        for n, (reason, requests) in enumerate(reasons)
    ]
    house.desk.store.insert("census", unpack_columns("census", [pack_rows(rows)]))


def test_what_became_of_it_is_told_what_was_shown_first_and_misfits_apart(house: House) -> None:
    put_census(house, [("outbid", 60), ("won", 10), ("format", 300), ("country", 30)])
    told = why.tell(house.desk, house.call())
    assert (told.sampled, told.elsewhere) == (400, 300)
    assert [(one.name, one.share_ppm) for one in told.reasons] == [
        ("won", 100_000), ("outbid", 600_000), ("country", 300_000),
    ]  # fmt: skip
    call = house.call(query={"last": "1h"})
    shown = house.page(why.page(house.desk, call), call)
    assert "Others were worth more" in shown
    assert "A higher bid" in shown
    assert "<svg" in shown
    assert "style=" not in shown


def test_a_budget_that_was_spent_long_ago_is_spent_however_its_flight_was_moved(
    house: House,
) -> None:
    at_ms = NOW_MS - 700 * 86_400_000
    ours = {"line_item_id": LineItemId("ours"), "advertiser_id": AdvertiserId("ours")}
    rows = [billed(n, at_ms=at_ms, charged=1_000_000, **ours) for n in range(5)]
    put(house.desk.store, "impressions", rows)
    sum_hours(house.desk.store, at_ms // HOUR_MS, 1, [*Part], NOW_MS)
    catalog, begins = house.desk.catalog, NOW - timedelta(hours=1)
    before = catalog.get(LineItem, "ours")
    found = []
    for budget in (5_000_000, 6_000_000):
        moved = replace(before, starts_at=begins, total_budget_micros=Micros(budget))
        catalog.edit(LineItem, "ours", lambda _, to=moved: to, NOW)
        found.append([one.name for one in why.tell(house.desk, house.call()).obstacles])
    catalog.edit(LineItem, "ours", lambda _: before, NOW)
    assert found == [[Obstacle.TOTAL_SPENT], []]


def test_while_the_log_is_away_the_obstacles_are_told_all_the_same(tmp_path: Path) -> None:
    with without_log(tmp_path) as house:
        house.desk.catalog.edit(LineItem, "ours", lambda one: replace(one, paused=True), NOW)
        call = house.call(query={"last": "nonsense"})
        shown = house.page(why.page(house.desk, call), call)
        assert "It is paused." in shown
        assert "The event log does not answer" in shown
        assert why.tell(house.desk, call).served is None


def test_anothers_line_item_is_not_there(house: House) -> None:
    for params in ({"line_item_id": "li1"}, {"advertiser_id": "adv1"}, {"advertiser_id": "x"}):
        with pytest.raises(NotFoundError):
            why.page(house.desk, house.call(OP, params=params))
