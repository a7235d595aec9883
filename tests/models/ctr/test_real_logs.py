"""The forest on models of real logs. The logs lie beside the checkout; where they do not, nothing
is asked of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from adserver import datafiles
from models.ctr.encoding import Dictionary, Floats, Vocabulary, encode_table
from models.ctr.features import Feature, FeatureSchema, Half, Kind
from models.ctr.forest.compiled import Member, compile_forest
from tests.models.ctr import woods

LOGS = Path(__file__).parents[3].parent / "shared" / "data" / "ctr"
LABELS = ("click", "Class")
ROWS = 20_000


def logs() -> list[Path]:
    found = sorted(LOGS.rglob("*.csv.gz"))
    return [path for path in found if not path.name.endswith("item_context.csv.gz")]


def label_of(table: datafiles.Table) -> tuple[str, Floats]:
    name = next(label for label in LABELS if label in table.columns)
    values = encode_table(FeatureSchema((Feature(name, Kind.NUMBER),)), table.columns)[:, 0]
    return name, (values == values.max()).astype(np.float64)


@pytest.mark.parametrize("path", logs() or [None], ids=lambda path: path and path.name)
def test_a_model_of_a_real_log_scores_as_lightgbm_does(
    path: Path | None, record_property: Callable[[str, object], None]
) -> None:
    if path is None:
        record_property("note", f"no logs in {LOGS}: nothing was compared")
        return
    table = datafiles.read(path)
    label, clicked = label_of(table)
    features = [
        Feature(name, kind_of(column), list(Half)[place % 3])
        for place, (name, column) in enumerate(table.columns.items())
        if name not in ("", label)
    ]
    schema = FeatureSchema(tuple(features))
    rows = encode_table(schema, table.columns)[:ROWS]
    vocabularies = {
        slot: Vocabulary.of(rows[:, slot], 5)
        for slot, kind in enumerate(schema.slot_kinds)
        if kind is Kind.CATEGORY
    }
    slots = tuple(range(len(schema.slots)))
    columns = woods.as_columns(rows, slots, vocabularies)
    parameters = {"num_leaves": 63, "rounds": 40, "labels": clicked[:ROWS]}
    booster = woods.grow(np.random.default_rng(1), columns, list(vocabularies), parameters)
    wood = woods.Wood(schema, (Member(booster.model_to_string(), slots, vocabularies),), rows)
    forest = compile_forest(wood.members, schema)
    for asked in (rows, woods.disturb(np.random.default_rng(2), rows)):
        assert np.abs(forest.raw(asked) - woods.by_lightgbm(wood, asked)).max() <= 1e-9


def kind_of(column: object) -> Kind:
    """A number where every value is one and there are many; else a category."""
    assert isinstance(column, Dictionary)
    told = encode_table(FeatureSchema((Feature("x", Kind.NUMBER),)), {"x": list(column.values)})
    few = len(column.values) < 20
    return Kind.CATEGORY if few or np.isnan(told).any() else Kind.NUMBER
