"""The made-up market: valid for the server, fixed by its seed, true to its stated rates."""

import hashlib
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from matplotlib import image

from adserver.marketplace.reading import read_catalog
from loadtest.click_model import MEAN_CTR, HiddenClickModel, make_click_model
from loadtest.marketplace import Market, make_market, write_catalog
from loadtest.pictures import PictureBook, draw
from loadtest.population import Population, make_population, write_profiles
from loadtest.themes import SIZES, THEMES

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
SEED = 7


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    book = PictureBook(tmp_path_factory.mktemp("pictures"))
    return make_market(SEED, NOW, book, "http://127.0.0.1:8082")


@pytest.fixture(scope="module")
def people() -> Population:
    return make_population(5_000, SEED)


@pytest.fixture(scope="module")
def truth(people: Population, market: Market) -> HiddenClickModel:
    return make_click_model(people, market, SEED)


def test_the_catalog_file_is_one_the_server_takes(market: Market, tmp_path: Path) -> None:
    write_catalog(market, tmp_path / "catalog.yaml")
    read = read_catalog((tmp_path / "catalog.yaml").read_bytes(), "CNY")
    assert len(read.advertisers) == 40 + 3  # three shops promote their products
    assert len(read.line_items) == 400 + 15
    assert len(market.promoted()) == 15
    assert len(read.apps) == 6
    assert {placement.format for placement in read.placements} == set(SIZES)
    assert {creative.creative_id for creative in read.creatives} == {
        ad.creative_id for ad in market.ads
    }


def test_every_creative_is_a_picture_of_the_size_and_hash_in_the_catalog(
    tmp_path: Path,
) -> None:
    market = make_market(SEED, NOW, PictureBook(tmp_path), "http://127.0.0.1:8082")
    for advertiser in market.document["advertisers"][:5]:
        for campaign in advertiser["campaigns"]:
            for line_item in campaign["line_items"]:
                for creative in line_item["creatives"]:
                    (asset,) = creative["assets"]
                    content = (tmp_path / asset["url"].rpartition("/")[2]).read_bytes()
                    assert hashlib.sha256(content).hexdigest() == asset["sha256"]
                    assert len(content) == asset["bytes"]
                    assert content.startswith(b"\x89PNG\r\n\x1a\n")
                    assert struct.unpack(">II", content[16:24]) == (asset["w"], asset["h"])


def test_a_picture_can_be_read_by_another_library(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(draw(640, 100, np.random.default_rng(1)))
    assert image.imread(path).shape[:2] == (100, 640)


def test_the_same_seed_makes_the_same_world(market: Market, tmp_path: Path) -> None:
    again = make_market(SEED, NOW, PictureBook(tmp_path), "http://127.0.0.1:8082")
    other = make_market(SEED + 1, NOW, PictureBook(tmp_path), "http://127.0.0.1:8082")
    assert yaml.safe_dump(again.document) == yaml.safe_dump(market.document)
    assert other.document != market.document


def test_random_pairs_click_at_the_mean_rate_of_their_format(
    truth: HiddenClickModel, people: Population
) -> None:
    rng = np.random.default_rng(0)
    for number, name in enumerate(truth.formats):
        creatives = np.flatnonzero(truth.format == number)
        rates = [
            truth.probabilities(
                int(rng.integers(len(people))),
                creatives,
                int(rng.integers(len(truth.fit))),
                int(rng.integers(24)),
                np.zeros(len(creatives)),
            ).mean()
            for _ in range(3_000)
        ]
        assert np.mean(rates) == pytest.approx(MEAN_CTR[name], rel=0.1)


def test_a_user_who_has_seen_an_ad_often_clicks_it_less(truth: HiddenClickModel) -> None:
    fresh, tired = (truth.probability(3, 5, 0, 12, times) for times in (0, 15))
    assert tired < fresh / 2


def test_a_theme_is_liked_more_by_those_whose_main_interest_it_is(
    truth: HiddenClickModel, people: Population
) -> None:
    main = np.array([interests[0] for interests in people.interests])
    for place, theme in enumerate(THEMES):
        fans = main == theme.segment
        assert truth.taste[fans, place].mean() > truth.taste[~fans, place].mean() + 0.2


def test_profiles_have_24_features_for_every_user(people: Population, tmp_path: Path) -> None:
    write_profiles(people, tmp_path / "users.parquet", SEED)
    table = pq.read_table(tmp_path / "users.parquet")
    assert table.num_rows == len(people)
    assert table.num_columns - len(("user_id", "custom")) + 8 == 24


def test_the_busiest_tenth_of_users_make_most_requests_but_nobody_makes_a_percent(
    people: Population,
) -> None:
    busiest = np.sort(people.weights)[::-1]
    assert busiest[: len(people) // 10].sum() > 0.3
    assert busiest[0] < 0.01
