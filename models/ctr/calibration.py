"""From a raw score to a probability: Platt's line or an isotonic staircase, both monotone.

Fitting lives here beside applying, because they must agree on the scale. No model is known here.

The one surprising fact: calibration takes the raw score (log-odds, before any sigmoid), and never
turns the order of two ads around.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GROUPS = 1_000
NEWTON_STEPS = 50
FLAT = 1e-12


class CalibrationError(ValueError):
    """Parameters that would turn an order around."""


def _none() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map from raw score to probability.

    With `knots` (rising raw scores) the probability is read off the line through
    (`knots`, `levels`), flat beyond its ends; without, it is sigmoid(slope x raw + intercept). The
    default is the plain sigmoid.

    Raises:
        CalibrationError: a slope or levels that fall, levels that are no probabilities.
    """

    slope: float = 1.0
    intercept: float = 0.0
    knots: Floats = field(default_factory=_none)
    levels: Floats = field(default_factory=_none)

    def __post_init__(self) -> None:
        """Refuses what is not monotone."""
        numbers = np.concatenate([self.knots, self.levels, [self.slope, self.intercept]])
        if self.slope < 0 or not np.all(np.isfinite(numbers)):
            raise CalibrationError("slope is negative or a parameter is not a number")
        if len(self.knots) != len(self.levels) or np.any(np.diff(self.knots) <= 0):
            raise CalibrationError("knots do not rise, or are not as many as levels")
        bounds = np.concatenate([[0.0], self.levels, [1.0]])
        if np.any(np.diff(bounds) < 0):
            raise CalibrationError("levels fall, or are not probabilities")

    def apply(self, raw: Floats) -> Floats:
        """The probability of each raw score."""
        if len(self.knots):
            return np.interp(raw, self.knots, self.levels)
        return sigmoid(self.slope * raw + self.intercept)


def sigmoid(scores: Floats) -> Floats:
    """1 / (1 + exp(-score)), without overflow."""
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1.0, small) / (1.0 + small)


def fit_platt(raw: Floats, clicked: Floats) -> Calibration:
    """Logistic regression on the raw score (Platt 1999), by Newton's method with halved steps.

    The mean of the fitted probabilities is the mean of `clicked`. Where the data would turn the
    order around, the slope is 0: everything has the mean. Where one class is absent, Platt's
    smoothed targets keep the line finite.
    """
    targets = _targets(clicked)
    centre, spread = float(np.mean(raw)), float(np.std(raw))
    line = np.array([_logit(float(np.mean(targets))), 0.0])
    if spread > FLAT * (1.0 + abs(centre)):
        line = _newton((raw - centre) / spread, targets, line)
        if line[1] > 0:
            slope = float(line[1]) / spread
            return Calibration(slope, float(line[0]) - slope * centre)
    return Calibration(0.0, _logit(float(np.mean(targets))))


def _targets(clicked: Floats) -> Floats:
    positives = float(np.sum(clicked))
    negatives = len(clicked) - positives
    if min(positives, negatives) >= 1:
        return clicked
    return np.where(clicked > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _logit(p: float) -> float:
    return float(np.log(p / (1.0 - p)))


def _newton(scores: Floats, targets: Floats, line: Floats) -> Floats:
    """(intercept, slope) of least log loss. Convex, so a step that does not help is too long."""
    features = np.stack([np.ones(len(scores)), scores])
    loss = _log_loss(line @ features, targets)
    for _ in range(NEWTON_STEPS):
        p = sigmoid(line @ features)
        bend = (features * np.maximum(p * (1.0 - p), FLAT)) @ features.T
        step = np.linalg.solve(bend + FLAT * np.eye(2), features @ (targets - p))
        better = _log_loss((line + step) @ features, targets)
        while not better <= loss and np.abs(step).max() > FLAT:
            step = step / 2.0
            better = _log_loss((line + step) @ features, targets)
        line, gained, loss = line + step, loss - better, better
        if gained <= FLAT * (1.0 + loss):
            break
    return line


def _log_loss(scores: Floats, targets: Floats) -> float:
    return float(np.sum(np.logaddexp(0.0, scores) - targets * scores))


def fit_isotonic(raw: Floats, clicked: Floats, groups: int = GROUPS) -> Calibration:
    """Isotonic regression by pooling adjacent violators, over at most `groups` equal-sized groups.

    A pool becomes one knot at its mean raw score; between knots the line is straight, so that
    scores inside a pool keep their order. Falls back to `fit_platt` where fewer than two pools are
    left.
    """
    order = np.argsort(raw, kind="stable")
    pools: list[tuple[float, float, float]] = []
    for part in np.array_split(order, min(groups, max(len(order), 1))):
        if not len(part):
            continue
        pools.append((float(len(part)), float(clicked[part].sum()), float(raw[part].sum())))
        while len(pools) > 1 and _falls(pools[-2], pools[-1]):
            last = pools.pop()
            pools[-1] = tuple(a + b for a, b in zip(pools[-1], last, strict=True))  # type: ignore[assignment]  # three and three
    rows, clicks, sums = np.array(pools).reshape(-1, 3).T
    knots, first = np.unique(sums / np.maximum(rows, 1), return_index=True)
    if len(knots) < 2:
        return fit_platt(raw, clicked)
    return Calibration(knots=knots, levels=np.maximum.accumulate((clicks / rows)[first]))


def _falls(before: tuple[float, float, float], after: tuple[float, float, float]) -> bool:
    return before[1] * after[0] >= after[1] * before[0]
