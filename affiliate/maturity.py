"""Where a partner's earned money stands: still pending, or taken back after it became payable.

Never here: when money becomes payable (`settlement`). The one surprising fact: nothing but two sums
is needed, what was earned and what has matured of it, so the order of events leaves no trace.
"""

from typing import NamedTuple


class Standing(NamedTuple):
    """What a row contributes to two of its partner's accounts; `clawback` is never above 0."""

    pending: int
    clawback: int


def standing(earned: int, matured: int) -> Standing:
    """How a row's earned money stands when `matured` of it was made payable by closings."""
    return Standing(max(0, earned - matured), min(0, earned - matured))
