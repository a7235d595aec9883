from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from adserver.console.web import figures

SHANGHAI = ZoneInfo("Asia/Shanghai")


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        (1_234_560_000, "CNY", "1,234.56 CNY"),
        (-5_000, "CNY", "-0.005 CNY"),
        (12_345, "", "0.01"),
        (8_765, "CNY", "0.008765 CNY"),
        (0, "CNY", "0.00 CNY"),
        (1_499_999, "JPY", "1 JPY"),
        (None, "CNY", "–"),  # noqa: RUF001
    ],
)
def test_micros(value: int | None, currency: str, shown: str) -> None:
    assert plain(figures.micros(value, currency)) == shown


def test_exact_micros_lose_nothing() -> None:
    assert plain(figures.micros(12_345_678, "CNY", exact=True)) == "12.345678 CNY"
    assert plain(figures.micros(12_000_000, "CNY", exact=True)) == "12.00 CNY"


def test_minor_units_follow_the_currency() -> None:
    assert plain(figures.minor(269_900, "CNY")) == "2,699.00 CNY"
    assert plain(figures.minor(2_699, "JPY")) == "2,699 JPY"
    assert figures.minor(100) == "1.00"


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (23_456, 1, "2.3 %"),
        (Fraction(1, 3), 2, "33.33 %"),
        (0.5, 0, "50 %"),
        (-12_340, 1, "-1.2 %"),
        (1_000_000, 1, "100.0 %"),
        (None, 1, "–"),  # noqa: RUF001
    ],
)
def test_percent_takes_parts_per_million_or_a_fraction(
    value: int | float | Fraction | None, decimals: int, shown: str
) -> None:
    assert plain(figures.percent(value, decimals)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (81_234, "81.2 kB"), (999_960, "1.0 MB")],
)
def test_sizes_are_in_steps_of_a_thousand(value: int, shown: str) -> None:
    assert plain(figures.size(value)) == shown


def test_times_are_the_readers() -> None:
    at = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    assert figures.instant(at, SHANGHAI) == "2026-11-23 00:30"
    assert figures.day(at, SHANGHAI) == "2026-11-23"
    assert figures.day(date(2026, 11, 22), SHANGHAI) == "2026-11-22"


def test_counts() -> None:
    assert figures.number(1_234_567) == "1,234,567"
    assert figures.number(Fraction(5, 2), 1) == "2.5"
