"""Money as integers: micros (1 CNY = 1,000,000), minor units (1 CNY = 100 fen), rates in ppm.

The only place in the house that rounds.

No float comes in here and none goes out; a price that was computed from a probability becomes money
in `from_expected`, and nowhere else.
"""

import math
from collections.abc import Sequence
from typing import NewType

Micros = NewType("Micros", int)
Minor = NewType("Minor", int)
"""The currency's smallest coin: fen, cents, yen."""

MICROS_PER_UNIT = 1_000_000
NO_MONEY = Micros(0)
PPM = 1_000_000
LARGEST_MINOR = 10**12
"""The largest amount that comes in from outside: ten thousand million yuan."""

_MINOR_DIGITS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "UGX", "VND", "XAF", "XOF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def half_away_from_zero(numerator: int, denominator: int) -> int:
    """The integer nearest to numerator / denominator; halves go away from zero.

    The denominator is positive.
    """
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def portion(amount: int, rate_ppm: int) -> int:
    """A rate of an amount, multiplied before divided, rounded once in the amount's own unit."""
    return half_away_from_zero(amount * rate_ppm, PPM)


def allocate(total: int, portions_ppm: Sequence[int | None]) -> list[int]:
    """A total split jointly; the parts sum to it. None stands for "what remains", at most once.

    Every part is rounded towards zero; the units left over go one by one to the parties in the
    order in which they are listed.

    Raises:
        ValueError: portions that are negative, above 100 %, below it with nobody to take the rest,
            or two that take the rest.
    """
    said = sum(given for given in portions_ppm if given is not None)
    takers = sum(given is None for given in portions_ppm)
    if any(given is not None and given < 0 for given in portions_ppm) or said > PPM:
        raise ValueError("portions are parts of a whole: none negative, together at most 100 %")
    if takers > 1 or (not takers and said < PPM):
        raise ValueError("exactly the whole is split: name every part, or one that takes the rest")
    return share_out(total, [PPM - said if given is None else given for given in portions_ppm])


def share_out(total: int, weights: Sequence[int]) -> list[int]:
    """A total split by weight, as `allocate` does it; equal weights are equal parts.

    Raises:
        ValueError: a negative weight, or none above 0.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights are not negative and not all 0")
    parts = [abs(total) * weight // whole for weight in weights]
    entitled = [at for at, weight in enumerate(weights) if weight]
    for at in entitled[: abs(total) - sum(parts)]:
        parts[at] += 1
    return parts if total >= 0 else [-part for part in parts]


def reversed_by_refund(earned: int, refunded: int, paid: int) -> int:
    """How much of what was earned is taken back in all when `refunded` of `paid` went back so far.

    Any series of partial refunds so ends exactly where one full refund ends. All three are in one
    unit; 0 <= refunded <= paid, and an order of nothing has nothing to take back.
    """
    return half_away_from_zero(earned * refunded, paid) if paid else 0


def minor_digits(currency: str) -> int:
    """How many decimals the currency has (ISO 4217): CNY 2, JPY 0, KWD 3."""
    return _MINOR_DIGITS.get(currency, 2)


def micros_of(minor: int, currency: str) -> Micros:
    """Minor units as micros, exactly."""
    return Micros(minor * 10 ** (6 - minor_digits(currency)))


def minor_of(micros: int, currency: str) -> Minor:
    """Micros in the nearest minor unit."""
    return Minor(half_away_from_zero(micros, 10 ** (6 - minor_digits(currency))))


def whole_minor(micros: int, currency: str) -> tuple[Minor, Micros]:
    """The whole minor units in an amount that is not negative, and the micros that remain."""
    whole, rest = divmod(micros, 10 ** (6 - minor_digits(currency)))
    return Minor(whole), Micros(rest)


def format_minor(minor: int, currency: str) -> str:
    """Minor units as a person reads them: "1,234.56", for JPY "1,235"."""
    return format_amount(micros_of(minor, currency), minor_digits(currency))


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
