"""Where a row's money stands: pending, or taken back."""

import pytest
from hypothesis import given, strategies as st

from affiliate.maturity import Standing, standing


@pytest.mark.parametrize(
    ("earned", "matured", "stands"),
    [
        (0, 0, (0, 0)),
        (100, 0, (100, 0)),
        (100, 40, (60, 0)),
        (100, 100, (0, 0)),
        (99, 100, (0, -1)),
        (0, 100, (0, -100)),
    ],
)
def test_what_has_not_matured_is_pending_and_what_matured_too_much_is_taken_back(
    earned: int, matured: int, stands: tuple[int, int]
) -> None:
    assert standing(earned, matured) == Standing(*stands)


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_pending_and_clawback_together_are_what_has_not_matured(earned: int, matured: int) -> None:
    stands = standing(earned, matured)
    assert stands.pending + stands.clawback == earned - matured
    assert stands.pending >= 0 >= stands.clawback
    assert 0 in stands
