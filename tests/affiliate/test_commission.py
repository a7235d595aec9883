"""What a line earns: its rate, tiers, the cap, the split, and what refunds take back."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from affiliate.attribution import Attributed, Method, Relation, Unearned
from affiliate.commission import Amounts, Claim, Goods, Priced, earn, rate_for
from affiliate.order import Status
from affiliate.partner import Rate, Subsidy, Terms, Tier
from models.domain.ids import MerchantId, PoolId
from models.domain.money import PPM
from tests.affiliate.sales import (
    M1,
    SOLD_AT,
    claim,
    contract,
    coupon,
    earned,
    earning,
    fact,
    flat,
    found,
    hot_rate,
    line,
    merchant,
    percent,
    product,
)

US = timedelta(microseconds=1)
EVERYBODY = MerchantId("")
BY_COUPON = {"method": Method.COUPON, "touch": None}


def priced(goods: dict[str, Any] | None = None, *, order: Any = None, **how: Any) -> Priced:
    known = replace(Goods(merchant()), **(goods or {}))
    return rate_for(order or line(), known, found(**how))


def under(**terms: Any) -> dict[str, Any]:
    return {"contract": contract(terms=Terms(**terms))}


ALL_GOODS: dict[str, Any] = {
    "merchant": merchant(category_rates=(("phone", percent(3)), ("book", percent(4)))),
    "product": product(rate=percent(5)),
    "hot": hot_rate(),
    "link_rate": percent(7),
}
ALL_TERMS: dict[str, Any] = {
    "rates": ((M1, percent(8)), (EVERYBODY, percent(9))),
    "same_merchant_rate": percent(1),
    "cross_merchant_rate": percent(2),
}


class TestRate:
    """The most specific one counts."""

    def test_the_coupons_rate_beats_everything(self) -> None:
        code = coupon(rate=percent(6))
        answer = priced(ALL_GOODS, **BY_COUPON, coupon=code, **under(**ALL_TERMS))
        assert answer == Priced(percent(6), "coupon ANN10", fixed=True)

    def test_a_coupon_without_a_rate_earns_the_contracts_and_never_the_links(self) -> None:
        answer = priced(ALL_GOODS, **BY_COUPON, coupon=coupon(), **under(**ALL_TERMS))
        assert answer == Priced(percent(8), "contract c1 v1, merchant m1")

    def test_the_links_rate_beats_the_contract(self) -> None:
        answer = priced(ALL_GOODS, **under(**ALL_TERMS))
        assert answer == Priced(percent(7), "link", fixed=True)
        answer = priced(ALL_GOODS, relation=Relation.SAME_MERCHANT, **under(**ALL_TERMS))
        assert answer.rule == "link"

    def test_the_contracts_rate_for_the_merchant_beats_the_one_for_every_merchant(self) -> None:
        goods = {**ALL_GOODS, "link_rate": None}
        assert priced(goods, **under(**ALL_TERMS)).rate == percent(8)
        rates = {"rates": ((MerchantId("m2"), percent(8)), (EVERYBODY, percent(9)))}
        answer = priced(goods, **under(**rates))
        assert answer == Priced(percent(9), "contract c1 v1, every merchant")

    def test_another_product_of_the_merchant_has_its_own_rate_where_one_was_agreed(self) -> None:
        goods = {**ALL_GOODS, "link_rate": None}
        how = {"relation": Relation.SAME_MERCHANT}
        answer = priced(goods, **how, **under(**ALL_TERMS))
        rule = "contract c1 v1, another product of the merchant"
        assert answer == Priced(percent(1), rule, fixed=True)
        without = {**ALL_TERMS, "same_merchant_rate": None}
        assert priced(goods, **how, **under(**without)).rate == percent(8)

    def test_a_sale_at_another_merchant_earns_the_rate_for_such_sales_only(self) -> None:
        how = {"relation": Relation.CROSS_MERCHANT}
        answer = priced(ALL_GOODS, **how, **under(**ALL_TERMS))
        assert answer == Priced(percent(2), "contract c1 v1, sale at another merchant", fixed=True)
        without = {**ALL_TERMS, "cross_merchant_rate": None}
        assert priced(ALL_GOODS, **how, **under(**without)).rate == percent(0)

    def test_a_direct_sale_earns_no_rate_of_a_relation(self) -> None:
        goods = {**ALL_GOODS, "link_rate": None}
        terms = {**ALL_TERMS, "rates": ()}
        assert priced(goods, **under(**terms)).rule == "hot product s1"

    @pytest.mark.parametrize(
        ("times", "rule"),
        [
            ({"starts_at": SOLD_AT}, "hot product s1"),
            ({"starts_at": SOLD_AT + US}, "product s1"),
            ({"ends_at": SOLD_AT + US}, "hot product s1"),
            ({"starts_at": SOLD_AT - US, "ends_at": SOLD_AT}, "product s1"),
        ],
    )
    def test_a_hot_product_is_hot_from_its_start_until_its_end(
        self, times: dict[str, Any], rule: str
    ) -> None:
        goods = {**ALL_GOODS, "hot": hot_rate(**times), "link_rate": None}
        answer = priced(goods)
        assert (answer.rule, answer.fixed) == (rule, rule.startswith("hot"))

    def test_a_late_order_earns_what_was_hot_when_it_was_paid(self) -> None:
        order = line({}, {"status": Status.RECEIVED, "occurred_at": SOLD_AT + timedelta(days=9)})
        goods = {**ALL_GOODS, "link_rate": None}
        assert priced(goods, order=order).rate == percent(20)

    def test_the_product_beats_its_category(self) -> None:
        goods = {**ALL_GOODS, "hot": None, "link_rate": None}
        assert priced(goods) == Priced(percent(5), "product s1")

    def test_the_category_beats_the_merchants_default(self) -> None:
        goods = {**ALL_GOODS, "hot": None, "link_rate": None, "product": product()}
        assert priced(goods) == Priced(percent(3), "category phone")
        goods["product"] = None
        assert priced(goods, order=line(category="book")).rate == percent(4)
        assert priced(goods, order=line(category="toy")) == Priced(percent(10), "merchant default")

    def test_an_order_without_a_category_has_the_one_of_the_feed(self) -> None:
        goods = {"merchant": ALL_GOODS["merchant"], "product": product(category="book")}
        assert priced(goods, order=line(category="")).rule == "category book"
        assert priced(goods).rule == "category phone"
        assert priced({**goods, "product": None}, order=line(category="")).rate == percent(10)

    def test_what_has_no_category_has_the_rate_of_no_category(self) -> None:
        goods = {"merchant": merchant(category_rates=(("", percent(4)),))}
        assert priced(goods, order=line(category="")) == Priced(percent(4), "category ")

    def test_a_refund_that_names_no_category_changes_no_rate(self) -> None:
        order = line({}, {"status": Status.REFUNDED, "category": "", "refunded_minor": 1})
        assert priced({"merchant": ALL_GOODS["merchant"]}, order=order).rule == "category phone"

    def test_a_rate_of_nothing_is_a_rate(self) -> None:
        goods = {**ALL_GOODS, "link_rate": percent(0)}
        assert priced(goods).rule == "link"
        goods = {**ALL_GOODS, "link_rate": None, "hot": None, "product": product(rate=percent(0))}
        assert priced(goods).rule == "product s1"
        code = coupon(rate=percent(0))
        assert priced(ALL_GOODS, coupon=code, **BY_COUPON).rate == percent(0)


def test_a_commission_is_rounded_once_half_away_from_zero() -> None:
    for paid, commission in [(149, 1), (150, 2), (151, 2), (49, 0), (50, 1)]:
        rate = merchant(default_rate=percent(1))
        assert earning(line(paid_minor=paid), merchant=rate).gross.commission == commission


def test_a_flat_rate_is_a_unit() -> None:
    shop = merchant(default_rate=flat(250))
    answer = earning(line(quantity=3, paid_minor=100), merchant=shop)
    assert answer.gross == Amounts(750, 750, 0)
    assert (answer.rate, answer.reason) == (flat(250), None)
    assert earning(line(quantity=0), merchant=shop).gross == Amounts()


def test_a_line_in_full() -> None:
    answer = earning(line(paid_minor=12_345), Terms(commission_share_ppm=800_000))
    assert answer.row == "r1"
    assert answer.reason is None
    assert answer.rate == percent(10)
    assert answer.rule == "merchant default"
    assert answer.base_minor == 12_345
    assert answer.estimated == answer.gross == answer.net == Amounts(1_235, 988, 247)
    assert answer.subsidy_wanted == 0


def test_the_unit_that_a_split_leaves_over_is_the_partners() -> None:
    answer = earning(line(paid_minor=990), Terms(commission_share_ppm=500_000))
    assert answer.gross == Amounts(99, 50, 49)


def test_a_changed_price_changes_the_actual_commission_and_not_the_estimate() -> None:
    answer = earning(line({}, {"paid_minor": 5_000}))
    assert answer.estimated.commission == 1_000
    assert answer.gross.commission == answer.net.commission == 500
    assert answer.base_minor == 5_000


def test_a_changed_quantity_changes_a_flat_commission_and_not_its_estimate() -> None:
    shop = merchant(default_rate=flat(100))
    answer = earning(line({"quantity": 3}, {"quantity": 2}), merchant=shop)
    assert (answer.estimated.commission, answer.gross.commission) == (300, 200)


def test_a_cancelled_line_earns_nothing_and_keeps_its_estimate() -> None:
    terms = Terms(subsidy=Subsidy(PoolId("fund"), 300_000))
    answer = earning(line({}, {"status": Status.CANCELLED}), terms)
    assert answer.reason is Unearned.CANCELLED
    assert answer.estimated.commission == 1_000
    assert (answer.gross, answer.net, answer.subsidy_wanted) == (Amounts(), Amounts(), 0)


def test_a_line_that_went_back_to_placed_earns_nothing() -> None:
    answer = earning(line({}, {"status": Status.PLACED}))
    assert (answer.reason, answer.gross) == (Unearned.NOT_PAID, Amounts())


def test_a_received_line_earns_what_a_paid_one_does() -> None:
    received = line({}, {"status": Status.RECEIVED})
    assert earning(received) == earning(line())
    assert earning(line(status=Status.RECEIVED)) == earning(line())


@pytest.mark.parametrize(
    ("refunded", "net"),
    [
        (0, Amounts(1_000, 900, 100)),
        (1, Amounts(1_000, 900, 100)),
        (5, Amounts(999, 900, 99)),
        (6, Amounts(999, 899, 100)),
        (5_000, Amounts(500, 450, 50)),
        (9_999, Amounts(0, 0, 0)),
        (10_000, Amounts(0, 0, 0)),
    ],
)
def test_a_refund_takes_its_slice_of_each_part(refunded: int, net: Amounts) -> None:
    order = line({}, {"status": Status.REFUNDED, "refunded_minor": refunded or 0})
    if not refunded:
        order = line({}, {"status": Status.RECEIVED})
    answer = earning(order, Terms(commission_share_ppm=900_000))
    assert answer.gross == Amounts(1_000, 900, 100)
    assert answer.net == net


def test_the_subsidy_is_of_the_gross_commission() -> None:
    terms = Terms(subsidy=Subsidy(PoolId("fund"), 335_000))
    assert earning(line(paid_minor=1_010), terms).subsidy_wanted == 34
    half = line({"paid_minor": 1_010}, {"paid_minor": 1_010, "refunded_minor": 505})
    assert earning(half, terms).subsidy_wanted == 34


@pytest.mark.parametrize(
    ("goods", "reason", "commission"),
    [
        ({"merchant": merchant(default_rate=Rate(ppm=0))}, Unearned.ZERO_RATE, 0),
        ({"merchant": merchant(default_rate=Rate(flat_minor=0))}, Unearned.ZERO_RATE, 0),
        ({"merchant": merchant(gift_categories=frozenset({"phone"}))}, Unearned.GIFT_CATEGORY, 0),
        ({"merchant": merchant(gift_categories=frozenset({"book"}))}, None, 1_000),
        ({"merchant": merchant(default_rate=Rate(flat_minor=1))}, None, 1),
        ({"merchant": merchant(default_rate=Rate(ppm=100))}, None, 1),
        ({"merchant": merchant(default_rate=Rate(ppm=1))}, None, 0),
    ],
)
def test_a_line_that_earns_nothing_says_why(
    goods: dict[str, Any], reason: Unearned | None, commission: int
) -> None:
    answer = earning(line(), **goods)
    assert answer.reason is reason
    assert answer.estimated.commission == answer.gross.commission == commission


def test_a_gift_is_told_by_the_category_of_the_feed_too() -> None:
    shop = merchant(gift_categories=frozenset({"gift card"}))
    answer = earning(line(category=""), merchant=shop, product=product(category="gift card"))
    assert answer.reason is Unearned.GIFT_CATEGORY


def test_a_rate_of_nothing_is_nothing_of_however_much() -> None:
    much = line(paid_minor=10**12)
    assert earning(much, merchant=merchant(default_rate=Rate(ppm=0))).estimated == Amounts()
    assert earning(much, merchant=merchant(default_rate=Rate())).gross == Amounts()


def test_the_first_of_several_reasons_is_named() -> None:
    nothing = merchant(default_rate=Rate(ppm=0), gift_categories=frozenset({"phone"}))
    assert earning(line(), merchant=nothing).reason is Unearned.GIFT_CATEGORY
    gone = line({}, {"status": Status.CANCELLED})
    assert earning(gone, merchant=nothing).reason is Unearned.CANCELLED
    shop = merchant(default_rate=Rate(ppm=0))
    assert earning(line(), Terms(cap_minor=0), merchant=shop).reason is Unearned.ZERO_RATE


def test_a_line_for_which_nothing_was_paid_earns_nothing_and_says_so() -> None:
    free = line(paid_minor=0)
    assert earning(free).reason is Unearned.NOT_PAID
    by_unit = earning(free, merchant=merchant(default_rate=flat(30)))
    assert (by_unit.reason, by_unit.net.commission) == (None, 30)


def sale(row: str, paid: int = 10_000, *, seconds: int = 0, **changes: Any) -> Claim:
    at = SOLD_AT + timedelta(seconds=seconds)
    return claim(line(paid_minor=paid, occurred_at=at, **changes), row=row)


class TestTiers:
    """By approved revenue of the month."""

    tiers = (Tier(10_000, 120_000), Tier(20_000, 150_000))

    def rates(self, *claims: Claim) -> list[int | None]:
        return [one.rate.ppm for one in earned(claims, Terms(tiers=self.tiers))]

    def test_the_order_that_crosses_gets_the_new_rate_in_full(self) -> None:
        claims = [sale("a", 9_999), sale("b", 1, seconds=1), sale("c", 10_000, seconds=2)]
        assert self.rates(*claims) == [100_000, 120_000, 150_000]

    def test_a_tier_exactly_reached_counts(self) -> None:
        assert self.rates(sale("a", 10_000)) == [120_000]
        assert self.rates(sale("a", 9_999)) == [100_000]

    def test_the_highest_tier_reached_counts_in_whatever_order_they_are_written(self) -> None:
        terms = Terms(tiers=self.tiers[::-1])
        assert earned([sale("a", 20_000)], terms)[0].rate == percent(15)

    def test_a_tier_may_be_lower_than_the_rate(self) -> None:
        (answer,) = earned([sale("a")], Terms(tiers=(Tier(0, 50_000),)))
        assert answer.rate == percent(5)
        assert answer.rule == "merchant default, tier from 0"
        assert answer.gross.commission == 500

    def test_the_order_of_payment_counts_and_not_of_arrival(self) -> None:
        late, early = sale("a", 9_000, seconds=60), sale("b", 9_000)
        assert self.rates(late, early) == [120_000, 100_000]

    def test_of_two_in_one_instant_the_row_decides(self) -> None:
        assert self.rates(sale("b", 9_000), sale("a", 9_000)) == [120_000, 100_000]

    def test_what_was_cancelled_refunded_or_a_gift_reaches_no_tier(self) -> None:
        cancelled = claim(line({}, {"status": Status.CANCELLED}), row="a")
        half = {"status": Status.REFUNDED, "refunded_minor": 5_001}
        refunded = claim(line({}, half), row="b")
        gift = claim(line(), row="c", merchant=merchant(gift_categories=frozenset({"phone"})))
        claims = [cancelled, refunded, gift, sale("d", 5_000)]
        assert self.rates(*claims)[3] == 100_000
        assert self.rates(*claims[:3], sale("d", 5_001))[3] == 120_000

    def test_what_earns_at_a_rate_of_nothing_reaches_a_tier_too(self) -> None:
        nothing = claim(line(), row="a", link_rate=Rate(ppm=0))
        assert self.rates(nothing, sale("b", 10_000)) == [0, 150_000]

    @pytest.mark.parametrize(
        ("goods", "how"),
        [
            ({"link_rate": percent(1)}, {}),
            ({"hot": hot_rate()}, {}),
            ({}, {"coupon": coupon(rate=percent(1)), **BY_COUPON}),
            ({}, {"relation": Relation.SAME_MERCHANT}),
            ({}, {"relation": Relation.CROSS_MERCHANT}),
            ({"product": product(rate=flat(7))}, {}),
        ],
        ids=["link", "hot product", "coupon", "same merchant", "cross merchant", "flat"],
    )
    def test_a_rate_that_is_not_the_contracts_or_the_merchants_percentage_stays(
        self, goods: dict[str, Any], how: dict[str, Any]
    ) -> None:
        terms = Terms(
            tiers=self.tiers, same_merchant_rate=percent(1), cross_merchant_rate=percent(2)
        )
        theirs = found(contract=contract(terms=terms), **how)
        mine = replace(claim(line(), **goods), found=theirs)
        (answer,) = earn([mine], terms)
        before = rate_for(mine.line, mine.goods, theirs)
        assert (answer.rate, answer.rule) == (before.rate, before.rule)

    @pytest.mark.parametrize(
        ("goods", "terms"),
        [
            ({}, {"rates": ((M1, percent(1)),)}),
            ({}, {"rates": ((EVERYBODY, percent(1)),)}),
            ({"product": product(rate=percent(1))}, {}),
            ({"merchant": merchant(category_rates=(("phone", percent(1)),))}, {}),
        ],
        ids=["contract", "contract for all", "product", "category"],
    )
    def test_a_percentage_of_the_contract_or_the_merchant_gives_way_to_the_tier(
        self, goods: dict[str, Any], terms: dict[str, Any]
    ) -> None:
        agreed = Terms(tiers=self.tiers, **terms)
        (answer,) = earned([claim(line(), **goods)], agreed)
        assert answer.rate == percent(12)


class TestCap:
    """Of a contract and month, on the commission."""

    def commissions(self, cap: int, *claims: Claim) -> list[tuple[int, Unearned | None]]:
        answers = earned(claims, Terms(cap_minor=cap))
        return [(one.gross.commission, one.reason) for one in answers]

    def test_a_cap_exactly_reached_takes_nothing(self) -> None:
        assert self.commissions(1_000, sale("a")) == [(1_000, None)]

    def test_the_last_line_gets_what_is_left_and_the_next_nothing(self) -> None:
        claims = [sale("a"), sale("b", seconds=1), sale("c", seconds=2)]
        capped = Unearned.CAP_REACHED
        assert self.commissions(1_999, *claims) == [(1_000, None), (999, capped), (0, capped)]

    def test_a_cap_of_nothing_leaves_nothing(self) -> None:
        assert self.commissions(0, sale("a")) == [(0, Unearned.CAP_REACHED)]

    def test_the_order_of_payment_counts_and_not_of_arrival(self) -> None:
        late, early = sale("a", seconds=1), sale("b")
        assert self.commissions(1_000, late, early) == [(0, Unearned.CAP_REACHED), (1_000, None)]

    def test_a_refund_makes_room_for_the_next(self) -> None:
        refund = {"status": Status.REFUNDED, "refunded_minor": 2_500}
        first = claim(line({}, refund), row="a")
        assert self.commissions(1_000, first, sale("b")) == [
            (1_000, None),
            (250, Unearned.CAP_REACHED),
        ]

    def test_the_estimate_is_capped_too(self) -> None:
        (answer,) = earned([sale("a")], Terms(cap_minor=300, commission_share_ppm=900_000))
        assert answer.estimated == answer.gross == Amounts(300, 270, 30)

    def test_a_line_that_would_have_earned_nothing_was_not_capped(self) -> None:
        tiny = claim(line(paid_minor=1), row="b")
        assert self.commissions(1_000, sale("a"), tiny)[1] == (0, None)

    def test_the_subsidy_is_of_what_the_cap_left(self) -> None:
        terms = Terms(cap_minor=300, subsidy=Subsidy(PoolId("fund"), 500_000))
        assert earned([sale("a")], terms)[0].subsidy_wanted == 150


def test_earnings_come_in_the_order_of_their_claims() -> None:
    claims = [sale("c"), sale("a", seconds=1), sale("b", seconds=-1)]
    assert [one.row for one in earned(claims)] == ["c", "a", "b"]
    assert earned([]) == []


def test_a_line_that_was_never_paid_for_is_no_claim() -> None:
    with pytest.raises(ValueError, match="order o1 was never paid for"):
        earning(line(status=Status.PLACED))


minors = st.integers(0, 100_000)


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """A line in any state, at any price, under any rule."""
    paid = draw(minors)
    latest = {
        "status": draw(st.sampled_from(list(Status))),
        "paid_minor": draw(st.just(paid) | minors),
    }
    latest["refunded_minor"] = draw(st.integers(0, latest["paid_minor"]))
    at = SOLD_AT + timedelta(seconds=draw(st.integers(0, 3)))
    order = line({"paid_minor": paid, "occurred_at": at}, latest, quantity=draw(st.integers(0, 3)))
    rates = st.sampled_from([None, percent(0), percent(3.1), percent(100), flat(99)])
    shop = merchant(
        default_rate=draw(rates) or percent(10),
        gift_categories=frozenset(draw(st.sampled_from([(), ("phone",)]))),
    )
    return claim(order, merchant=shop, link_rate=draw(rates))


def in_rows(some: list[Claim]) -> list[Claim]:
    return [replace(one, row=f"r{number}") for number, one in enumerate(some)]


many = st.lists(claims(), max_size=8).map(in_rows)
terms_of_any_kind = st.builds(
    Terms,
    cap_minor=st.none() | minors,
    commission_share_ppm=st.integers(0, PPM),
    tiers=st.lists(st.builds(Tier, minors, st.integers(0, PPM)), max_size=3).map(tuple),
    subsidy=st.none() | st.builds(Subsidy, st.just(PoolId("fund")), st.integers(0, PPM)),
)


@given(many, terms_of_any_kind)
def test_parts_are_the_whole_and_never_negative(some: list[Claim], terms: Terms) -> None:
    for answer in earned(some, terms):
        for amounts in (answer.estimated, answer.gross, answer.net):
            assert amounts.commission == amounts.partner + amounts.fee
            assert min(amounts.commission, amounts.partner, amounts.fee) >= 0
        assert answer.net.commission <= answer.gross.commission
        assert answer.net.partner <= answer.gross.partner


@given(many, terms_of_any_kind)
def test_a_cap_is_never_exceeded(some: list[Claim], terms: Terms) -> None:
    answers = earned(some, terms)
    if terms.cap_minor is not None:
        assert sum(one.net.commission for one in answers) <= terms.cap_minor
        assert all(one.estimated.commission <= terms.cap_minor for one in answers)


@given(many, terms_of_any_kind, st.randoms(use_true_random=False))
def test_the_order_in_which_claims_stand_never_matters(
    some: list[Claim], terms: Terms, chance: Random
) -> None:
    shuffled = list(some)
    chance.shuffle(shuffled)
    by_row = {answer.row: answer for answer in earned(shuffled, terms)}
    assert [by_row[one.row] for one in some] == earned(some, terms)


@given(many, terms_of_any_kind)
def test_who_earns_nothing_says_why_unless_it_rounds_to_nothing(
    some: list[Claim], terms: Terms
) -> None:
    for one, answer in zip(some, earned(some, terms), strict=True):
        latest = one.line.latest
        if answer.reason is None and not answer.gross.commission:
            rounds_away = latest.paid_minor * (answer.rate.ppm or 0) * 2 < PPM
            assert rounds_away if answer.rate.flat_minor is None else not latest.quantity


@given(
    st.lists(st.integers(0, 1_000), min_size=1, max_size=6),
    st.integers(1, 1_000),
    st.integers(0, PPM),
    st.integers(0, PPM),
)
def test_refunds_bit_by_bit_end_where_one_refund_ends(
    bits: list[int], more: int, ppm: int, share: int
) -> None:
    paid = sum(bits) + more
    terms = Terms(commission_share_ppm=share)
    shop = merchant(default_rate=Rate(ppm=ppm))
    states: list[dict[str, Any]] = [{}]
    taken = Amounts()
    before = earning(line(paid_minor=paid), terms, merchant=shop).net
    for refunded in (sum(bits[: number + 1]) for number in range(len(bits))):
        states.append({"status": Status.RECEIVED, "refunded_minor": refunded})
        after = earning(line(*states, paid_minor=paid), terms, merchant=shop).net
        taken = Amounts(
            taken.commission + before.commission - after.commission,
            taken.partner + before.partner - after.partner,
            taken.fee + before.fee - after.fee,
        )
        before = after
    whole = {"status": Status.RECEIVED, "refunded_minor": sum(bits)}
    at_once = earning(line({}, whole, paid_minor=paid), terms, merchant=shop)
    assert at_once.net == before
    assert taken.commission == at_once.gross.commission - at_once.net.commission
    assert taken.partner == at_once.gross.partner - at_once.net.partner


def test_a_claim_is_judged_by_the_fact_that_made_it_a_sale() -> None:
    order = line({"status": Status.PLACED, "category": "book"}, {}, {"category": "book"})
    shop = merchant(category_rates=(("phone", percent(1)), ("book", percent(2))))
    assert earning(order, merchant=shop).rate == percent(1)
    assert fact().category == "phone"


def test_whoever_was_found_by_coupon_needs_no_touch() -> None:
    theirs: Attributed = found(coupon=coupon(), **BY_COUPON)
    mine = replace(claim(), found=theirs)
    assert earn([mine], Terms())[0].gross.commission == 1_000
