"""Numbers, money, shares and times as a person reads them: the filters of the templates.

Never here: markup, or what a number means. The one surprising fact: `percent` takes an int as
parts per million and anything else as a fraction, because the house keeps rates in ppm and
computes ratios as fractions.
"""

from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from models.domain.money import (
    PPM,
    Micros,
    format_amount,
    format_minor,
    half_away_from_zero,
    minor_digits,
)

NOTHING = "–"  # noqa: RUF001 - what a cell without a value shows
NARROW = " "  # keeps a number and its unit on one line
EXACT_DECIMALS = 6
_STEPS = ("B", "kB", "MB", "GB", "TB")


def micros(value: int | None, currency: str = "", *, exact: bool = False) -> str:
    """Micros as "1,234.56 CNY", rounded to the currency's coin; without a currency no unit.

    What is less than a coin, and everything with `exact`, keeps all its decimals.
    """
    if value is None:
        return NOTHING
    digits = minor_digits(currency)
    coin = 10 ** (6 - digits)
    if exact or 0 < abs(value) < coin:
        digits = max(digits, _decimals_needed(value))
    return _with_unit(format_amount(Micros(value), digits), currency)


def minor(value: int | None, currency: str = "") -> str:
    """Minor units (fen, cents, yen) as "1,234.56 CNY"."""
    return NOTHING if value is None else _with_unit(format_minor(value, currency), currency)


def number(value: float | Fraction | None, decimals: int = 0) -> str:
    """A count as "12,345"; what is not whole with the decimals asked for."""
    if value is None:
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    return f"{float(value):,.{decimals}f}"


def percent(value: float | Fraction | None, decimals: int = 1) -> str:
    """An int is ppm, anything else a fraction: both as "12.3 %". Nothing to divide by: a dash."""
    if value is None:
        return NOTHING
    ppm = value if isinstance(value, int) else round(value * PPM)
    scaled = half_away_from_zero(ppm * 10**decimals, PPM // 100)
    whole, rest = divmod(abs(scaled), 10**decimals)
    sign = "-" if scaled < 0 else ""
    shown = f"{whole:,}.{rest:0{decimals}d}" if decimals else f"{whole:,}"
    return f"{sign}{shown}{NARROW}%"


def size(value: int | None) -> str:
    """Bytes as "81.2 kB", in steps of a thousand."""
    if value is None:
        return NOTHING
    step, amount = 0, float(value)
    while amount >= 999.95 and step < len(_STEPS) - 1:
        amount /= 1000
        step += 1
    return f"{amount:.1f}{NARROW}{_STEPS[step]}" if step else f"{value}{NARROW}B"


def instant(value: datetime | None, zone: ZoneInfo) -> str:
    """A moment in the reader's zone, to the minute: "2026-11-22 10:01"."""
    return NOTHING if value is None else value.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def day(value: date | datetime | None, zone: ZoneInfo) -> str:
    """A date, or the date that a moment has in the reader's zone: "2026-11-22"."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        value = value.astimezone(zone).date()
    return value.isoformat()


def _with_unit(shown: str, currency: str) -> str:
    return f"{shown}{NARROW}{currency}" if currency else shown


def _decimals_needed(value: int) -> int:
    rest = f"{abs(value) % 10**EXACT_DECIMALS:06d}".rstrip("0")
    return len(rest)
