"""Settlement months: which month an instant belongs to, when it closes, when it pays.

Never here: a clock. The one surprising fact: a month is text ("2026-10") in the organisation's
time zone, and texts of months sort as the months do.
"""

from datetime import datetime, timedelta, tzinfo
from typing import NewType

Period = NewType("Period", str)

CLOSES_ON_DAY = 10
PAYS_ON_DAY = 20
MOST_EXTENSIONS = 1


class ExtensionError(ValueError):
    """A period that was extended already."""


def period_of(moment: datetime, zone: tzinfo) -> Period:
    """The month of an instant."""
    return _month(moment.astimezone(zone))


def parse_period(text: str) -> Period:
    """Reads "2026-10".

    Raises:
        ValueError: not a month.
    """
    try:
        return _month(datetime.strptime(text, "%Y-%m"))  # noqa: DTZ007 - a month
    except ValueError:
        raise ValueError(f"{text!r} is not a month: write it as 2026-10") from None


def shifted(period: Period, months: int) -> Period:
    """The month so many months later, or earlier."""
    year, month = map(int, period.split("-"))
    year, month = divmod(year * 12 + month - 1 + months, 12)
    return Period(f"{year:04}-{month + 1:02}")


def begin_of(period: Period, zone: tzinfo) -> datetime:
    """Its first moment."""
    year, month = map(int, period.split("-"))
    return datetime(year, month, 1, tzinfo=zone)


def end_of(period: Period, zone: tzinfo) -> datetime:
    """The first moment after it."""
    return begin_of(shifted(period, 1), zone)


def closes_at(period: Period, extensions: int, zone: tzinfo) -> datetime:
    """When it locks: the 10th of the next month, a month later for each extension.

    Raises:
        ExtensionError: it may be extended once.
    """
    if extensions > MOST_EXTENSIONS:
        raise ExtensionError(f"{period} was extended already; it may be extended once")
    closing = begin_of(shifted(period, 1 + extensions), zone)
    return closing + timedelta(days=CLOSES_ON_DAY - 1)


def pays_at(period: Period, extensions: int, zone: tzinfo) -> datetime:
    """When its payouts leave: the 20th of the month in which it locks."""
    return closes_at(period, extensions, zone) + timedelta(days=PAYS_ON_DAY - CLOSES_ON_DAY)


def _month(local: datetime) -> Period:
    return Period(f"{local.year:04}-{local.month:02}")
