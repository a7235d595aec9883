from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from models.ctr import trial
from models.ctr.artifact import from_files
from models.ctr.card import card
from models.ctr.dataset import DatasetError
from models.ctr.trial import cross_validate, hold, to_artifact
from tests.models.ctr.logs import log, relabelled

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def published(rows: int = 3_000, *, timed: bool = False, source: str = "a"):
    dataset = log(rows, timed=timed)
    held = hold(dataset, None, source)
    return to_artifact(held, dataset, "v1", source, {})


def test_a_good_model_passes_and_learns_again_from_all_rows() -> None:
    held = hold(log(3_000), None, "a")
    assert held.verdict.passed
    assert held.final is not held.judged
    assert held.report.log_loss < held.baseline.log_loss


def test_a_large_log_is_published_as_it_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "RELEARN_ROWS", 1_000)
    held = hold(log(3_000, timed=True), None, "a")
    assert held.final is held.judged
    assert held.trained_until_ms == 2_399_000


def test_labels_without_any_meaning_are_refused_with_figures() -> None:
    dataset = log(3_000)
    noise = np.random.default_rng(0).permutation(dataset.clicked)
    held = hold(relabelled(dataset, noise), None, "a")
    assert not held.verdict.passed
    assert held.final is held.judged
    assert any("not below 1" in reason for reason in held.verdict.reasons)


def test_a_model_of_few_rows_does_not_displace_one_of_many() -> None:
    held = hold(log(600, seed=8), published(6_000), "b")
    assert held.serving is not None
    assert not held.verdict.passed
    assert any("serving model's" in reason for reason in held.verdict.reasons)


def test_rows_that_the_serving_model_has_learned_from_are_not_held_against_the_new_one() -> None:
    assert hold(log(3_000), published(source="a"), "a").serving is None
    assert hold(log(3_000), published(source="a"), "b").serving is not None


def test_with_times_only_rows_later_than_the_serving_models_last_are_compared() -> None:
    serving = published(3_000, timed=True)
    assert hold(log(3_000, timed=True), serving, "b").serving is None
    longer = hold(log(6_000, timed=True), serving, "b")
    assert longer.serving is not None
    assert longer.serving[0].rows == 1_200


def test_a_model_of_another_schema_is_not_compared() -> None:
    dataset = log(2_000)
    features = tuple(f for f in dataset.schema.features if f.name != "id_history")
    other = replace(published(), schema=type(dataset.schema)(features))
    assert hold(dataset, other, "b").serving is None


def test_the_artifact_survives_its_files_and_its_forest_scores_the_known_rows() -> None:
    dataset = log(2_000)
    held = hold(dataset, None, "a")
    made = to_artifact(held, dataset, "v1", "a", {"card.md": b"#"})
    read = from_files(made.to_files(), dataset.schema)
    assert read.model().version == "v1"
    assert read.metrics["candidate"]["rows"] == held.report.rows
    assert read.metrics["passed"] is True


def test_the_card_says_what_how_and_how_good() -> None:
    dataset = log(2_000, timed=True)
    held = hold(dataset, None, "a")
    page = card(held, dataset, "v1", "clicks.csv", NOW)
    for said in (
        "clicks.csv",
        "2,000 rows",
        "by time",
        "logistic regression",
        "| left |",
        "passed",
    ):
        assert said in page


def test_every_fold_is_judged_once_by_a_model_that_has_not_seen_it() -> None:
    folds = list(cross_validate(log(1_500), "made_up", 3))
    assert sum(fold.model.rows for fold in folds) == 1_500
    assert all(fold.trees > 0 for fold in folds)


def test_folds_of_rows_with_times_use_the_past_only() -> None:
    (fold, *_) = cross_validate(log(1_500, timed=True), "made_up", 3)
    assert fold.model.auc is not None
    assert fold.model.auc > 0.7


def test_too_few_clicks_are_refused_before_anything_is_learned() -> None:
    clicked = np.zeros(500)
    clicked[:5] = 1
    with pytest.raises(DatasetError, match="5 positive"):
        hold(relabelled(log(500), clicked), None, "a")
