"""What a closing makes of lines: ripe to the microsecond, funded in turn, netted to the fen."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, strategies as st

from affiliate.settlement import Due, Outcome, covered, outcome, taken_back
from tests.affiliate.sales import SOLD_AT

US = timedelta(microseconds=1)
RIPE = SOLD_AT


@pytest.mark.parametrize("funded", [True, False])
@pytest.mark.parametrize(
    ("payable_from", "waits"),
    [
        (None, Outcome.NOT_RECEIVED),
        (RIPE + US, Outcome.IN_HOLD),
        (RIPE, None),
        (RIPE - US, None),
    ],
)
def test_a_line_is_payable_when_its_hold_is_over_and_its_merchant_has_paid(
    payable_from: datetime | None, waits: Outcome | None, funded: bool
) -> None:
    ripe = Outcome.PAYABLE if funded else Outcome.NOT_FUNDED
    assert outcome(payable_from, RIPE, funded=funded) is (waits or ripe)


def due(row: str, owed: int, *, seconds: int = 0, begun: bool = False) -> Due:
    return Due(row, SOLD_AT + timedelta(seconds=seconds), owed, begun)


@pytest.mark.parametrize(
    ("available", "rows"),
    [(-1, set()), (0, set()), (99, set()), (100, {"a"}), (149, {"a"}), (150, {"a", "b"}),
     (159, {"a", "b"}), (160, {"a", "b", "c"}), (999, {"a", "b", "c"})],
)  # fmt: skip
def test_payments_cover_lines_in_the_order_of_their_payment(available: int, rows: set[str]) -> None:
    dues = [due("c", 10, seconds=2), due("b", 50, seconds=1), due("a", 100)]
    assert covered(dues, available) == rows


def test_a_line_that_is_too_large_holds_up_those_behind_it() -> None:
    assert covered([due("a", 100), due("b", 1, seconds=1)], 50) == set()


def test_what_was_begun_is_covered_first_and_of_one_instant_the_row_decides() -> None:
    dues = [due("b", 10), due("a", 10), due("c", 10, seconds=9, begun=True)]
    assert covered(dues, 10) == {"c"}
    assert covered(dues, 20) == {"c", "a"}
    assert covered(dues[:2], 10) == {"a"}


def test_a_line_that_owes_nothing_is_covered_by_nothing() -> None:
    assert covered([due("a", 0)], 0) == {"a"}
    assert Due("a", SOLD_AT, 1).begun is False


@given(
    st.lists(
        st.builds(due, st.text("abcd", min_size=1, max_size=3), st.integers(0, 9),
                  seconds=st.integers(0, 3), begun=st.booleans()),
        max_size=8, unique_by=lambda one: one.row,
    ),
    st.integers(-5, 40),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_no_more_is_covered_than_was_paid_in_whatever_order_lines_stand(
    dues: list[Due], available: int, chance: Random
) -> None:
    rows = covered(dues, available)
    assert sum(one.owed for one in dues if one.row in rows) <= max(available, 0)
    shuffled = list(dues)
    chance.shuffle(shuffled)
    assert covered(shuffled, available) == rows
    assert rows <= covered(dues, available + 1)


@pytest.mark.parametrize(
    ("clawback", "payable", "moves"),
    [
        (0, 100, 0),
        (-30, 100, 30),
        (-100, 100, 100),
        (-101, 100, 100),
        (-30, 0, 0),
        (-30, -1, 0),
        (30, 100, -30),
        (30, 0, -30),
        (1, 0, -1),
        (-1, 1, 1),
    ],
)
def test_what_was_overpaid_is_taken_out_of_what_is_payable_as_far_as_it_reaches(
    clawback: int, payable: int, moves: int
) -> None:
    assert taken_back(clawback, payable) == moves


@given(st.integers(-1_000, 1_000), st.integers(0, 1_000))
def test_netting_leaves_no_account_on_the_wrong_side(clawback: int, payable: int) -> None:
    moves = taken_back(clawback, payable)
    assert payable - moves >= 0
    assert clawback + moves <= 0
    assert clawback + moves == 0 or payable - moves == 0
