"""The logistic regression that every model is shown beside.

Categories become indicators, numbers twenty indicators of equally many rows each. It is only ever a
yardstick: it is fitted, measured and forgotten.

The one surprising fact: on large logs it reads a draw of the rows, because a yardstick must not
take longer than what it measures.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from models.ctr.dataset import Dataset
from models.ctr.encoding import Floats
from models.ctr.features import Kind

MAX_ROWS = 60_000
BINS = 20
LARGEST = 1e30
INVERSE_PENALTY = 0.1


@dataclass(frozen=True, slots=True)
class Baseline:
    """A fitted logistic regression over encoded rows."""

    model: Pipeline | DummyClassifier

    def probabilities(self, dataset: Dataset) -> Floats:
        """The probability of each row."""
        return np.asarray(self.model.predict_proba(_bounded(dataset.rows))[:, 1], np.float64)


def fit(dataset: Dataset, rng: np.random.Generator) -> Baseline:
    """Fits on at most `MAX_ROWS` rows. Histories that a file's rows lack are left out.

    Where they were all there was, the click rate alone is the yardstick.
    """
    if len(dataset) > MAX_ROWS:
        dataset = dataset.take(np.sort(rng.permutation(len(dataset))[:MAX_ROWS]))
    telling = _telling(dataset)
    if not telling:
        return Baseline(DummyClassifier(strategy="prior").fit(dataset.rows, dataset.clicked))
    hashed = (Kind.CATEGORY, Kind.MULTI_CATEGORY)
    kinds = dataset.schema.slot_kinds
    model = make_pipeline(
        ColumnTransformer(
            [
                ("categories", _indicators(), [s for s in telling if kinds[s] in hashed]),
                ("numbers", _bins(), [s for s in telling if kinds[s] not in hashed]),
            ],
            remainder="drop",
        ),
        LogisticRegression(C=INVERSE_PENALTY, solver="liblinear", random_state=0),
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Bins whose width are too small")  # equal values: one bin
        model.fit(_bounded(dataset.rows), dataset.clicked)
    return Baseline(model)


def _indicators() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2)


def _bins() -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="median"),
        KBinsDiscretizer(BINS, quantile_method="averaged_inverted_cdf", subsample=None),
    )


def _telling(dataset: Dataset) -> list[int]:
    """Slots that hold at least two different values."""
    rows = dataset.rows
    some = ~np.isnan(rows).all(axis=0)
    differ = np.nanmin(rows[:, some], axis=0) < np.nanmax(rows[:, some], axis=0)
    return [int(slot) for slot in np.flatnonzero(some)[differ]]


def _bounded(rows: Floats) -> Floats:
    """Infinite and absurd numbers as large ones, which scikit-learn takes."""
    return np.clip(rows, -LARGEST, LARGEST)
