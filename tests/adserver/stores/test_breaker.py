from adserver.stores.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_failures_in_a_row_and_lets_one_through_each_pause() -> None:
    clock = Clock()
    breaker = Breaker(failures=3, pause_s=1.0, clock=clock)
    for _ in range(3):
        assert breaker.may_try()
        breaker.note(success=False)
    assert breaker.open
    assert not breaker.may_try()
    clock.now += 1.0
    assert [breaker.may_try() for _ in range(3)] == [True, False, False]
    breaker.note(success=False)
    assert not breaker.may_try()
    clock.now += 1.0
    assert breaker.may_try()
    breaker.note(success=True)
    assert not breaker.open
    assert [breaker.may_try() for _ in range(3)] == [True] * 3


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(failures=2, pause_s=1.0, clock=Clock())
    for success in (False, True, False, True):
        breaker.note(success=success)
        assert breaker.may_try()
