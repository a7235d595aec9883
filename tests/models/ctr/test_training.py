from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.ctr import training
from models.ctr.calibration import sigmoid
from models.ctr.dataset import Dataset, DatasetError
from models.ctr.ensemble import trees
from models.ctr.evaluation import report
from models.ctr.forest.compiled import compile_forest
from models.ctr.training import Recipe, learn
from tests.models.ctr.logs import log, relabelled

QUICK = Recipe(members=3, rounds=40, threads=1)
LATER = log(4_000, seed=5)


@pytest.mark.parametrize("timed", [False, True])
def test_a_learned_model_beats_the_click_rate_on_new_rows_and_is_calibrated(timed: bool) -> None:
    learned = learn(log(4_000, timed=timed), recipe=QUICK)
    found = report(LATER.clicked, learned.probabilities(LATER))
    assert found.auc is not None
    assert found.auc > 0.75
    assert found.calibration == pytest.approx(1, abs=0.12)


def test_an_id_seen_once_neither_helps_nor_harms() -> None:
    def loss(names: set[str]) -> float:
        parts = [replace(data, keys=_only(data.keys, names)) for data in (log(4_000), LATER)]
        learned = learn(parts[0], recipe=QUICK)
        return report(parts[1].clicked, learned.probabilities(parts[1])).log_loss

    with_id = loss({"category_history", "id_history"})
    assert with_id == pytest.approx(loss({"category_history"}), abs=0.01)


def _only(keys: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: keys[name] for name in names}


def test_the_same_rows_and_seed_learn_the_same_model() -> None:
    first, second = (learn(log(800), seed=3, recipe=QUICK) for _ in range(2))
    assert [m.text for m in first.members] == [m.text for m in second.members]


def test_the_forest_that_serves_scores_what_was_learned() -> None:
    learned, rows = learn(log(2_000), recipe=QUICK), log(500, seed=9)
    forest = compile_forest(learned.members, learned.schema)
    assert np.abs(forest.raw(learned.rows(rows)) - learned.raw(rows)).max() < 1e-9


def test_thinned_negatives_leave_the_probabilities_where_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "MOST_ROWS", 2_000)
    learned, later = learn(log(6_000), recipe=QUICK), log(6_000, seed=5)
    found = report(later.clicked, learned.probabilities(later))
    assert found.calibration == pytest.approx(1, abs=0.12)
    plain = report(later.clicked, sigmoid(learned.raw(later)))
    assert plain.calibration == pytest.approx(1, abs=0.15)


def test_progress_ends_at_one() -> None:
    told: list[float] = []
    learn(log(500), recipe=QUICK, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_trees_stay_few() -> None:
    for rows in (100, 59_999, 60_000, 200_000, 10**7):
        recipe = Recipe.for_rows(rows)
        assert recipe.members * recipe.rounds <= 600
        assert recipe.leaves <= 64
    assert Recipe.for_rows(10**6).members * Recipe.for_rows(10**6).rounds <= 200
    assert trees(learn(log(500), recipe=QUICK).members) <= 120


def test_labels_of_one_kind_are_refused() -> None:
    with pytest.raises(DatasetError, match="positive"):
        learn(relabelled(log(200), np.zeros(200)), recipe=QUICK)


def test_features_that_never_differ_are_refused() -> None:
    dataset = log(200)
    same = Dataset(dataset.schema, np.full_like(dataset.rows, np.nan), dataset.clicked)
    with pytest.raises(DatasetError, match="every feature holds one and the same value"):
        learn(same, recipe=QUICK)


def test_wide_rows_of_mostly_missing_and_infinite_values_are_learned_from() -> None:
    dataset = log(600)
    rows = dataset.rows.copy()
    rows[::3] = np.nan
    number = dataset.schema.slot_of["number"].start
    rows[1::7, number] = np.inf
    learned = learn(replace(dataset, rows=rows), recipe=QUICK)
    assert np.isfinite(learned.probabilities(dataset)).all()
