"""The demo's comparisons of partners' money: true books pass, and each kind of wrong book fails."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from adserver.demo.closing import Closed
from adserver.demo.partner_books import checks
from loadtest.merchants import Shop, make_shops
from loadtest.partners import AFFILIATES, OWNERS
from loadtest.shop import Order

SHOPS: list[Shop] = make_shops(1, "http://127.0.0.1:1")
CHARGED = {"adv_00": 100_000_000}


def order(number: int, **changes: Any) -> Order:
    """269.00 of green tea (10 %), brought by p_blog, received."""
    plain: dict[str, Any] = {
        "merchant_id": "m_leaf", "number": number, "sku": "LEAF-01", "category": "green tea",
        "quantity": 1, "paid_minor": 26_900, "click_id": "c", "coupon": "", "customer_ref": "x",
        "brought_by": "p_blog", "fate": "received", "refunded_minor": 0, "version": 2,
    }  # fmt: skip
    return Order(**(plain | changes))


ORDERS = [
    order(1),
    order(2, fate="cancelled"),
    order(3, fate="refunded", refunded_minor=26_900),
    order(4, fate="received", refunded_minor=9_999),
    order(5, category="gift-card"),
    order(6, coupon="BLOGLEAF"),
]
NET = {1: 2_690, 2: 0, 3: 0, 4: 2_690 - 1_000, 5: 0, 6: 1_614}


def row(one: Order) -> dict[str, Any]:
    return {
        "order_id": f"{one.merchant_id}-{one.number}",
        "status": one.fate,
        "paid_minor": one.paid_minor,
        "refunded_minor": one.refunded_minor,
        "partner_id": "p_blog",
        "reason": "",
        "commission_minor": NET[one.number],
        "subsidy_minor": 100,
    }


def statement(partner: str) -> dict[str, Any]:
    amounts = (("estimated", "10.5"), ("validated", "-0.5"), ("matured", "-1"), ("payable", "2"))
    return {
        "partner_id": partner,
        "estimated": "10.50",
        "validated": "10",
        "payable": "11",
        "bridge": [{"section": name, "amount": amount} for name, amount in amounts],
    }


@pytest.fixture
def closed() -> Closed:
    return Closed(
        accrued=[{"subsidy": "4.00"}],
        reconciled={"2026-11-22": True},
        statements=[statement(one.partner_id) for one in (*OWNERS, *AFFILIATES)],
        rows=[row(one) for one in ORDERS],
        balances={"subsidy_pool:developers": "1490.00", "advertiser_prepaid:adv_00": "1900.00"},
        verified="ledger verify: ok",
    )


def failing(closed: Closed) -> list[str]:
    return [one.name for one in checks(ORDERS, SHOPS, closed, CHARGED) if not one.holds]


def test_true_books_agree(closed: Closed) -> None:
    assert failing(closed) == []


def _row(number: int, **changes: Any) -> Callable[[Closed], None]:
    return lambda closed: closed.rows[number - 1].update(changes)


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (_row(1, status="cancelled"), "shops' sales"),
        (_row(3, refunded_minor=26_800), "shops' sales"),
        (_row(1, partner_id="p_deals"), "each order is"),
        (_row(4, commission_minor=1_689), "commissions"),
        (_row(5, commission_minor=1), "commissions"),
        (_row(1, subsidy_minor=101), "fund"),
        (lambda closed: closed.balances.update({"subsidy_pool:developers": "1490.01"}), "fund"),
        (lambda closed: closed.balances.update({"advertiser_prepaid:adv_00": "1"}), "ad revenue"),
        (lambda closed: closed.reconciled.update({"2026-11-23": False}), "adunion reconcile"),
        (lambda closed: closed.statements[0].update(payable="11.01"), "statements foot"),
        (lambda closed: closed.statements.pop(), "every partner"),
    ],
)
def test_a_wrong_book_is_found(
    closed: Closed, spoil: Callable[[Closed], object], name: str
) -> None:
    wrong = deepcopy(closed)
    spoil(wrong)
    (found,) = failing(wrong)
    assert found.startswith(name)


def test_a_row_of_a_doubtful_click_earns_for_nobody_and_is_no_fault(closed: Closed) -> None:
    _row(1, reason="invalid_traffic", partner_id=None, commission_minor=0)(closed)
    assert failing(closed) == []
