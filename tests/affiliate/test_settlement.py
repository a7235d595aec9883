"""What a closing makes of a line, of a merchant's payments, and of overpaid money."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from affiliate.settlement import Due, Outcome, covered, outcome, taken_back

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def due(row: str, owed: int, hours: int = 0, *, begun: bool = False) -> Due:
    return Due(row, NOON + timedelta(hours=hours), owed, begun)


@pytest.mark.parametrize(
    ("payable_from", "funded", "expected"),
    [
        (None, True, Outcome.NOT_RECEIVED),
        (None, False, Outcome.NOT_RECEIVED),
        (NOON, True, Outcome.PAYABLE),
        (NOON, False, Outcome.NOT_FUNDED),
        (NOON + timedelta(microseconds=1), True, Outcome.IN_HOLD),
        (NOON + timedelta(microseconds=1), False, Outcome.IN_HOLD),
    ],
)
def test_a_line_is_payable_when_received_ripe_and_funded(
    payable_from: datetime | None, funded: bool, expected: Outcome
) -> None:
    assert outcome(payable_from, NOON, funded=funded) is expected


def test_payments_cover_lines_by_time_of_payment_until_one_does_not_fit() -> None:
    dues = [due("late", 10, 3), due("large", 100, 2), due("early", 40, 1)]
    assert covered(dues, 150) == {"early", "large", "late"}
    assert covered(dues, 149) == {"early", "large"}
    assert covered(dues, 140) == {"early", "large"}
    assert covered(dues, 139) == {"early"}
    assert covered(dues, 39) == set()


def test_equal_times_are_told_apart_by_their_rows() -> None:
    assert covered([due("b", 10), due("a", 10)], 10) == {"a"}


def test_what_has_begun_to_be_paid_comes_first() -> None:
    assert covered([due("a", 10), due("b", 10, 5, begun=True)], 10) == {"b"}


def test_a_line_that_owes_nothing_is_covered_unless_more_is_owed_already() -> None:
    assert covered([due("a", 0)], 0) == {"a"}
    assert covered([due("a", 0)], -1) == set()


@given(st.lists(st.integers(0, 100), max_size=8), st.integers(-50, 400))
def test_no_more_is_covered_than_there_is(amounts: list[int], available: int) -> None:
    dues = [due(str(number), owed, number) for number, owed in enumerate(amounts)]
    rows = covered(dues, available)
    assert sum(one.owed for one in dues if one.row in rows) <= max(available, 0)
    assert rows == {str(number) for number in range(len(rows))}


@pytest.mark.parametrize(
    ("clawback", "payable", "moves"),
    [(-30, 100, 30), (-100, 30, 30), (-30, 30, 30), (-30, 0, 0), (-30, -5, 0), (0, 50, 0)],
)
def test_overpaid_money_is_taken_out_of_what_there_is(
    clawback: int, payable: int, moves: int
) -> None:
    assert taken_back(clawback, payable) == moves


@pytest.mark.parametrize("payable", [-5, 0, 100])
def test_what_was_taken_back_too_often_is_given_back(payable: int) -> None:
    assert taken_back(20, payable) == -20


def test_a_line_has_not_begun_to_be_paid_unless_told_otherwise() -> None:
    assert not Due("a", NOON, 10).begun
