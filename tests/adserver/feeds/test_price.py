"""Prices as shops write them: exact, or refused."""

from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from adserver.feeds.price import PriceError, parse_price
from models.domain.money import LARGEST_MINOR, format_minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.99 CNY", "CNY", 1299), ("CNY 12.99", "CNY", 1299), ("12.99cny", "CNY", 1299),
        ("12.99", "CNY", 1299), ("12.9", "CNY", 1290), ("12", "CNY", 1200), ("0", "CNY", 0),
        ("1,299.00", "CNY", 129_900), ("1,299", "CNY", 129_900),
        ("1,234,567.8", "CNY", 123_456_780),
        ("1.299,00 EUR", "EUR", 129_900), ("1 299,00 €", "EUR", 129_900), ("12,5", "EUR", 1250),
        ("1'299.00", "CHF", 129_900), ("1.234.567", "EUR", 123_456_700),
        ("¥12.99", "CNY", 1299), ("￥ 1,299.00 元", "CNY", 129_900), ("CN¥5", "CNY", 500),
        ("¥1,299", "JPY", 1299), ("1299 JPY", "JPY", 1299), ("1.50 KWD", "KWD", 1500),
        ("12.9900 CNY", "CNY", 1299), ("US$3.10", "USD", 310), ("\u00a07.00\u202f", "CNY", 700),
    ],
)  # fmt: skip
def test_prices_are_read_exactly(text: str, currency: str, minor: int) -> None:
    assert parse_price(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12.99 USD", "is not in CNY"), ("$12.99", "is not in CNY"), ("12.999", "is too fine"),
        ("1.299", "is too fine"), ("0,999", "is too fine"), ("-5.00", "is not a price"),
        ("free", "is not a price"), ("", "is not a price"), ("12.99 / kg", "is not a price"),
        ("1,23,456.00", "do not agree"), ("1,2,3", "do not agree"), ("1.2.3,4", "do not agree"),
        ("1e5", "is not a price"), ("NaN", "is not a price"), ("\u0661\u0662.99", "is not a price"),
        ("9999999999999999", "more than can be counted"), ("1" * 500, "is not a price"),
        ("12.99 CNY 5", "is not a price"), ("12..99", "do not agree"), ("1,299,00", "do not agree"),
    ],
)  # fmt: skip
def test_what_may_mean_something_else_is_refused(text: str, words: str) -> None:
    with pytest.raises(PriceError, match=words):
        parse_price(text, "CNY")


@given(st.integers(0, LARGEST_MINOR), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_what_we_write_ourselves_is_read_back(minor: int, currency: str) -> None:
    written = format_minor(minor, currency)
    if currency == "KWD" or "," not in written or "." in written or currency == "JPY":
        assert parse_price(f"{written} {currency}", currency) == minor


@given(st.text(max_size=40))
def test_any_text_is_a_price_or_refused(text: str) -> None:
    with suppress(PriceError):
        assert 0 <= parse_price(text, "CNY") <= LARGEST_MINOR
