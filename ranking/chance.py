"""Chance, drawn once for each request: a 64-bit lot from which every further draw follows.

No stage asks a generator itself. The one surprising fact: a decision is therefore replayed exactly
from its lot, which is how the census and the explanations find out what chance did.
"""

import numpy as np
from numba import njit


def lot(rng: np.random.Generator | np.uint64) -> np.uint64:
    """64 random bits from the generator; a lot that was drawn before stays what it is."""
    return rng if isinstance(rng, np.uint64) else np.uint64(rng.bit_generator.random_raw())


@njit(cache=True)
def uniform(lot: np.uint64, number: int) -> float:
    """The draw of [0, 1) that has this number; draws of different numbers are independent.

    SplitMix64 (Steele, Lea, Flood 2014), the number-th step from the lot; 2 ns.
    """
    bits = np.uint64(lot) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(number + 1)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return float(bits >> np.uint64(11)) * 2.0**-53
