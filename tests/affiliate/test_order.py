"""What all facts of a line say together, in whatever order they came."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, strategies as st

from affiliate.order import OrderFact, OrderLine, Status, Touch, TouchKind, line_of
from models.domain.ids import MerchantId, PartnerId
from tests.affiliate.sales import SOLD_AT, fact, line

PLACED, PAID, RECEIVED = Status.PLACED, Status.PAID, Status.RECEIVED
CANCELLED, REFUNDED = Status.CANCELLED, Status.REFUNDED
DAY = timedelta(days=1)


def test_the_highest_version_says_where_it_stands() -> None:
    order = line_of([fact(version=7, status=RECEIVED), fact(version=3), fact(version=5)])
    assert order.latest.version == 7


def test_the_lowest_version_that_says_paid_or_received_is_the_sale() -> None:
    order = line({"status": PLACED}, {"paid_minor": 9}, {"paid_minor": 8})
    assert order.first_paid == order.sale == fact(version=2, paid_minor=9)
    assert line({"status": REFUNDED}, {"status": RECEIVED}).sale.version == 2
    assert line({"status": CANCELLED}, {}).sale.version == 2


@pytest.mark.parametrize("status", [PLACED, CANCELLED, REFUNDED])
def test_a_line_that_nobody_reported_as_paid_has_no_sale(status: Status) -> None:
    order = line(status=status)
    assert order.first_paid is None
    with pytest.raises(ValueError, match="order o1 was never paid for"):
        _ = order.sale


def test_it_was_received_when_the_lowest_version_that_says_so_was() -> None:
    order = line(
        {},
        {"status": RECEIVED, "occurred_at": SOLD_AT + 2 * DAY},
        {"status": RECEIVED, "occurred_at": SOLD_AT + DAY},
    )
    assert order.received_at == SOLD_AT + 2 * DAY
    assert line().received_at is None


def test_a_click_a_coupon_and_a_customer_are_the_first_that_any_version_names() -> None:
    order = line(
        {},
        {"click_id": "k2", "coupon": "c2", "customer_ref": "u2"},
        {"click_id": "k3", "coupon": "c3", "customer_ref": "u3"},
    )
    assert (order.click_id, order.coupon, order.customer_ref) == ("k2", "c2", "u2")
    nothing = line()
    assert (nothing.click_id, nothing.coupon, nothing.customer_ref) == ("", "", "")


def test_whether_it_was_ever_only_placed() -> None:
    assert line({"status": PLACED}, {}).was_placed
    assert line({}, {"status": PLACED}).was_placed
    assert not line({}, {"status": CANCELLED}).was_placed


def test_a_line_of_which_nobody_says_so_was_not_only_placed() -> None:
    assert not OrderLine(fact(), fact(), None, "", "", "").was_placed


def test_a_touch_leads_nowhere_in_particular_and_is_valid_unless_told_otherwise() -> None:
    touch = Touch("t1", TouchKind.LINK, SOLD_AT, PartnerId("ann"), MerchantId("m1"))
    assert (touch.sku, touch.link_code, touch.app_id) == ("", "", "")
    assert (touch.placement_id, touch.line_item_id, touch.customer_ref) == ("", "", "")
    assert (touch.invalid, touch.subs) == ("", ("",) * 5)


@pytest.mark.parametrize(
    ("statuses", "lives"),
    [
        ([PAID], True),
        ([RECEIVED], True),
        ([PAID, RECEIVED], True),
        ([PAID, REFUNDED], True),
        ([CANCELLED, PAID], True),
        ([PAID, CANCELLED], False),
        ([PAID, PLACED], False),
        ([PLACED], False),
        ([REFUNDED], False),
        ([PLACED, REFUNDED], False),
    ],
)
def test_a_line_lives_that_was_paid_for_and_not_cancelled(
    statuses: list[Status], lives: bool
) -> None:
    assert line(*({"status": status} for status in statuses)).is_live is lives


@pytest.mark.parametrize(
    ("told", "refunded"),
    [
        ({}, 0),
        ({"refunded_minor": 1}, 1),
        ({"refunded_minor": 10_000}, 10_000),
        ({"refunded_minor": 10_001}, 10_000),
        ({"status": REFUNDED}, 10_000),
        ({"status": REFUNDED, "refunded_minor": 1}, 1),
        ({"status": REFUNDED, "refunded_minor": 10_001}, 10_000),
        ({"status": RECEIVED, "refunded_minor": 4_000}, 4_000),
        ({"status": CANCELLED}, 0),
    ],
)
def test_no_more_goes_back_than_was_paid_and_a_refund_without_an_amount_is_a_full_one(
    told: dict[str, object], refunded: int
) -> None:
    assert line({}, told).refunded_minor == refunded


def test_what_went_back_is_what_the_latest_version_says() -> None:
    order = line({}, {"refunded_minor": 5_000}, {"refunded_minor": 2_000})
    assert order.refunded_minor == 2_000


facts = st.builds(
    fact,
    version=st.integers(0, 20),
    status=st.sampled_from(Status),
    paid_minor=st.integers(0, 100),
    refunded_minor=st.integers(0, 100),
    click_id=st.sampled_from(["", "k1", "k2"]),
    coupon=st.sampled_from(["", "c1", "c2"]),
    customer_ref=st.sampled_from(["", "u1", "u2"]),
    occurred_at=st.integers(0, 9).map(lambda days: SOLD_AT + days * DAY),
)


@given(
    st.lists(facts, min_size=1, max_size=8, unique_by=lambda one: one.version),
    st.randoms(use_true_random=False),
)
def test_shuffled_and_repeated_facts_make_the_same_line(
    told: list[OrderFact], chance: Random
) -> None:
    shuffled = [*told, told[0]]
    chance.shuffle(shuffled)
    assert line_of(shuffled) == line_of(told)


@given(st.lists(facts, min_size=1, max_size=8, unique_by=lambda one: one.version))
def test_a_refund_is_a_part_of_what_was_paid(told: list[OrderFact]) -> None:
    order: OrderLine = line_of(told)
    assert 0 <= order.refunded_minor <= order.latest.paid_minor
