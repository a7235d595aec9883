import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from models.ctr.calibration import Calibration
from models.ctr.counts import Counts
from models.ctr.encoder import SEEN_SLOTS, BoundEncoder, EncodedRequest
from models.ctr.features import SERVING_SCHEMA, Half
from models.ctr.forest.compiled import compile_forest
from models.ctr.reading import RequestReader
from models.ctr.serving import CtrModel
from tests.models.ctr import woods
from tests.models.ctr.woods import Floats, Wood

slow = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
seeds = st.integers(0, 2**32 - 1)


@slow
@given(wood=woods.woods(), seed=seeds)
def test_the_forest_scores_whole_rows_as_lightgbm_does(wood: Wood, seed: int) -> None:
    rows = woods.disturb(np.random.default_rng(seed), wood.grown)
    ours = compile_forest(wood.members, wood.schema).raw(rows)
    assert np.abs(ours - woods.by_lightgbm(wood, rows)).max() <= 1e-9


@slow
@given(wood=woods.woods(least_pair=SEEN_SLOTS), seed=seeds, kept=st.sampled_from([0, 512, 1 << 20]))
def test_a_forest_bound_to_a_catalog_scores_as_lightgbm_does(
    wood: Wood, seed: int, kept: int
) -> None:
    rng = np.random.default_rng(seed)
    encoder = random_encoder(wood, rng)
    forest = compile_forest(wood.members, wood.schema)
    model = CtrModel("m", wood.schema.hash, forest, Calibration())
    bound = model.bind(encoder, cell_mask_bytes=kept)
    for _ in range(4):
        encoded = random_request(wood, encoder, rng)
        ads = rng.permutation(len(encoder.ad_rows)).astype(np.int32)[: rng.integers(0, 40)]
        ours = np.empty(len(ads))
        bound.raw(ads, encoded, ours)
        theirs = woods.by_lightgbm(wood, encoder.rows(ads, encoded)) if len(ads) else ours
        assert np.all(np.abs(ours - theirs) <= 1e-9)
        top = theirs[np.argsort(-ours, kind="stable")][:10]
        assert np.all(np.diff(top) <= 1e-9)


@slow
@given(wood=woods.woods(least_pair=SEEN_SLOTS), seed=seeds)
def test_probabilities_are_calibrated_log_odds(wood: Wood, seed: int) -> None:
    rng = np.random.default_rng(seed)
    encoder = random_encoder(wood, rng)
    forest = compile_forest(wood.members, wood.schema)
    curve = Calibration(knots=np.array([-1.0, 0.0, 2.0]), levels=np.array([0.1, 0.1, 0.7]))
    ads = np.arange(len(encoder.ad_rows), dtype=np.int32)
    encoded = random_request(wood, encoder, rng)
    for calibration in (Calibration(), Calibration(0.7, -1.2), curve):
        model = CtrModel("m", wood.schema.hash, forest, calibration)
        ours = np.empty(len(ads))
        model.bind(encoder).score(ads, encoded, ours)
        odds = forest.sigmoid * woods.by_lightgbm(wood, encoder.rows(ads, encoded))
        assert ours == pytest.approx(calibration.apply(odds), abs=1e-9)
        assert ours == pytest.approx(model.probabilities(encoder.rows(ads, encoded)), abs=1e-12)


def random_encoder(wood: Wood, rng: np.random.Generator) -> BoundEncoder:
    """A catalog of a few ads, line items and placements, its rows like those of the wood."""
    ads, line_items, placements = 30, 12, 3
    cell_of = np.full((placements + 1, ads), -1, np.int32)
    inside = rng.random((placements, ads)) < 0.4
    cell_of[:placements][inside] = rng.permutation(inside.sum())
    cells = int(inside.sum())
    ad_of_cell = np.empty(cells, np.int32)
    ad_of_cell[cell_of[:placements][inside]] = np.nonzero(inside)[1]
    nothing = np.zeros((3, 1))
    counts = Counts(*[nothing] * 7, cell_of, ad_of_cell, nothing, nothing)  # type: ignore[arg-type]
    pair = half_rows(wood, Half.PAIR, rng, ads + cells)[:, SEEN_SLOTS:]
    return BoundEncoder(
        schema=wood.schema,
        ads=(),
        counts=counts,
        ad_rows=half_rows(wood, Half.AD, rng, ads),
        default_rows=pair[:ads],
        cell_rows=pair[ads:],
        line_item_of=rng.integers(0, line_items, ads).astype(np.int32),
        line_item_row={str(row): row for row in range(line_items)},
        placement_row={str(row): row for row in range(placements)},
        placement_histories=np.empty((0, 0)),
        reader=RequestReader(SERVING_SCHEMA.half(Half.REQUEST)),
    )


def random_request(wood: Wood, encoder: BoundEncoder, rng: np.random.Generator) -> EncodedRequest:
    seen = rng.permutation(len(encoder.line_item_row))[: rng.integers(0, 9)].astype(np.int32)
    return EncodedRequest(
        row=half_rows(wood, Half.REQUEST, rng, 1)[0],
        placement=int(rng.integers(-1, 3)),
        seen_line_items=seen,
        seen=half_rows(wood, Half.PAIR, rng, len(seen))[:, :SEEN_SLOTS],
    )


def half_rows(wood: Wood, half: Half, rng: np.random.Generator, rows: int) -> Floats:
    drawn = woods.disturb(rng, wood.grown[rng.integers(0, len(wood.grown), rows)])
    return np.ascontiguousarray(drawn[:, wood.schema.range_of(half)])
