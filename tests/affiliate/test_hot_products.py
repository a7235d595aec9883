"""Expected earnings: more data is believed more, none is worth the prior, better is never worse."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from affiliate.hot_products import (
    CONVERSION_STRENGTH,
    CTR_STRENGTH,
    HOUSE_CONVERSION,
    HOUSE_CTR,
    Expected,
    Key,
    Priced,
    Signals,
    priced,
    rank,
    rate_in_force,
    shrunk,
)
from affiliate.merchandise import HotRate, Merchant, Product
from affiliate.partner import NOTHING, Rate
from models.domain.ids import MerchantId, Sku

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
SHOP = Merchant(
    MerchantId("shop"), "Shop", "https://shop.example/", default_rate=Rate(ppm=20_000),
    category_rates=(("phone", Rate(ppm=30_000)),), gift_categories=frozenset({"voucher"}),
)  # fmt: skip
PHONE = Product(SHOP.merchant_id, Sku("p"), "Phone", "https://shop.example/p", 100_000, "phone")
CASE = replace(PHONE, sku=Sku("c"), category="case")
HOT = HotRate(SHOP.merchant_id, PHONE.sku, Rate(ppm=90_000), NOW, NOW + timedelta(days=1))

COUNTS = st.integers(0, 10**9)
RATES = st.fractions(Fraction(1, 10_000), Fraction(1, 2), max_denominator=10_000)
PRIORS = st.builds(Expected, RATES, RATES)


@st.composite
def signals(draw: st.DrawFn) -> Signals:
    impressions, links = draw(COUNTS), draw(COUNTS)
    ad_clicks = draw(st.integers(0, impressions))
    clicks = ad_clicks + links
    return Signals(impressions, ad_clicks, clicks, draw(st.integers(0, clicks)))


def key(product: Product) -> Key:
    return product.merchant_id, product.sku


def sale(product: Product, commission: int = 1_000) -> Priced:
    return Priced(product, Rate(flat_minor=commission), commission)


@given(PRIORS)
def test_without_any_data_the_prior_is_expected(prior: Expected) -> None:
    assert shrunk(Signals(), prior) == prior


@given(signals(), PRIORS)
def test_what_is_expected_lies_between_the_prior_and_the_own_rate(
    seen: Signals, prior: Expected
) -> None:
    expected = shrunk(seen, prior)
    own = Fraction(seen.orders, seen.clicks) if seen.clicks else prior.conversion
    assert min(own, prior.conversion) <= expected.conversion <= max(own, prior.conversion)
    own = Fraction(seen.ad_clicks, seen.impressions) if seen.impressions else prior.ctr
    assert min(own, prior.ctr) <= expected.ctr <= max(own, prior.ctr)


@given(st.integers(0, 1_000), st.integers(1, 1_000), PRIORS, st.integers(2, 1_000))
def test_more_data_of_the_same_rate_comes_closer_to_it(
    orders: int, clicks: int, prior: Expected, times: int
) -> None:
    orders = min(orders, clicks)
    own = Fraction(orders, clicks)
    few = shrunk(Signals(clicks=clicks, orders=orders), prior).conversion
    many = shrunk(Signals(clicks=clicks * times, orders=orders * times), prior).conversion
    assert abs(many - own) <= abs(few - own)
    if own != prior.conversion:
        assert abs(many - own) < abs(few - own)


@given(signals(), PRIORS)
def test_one_more_order_and_one_more_click_on_an_ad_are_never_worse(
    seen: Signals, prior: Expected
) -> None:
    before = shrunk(seen, prior)
    assert shrunk(replace(seen, orders=seen.orders + 1), prior).conversion >= before.conversion
    assert shrunk(replace(seen, ad_clicks=seen.ad_clicks + 1), prior).ctr >= before.ctr
    assert shrunk(replace(seen, clicks=seen.clicks + 1), prior).conversion <= before.conversion + (
        Fraction(1, seen.clicks + CONVERSION_STRENGTH) if seen.orders > seen.clicks else 0
    )
    assert shrunk(replace(seen, impressions=seen.impressions + 1), prior).ctr <= before.ctr


def test_a_rate_is_never_above_one_however_many_orders_came_of_a_click() -> None:
    expected = shrunk(Signals(clicks=10, orders=10**6), Expected())
    assert expected.conversion == (10 + CONVERSION_STRENGTH * HOUSE_CONVERSION) / (
        10 + CONVERSION_STRENGTH
    )


def test_the_strengths_are_what_they_say() -> None:
    assert (CTR_STRENGTH, CONVERSION_STRENGTH) == (1_000, 100)
    assert (Fraction(1, 100), Fraction(2, 100)) == (HOUSE_CTR, HOUSE_CONVERSION)
    seen = Signals(CTR_STRENGTH, 30, CONVERSION_STRENGTH, 4)
    expected = shrunk(seen, Expected())
    assert expected.ctr == (Fraction(30, CTR_STRENGTH) + HOUSE_CTR) / 2
    assert expected.conversion == (Fraction(4, CONVERSION_STRENGTH) + HOUSE_CONVERSION) / 2


def test_a_new_product_is_expected_to_do_as_its_merchants_others() -> None:
    other = replace(PHONE, merchant_id=MerchantId("slow"))
    seen = {key(CASE): Signals(10**6, 50_000, 10**6, 100_000)}
    new_here, new_there = rank([sale(other), sale(PHONE)], seen, "CNY")
    assert new_here.priced.product == PHONE
    assert new_here.expected.conversion > new_there.expected.conversion > HOUSE_CONVERSION
    assert abs(float(new_here.expected.conversion) - 0.1) < 0.001


def test_one_lucky_order_makes_no_hot_product() -> None:
    proven, lucky = key(CASE), key(PHONE)
    others = (SHOP.merchant_id, Sku("others"))
    seen = {
        proven: Signals(100_000, 3_000, 10_000, 800),
        lucky: Signals(10, 1, 1, 1),
        others: Signals(10**6, 30_000, 10**6, 30_000),
    }
    first, second = rank([sale(PHONE), sale(CASE)], seen, "CNY")
    assert [first.priced.product, second.priced.product] == [CASE, PHONE]
    assert second.expected.conversion < Fraction(5, 100)


def test_earnings_are_the_rates_times_the_commission_rounded_once() -> None:
    (one,) = rank([sale(PHONE, 1_234)], {}, "CNY")
    assert one.per_click == 246_800  # 2 % of 12.34
    assert one.per_thousand == 2_468_000  # 1 % of that, a thousand times
    (one,) = rank([sale(PHONE, 1_234)], {}, "JPY")
    assert one.per_click == 24_680_000


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=8), signals())
def test_of_equals_the_dearer_is_never_worth_less(commissions: list[int], seen: Signals) -> None:
    products = [sale(replace(PHONE, sku=Sku(f"{at}")), paid) for at, paid in enumerate(commissions)]
    ranked = rank(products, {key(one.product): seen for one in products}, "CNY")
    assert [one.per_thousand for one in ranked] == sorted(
        (one.per_thousand for one in ranked), reverse=True
    )
    dearest_first = sorted(ranked, key=lambda one: -one.priced.commission_minor)
    assert [one.per_click for one in dearest_first] == sorted(
        (one.per_click for one in ranked), reverse=True
    )


def test_equals_come_by_merchant_and_sku() -> None:
    products = [sale(replace(PHONE, sku=Sku(sku))) for sku in "bca"]
    assert [one.priced.product.sku for one in rank(products, {}, "CNY")] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("product", "hot", "at", "rate"),
    [
        (PHONE, HOT, NOW, Rate(ppm=90_000)),
        (PHONE, HOT, NOW - timedelta(microseconds=1), Rate(ppm=30_000)),
        (PHONE, HOT, NOW + timedelta(days=1), Rate(ppm=30_000)),
        (replace(PHONE, rate=Rate(flat_minor=5)), HOT, NOW, Rate(ppm=90_000)),
        (replace(PHONE, rate=Rate(flat_minor=5)), None, NOW, Rate(flat_minor=5)),
        (replace(PHONE, rate=Rate(ppm=0)), None, NOW, Rate(ppm=0)),
        (CASE, None, NOW, Rate(ppm=20_000)),
        (replace(PHONE, category="voucher"), HOT, NOW, NOTHING),
    ],
)
def test_the_most_specific_rate_is_in_force(
    product: Product, hot: HotRate | None, at: datetime, rate: Rate
) -> None:
    assert rate_in_force(SHOP, product, [hot] if hot else [], at) == rate


def test_a_commission_is_a_rounded_portion_of_the_price_or_flat() -> None:
    assert priced(SHOP, replace(PHONE, price_minor=1_983), [], NOW).commission_minor == 59
    assert priced(SHOP, replace(PHONE, price_minor=1_984), [], NOW).commission_minor == 60
    flat = replace(PHONE, rate=Rate(flat_minor=77))
    assert priced(SHOP, flat, [], NOW).commission_minor == 77


def test_a_product_is_priced_with_the_rate_in_force() -> None:
    hot, cold = Rate(ppm=90_000), Rate(ppm=30_000)
    assert priced(SHOP, PHONE, [HOT], NOW) == Priced(PHONE, hot, 9_000)
    assert priced(SHOP, PHONE, [HOT], HOT.ends_at) == Priced(PHONE, cold, 3_000)
    by_piece = replace(PHONE, rate=Rate(flat_minor=700))
    assert priced(SHOP, by_piece, [], NOW) == Priced(by_piece, Rate(flat_minor=700), 700)


def test_nothing_of_however_high_a_price_is_nothing() -> None:
    dear = replace(PHONE, price_minor=10**12, category="voucher")
    assert priced(SHOP, dear, [], NOW) == Priced(dear, NOTHING, 0)


def test_a_product_is_ranked_by_what_was_seen_of_it_drawn_towards_its_merchants() -> None:
    seen = {
        key(CASE): Signals(100_000, 100, 10_000, 10),
        key(PHONE): Signals(100_000, 5_000, 10_000, 2_000),
    }
    everything = Signals(200_000, 5_100, 20_000, 2_010)
    house = shrunk(everything, Expected())
    prior = shrunk(everything, house)
    first, second = rank([sale(CASE), sale(PHONE)], seen, "CNY")
    for hot, product in ((first, PHONE), (second, CASE)):
        assert hot.priced.product == product
        assert hot.signals == seen[key(product)]
        assert hot.expected == shrunk(hot.signals, prior)


def test_of_equals_a_thousand_times_the_dearer_click_comes_first() -> None:
    hardly_clicked = Signals(impressions=10**9)
    seen = {key(PHONE): hardly_clicked, key(CASE): hardly_clicked}
    first, second = rank([sale(CASE, 1_000), sale(PHONE, 1_001)], seen, "CNY")
    assert first.per_thousand == second.per_thousand
    assert first.per_click > second.per_click
    assert first.priced.product == PHONE
