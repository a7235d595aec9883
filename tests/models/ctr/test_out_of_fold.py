import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

from models.ctr.out_of_fold import STRENGTH, Counted, fill_elsewhere, fill_past
from tests.models.ctr.logs import log, relabelled

ROWS = 40
KEYS = arrays.arrays(np.uint64, ROWS, elements=st.integers(0, 5))
LABELS = arrays.arrays(np.float64, ROWS, elements=st.sampled_from([0.0, 1.0]))
TIMES = arrays.arrays(np.int64, ROWS, elements=st.integers(0, 12))
FOLDS = arrays.arrays(np.int64, ROWS, elements=st.integers(-1, 3))
LENDS = arrays.arrays(np.bool_, ROWS)


@given(KEYS, LABELS, TIMES, LENDS)
def test_the_past_is_what_a_loop_over_all_earlier_rows_counts(keys, clicked, times, lends) -> None:
    found = Counted.of(keys).before(clicked, times, lends)
    prior = clicked[lends].mean() if lends.any() else 0.0
    for row in range(ROWS):
        mine = lends & (keys == keys[row]) & (times < times[row])
        rate = (clicked[mine].sum() + STRENGTH * prior) / (mine.sum() + STRENGTH)
        assert found[row] == pytest.approx([rate, np.log1p(mine.sum())])


@given(KEYS, LABELS, FOLDS)
def test_other_folds_are_what_a_loop_over_them_counts(keys, clicked, fold) -> None:
    found = Counted.of(keys).elsewhere(clicked, fold, 4)
    for row in range(ROWS):
        others = (fold >= 0) & (fold != fold[row])
        prior = clicked[others].mean() if others.any() else 0.0
        mine = others & (keys == keys[row])
        rate = (clicked[mine].sum() + STRENGTH * prior) / (mine.sum() + STRENGTH)
        assert found[row] == pytest.approx([rate, np.log1p(mine.sum())])


@given(KEYS, LABELS, FOLDS, st.integers(0, ROWS - 1))
def test_no_row_sees_its_own_label(keys, clicked, fold, row) -> None:
    other = clicked.copy()
    other[row] = 1 - other[row]
    counted = Counted.of(keys)
    before, after = (counted.elsewhere(labels, fold, 4)[row] for labels in (clicked, other))
    assert np.array_equal(before, after)


def test_the_labels_of_later_rows_change_no_count_of_earlier_ones() -> None:
    dataset = log(400, timed=True)
    swapped = dataset.clicked.copy()
    swapped[200:] = swapped[200:][::-1]
    everyone = np.ones(400, np.bool_)
    one, other = (
        fill_past(relabelled(dataset, labels), everyone).rows[:200]
        for labels in (dataset.clicked, swapped)
    )
    assert np.array_equal(one, other, equal_nan=True)


def test_filling_leaves_the_dataset_as_it_was() -> None:
    dataset = log(100)
    before = dataset.rows.copy()
    filled = fill_elsewhere(dataset, np.arange(100) % 4, 4)
    assert np.array_equal(dataset.rows, before, equal_nan=True)
    assert not np.isnan(filled[:, dataset.schema.slot_of["category_history"]]).any()


def test_rows_without_times_have_no_past() -> None:
    with pytest.raises(ValueError, match="no past"):
        fill_past(log(20), np.ones(20, np.bool_))
