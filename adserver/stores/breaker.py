"""A circuit breaker: after some failures in a row, nobody tries for a while.

Never here: what is tried. The surprising fact: an open breaker still lets one caller through in
each pause, so that it finds by itself that the neighbour is back.
"""

from collections.abc import Callable
from time import monotonic


class Breaker:
    """Counts failures in a row. `clock` gives seconds."""

    def __init__(
        self, failures: int, pause_s: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self._failures = failures
        self._pause_s = pause_s
        self._clock = clock
        self._in_a_row = 0
        self._closed_at = 0.0

    def may_try(self) -> bool:
        """Whether to go now. While open, True once a pause."""
        if self._in_a_row < self._failures:
            return True
        if (now := self._clock()) < self._closed_at:
            return False
        self._closed_at = now + self._pause_s
        return True

    def note(self, success: bool) -> None:
        """The outcome of a try."""
        if success:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        self._closed_at = self._clock() + self._pause_s

    @property
    def open(self) -> bool:
        """Whether callers are being turned away."""
        return self._in_a_row >= self._failures
