import zlib

import numpy as np
import pytest

from models.ctr.dataset import (
    DatasetError,
    folds,
    from_log,
    is_by_time,
    require_learnable,
    split,
    with_histories,
)
from models.ctr.features import Feature, FeatureSchema, Half, Kind
from tests.models.ctr.logs import log, relabelled

CITY = Feature("city", Kind.CATEGORY, Half.REQUEST)


def test_a_fold_is_what_anybody_can_compute() -> None:
    expected = [zlib.crc32(f"search_ads:{row}".encode()) % 5 for row in range(100)]
    assert folds("search_ads", 100).tolist() == expected


def test_the_latest_fifth_judges() -> None:
    dataset = log(1_000, timed=True)
    learn, judge = split(dataset)
    assert len(judge) == 200
    assert is_by_time(dataset, learn, judge)


def test_rows_of_one_moment_are_never_parted() -> None:
    dataset = log(1_000, timed=True)
    assert dataset.times_ms is not None
    dataset.times_ms[:] //= 50_000
    learn, judge = split(dataset)
    assert set(dataset.times_ms[learn]).isdisjoint(dataset.times_ms[judge])


def test_rows_without_times_are_split_by_a_hash() -> None:
    dataset = log(1_000)
    learn, judge = split(dataset)
    assert 150 < len(judge) < 250
    assert len(learn) + len(judge) == 1_000
    assert not is_by_time(dataset, learn, judge)


def test_rows_all_of_one_moment_are_split_by_a_hash() -> None:
    dataset = log(1_000, timed=True)
    assert dataset.times_ms is not None
    dataset.times_ms[:] = 7
    learn, judge = split(dataset)
    assert 150 < len(judge) < 250
    assert not is_by_time(dataset, learn, judge)


def test_both_parts_hold_both_labels_when_all_clicks_are_early() -> None:
    dataset = log(1_000, timed=True)
    clicked = np.zeros(1_000)
    clicked[:12] = 1
    learn, judge = split(relabelled(dataset, clicked))
    assert 0 < clicked[judge].sum() < 12
    assert 0 < clicked[learn].sum() < 12


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_of_one_kind_are_refused_with_their_counts(label: float) -> None:
    dataset = log(500)
    with pytest.raises(DatasetError, match=r"500 rows with \d+ positive and \d+ negative"):
        require_learnable(relabelled(dataset, np.full(500, label)))


def test_a_category_of_many_values_gets_a_history_of_its_own_half() -> None:
    feature = Feature("ad_id", Kind.CATEGORY, Half.AD, 1, ("ad",))
    schema = with_histories(FeatureSchema((feature, CITY)), {"ad_id": 1_000, "city": 5})
    (history,) = [f for f in schema.features if f.kind is Kind.HISTORY]
    assert (history.sources, history.half) == (("ad",), Half.AD)


def test_a_history_that_the_schema_has_is_not_added_again() -> None:
    history = Feature("towns", Kind.HISTORY, Half.REQUEST, 1, ("city",))
    schema = with_histories(FeatureSchema((CITY, history)), {"city": 1_000})
    assert [f.name for f in schema.features] == ["city", "towns"]


def test_logged_rows_of_another_width_are_refused() -> None:
    with pytest.raises(DatasetError, match="1 slots"):
        from_log(
            FeatureSchema((CITY,)),
            np.zeros((3, 2)),
            np.zeros(3),
            np.zeros(3, np.int64),
            np.array(["a", "b", "c"]),
        )


def test_taken_rows_keep_their_keys_times_and_groups() -> None:
    dataset = log(50, timed=True)
    some = dataset.take(np.array([4, 2]))
    assert some.times_ms is not None
    assert some.times_ms.tolist() == [4_000, 2_000]
    assert some.groups.tolist() == ["left", "left"]
    assert np.array_equal(some.keys["id_history"], dataset.keys["id_history"][[4, 2]])
