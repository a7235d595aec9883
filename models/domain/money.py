"""Money as integers: micros (1 CNY = 1,000,000), rates in ppm.

The only place in the house that rounds.

No float comes in here and none goes out; a price that was computed from a probability becomes money
in `from_expected`, and nowhere else.
"""

import math
from typing import NewType

Micros = NewType("Micros", int)

MICROS_PER_UNIT = 1_000_000
NO_MONEY = Micros(0)


def half_away_from_zero(numerator: int, denominator: int) -> int:
    """The integer nearest to numerator / denominator; halves go away from zero.

    The denominator is positive.
    """
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def per_impression(cpm: Micros) -> Micros:
    """What one impression costs at a price per thousand."""
    return Micros(half_away_from_zero(cpm, 1000))


def bid_per_impression(cpm: Micros) -> Micros:
    """The most that one impression may cost at a bid per thousand: rounded down."""
    return Micros(cpm // 1000)


def from_expected(micros: float) -> Micros:
    """An expectation (probability x money, a float) as money, rounded up.

    What we set aside must suffice.
    """
    return Micros(math.ceil(micros))


def parse_amount(text: str) -> Micros:
    """Reads "12.34" (units, at most six decimals) exactly.

    Raises:
        ValueError: not a decimal number, or finer than a micro.
    """
    sign = -1 if text.startswith("-") else 1
    units, _, fraction = text.removeprefix("-").partition(".")
    if not (units + fraction).isdecimal() or not (units + fraction).isascii() or len(fraction) > 6:
        raise ValueError(
            f"{text!r} is not an amount: write digits with at most six decimals, as in 12.34"
        )
    return Micros(sign * (int(units or "0") * MICROS_PER_UNIT + int(fraction.ljust(6, "0"))))


def format_amount(amount: Micros, decimals: int = 2) -> str:
    """Micros as a person reads them, "1,234.56"; rounds to the decimals asked for (0 to 6)."""
    scaled = half_away_from_zero(amount, 10 ** (6 - decimals))
    whole, rest = divmod(abs(scaled), 10**decimals)
    sign = "-" if scaled < 0 else ""
    return f"{sign}{whole:,}.{rest:0{decimals}d}" if decimals else f"{sign}{whole:,}"
