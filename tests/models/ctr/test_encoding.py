import os
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from models.ctr.encoding import (
    Dictionary,
    HistoryTable,
    Vocabulary,
    category,
    encode_table,
    joined,
    multi_category,
    number,
    numbers,
)
from models.ctr.features import Feature, FeatureSchema, Half, Kind

SCHEMA = FeatureSchema(
    (
        Feature("city", Kind.CATEGORY),
        Feature("age", Kind.NUMBER),
        Feature("tags", Kind.MULTI_CATEGORY, width=3),
        Feature("sizes", Kind.NUMBER, Half.AD, 2),
        Feature("city_history", Kind.HISTORY, Half.PAIR, 1, ("city", "age")),
    )
)

scalars = st.none() | st.integers(-9, 9) | st.floats(allow_infinity=False) | st.text(max_size=4)
tables = st.integers(0, 8).flatmap(
    lambda rows: st.fixed_dictionaries(
        {name: st.lists(scalars, min_size=rows, max_size=rows) for name in ("city", "age")}
        | {
            name: st.lists(st.lists(scalars, max_size=5).map(tuple), min_size=rows, max_size=rows)
            for name in ("tags", "sizes")
        }
    )
)


@given(tables)
def test_a_table_is_encoded_as_each_of_its_values(table: dict[str, list[Any]]) -> None:
    keys = np.arange(20, dtype=np.uint64)
    history = HistoryTable.counted(keys, (keys % 3 == 0).astype(float))
    rows = encode_table(SCHEMA, table, {"city_history": history})
    in_order = [table[name] for name in ("city", "age", "tags", "sizes")]
    for row, city, age, tags, sizes in zip(rows, *in_order, strict=True):
        key = joined([np.array([category(city)]), np.array([category(age)])])
        told = [category(city), number(age), *multi_category(tags, 3), *numbers(sizes, 2)]
        told += [float(part[0]) for part in history.lookup(key)]
        assert np.array_equal(row, np.array(told), equal_nan=True)


@given(tables)
def test_a_dictionary_column_is_encoded_like_a_plain_one(table: dict[str, list[Any]]) -> None:
    coded: dict[str, Any] = {}
    for name, column in table.items():
        known = list(dict.fromkeys(value for value in column if value is not None))
        codes = [-1 if value is None else place(known, value) for value in column]
        coded[name] = Dictionary(known, np.array(codes, np.int64))
    plain = encode_table(SCHEMA, table)
    assert np.array_equal(encode_table(SCHEMA, coded), plain, equal_nan=True)


def place(known: list[Any], value: Any) -> int:
    return next(n for n, each in enumerate(known) if each is value or each == value)


def test_a_column_that_is_not_there_is_missing_in_every_row() -> None:
    rows = encode_table(SCHEMA, {"city": ["a", "b"]})
    assert rows.shape == (2, 9)
    assert np.isnan(rows[:, 1:7]).all()


@pytest.mark.parametrize("value", ["7", 7, 7.0, np.int64(7), np.float32(7)])
def test_a_whole_number_is_the_same_category_however_it_is_read(value: object) -> None:
    assert category(value) == float(zlib.crc32(b"7"))


def test_case_does_not_make_another_category() -> None:
    assert category("BeiJing") == category("beijing") != category("nanjing")


@pytest.mark.parametrize("value", [None, "", float("nan"), np.nan])
def test_missing_is_nan(value: object) -> None:
    assert np.isnan(category(value))


def test_categories_are_the_same_in_every_process() -> None:
    ask = "import sys, models.ctr.encoding as e; sys.stdout.write(str(e.category('北京')))"
    told = {
        subprocess.run(
            [sys.executable, "-c", ask],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert told == {str(category("北京"))}


@given(st.lists(st.sampled_from([1.0, 2.0, 5.0, np.nan]), min_size=1), st.integers(1, 4))
def test_vocabulary_codes_are_places_and_rare_values_share_one(
    drawn: list[float], least: int
) -> None:
    values = np.array(drawn)
    vocabulary = Vocabulary.of(values, least)
    for value, code in zip(values, vocabulary.codes(values), strict=True):
        if np.isnan(value):
            assert np.isnan(code)
        elif (values == value).sum() >= least:
            assert vocabulary.keys[int(code)] == value
        else:
            assert code == len(vocabulary.keys) == vocabulary.other
    assert vocabulary.codes(np.array([77.0]))[0] == vocabulary.other


def test_a_history_moves_from_the_prior_to_its_own_rate() -> None:
    keys = np.repeat(np.array([1, 2], np.uint64), [100, 100])
    clicked = np.concatenate([np.ones(100), np.zeros(100)])
    rate, seen = HistoryTable.counted(keys, clicked, 50.0).lookup(np.array([1, 2, 3], np.uint64))
    assert rate == pytest.approx([125 / 150, 25 / 150, 0.5])
    assert seen == pytest.approx([np.log(101), np.log(101), 0.0])


def test_a_history_that_counted_nothing_knows_nothing() -> None:
    empty = HistoryTable.counted(np.empty(0, np.uint64), np.empty(0))
    rate, seen = empty.lookup(np.array([1], np.uint64))
    assert (rate[0], seen[0]) == (0.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), unique=True))
def test_different_combinations_have_different_keys(pairs: list[tuple[int, int]]) -> None:
    columns = [np.array([p[side] for p in pairs], np.float64) for side in (0, 1)]
    assert len(set(joined(columns).tolist())) == len(pairs)
