"""How good probabilities are, and when a new model may serve.

Area under the curve, log loss, normalised entropy, calibration overall and per group, the
reliability curve, and the gate. Nothing here knows what made the probabilities.

The one surprising fact: a calibration demand has to know its luck. With 100 clicks the ratio of
predicted to observed clicks strays by 10 % when the model is perfect, so the gate's tolerance
widens where clicks are few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ctr.encoding import Floats

CALIBRATION_TOLERANCE = 0.10
LUCK = 3.0
"""Standard deviations of a Poisson count that are put down to luck."""

BINS = 10
SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Predicted and observed clicks of a group of rows."""

    rows: int
    clicks: float
    predicted: float

    @property
    def ratio(self) -> float | None:
        """Predicted / observed; None where nothing was clicked."""
        return self.predicted / self.clicks if self.clicks else None


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of one model on one set of rows.

    `auc` and `normalized_entropy` are None where the rows hold one label only. `log_loss` is in
    nats a row; `normalized_entropy` is the log loss over that of knowing the rows' click rate (1:
    knows nothing more; lower is better). `reliability` has (mean predicted, observed rate, rows) in
    bins of equally many rows.
    """

    rows: int
    clicks: int
    auc: float | None
    log_loss: float
    normalized_entropy: float | None
    calibration: float | None
    groups: Mapping[str, Calibrated] = field(default_factory=dict)
    reliability: tuple[tuple[float, float, int], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        plain = asdict(self)
        plain["groups"] = {
            name: {"rows": g.rows, "clicks": g.clicks, "calibration": g.ratio}
            for name, g in self.groups.items()
        }
        return plain


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a model may serve, and why (every reason, those that let it pass included)."""

    passed: bool
    reasons: tuple[str, ...]


def report(clicked: Floats, probability: Floats, groups: NDArray[np.str_] | None = None) -> Report:
    """Measures probabilities against what happened.

    Args:
        clicked: 0.0 or 1.0, one a row.
        probability: in 0..1, one a row.
        groups: what calibration is reported by; empty or None for nothing.
    """
    clicks = float(clicked.sum())
    loss = log_loss(clicked, probability)
    chance = entropy(clicks / max(len(clicked), 1))
    return Report(
        rows=len(clicked),
        clicks=int(clicks),
        auc=auc(clicked, probability),
        log_loss=loss,
        normalized_entropy=loss / chance if chance else None,
        calibration=float(probability.sum()) / clicks if clicks else None,
        groups=_by_group(clicked, probability, groups),
        reliability=_reliability(clicked, probability),
    )


def auc(clicked: Floats, score: Floats) -> float | None:
    """How often a clicked row is scored above one that was not; ties count half."""
    positives = float(clicked.sum())
    negatives = len(clicked) - positives
    if not positives or not negatives:
        return None
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[place]
    above = float(ranks[clicked > 0].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def log_loss(clicked: Floats, probability: Floats) -> float:
    """Mean negative log likelihood in nats."""
    if not len(clicked):
        return 0.0
    p = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return float(-np.mean(np.where(clicked > 0, np.log(p), np.log1p(-p))))


def entropy(rate: float) -> float:
    """The log loss of always saying `rate` where it is the truth."""
    if not 0 < rate < 1:
        return 0.0
    return float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))


def gate(
    candidate: Report, against: tuple[Report, Report] | None, baseline: Report | None
) -> Verdict:
    """Whether the candidate may take the place of what serves.

    It must be calibrated, know more than the click rate, and have a lower log loss than the serving
    model on rows that neither has learned from. A logistic regression that is better is mentioned,
    not held against it: it could not serve.

    Args:
        candidate: on all judging rows.
        against: candidate and serving model on the rows that are new to both; None where nothing
            serves, or too little is new.
        baseline: the logistic regression on all judging rows.
    """
    checks = [_calibrated(candidate), _knows(candidate)]
    if against is not None:
        checks.append(_better(*against))
    reasons = [text for _, text in checks]
    if baseline is not None:
        reasons.append(f"logistic regression has log loss {baseline.log_loss:.5f}")
    return Verdict(all(passed for passed, _ in checks), tuple(reasons))


def tolerance(clicks: float) -> float:
    """How far from 1 a calibration ratio may be, seen on this many clicks."""
    return max(CALIBRATION_TOLERANCE, LUCK / float(np.sqrt(max(clicks, 1.0))))


def _calibrated(candidate: Report) -> tuple[bool, str]:
    ratio, allowed = candidate.calibration, tolerance(candidate.clicks)
    if ratio is None:
        return False, "nothing was clicked in the judging rows, so calibration is not known"
    within = abs(ratio - 1) <= allowed
    word = "within" if within else "outside"
    least = max(1 - allowed, 0.0)
    return within, f"calibration {ratio:.3f} is {word} {least:.2f}..{1 + allowed:.2f}"


def _knows(candidate: Report) -> tuple[bool, str]:
    found = candidate.normalized_entropy
    knows = found is not None and found < 1
    word = "below" if knows else "not below"
    return (
        knows,
        f"normalised entropy {found or float('nan'):.4f} is {word} 1, the click rate alone",
    )


def _better(candidate: Report, serving: Report) -> tuple[bool, str]:
    better = candidate.log_loss < serving.log_loss
    word = "below" if better else "not below"
    return better, (
        f"log loss {candidate.log_loss:.5f} is {word} the serving model's {serving.log_loss:.5f} "
        f"on the same {serving.rows:,} rows"
    )


def _by_group(
    clicked: Floats, probability: Floats, groups: NDArray[np.str_] | None
) -> dict[str, Calibrated]:
    if groups is None or not len(groups):
        return {}
    names, place, rows = np.unique(groups, return_inverse=True, return_counts=True)
    clicks = np.bincount(place, clicked)
    predicted = np.bincount(place, probability)
    cells: Sequence[tuple[Any, ...]] = list(zip(names, rows, clicks, predicted, strict=True))
    return {str(name): Calibrated(int(n), float(c), float(p)) for name, n, c, p in cells}


def _reliability(clicked: Floats, probability: Floats) -> tuple[tuple[float, float, int], ...]:
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return tuple(
        (float(probability[part].mean()), float(clicked[part].mean()), len(part)) for part in parts
    )
