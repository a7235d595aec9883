"""Made-up logs with a known truth, for the tests of what learns."""

import numpy as np

from models.ctr.dataset import Dataset, from_columns, with_histories
from models.ctr.encoding import Floats
from models.ctr.features import Feature, FeatureSchema, Kind


def log(rows: int = 3_000, *, values: int = 40, timed: bool = False, seed: int = 0) -> Dataset:
    """A number and a category that matter, an id that does not; about a fifth is clicked."""
    rng = np.random.default_rng(seed)
    number, category = rng.normal(size=rows), rng.integers(0, values, rows)
    taste = np.random.default_rng(1).normal(0, 1, values)
    clicked = rng.random(rows) < 1 / (1 + np.exp(1.5 - number - taste[category]))
    columns = {
        "number": number,
        "category": category,
        "id": rng.integers(0, 10**6, rows),
        "constant": np.ones(rows),
    }
    kinds = {"number": Kind.NUMBER, "constant": Kind.NUMBER}
    features = tuple(Feature(name, kinds.get(name, Kind.CATEGORY)) for name in columns)
    schema = with_histories(FeatureSchema(features), {"category": values, "id": rows})
    times = np.arange(rows, dtype=np.int64) * 1_000 if timed else None
    groups = np.array(["left", "right"])[np.arange(rows) % 2]
    return from_columns(schema, columns, clicked.astype(np.float64), times, groups)


def relabelled(dataset: Dataset, clicked: Floats) -> Dataset:
    """The same rows with other labels."""
    return Dataset(
        dataset.schema, dataset.rows, clicked, dataset.times_ms, dataset.groups, dataset.keys
    )
