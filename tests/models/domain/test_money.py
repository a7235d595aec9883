"""Money: exact, integer, rounded in one place and in one way."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from models.domain.money import (
    LARGEST_MINOR,
    PPM,
    Micros,
    allocate,
    bid_per_impression,
    format_amount,
    format_minor,
    from_expected,
    half_away_from_zero,
    micros_of,
    minor_digits,
    minor_of,
    parse_amount,
    per_impression,
    portion,
    reversed_by_refund,
    share_out,
    whole_minor,
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


def test_the_largest_amount_from_outside_is_ten_thousand_million_yuan() -> None:
    assert format_minor(LARGEST_MINOR, "CNY") == "10,000,000,000.00"


@pytest.mark.parametrize(
    ("amount", "rate_ppm", "part"),
    [
        (26_900, 31_000, 834),
        (1_980, 91_000, 180),
        (49, 10_000, 0),
        (50, 10_000, 1),
        (-49, 10_000, 0),
        (-50, 10_000, -1),
        (7, 0, 0),
        (7, PPM, 7),
        (7, 2 * PPM, 14),
        (1, 499_999, 0),
        (1, 500_000, 1),
    ],
)
def test_a_rate_of_an_amount_is_multiplied_before_divided(
    amount: int, rate_ppm: int, part: int
) -> None:
    assert portion(amount, rate_ppm) == part


@pytest.mark.parametrize(
    ("total", "portions", "parts"),
    [
        (99, [500_000, 500_000], [50, 49]),
        (99, [500_000, None], [50, 49]),
        (99, [None, 500_000], [50, 49]),
        (-99, [500_000, None], [-50, -49]),
        (100, [None], [100]),
        (100, [PPM], [100]),
        (100, [PPM, None], [100, 0]),
        (100, [None, PPM], [0, 100]),
        (100, [0, None], [0, 100]),
        (0, [300_000, None], [0, 0]),
        (2, [333_333, 333_333, None], [1, 1, 0]),
        (1, [0, 1, None], [0, 1, 0]),
        (5_000, [5_000, 1, None], [26, 0, 4_974]),
    ],
)
def test_a_split_hands_what_is_left_over_to_the_first(
    total: int, portions: list[int | None], parts: list[int]
) -> None:
    assert allocate(total, portions) == parts


@pytest.mark.parametrize("portions", [[PPM + 1], [600_000, 400_001], [-1, None], [-1, PPM, None]])
def test_portions_above_the_whole_and_below_nothing_are_refused(
    portions: list[int | None],
) -> None:
    with pytest.raises(
        ValueError, match=r"^portions are parts of a whole: none negative, together at most 100 %$"
    ):
        allocate(100, portions)


@pytest.mark.parametrize("portions", [[None, None], [500_000, None, None], [PPM - 1], [0], []])
def test_two_who_take_the_rest_and_a_rest_that_nobody_takes_are_refused(
    portions: list[int | None],
) -> None:
    with pytest.raises(
        ValueError,
        match=r"^exactly the whole is split: name every part, or one that takes the rest$",
    ):
        allocate(100, portions)


@st.composite
def portions_of_a_whole(draw: st.DrawFn) -> list[int | None]:
    cuts = sorted(draw(st.lists(st.integers(0, PPM), max_size=5)))
    parts: list[int | None] = [b - a for a, b in zip([0, *cuts], [*cuts, PPM], strict=True)]
    if draw(st.booleans()):
        parts[draw(st.integers(0, len(parts) - 1))] = None
    return parts


@given(amounts, portions_of_a_whole())
def test_the_parts_of_a_split_are_the_whole_and_each_is_near_its_share(
    total: int, portions: list[int | None]
) -> None:
    parts = allocate(total, portions)
    assert sum(parts) == total
    for part, ppm in zip(parts, portions, strict=True):
        rest = PPM - sum(one for one in portions if one is not None)
        exact = Fraction(total * (rest if ppm is None else ppm), PPM)
        assert abs(part - exact) <= 1
        assert abs(part) <= abs(total)
        assert part * total >= 0
    assert allocate(-total, portions) == [-part for part in parts]


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (99, [1, 1, 1, 1, 1], [20, 20, 20, 20, 19]),
        (10, [1, 2, 3, 4], [1, 2, 3, 4]),
        (10, [0, 1, 0, 2], [0, 4, 0, 6]),
        (2, [0, 0, 1, 1], [0, 0, 1, 1]),
        (1, [0, 1, 1], [0, 1, 0]),
        (-5, [1, 1], [-3, -2]),
        (0, [1], [0]),
    ],
)
def test_a_split_by_weight(total: int, weights: list[int], parts: list[int]) -> None:
    assert share_out(total, weights) == parts


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1], [2, -1], [-1, 2]])
def test_weights_that_split_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"^weights are not negative and not all 0$"):
        share_out(10, weights)


@given(amounts, st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any))
def test_who_weighs_nothing_gets_nothing_and_the_parts_are_the_whole(
    total: int, weights: list[int]
) -> None:
    parts = share_out(total, weights)
    assert sum(parts) == total
    assert all(not part for part, weight in zip(parts, weights, strict=True) if not weight)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) <= 1


@pytest.mark.parametrize(
    ("earned", "refunded", "paid", "taken"),
    [
        (197, 50, 100, 99),
        (-197, 50, 100, -99),
        (197, 0, 100, 0),
        (197, 100, 100, 197),
        (197, 0, 0, 0),
        (1, 1, 3, 0),
        (1, 2, 3, 1),
        (100, 1, 3, 33),
    ],
)
def test_a_refund_takes_back_the_part_that_went_back(
    earned: int, refunded: int, paid: int, taken: int
) -> None:
    assert reversed_by_refund(earned, refunded, paid) == taken


@given(
    st.integers(0, 10**12),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=10),
    st.integers(0, 10**9),
)
def test_any_series_of_refunds_ends_where_one_refund_ends(
    earned: int, refunds: list[int], kept: int
) -> None:
    paid = sum(refunds) + kept
    so_far = reversed_so_far = 0
    for refund in refunds:
        so_far += refund
        step = reversed_by_refund(earned, so_far, paid) - reversed_so_far
        assert step >= 0
        reversed_so_far += step
    assert reversed_so_far == reversed_by_refund(earned, sum(refunds), paid)
    assert reversed_so_far <= earned
    assert kept or not paid or reversed_so_far == earned


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("CNY", 2), ("USD", 2), ("EUR", 2),
     *((code, 0) for code in ("CLP", "ISK", "JPY", "KRW", "UGX", "VND", "XAF", "XOF")),
     *((code, 3) for code in ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))],
)  # fmt: skip
def test_a_currency_has_as_many_decimals_as_iso_4217_says(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


def test_minor_units_follow_the_currency() -> None:
    assert micros_of(1999, "CNY") == 19_990_000
    assert micros_of(1999, "JPY") == 1_999_000_000
    assert micros_of(1999, "KWD") == 1_999_000
    assert micros_of(-1, "CNY") == -10_000


@pytest.mark.parametrize(
    ("micros", "currency", "minor"),
    [
        (4_999, "CNY", 0),
        (5_000, "CNY", 1),
        (-4_999, "CNY", 0),
        (-5_000, "CNY", -1),
        (19_994_999, "CNY", 1_999),
        (499_999, "JPY", 0),
        (500_000, "JPY", 1),
        (499, "KWD", 0),
        (500, "KWD", 1),
    ],
)
def test_micros_become_the_nearest_minor_unit(micros: int, currency: str, minor: int) -> None:
    assert minor_of(micros, currency) == minor


@pytest.mark.parametrize(
    ("micros", "currency", "whole", "rest"),
    [
        (0, "CNY", 0, 0),
        (9_999, "CNY", 0, 9_999),
        (10_000, "CNY", 1, 0),
        (19_999, "CNY", 1, 9_999),
        (999_999, "JPY", 0, 999_999),
        (1_000, "KWD", 1, 0),
    ],
)
def test_only_whole_minor_units_leave_and_the_rest_remains(
    micros: int, currency: str, whole: int, rest: int
) -> None:
    assert whole_minor(micros, currency) == (whole, rest)


@given(st.integers(-(10**12), 10**12), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_minor_units_come_back_from_micros(minor: int, currency: str) -> None:
    micros = micros_of(minor, currency)
    assert minor_of(micros, currency) == minor
    assert whole_minor(abs(micros), currency) == (abs(minor), 0)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_456, "CNY", "1,234.56"),
        (-5, "CNY", "-0.05"),
        (1_235, "JPY", "1,235"),
        (1_235, "KWD", "1.235"),
        (0, "CNY", "0.00"),
    ],
)
def test_minor_units_read_as_a_person_writes_them(minor: int, currency: str, text: str) -> None:
    assert format_minor(minor, currency) == text


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("12.34", 12_340_000),
        ("-12.34", -12_340_000),
        ("-0.000001", -1),
        ("7", 7_000_000),
        ("7.", 7_000_000),
        (".5", 500_000),
        ("0.123456", 123_456),
    ],
)
def test_an_amount_is_read_to_the_micro(text: str, micros: int) -> None:
    assert parse_amount(text) == micros


def test_an_amount_is_shown_with_two_decimals_unless_told_otherwise() -> None:
    assert format_amount(Micros(1_234_565_000)) == "1,234.57"
