import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn import metrics

from models.ctr.evaluation import auc, gate, log_loss, report, tolerance

LABELS = st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=50)


def made(rows: int = 4_000, seed: int = 0, bias: float = 0.0):
    """Probabilities that are right but for a shift of the log-odds, and what happened."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-2, 1, rows)
    clicked = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    return clicked, 1 / (1 + np.exp(-odds - bias))


@given(LABELS, st.data())
def test_auc_is_that_of_scikit_learn(labels, data) -> None:
    clicked = np.array(labels)
    scores = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(labels), max_size=50)))
    scores = scores[: len(clicked)].astype(np.float64)
    if 0 < clicked.sum() < len(clicked):
        assert auc(clicked, scores) == pytest.approx(metrics.roc_auc_score(clicked, scores))
    else:
        assert auc(clicked, scores) is None


def test_log_loss_is_that_of_scikit_learn() -> None:
    clicked, probability = made()
    assert log_loss(clicked, probability) == pytest.approx(metrics.log_loss(clicked, probability))


def test_saying_the_click_rate_has_a_normalised_entropy_of_one() -> None:
    clicked, _ = made()
    found = report(clicked, np.full(len(clicked), clicked.mean()))
    assert found.normalized_entropy == pytest.approx(1)
    assert found.calibration == pytest.approx(1)


def test_a_certain_and_wrong_prediction_costs_much_but_not_infinitely() -> None:
    assert 20 < log_loss(np.array([1.0]), np.array([0.0])) < 30


def test_calibration_is_reported_for_each_group() -> None:
    clicked, probability = np.array([1.0, 0, 1, 0]), np.array([0.5, 0.5, 0.2, 0.1])
    groups = report(clicked, probability, np.array(["a", "a", "b", "b"])).groups
    assert groups["a"].ratio == pytest.approx(1)
    assert groups["b"].ratio == pytest.approx(0.3)


def test_reliability_bins_hold_equally_many_rows() -> None:
    rows = [bin_[2] for bin_ in report(*made()).reliability]
    assert rows == [400] * 10


def test_rows_of_one_label_have_no_auc_and_no_normalised_entropy() -> None:
    found = report(np.zeros(5), np.full(5, 0.1))
    assert (found.auc, found.normalized_entropy, found.calibration) == (None, None, None)


def test_no_rows_at_all_are_reported_too() -> None:
    assert report(np.empty(0), np.empty(0)).rows == 0


def test_a_calibrated_model_passes_where_nothing_serves() -> None:
    verdict = gate(report(*made()), None, None)
    assert verdict.passed
    assert any("calibration" in reason for reason in verdict.reasons)


def test_a_model_that_predicts_a_fifth_too_much_is_refused_with_its_figure() -> None:
    verdict = gate(report(*made(20_000, bias=0.25)), None, None)
    assert not verdict.passed
    assert "outside" in verdict.reasons[0]


def test_a_model_that_knows_less_than_the_click_rate_is_refused() -> None:
    clicked, probability = made()
    shuffled = np.random.default_rng(1).permutation(probability)
    verdict = gate(report(clicked, shuffled), None, None)
    assert not verdict.passed
    assert "not below 1" in verdict.reasons[1]


def test_a_model_worse_than_the_serving_one_is_refused_with_both_figures() -> None:
    clicked, probability = made()
    blunt = report(clicked, (probability + clicked.mean()) / 2)
    sharp = report(clicked, probability)
    refused = gate(blunt, (blunt, sharp), None)
    assert not refused.passed
    assert f"{blunt.log_loss:.5f}" in refused.reasons[2]
    assert f"{sharp.log_loss:.5f}" in refused.reasons[2]
    assert gate(sharp, (sharp, blunt), None).passed


def test_a_model_equal_to_the_serving_one_is_not_better() -> None:
    same = report(*made())
    assert not gate(same, (same, same), None).passed


def test_few_clicks_widen_the_tolerance() -> None:
    assert tolerance(100_000) == 0.10
    assert tolerance(100) == pytest.approx(0.3)
