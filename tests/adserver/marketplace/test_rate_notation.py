"""Rates, tiers, subsidies and spans: read exactly, written back the same, refused when too fine."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from adserver.marketplace import rate_notation as notation
from adserver.marketplace.notation import Notation
from adserver.marketplace.problem import NotationError
from affiliate.partner import Rate, Subsidy, Tier
from models.domain.ids import PoolId
from models.domain.money import LARGEST_MINOR, PPM


@pytest.mark.parametrize(
    ("written", "ppm"),
    [
        ("12%", 120_000),
        ("3.1%", 31_000),
        ("3.10 %", 31_000),
        ("0.0001%", 1),
        ("0.00010000%", 1),
        ("100%", PPM),
        ("0%", 0),
        (" 7 % ", 70_000),
    ],
)
def test_a_percentage_is_read_to_the_millionth(written: str, ppm: int) -> None:
    assert notation.parse_percent(written) == ppm


@pytest.mark.parametrize("written", ["0.00001%", "12", "-1%", "1e1%", "%", "1,5%", "१%", ".5%"])
def test_what_is_no_percentage_or_too_fine_is_refused(written: str) -> None:
    with pytest.raises(NotationError):
        notation.parse_percent(written)


@pytest.mark.parametrize(
    ("written", "currency", "minor"),
    [("5.00", "CNY", 500), ("5", "CNY", 500), ("0.01", "CNY", 1), ("5", "JPY", 5),
     ("5.00", "JPY", 5), ("0.005", "KWD", 5)],
)  # fmt: skip
def test_a_flat_rate_is_read_to_the_smallest_coin(written: str, currency: str, minor: int) -> None:
    assert notation.parse_rate(written, currency) == Rate(flat_minor=minor)


@pytest.mark.parametrize(
    ("written", "currency", "complaint"),
    [
        ("5.001", "CNY", "5.001 is too fine: CNY has 2 decimals"),
        ("0.5", "JPY", "0.5 is too fine: JPY has 0 decimals"),
        ("five", "CNY", "a rate is 12% or a flat amount a piece"),
        ("", "CNY", "a rate is 12% or a flat amount a piece"),
        ("1,000", "CNY", "is not an amount"),
    ],
)
def test_a_flat_rate_that_is_too_fine_or_no_number_is_refused(
    written: str, currency: str, complaint: str
) -> None:
    with pytest.raises(NotationError, match=complaint):
        notation.parse_rate(written, currency)


def test_rates_and_amounts_out_of_range_are_faults() -> None:
    assert notation.rate_fault(Rate(ppm=PPM)) is None
    assert notation.rate_fault(Rate(ppm=PPM + 1)) == "a rate is at most 100%"
    assert notation.rate_fault(Rate(flat_minor=LARGEST_MINOR)) is None
    assert notation.rate_fault(Rate(flat_minor=LARGEST_MINOR + 1))
    assert notation.rate_fault(Rate(flat_minor=-1)) == "must not be negative"


def test_a_tier_says_from_which_revenue_on_and_how_much() -> None:
    assert notation.tier("CNY").read("100000:12%") == Tier(10_000_000, 120_000)


def test_a_subsidy_names_its_fund_and_may_be_above_the_whole() -> None:
    written = notation.subsidy()
    assert written.read("support:130%") == Subsidy(PoolId("support"), 1_300_000)
    assert written.check(Subsidy(PoolId("support"), 1_300_000)) is None
    assert written.check(Subsidy(PoolId("support"), 0))
    assert written.check(Subsidy(PoolId("no spaces"), 1))
    with pytest.raises(NotationError, match="a fund and its share such as support:30%"):
        written.read("30%")


def test_a_label_may_hold_an_equals_sign_or_be_left_out_where_that_means_all() -> None:
    by_merchant = notation.labelled_rate("CNY", "[MERCHANT=]RATE", unlabelled=True)
    assert by_merchant.read("12%") == ("", Rate(ppm=120_000))
    assert by_merchant.read("shop=5.00") == ("shop", Rate(flat_minor=500))
    by_category = notation.labelled_rate("CNY", "CATEGORY=RATE")
    assert by_category.read("a=b=5%") == ("a=b", Rate(ppm=50_000))
    for written in ("5%", "=5%"):
        with pytest.raises(NotationError, match="CATEGORY=RATE expected"):
            by_category.read(written)


@pytest.mark.parametrize(
    ("written", "value"),
    [("15d", timedelta(days=15)), ("36h", timedelta(hours=36)), ("90 m", timedelta(minutes=90)),
     ("45s", timedelta(seconds=45)), ("250ms", timedelta(milliseconds=250))],
)  # fmt: skip
def test_a_span_has_a_unit(written: str, value: timedelta) -> None:
    assert notation.span().read(written) == value


@pytest.mark.parametrize("written", ["15", "d", "-1d", "1.5d", "1w"])
def test_what_is_no_span_is_refused(written: str) -> None:
    with pytest.raises(NotationError, match="a span such as 15d"):
        notation.span().read(written)


def test_a_span_beyond_all_calendars_is_refused() -> None:
    with pytest.raises(NotationError, match="longer than anything"):
        notation.span().read("99999999999d")


def test_a_window_is_more_than_nothing_and_at_most_a_year() -> None:
    check = notation.span().check
    assert check(timedelta(0))
    assert check(timedelta(days=366)) is None
    assert check(timedelta(days=366, milliseconds=1))


def test_a_bank_account_is_shown_by_its_last_letters_only() -> None:
    account = notation.bank_account()
    assert account.read("6222 0212-3456 7890") == "6222021234567890"
    assert account.write("6222021234567890") == "****7890"
    assert account.write("12345678") == "****78"
    assert account.write("") == ""
    assert account.check("6222/1") == "must be 4 to 64 letters and digits"


@pytest.mark.parametrize("sign", ["\0", "\x1b", "\udc80", "\u2028"])
def test_codes_and_mail_addresses_hold_nothing_that_cannot_be_shown(sign: str) -> None:
    assert notation.code().check("READER10") is None
    assert notation.code().check("满100减10") is None
    assert notation.code().check(f"A{sign}B")
    assert notation.email().check("a@b.example") is None
    assert notation.email().check(f"a{sign}@b.example")


rates = st.one_of(
    st.builds(Rate, ppm=st.integers(0, PPM)),
    st.builds(Rate, flat_minor=st.integers(0, LARGEST_MINOR)),
)


@given(
    st.sampled_from(["CNY", "JPY", "KWD"]).flatmap(
        lambda currency: st.one_of(
            st.tuples(st.just(notation.rate(currency)), rates),
            st.tuples(st.just(notation.percent()), st.integers(0, PPM)),
            st.tuples(st.just(notation.minor(currency)), st.integers(0, LARGEST_MINOR)),
            st.tuples(
                st.just(notation.tier(currency)),
                st.builds(Tier, st.integers(0, LARGEST_MINOR), st.integers(0, PPM)),
            ),
            st.tuples(
                st.just(notation.subsidy()),
                st.builds(Subsidy, st.just("pool"), st.integers(1, 10 * PPM)),
            ),
            st.tuples(
                st.just(notation.labelled_rate(currency, "X", unlabelled=True)),
                st.tuples(st.sampled_from(["", "a", "a=b", "手机"]), rates),
            ),
            st.tuples(
                st.just(notation.span()),
                st.integers(1, 366 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms)),
            ),
        )
    )
)
def test_what_is_written_is_read_back_the_same(case: tuple[Notation, Any]) -> None:
    written, value = case
    assert written.read(written.write(value)) == value
    assert written.check(value) is None
