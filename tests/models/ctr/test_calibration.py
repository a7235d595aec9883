import numpy as np
import pytest
from hypothesis import given, strategies as st

from models.ctr.calibration import (
    Calibration,
    CalibrationError,
    fit_isotonic,
    fit_platt,
    sigmoid,
)

RNG = np.random.default_rng(3)

logs = (
    st.integers(0, 2**32 - 1)
    .map(np.random.default_rng)
    .map(
        lambda rng: (
            (raw := rng.normal(size=int(rng.integers(1, 400))) * rng.choice([0.0, 0.1, 1.0, 30.0])),
            (rng.random(len(raw)) < sigmoid(raw * rng.choice([-1.0, 0.0, 0.5, 2.0]) - 1)).astype(
                float
            ),
        )
    )
)


@given(logs)
def test_no_calibration_ever_turns_two_scores_around(
    log: tuple[np.ndarray, np.ndarray],
) -> None:
    raw, clicked = log
    asked = np.sort(np.concatenate([raw, [-1e9, -50.0, 0.0, 50.0, 1e9]]))
    for calibration in (fit_platt(raw, clicked), fit_isotonic(raw, clicked, 20)):
        probabilities = calibration.apply(asked)
        assert (np.diff(probabilities) >= 0).all()
        assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_platt_finds_the_line_that_made_the_clicks() -> None:
    raw = RNG.normal(size=200_000)
    clicked = (RNG.random(len(raw)) < sigmoid(0.6 * raw - 2)).astype(float)
    found = fit_platt(raw, clicked)
    assert (found.slope, found.intercept) == pytest.approx((0.6, -2.0), abs=0.03)
    assert found.apply(raw).mean() == pytest.approx(clicked.mean(), rel=1e-6)


def test_platt_converges_from_far_away() -> None:
    raw = RNG.normal(size=20_000) * 8 + 15
    clicked = (RNG.random(len(raw)) < 0.003).astype(float)
    assert fit_platt(raw, clicked).apply(raw).mean() == pytest.approx(clicked.mean(), rel=1e-4)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_log_of_one_class_stays_short_of_certainty(label: float) -> None:
    p = fit_platt(np.linspace(-3, 3, 100), np.full(100, label)).apply(np.array([0.0]))[0]
    assert 0.0 < p < 1.0
    assert abs(p - label) < 0.05


def test_scores_that_lie_are_levelled_not_turned_around() -> None:
    raw = RNG.normal(size=5_000)
    clicked = (raw < 0).astype(float)
    p = fit_platt(raw, clicked).apply(np.array([-2.0, 2.0]))
    assert p[0] <= p[1]
    assert p == pytest.approx([clicked.mean()] * 2)


def test_isotonic_keeps_the_mean_of_its_pools() -> None:
    raw = RNG.normal(size=50_000)
    clicked = (RNG.random(len(raw)) < np.where(raw > 0.5, 0.3, 0.05)).astype(float)
    found = fit_isotonic(raw, clicked)
    assert found.apply(raw).mean() == pytest.approx(clicked.mean(), rel=0.02)
    low, high = found.apply(np.array([-1.0, 1.5]))
    assert (low, high) == pytest.approx((0.05, 0.3), abs=0.02)


@pytest.mark.parametrize(
    "parameters",
    [
        {"slope": -1.0},
        {"slope": float("nan")},
        {"knots": np.array([0.0, 0.0]), "levels": np.array([0.1, 0.2])},
        {"knots": np.array([0.0, 1.0]), "levels": np.array([0.2, 0.1])},
        {"knots": np.array([0.0, 1.0]), "levels": np.array([0.2, 1.1])},
        {"knots": np.array([0.0]), "levels": np.array([0.2, 0.3])},
        {"knots": np.array([0.0, np.inf]), "levels": np.array([0.2, 0.3])},
    ],
)
def test_parameters_that_are_not_monotone_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(CalibrationError):
        Calibration(**parameters)  # type: ignore[arg-type]


def test_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
