"""What the text of a rule means."""

import pytest
from hypothesis import given, strategies as st

from models.domain.rule_words import category_family, half_open, version


@pytest.mark.parametrize(
    ("text", "parts"),
    [("14", (14,)), ("14.0", (14,)), ("9.1.2", (9, 1, 2)), ("10.0.19045 beta", (10, 0, 19045))],
)
def test_a_version_is_the_number_it_begins_with(text: str, parts: tuple[int, ...]) -> None:
    assert version(text) == parts


@pytest.mark.parametrize("text", ["", "Tiramisu", "v14", "."])
def test_text_without_a_number_is_no_version(text: str) -> None:
    assert version(text) is None


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("12..14", ((12,), (15,))),
        ("12..14.2", ((12,), (14, 3))),
        ("12..", ((12,), None)),
        ("..9", ((), (10,))),
        ("14", ((14,), (15,))),
        ("9.9", ((9, 9), (9, 10))),
        ("..", ((), None)),
        ("12..x", None),
        ("", None),
        ("18-24", None),
    ],
)
def test_a_range_runs_up_to_all_that_begins_with_its_end(text: str, ends: object) -> None:
    assert half_open(text) == ends


@given(st.tuples(st.integers(0, 40), st.integers(0, 20)), st.integers(0, 40), st.integers(0, 40))
def test_whole_number_ranges_hold_the_versions_from_first_to_last(
    value: tuple[int, int], low: int, high: int
) -> None:
    ends = half_open(f"{low}..{high}")
    assert ends is not None
    first, past = ends
    found = version(f"{value[0]}.{value[1]}")
    assert found is not None
    assert past is not None
    assert (first <= found < past) == (low <= value[0] <= high)


def test_a_category_belongs_to_the_one_above_it_only_in_the_iab_taxonomy() -> None:
    assert category_family("IAB7-3") == ("iab7-3", "iab7")
    assert category_family("role-playing") == ("role-playing",)
