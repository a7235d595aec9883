"""`adunion explain`: the words are there for every reason, and fit what happened."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result

from adserver.commands.explain import reasons
from adserver.commands.look_back import span
from adserver.commands.standing import WORDS, obstacles
from adserver.config import Settings
from adserver.eventlog.open_store import open_for_reading
from adserver.eventlog.queries import CensusCount
from adserver.eventlog.rows import census_row, pack_rows, unpack_columns
from adserver.stores.catalog import open_catalog
from models.domain.event import Census
from models.domain.marketplace import Marketplace
from models.domain.placement import Format
from ranking.slate import REASONS
from tests.builders import (
    NOW,
    advertiser,
    campaign,
    creative,
    line_item,
    marketplace,
    placement,
)


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(REASONS)


@pytest.mark.parametrize(
    ("market", "word"),
    [
        (marketplace(line_items=(line_item(active=False),)), "archived"),
        (marketplace(campaigns=(campaign(active=False),)), "campaign cmp1"),
        (marketplace(advertisers=(advertiser(active=False),)), "advertiser"),
        (marketplace(line_items=(line_item(ends_at=NOW),)), "ended at 2026-11-18 12:00 UTC"),
        (marketplace(creatives=()), "no active creative"),
        (marketplace(placements=(placement(format=Format.BANNER),)), "splash"),
        (marketplace(creatives=(creative(active=False),)), "no active creative"),
    ],
)
def test_what_keeps_a_line_item_from_running_is_said(market: Marketplace, word: str) -> None:
    (said,) = obstacles(market, market.line_items[0].line_item_id, NOW)
    assert word in said


def test_a_line_item_that_may_run_has_no_obstacles() -> None:
    assert obstacles(marketplace(), line_item().line_item_id, NOW) == []


def test_what_was_shown_is_told_first_and_then_the_most_frequent() -> None:
    counts = [
        CensusCount("pl1", "outbid", 7),
        CensusCount("pl2", "country", 9),
        CensusCount("pl1", "won", 1),
        CensusCount("pl1", "country", 2),
    ]
    assert reasons(counts) == [("won", 1), ("country", 11), ("outbid", 7)]
    assert reasons(counts, "pl1") == [("won", 1), ("outbid", 7), ("country", 2)]


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "1.5h", "0m", "1w"])
def test_a_span_that_is_none_is_refused(adunion: Callable[..., Result], text: str) -> None:
    assert "30m" in adunion("explain", "--line-item", "li1", "--last", text, fails=True).output


def test_spans_are_minutes_hours_and_days() -> None:
    spans = [span(None, None, text).total_seconds() for text in ("30m", "1h", "7d")]
    assert spans == [1_800, 3_600, 604_800]


def test_an_unknown_line_item_is_an_error_in_words(adunion: Callable[..., Result]) -> None:
    assert "no line item 'li9'" in adunion("explain", "--line-item", "li9", fails=True).output


def test_a_line_item_is_explained_from_the_catalog_and_the_census(
    adunion: Callable[..., Result], tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "var")
    catalog = open_catalog(settings)
    catalog.replace(marketplace(), datetime.now(UTC))
    catalog.close()
    minute = int(datetime.now(UTC).timestamp()) * 1000 - 120_000
    rows = [
        Census(uuid4(), minute, "pl1", "li1", reason, requests)
        for reason, requests in (("won", 10), ("outbid", 25), ("frequency_cap", 65))
    ]
    store = open_for_reading(settings)
    store.insert("census", unpack_columns("census", [pack_rows([census_row(r) for r in rows])]))
    store.close()
    said = adunion("explain", "--line-item", "li1").output
    assert "It can run." in said
    assert "Of 100 sampled ad requests" in said
    assert said.index("10.0%") < said.index("65.0%") < said.index("25.0%")
    assert "looser cap" in said
    one = adunion("explain", "--line-item", "li1", "--placement", "pl1").output
    assert "in all placements: 0 served" in one
    assert "Of 100 sampled ad requests" in one
    recent = adunion("explain", "--line-item", "li1", "--last", "1m").output
    assert "No ad request" in recent
    unknown = adunion("explain", "--line-item", "li1", "--placement", "pl9", fails=True).output
    assert "no placement 'pl9'" in unknown
