"""Random logs, schemas and boosters: everything LightGBM may put in a model we train."""

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.ctr.encoding import Vocabulary
from models.ctr.features import Feature, FeatureSchema, Half, Kind
from models.ctr.forest.compiled import Member

Floats = NDArray[np.float64]

STRANGE = (np.nan, 0.0, -0.0, 1e-36, -1e-36, 1e-35, -2e-35, 0.5, -0.5, -1.0, -7.0, 1e9, 3e9, 5e18)
STRANGER = (np.inf, -np.inf, 1e300, -1e300, 2.0**31, 2.0**31 - 1, 4.5, -0.999)


@dataclass(frozen=True)
class Wood:
    """Boosters over one schema, with the rows they grew on."""

    schema: FeatureSchema
    members: tuple[Member, ...]
    grown: Floats


def schema_of(halves: list[Half]) -> FeatureSchema:
    """Slots in the given halves (sorted by half, as schemas are)."""
    return FeatureSchema(
        tuple(Feature(f"f{place}", Kind.NUMBER, half) for place, half in enumerate(halves))
    )


def draw_rows(rng: np.random.Generator, rows: int, categorical: list[bool]) -> Floats:
    """Numbers (some of few values, some with zeros) and categories, with missing values."""
    columns = []
    for is_category in categorical:
        if is_category:
            column = rng.integers(-1, int(rng.integers(2, 60)), rows).astype(np.float64)
        else:
            column = rng.normal(size=rows) * 10.0 ** rng.integers(-3, 4)
            column = np.round(column, int(rng.integers(0, 4)))
        column[rng.random(rows) < rng.choice([0.0, 0.1, 0.5])] = np.nan
        column[rng.random(rows) < rng.choice([0.0, 0.3])] = 0.0
        columns.append(column)
    return np.stack(columns, axis=1)


def disturb(rng: np.random.Generator, rows: Floats) -> Floats:
    """The same with values that no training row had."""
    strange = rng.choice(np.array(STRANGE + STRANGER), rows.shape)
    return np.where(rng.random(rows.shape) < 0.15, strange, rows)


def grow(
    rng: np.random.Generator, rows: Floats, categorical: list[int], parameters: dict[str, Any]
) -> lightgbm.Booster:
    """A booster on random labels: clicked above `cut` (or a random one), rows matter a little.

    Or on `labels` that are given.
    """
    told = np.nan_to_num(rows, nan=-1.0)
    lean = np.sin(told * rng.normal(size=rows.shape[1])).sum(axis=1)
    cut = parameters.get("cut", rng.choice([-99.0, 0.0, 1.5]))
    clicked = (lean + rng.normal(size=len(rows)) > cut).astype(float)
    plain = {
        "objective": "binary",
        "min_data_in_leaf": 1,
        "min_data_per_group": 1,
        "cat_smooth": 0.1,
        "cat_l2": 0.0,
        "max_cat_to_onehot": 2,
        "num_threads": 1,
        "deterministic": True,
        "verbosity": -1,
    }
    merged = plain | parameters
    rounds = merged.pop("rounds", 12)
    clicked = merged.pop("labels", clicked)
    merged.pop("cut", None)
    data = lightgbm.Dataset(rows, clicked, categorical_feature=categorical, params=merged)
    return lightgbm.train(merged, data, rounds)


parameters = st.fixed_dictionaries(
    {
        "num_leaves": st.sampled_from([2, 3, 8, 31, 63, 64]),
        "rounds": st.sampled_from([1, 2, 7, 20]),
        "use_missing": st.booleans(),
        "zero_as_missing": st.booleans(),
        "sigmoid": st.sampled_from([0.5, 1.0, 2.5]),
        "boost_from_average": st.booleans(),
        "max_bin": st.sampled_from([3, 15, 255]),
        "objective": st.sampled_from(["binary", "binary", "cross_entropy"]),
        "boosting": st.sampled_from(["gbdt", "gbdt", "dart", "goss"]),
        "learning_rate": st.sampled_from([0.05, 0.3]),
        "feature_fraction": st.sampled_from([0.5, 1.0]),
    }
)


@st.composite
def woods(draw: st.DrawFn, least_pair: int = 0) -> Wood:
    """One to three boosters over a random schema; some columns read through vocabularies."""
    halves = draw(st.lists(st.sampled_from(list(Half)), min_size=1, max_size=8))
    halves += [Half.PAIR] * least_pair
    schema = schema_of(halves)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    categorical = draw(st.lists(st.booleans(), min_size=len(halves), max_size=len(halves)))
    rows = draw_rows(rng, draw(st.sampled_from([40, 300, 700])), categorical)
    members = []
    for _ in range(draw(st.integers(1, 3))):
        slots = tuple(
            draw(st.lists(st.integers(0, len(halves) - 1), min_size=1, max_size=8, unique=True))
        )
        own = [place for place, slot in enumerate(slots) if categorical[slot]]
        coded = [place for place in range(len(slots)) if draw(st.integers(0, 3)) == 0]
        vocabularies = {j: Vocabulary.of(rows[:, slots[j]], draw(st.integers(1, 9))) for j in coded}
        columns = as_columns(rows, slots, vocabularies)
        booster = grow(rng, columns, own, draw(parameters))
        weight = draw(st.sampled_from([1.0, 0.5, -2.0]))
        members.append(Member(booster.model_to_string(), slots, vocabularies, weight))
    return Wood(schema, tuple(members), rows)


def as_columns(rows: Floats, slots: tuple[int, ...], vocabularies: dict[int, Vocabulary]) -> Floats:
    """What a booster is given."""
    columns = rows[:, list(slots)]
    for place, vocabulary in vocabularies.items():
        columns[:, place] = vocabulary.codes(columns[:, place])
    return columns


def by_lightgbm(wood: Wood, rows: Floats) -> Floats:
    """The weighted sum of raw scores, in the first booster's scale: the oracle."""
    boosters = [lightgbm.Booster(model_str=member.text) for member in wood.members]
    sigmoids = [sigmoid_of(member.text) for member in wood.members]
    total = np.zeros(len(rows))
    for member, booster, sigmoid in zip(wood.members, boosters, sigmoids, strict=True):
        columns = as_columns(rows, member.slots, dict(member.vocabularies))
        raw = np.asarray(booster.predict(columns, raw_score=True, num_threads=1))
        total += member.weight * sigmoid / sigmoids[0] * raw
    return total


def sigmoid_of(text: str) -> float:
    """The sigmoid parameter in a model's text, 1 where there is none."""
    _, found, rest = text.partition("objective=binary sigmoid:")
    return float(rest.split()[0]) if found else 1.0
