"""A model on trial: learned from the earlier rows, judged by the later ones, then made final.

Beside it stand the logistic regression and the model that serves now. How figures are made and what
the gate demands is `evaluation`.

The one surprising fact: on small logs the published model is not the one that was judged, but its
twin that has also learned from the judging rows. Small logs need every row; on large ones the later
fifth changes little and costs as much again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from models.ctr import baseline
from models.ctr.artifact import Artifact
from models.ctr.dataset import (
    MIN_EACH,
    Dataset,
    folds,
    is_by_time,
    require_learnable,
    split,
)
from models.ctr.ensemble import raw_scores, trees
from models.ctr.evaluation import Report, Verdict, gate, report
from models.ctr.out_of_fold import fill_past
from models.ctr.training import Learned, Recipe, learn

Stages = Callable[[str, float], None]
"""Told the name of the stage and how much of it is done, 0 to 1."""

RELEARN_ROWS = 200_000
KNOWN_ROWS = 64


@dataclass(frozen=True, slots=True)
class Trial:
    """What was learned and how it did.

    `judged` is the model whose figures these are, `final` the one to publish. `serving` holds the
    reports of candidate and serving model on the rows that neither has seen, None without any.
    """

    judged: Learned
    final: Learned
    report: Report
    baseline: Report
    serving: tuple[Report, Report] | None
    verdict: Verdict
    learned_rows: int
    by_time: bool
    trained_until_ms: int | None


def hold(
    dataset: Dataset,
    serving: Artifact | None,
    source: str,
    told: Stages = lambda _stage, _done: None,
    seed: int = 0,
    threads: int = 0,
) -> Trial:
    """Learns, judges, compares, and learns again from all rows where they are few.

    Args:
        dataset: all rows.
        serving: the model in force, if there is one.
        source: what the rows are (a digest of the file); a model from the same rows has seen them.
        told: progress.
        seed: of every draw.
        threads: 0 for all cores.

    Raises:
        DatasetError: labels that nothing can be learned from.
    """
    require_learnable(dataset)
    learn_rows, judge_rows = split(dataset)
    earlier, later = dataset.take(learn_rows), dataset.take(judge_rows)
    recipe = Recipe.for_rows(len(earlier), threads)
    judged = learn(earlier, seed, recipe, partial(told, "learning"))
    told("judging", 0.0)
    figures = report(later.clicked, judged.probabilities(later), later.groups)
    told("judging", 0.5)
    plain = baseline.fit(earlier, np.random.default_rng(seed)).probabilities(later)
    beside = report(later.clicked, plain)
    compared = _against(judged, serving, later, source)
    told("judging", 1.0)
    verdict = gate(figures, compared, beside)
    relearn = verdict.passed and len(dataset) <= RELEARN_ROWS
    by_time = is_by_time(dataset, learn_rows, judge_rows)
    return Trial(
        judged=judged,
        final=_again(dataset, told, seed, threads) if relearn else judged,
        report=figures,
        baseline=beside,
        serving=compared,
        verdict=verdict,
        learned_rows=len(earlier),
        by_time=by_time,
        trained_until_ms=_until(dataset if relearn or not by_time else earlier),
    )


def to_artifact(
    trial: Trial, dataset: Dataset, version: str, source: str, documents: dict[str, bytes]
) -> Artifact:
    """The final model as files, with rows whose scores a loader checks."""
    final = trial.final
    draw = np.random.default_rng(0).permutation(len(dataset))[:KNOWN_ROWS]
    rows = final.rows(dataset.take(np.sort(draw)))
    return Artifact(
        version=version,
        schema=final.schema,
        members=final.members,
        calibration=final.calibration,
        known_rows=rows,
        known_scores=raw_scores(final.members, rows),
        histories=final.histories,
        metrics=figures_of(trial, source),
        documents=documents,
    )


def figures_of(trial: Trial, source: str) -> dict[str, Any]:
    """Everything measured, as plain values."""
    serving = trial.serving
    return {
        "source": source,
        "trained_until_ms": trial.trained_until_ms,
        "split": "time" if trial.by_time else "hash",
        "learned_rows": trial.learned_rows,
        "trees": trees(trial.final.members),
        "candidate": trial.report.as_json(),
        "logistic_regression": trial.baseline.as_json(),
        "serving": serving[1].as_json() if serving else None,
        "candidate_on_rows_new_to_serving": serving[0].as_json() if serving else None,
        "passed": trial.verdict.passed,
        "reasons": list(trial.verdict.reasons),
    }


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold's figures: of the model, of the logistic regression, and the model's trees."""

    model: Report
    baseline: Report
    trees: int


def cross_validate(
    dataset: Dataset,
    name: str,
    count: int,
    told: Stages = lambda _stage, _done: None,
    threads: int = 0,
) -> Iterator[Fold]:
    """Learns from all folds but one and judges by that one, for each.

    Row i is in fold crc32("name:i") modulo `count`. Where rows have times, every row's history is
    counted from learning rows before it.

    Raises:
        DatasetError: labels that nothing can be learned from.
    """
    require_learnable(dataset)
    fold = folds(name, len(dataset), count)
    for number in range(count):
        lends = fold != number
        data = fill_past(dataset, lends) if dataset.times_ms is not None else dataset
        rest, mine = data.take(np.flatnonzero(lends)), data.take(np.flatnonzero(~lends))
        recipe = Recipe.for_rows(len(rest), threads)
        learned = learn(rest, number, recipe, partial(told, f"fold {number + 1} of {count}"))
        plain = baseline.fit(rest, np.random.default_rng(number))
        yield Fold(
            report(mine.clicked, learned.probabilities(mine)),
            report(mine.clicked, plain.probabilities(mine)),
            trees(learned.members),
        )


def _again(dataset: Dataset, told: Stages, seed: int, threads: int) -> Learned:
    recipe = Recipe.for_rows(len(dataset), threads)
    return learn(dataset, seed, recipe, partial(told, "learning from all rows"))


def _against(
    judged: Learned, serving: Artifact | None, later: Dataset, source: str
) -> tuple[Report, Report] | None:
    """Both models on the judging rows that are new to the serving one; None where they are few."""
    if serving is None or serving.schema.hash != later.schema.hash:
        return None
    if later.times_ms is not None:
        until = serving.metrics.get("trained_until_ms")
        new = later.times_ms > (until or 0)
    else:
        new = np.full(len(later), serving.metrics.get("source") != source)
    fresh = later.take(np.flatnonzero(new))
    if fresh.clicked.sum() < MIN_EACH:
        return None
    models = (judged, Learned.of(serving))
    mine, theirs = (report(fresh.clicked, model.probabilities(fresh)) for model in models)
    return mine, theirs


def _until(dataset: Dataset) -> int | None:
    return None if dataset.times_ms is None else int(dataset.times_ms.max())
