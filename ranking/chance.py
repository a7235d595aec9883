"""Chance, drawn once for each request: a 64-bit lot from which every further draw follows.

No stage asks a generator itself. The one surprising fact: a decision is therefore replayed exactly
from its lot, which is how the census and the explanations find out what chance did.
"""

import numpy as np
from numba import njit

TIES, PACING, EXPLORATION = 1, 2, 3
"""What a draw is for. Draws of different purposes are independent of each other."""


def lot(rng: np.random.Generator) -> np.uint64:
    """64 random bits from the generator."""
    return np.uint64(rng.bit_generator.random_raw())


@njit(cache=True)
def uniform(lot: np.uint64, purpose: int, number: int) -> float:
    """The draw of [0, 1) that belongs to a lot, a purpose and a row or position number.

    SplitMix64 (Steele, Lea, Flood 2014) over the three; 2 ns.
    """
    bits = np.uint64(lot) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(purpose + 8 * (number + 1))
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return float(bits >> np.uint64(11)) * 2.0**-53
