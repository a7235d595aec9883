"""How the click model is learned: one recipe for every log, without settings to tune.

A few boosters, each grown on a part of the rows and stopped by the rest; the mean of their raw
scores, calibrated on the scores of rows that the booster in question has not grown on. What rows
are is `dataset`; whether the result may serve is `evaluation`.

The one surprising fact: several small boosters, each stopped by its own part of the rows, know more
than one large one of as many trees. A booster stopped by the latest rows alone knew least: it took
every change of the traffic for a reason to stop.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import lightgbm
import numpy as np

from models.ctr.artifact import Artifact
from models.ctr.calibration import Calibration, fit_platt
from models.ctr.dataset import Dataset, DatasetError, Indices, require_learnable
from models.ctr.encoding import Floats, HistoryTable, Vocabulary
from models.ctr.ensemble import columns_of, raw_scores
from models.ctr.features import FeatureSchema, Kind
from models.ctr.forest.compiled import Member
from models.ctr.out_of_fold import STRENGTH, fill_elsewhere, fill_past

Progress = Callable[[float], None]
"""Told how much of the learning is done, 0 to 1."""

INNER_FOLDS = 4
PATIENCE = 30
FEWEST_PARTS = 5
"""A booster is stopped by a fifth of the rows at most."""

MOST_ROWS = 150_000
"""A booster grows on no more rows than this, unless more than half as many are clicked."""

MOST_STOP_ROWS = 80_000

ROWS_PER_CATEGORY, CATEGORY_ROWS = 250, (10, 100)
"""A value is a category of its own from a 250th of the rows on, 10 rows at least, 100 at most.
Rarer ones share one, and are told apart by their histories."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How many boosters, how long at most, how fine. `threads` 0: all cores."""

    members: int = 5
    rounds: int = 120
    leaves: int = 24
    learning_rate: float = 0.1
    threads: int = 0

    @staticmethod
    def for_rows(rows: int, threads: int = 0) -> "Recipe":
        """The recipe for a log of this many rows; at most 600 trees, 200 where rows are many.

        Small logs are learned in one thread unless told otherwise: more would only wait.
        """
        if rows < 200_000:
            return Recipe(threads=threads or (1 if rows < 60_000 else 0))
        return Recipe(members=2, rounds=100, leaves=31, threads=threads)

    def parameters(self, seed: int) -> dict[str, Any]:
        """LightGBM's parameters. Values beside its defaults were chosen on real logs in folds."""
        return {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": 20,
            "feature_fraction_bynode": 0.6,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "lambda_l2": 5.0,
            "cat_smooth": 10.0,
            "cat_l2": 10.0,
            "max_bin": 127,
            "max_cat_threshold": 6,
            "num_threads": self.threads,
            "deterministic": True,
            "force_col_wise": True,
            "seed": seed,
            "verbosity": -1,
        }


@dataclass(frozen=True, slots=True)
class Learned:
    """A model that has not been judged yet.

    `histories` are the tables by which rows of a file are looked up from now on.
    """

    schema: FeatureSchema
    members: tuple[Member, ...]
    calibration: Calibration
    histories: Mapping[str, HistoryTable] = field(default_factory=dict)

    @staticmethod
    def of(artifact: Artifact) -> "Learned":
        """What a model file holds, to be asked about files of rows."""
        return Learned(artifact.schema, artifact.members, artifact.calibration, artifact.histories)

    def raw(self, dataset: Dataset) -> Floats:
        """Raw scores, before calibration."""
        return raw_scores(self.members, self.rows(dataset))

    def probabilities(self, dataset: Dataset) -> Floats:
        """The calibrated click probability of each row."""
        return self.calibration.apply(self.raw(dataset))

    def rows(self, dataset: Dataset) -> Floats:
        """The rows with every history that is counted here looked up."""
        if not dataset.keys:
            return dataset.rows
        rows = dataset.rows.copy()
        for name, keys in dataset.keys.items():
            rows[:, self.schema.slot_of[name]] = np.stack(self.histories[name].lookup(keys), axis=1)
        return rows


def learn(
    dataset: Dataset,
    seed: int = 0,
    recipe: Recipe | None = None,
    progress: Progress = lambda _done: None,
) -> Learned:
    """Learns from all rows of the dataset.

    Raises:
        DatasetError: too few labels of one kind, or no feature that differs between rows.
    """
    require_learnable(dataset)
    recipe = recipe or Recipe.for_rows(len(dataset))
    tables = {
        name: HistoryTable.counted(keys, dataset.clicked, STRENGTH)
        for name, keys in dataset.keys.items()
    }
    if dataset.times_ms is not None:
        dataset = fill_past(dataset, np.ones(len(dataset), np.bool_))
    rng = np.random.default_rng(seed)
    slots = _telling_slots(dataset)
    grower = _Grower(dataset, slots, _vocabularies(dataset, slots), recipe)
    members, raw, scored = [], [], []
    for number, (grow, stop) in enumerate(_parts(dataset, recipe.members, rng)):
        member, scores = _member(
            grower,
            (grow, stop),
            rng,
            partial(_share, progress, number, recipe.members),
        )
        members.append(member)
        raw.append(scores)
        scored.append(dataset.clicked[stop])
    progress(1.0)
    calibration = fit_platt(np.concatenate(raw), np.concatenate(scored))
    return Learned(dataset.schema, tuple(members), calibration, tables)


