"""Money: exact, integer, rounded in one place and in one way."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from models.domain.money import (
    Micros,
    bid_per_impression,
    format_amount,
    from_expected,
    half_away_from_zero,
    parse_amount,
    per_impression,
)

amounts = st.integers(-(10**18), 10**18)


@given(amounts, st.integers(1, 10**12))
def test_rounding_is_the_nearest_integer_and_halves_go_away_from_zero(n: int, d: int) -> None:
    rounded = half_away_from_zero(n, d)
    distance = abs(Fraction(n, d) - rounded)
    assert distance <= Fraction(1, 2)
    assert distance < Fraction(1, 2) or abs(rounded) > abs(Fraction(n, d))


@pytest.mark.parametrize(
    ("numerator", "denominator", "nearest"),
    [(5, 10, 1), (-5, 10, -1), (4, 10, 0), (-4, 10, 0), (15, 10, 2), (-15, 10, -2), (0, 7, 0)],
)
def test_a_half_is_rounded_away_from_zero(numerator: int, denominator: int, nearest: int) -> None:
    assert half_away_from_zero(numerator, denominator) == nearest


def test_a_thousand_impressions_cost_about_the_cpm() -> None:
    assert per_impression(Micros(12_345_678)) == 12_346
    assert bid_per_impression(Micros(12_345_678)) == 12_345


@given(st.integers(0, 10**15))
def test_no_impression_costs_more_than_the_bid_allows(cpm: int) -> None:
    assert bid_per_impression(Micros(cpm)) * 1000 <= cpm


@given(st.floats(0, 1e12))
def test_what_is_set_aside_suffices(expected: float) -> None:
    assert 0 <= from_expected(expected) - Fraction(expected) < 1


@given(amounts)
def test_an_amount_written_with_all_decimals_reads_back(amount: int) -> None:
    assert parse_amount(format_amount(Micros(amount), 6).replace(",", "")) == amount


@given(amounts, st.integers(0, 6))
def test_an_amount_is_shown_as_decimal_arithmetic_rounds_it(amount: int, decimals: int) -> None:
    exact = Decimal(amount) / 1_000_000
    shown = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    assert Decimal(format_amount(Micros(amount), decimals).replace(",", "")) == shown


@pytest.mark.parametrize("text", ["", "-", "1.2.3", "1,5", "1e3", "0.1234567", "٣", "1 ", "NaN"])
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_amount(text)
