"""How sure a rate is: the interval of Wilson (1927), which holds for few clicks as for many.

Never here: rates that decide anything (`models.ctr`). The one surprising fact: with no click at all
the interval still has a width, which is the point of showing it.
"""

from math import sqrt
from typing import NamedTuple

PPM = 1_000_000
Z95 = 1.959964
"""Nineteen of twenty such intervals hold the true rate."""


class Interval(NamedTuple):
    """Parts per million: where the rate lies, and what was seen."""

    low: int
    seen: int
    high: int


def wilson(hits: int, trials: int) -> Interval | None:
    """The 95 % interval of a rate of which `hits` of `trials` were seen; None without trials."""
    if trials <= 0:
        return None
    rate = min(hits, trials) / trials
    spread = Z95 * Z95 / trials
    middle = (rate + spread / 2) / (1 + spread)
    half = Z95 * sqrt(rate * (1 - rate) / trials + spread / (4 * trials)) / (1 + spread)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Interval(round(low * PPM), round(rate * PPM), round(high * PPM))