def _share(progress: Progress, number: int, members: int, done: float) -> None:
    progress((number + done) / members)


@dataclass(frozen=True, slots=True)
class _Grower:
    dataset: Dataset
    slots: Sequence[int]
    vocabularies: Mapping[int, Vocabulary]
    recipe: Recipe


def _member(
    grower: _Grower, parts: tuple[Indices, Indices], rng: np.random.Generator, progress: Progress
) -> tuple[Member, Floats]:
    """One booster grown on `parts[0]` and stopped by `parts[1]`, whose raw scores it answers."""
    grow, stop = parts
    clicked, recipe = grower.dataset.clicked, grower.recipe
    fold = np.full(len(clicked), -1)
    fold[grow] = rng.permutation(len(grow)) % INNER_FOLDS
    rows = fill_elsewhere(grower.dataset, fold, INNER_FOLDS)
    grow, weights = _thinned(clicked, grow, rng)
    parameters = recipe.parameters(int(rng.integers(1 << 31)))
    growing = lightgbm.Dataset(
        columns_of(rows[grow], grower.slots, grower.vocabularies),
        clicked[grow],
        weight=weights,
        categorical_feature=list(grower.vocabularies),
        params=parameters,
    )
    seen = columns_of(rows[stop], grower.slots, grower.vocabularies)
    stopping = lightgbm.Dataset(seen, clicked[stop], reference=growing)
    booster = lightgbm.train(
        parameters,
        growing,
        recipe.rounds,
        valid_sets=[stopping],
        callbacks=[
            lightgbm.early_stopping(PATIENCE, verbose=False),
            lambda round_: progress((round_.iteration + 1) / recipe.rounds),
        ],
    )
    text = booster.model_to_string(num_iteration=booster.best_iteration)
    raw = np.asarray(booster.predict(seen, raw_score=True, num_threads=recipe.threads))
    weight = 1.0 / recipe.members
    return Member(text, tuple(grower.slots), dict(grower.vocabularies), weight), raw


def _thinned(
    clicked: Floats, rows: Indices, rng: np.random.Generator
) -> tuple[Indices, Floats | None]:
    """Of many rows, all clicked ones and a draw of the others, each of which then weighs more.

    Weighed like this the loss, and so the probability, is what it would be with all rows.
    """
    others = rows[clicked[rows] <= 0]
    clicks = len(rows) - len(others)
    kept = max(MOST_ROWS - clicks, clicks)
    if len(rows) <= MOST_ROWS or kept >= len(others):
        return rows, None
    drawn = rng.choice(others, kept, replace=False)
    thinned = np.sort(np.concatenate([rows[clicked[rows] > 0], drawn]))
    return thinned, np.where(clicked[thinned] > 0, 1.0, len(others) / kept)


def _parts(
    dataset: Dataset, members: int, rng: np.random.Generator
) -> Iterator[tuple[Indices, Indices]]:
    """(rows to grow on, rows to stop by) for each booster; every part gets its share of clicks."""
    order = rng.permutation(len(dataset))
    part = np.empty(len(dataset), np.int64)
    for label in (0.0, 1.0):
        mine = order[dataset.clicked[order] == label]
        part[mine] = np.arange(len(mine)) % max(members, FEWEST_PARTS)
    for number in range(members):
        stop = np.flatnonzero(part == number)
        if len(stop) > MOST_STOP_ROWS:
            stop = np.sort(rng.choice(stop, MOST_STOP_ROWS, replace=False))
        yield np.flatnonzero(part != number), stop


def _telling_slots(dataset: Dataset) -> list[int]:
    """The slots that differ between rows, and those whose histories are yet to be counted."""
    counted = {slot for name in dataset.keys for slot in _range(dataset.schema.slot_of[name])}
    first = dataset.rows[0]
    same = (dataset.rows == first) | (np.isnan(dataset.rows) & np.isnan(first))
    differing = np.flatnonzero(~same.all(axis=0)).tolist()
    if not counted and not differing:
        raise DatasetError(
            "every feature holds one and the same value in all rows: there is nothing to tell rows "
            "apart by. Name more columns in the schema."
        )
    return sorted(counted.union(differing))


def _range(slots: slice) -> range:
    return range(slots.start, slots.stop)


def _vocabularies(dataset: Dataset, slots: Sequence[int]) -> dict[int, Vocabulary]:
    """By column: the values of each category that are frequent enough to be told apart."""
    least = int(np.clip(len(dataset) / ROWS_PER_CATEGORY, *CATEGORY_ROWS))
    return {
        column: Vocabulary.of(dataset.rows[:, slot], least)
        for column, slot in enumerate(slots)
        if dataset.schema.slot_kinds[slot] in (Kind.CATEGORY, Kind.MULTI_CATEGORY)
    }
