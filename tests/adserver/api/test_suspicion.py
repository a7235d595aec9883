"""The allowance for doubtful events: so many a second on average, some at once."""

from adserver.api.suspicion import Allowance


def test_a_burst_is_let_through_and_then_no_more() -> None:
    allowance = Allowance(per_second=1, burst=3)
    assert [allowance.take(100.0) for _ in range(5)] == [True, True, True, False, False]


def test_it_refills_with_time_and_never_beyond_the_burst() -> None:
    allowance = Allowance(per_second=2, burst=3)
    for _ in range(3):
        allowance.take(100.0)
    assert [allowance.take(100.5) for _ in range(2)] == [True, False]
    assert [allowance.take(1_000.0) for _ in range(4)] == [True, True, True, False]
