import lightgbm
import numpy as np
import pytest

from models.ctr.encoding import Vocabulary
from models.ctr.features import Half
from models.ctr.forest.compiled import ForestError, Member, compile_forest
from models.ctr.forest.model_text import ModelTextError, parse
from tests.models.ctr import woods

RNG = np.random.default_rng(7)
ROWS = woods.draw_rows(RNG, 2_000, [False, True, False])


def booster_text(**parameters: object) -> str:
    return woods.grow(RNG, ROWS, [1], {"cut": 0.0} | parameters).model_to_string()


TEXT = booster_text(num_leaves=8, rounds=3)


def test_a_tree_of_65_leaves_is_refused_by_name() -> None:
    with pytest.raises(ModelTextError, match="has 65 leaves; at most 64 are served"):
        parse(booster_text(num_leaves=65, rounds=1))


def test_a_tree_of_64_leaves_is_served() -> None:
    (tree,) = parse(booster_text(num_leaves=64, rounds=1)).trees
    assert len(tree.leaves) == 64


def test_several_classes_are_refused() -> None:
    labels = RNG.integers(0, 3, len(ROWS))
    parameters = {"objective": "multiclass", "num_class": 3, "verbosity": -1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(ROWS, labels, params=parameters), 1)
    with pytest.raises(ModelTextError, match="several classes"):
        parse(booster.model_to_string())


def test_a_random_forest_that_averages_is_refused() -> None:
    text = booster_text(boosting="rf", bagging_freq=1, bagging_fraction=0.5)
    with pytest.raises(ModelTextError, match="averages its trees"):
        parse(text)


def test_linear_leaves_are_refused() -> None:
    labels = (RNG.random(len(ROWS)) < 0.5).astype(float)
    parameters = {"objective": "binary", "linear_tree": True, "verbosity": -1}
    rows = np.nan_to_num(ROWS)
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, labels, params=parameters), 3)
    with pytest.raises(ModelTextError, match="linear leaves"):
        parse(booster.model_to_string())


def test_an_objective_without_probability_is_refused() -> None:
    with pytest.raises(ModelTextError, match="objective 'regression' has no probability"):
        parse(booster_text(objective="regression"))


def test_codes_that_only_pandas_knows_are_refused() -> None:
    text = TEXT.replace("pandas_categorical:null", 'pandas_categorical:[["a","b"]]')
    with pytest.raises(ModelTextError, match="pandas"):
        parse(text)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7])
def test_a_text_cut_short_is_refused(share: float) -> None:
    end = TEXT.index("end of trees")
    with pytest.raises(ModelTextError):
        parse(TEXT[: int(end * share)])


def test_a_text_that_lost_a_tree_is_refused() -> None:
    begin, end = TEXT.index("Tree=1"), TEXT.index("Tree=2")
    with pytest.raises(ModelTextError, match="trees are missing"):
        parse(TEXT[:begin] + TEXT[end:])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_child", "0 0 0 0 0 0 0"),
        ("right_child", "-1 -1 -1 -1 -1 -1 -1"),
        ("left_child", "1 2 3"),
        ("split_feature", "0 1 2 3 0 0 0"),
        ("leaf_value", "nan nan nan nan nan nan nan nan"),
        ("threshold", "x"),
        ("num_leaves", "many"),
        ("num_leaves", "0"),
        ("num_leaves", "-3"),
    ],
)
def test_a_damaged_tree_is_refused(field: str, value: str) -> None:
    lines = TEXT.split("\n")
    place = next(n for n, line in enumerate(lines) if line.startswith(f"{field}="))
    lines[place] = f"{field}={value}"
    with pytest.raises(ModelTextError):
        parse("\n".join(lines))


def test_a_model_without_boosters_is_refused() -> None:
    with pytest.raises(ForestError, match="without boosters"):
        compile_forest([], woods.schema_of([Half.AD]))


@pytest.mark.parametrize("slots", [(0, 1), (0, 1, 2, 3), (0, 1, 9), (0, 1, -1)])
def test_columns_that_do_not_fit_the_schema_are_refused(slots: tuple[int, ...]) -> None:
    with pytest.raises(ForestError):
        compile_forest([Member(TEXT, slots)], woods.schema_of([Half.AD] * 4))


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_refused(weight: float) -> None:
    with pytest.raises(ForestError, match="weight"):
        compile_forest([Member(TEXT, (0, 1, 2), {}, weight)], woods.schema_of([Half.AD] * 3))


def test_a_vocabulary_of_a_column_that_is_not_there_is_refused() -> None:
    member = Member(TEXT, (0, 1, 2), {3: Vocabulary(np.array([1.0]))})
    with pytest.raises(ForestError, match="vocabulary"):
        compile_forest([member], woods.schema_of([Half.AD] * 3))


def test_constant_trees_and_single_leaves_score_exactly() -> None:
    constant = np.zeros((50, 2))
    labels = (np.arange(50) % 5 == 0).astype(float)
    parameters = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(constant, labels, params=parameters), 3)
    forest = compile_forest(
        [Member(booster.model_to_string(), (0, 1))], woods.schema_of([Half.AD, Half.REQUEST])
    )
    rows = RNG.normal(size=(20, 2))
    assert np.abs(forest.raw(rows) - booster.predict(rows, raw_score=True)).max() <= 1e-12
