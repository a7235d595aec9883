"""Reports in any order, any number of times, in any batches: the books end the same."""

import itertools
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from affiliate.order import OrderFact, Status
from affiliate.partner import Subsidy, Tier
from tests.adserver.accounting.shop import POOL, Shop, opened
from tests.adserver.stores.sql_databases import database_url
from tests.affiliate.sales import BOB, SOLD_AT, fact, touch

__all__ = ["database_url"]

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ESTIMATES = ("estimated_commission_minor", "estimated_partner_minor")


def life_of(order_id: str, hours: int, **said: object) -> list[OrderFact]:
    """An order that is paid, corrected, received and partly sent back."""
    told = {"order_id": order_id, "occurred_at": SOLD_AT + hours * HOUR} | said
    return [
        fact(version=1, status=Status.PLACED, **told),
        fact(version=2, **told),
        fact(version=3, **told | {"paid_minor": 9_000, "occurred_at": SOLD_AT + DAY}),
        fact(version=4, status=Status.RECEIVED, **told | {"paid_minor": 9_000}),
        fact(version=5, status=Status.REFUNDED, **told | {"paid_minor": 9_000,
                                                          "refunded_minor": 3_000}),
    ]  # fmt: skip


def all_reports(shop: Shop) -> list[OrderFact]:
    """Clicks, coupons and customers of two partners, one cancellation, one stray refund."""
    one = shop.click("t1", clicked_at=SOLD_AT - DAY)
    two = shop.click("t2", clicked_at=SOLD_AT - HOUR, partner_id=BOB)
    shop.log[:] = [touch(touch_id="t3", customer_ref="cust3", clicked_at=SOLD_AT - 2 * DAY)]
    return [
        *life_of("o1", 0, click_id=one, customer_ref="cust1"),
        *life_of("o2", 1, customer_ref="cust1"),
        *life_of("o3", 2, click_id=two, customer_ref="cust1"),
        *life_of("o4", 3, coupon="ANN10"),
        *life_of("o5", 4, customer_ref="cust3"),
        *life_of("o6", 5),
        fact(order_id="o7", version=2, status=Status.REFUNDED),
        fact(order_id="o8", version=1, click_id=one),
        fact(order_id="o8", version=2, status=Status.CANCELLED),
    ]


def batches(reports: list[OrderFact], rng: random.Random) -> Iterator[list[OrderFact]]:
    """All of them, some twice, shuffled into batches of one to nine."""
    mixed = reports + rng.sample(reports, len(reports) // 3)
    rng.shuffle(mixed)
    while mixed:
        size = rng.randint(1, 9)
        yield mixed[:size]
        mixed = mixed[size:]


TERMS: dict[str, dict[str, object]] = {
    "plain": {"hold_days": 7, "commission_share_ppm": 850_000},
    "capped": {"cap_minor": 1_500, "commission_share_ppm": 850_000},
    "tiered": {"tiers": (Tier(15_000, 150_000), Tier(25_000, 200_000))},
    "subsidised": {"subsidy": Subsidy(POOL, 300_000)},
}


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
def test_shuffled_and_repeated_reports_end_in_the_same_books(
    database_url: str, tmp_path: Path, terms: dict[str, object]
) -> None:
    with opened(f"sqlite:///{tmp_path / 'in_order.sqlite'}") as orderly:
        orderly.furnish(**terms).fill_fund(1_000_000)
        for report in all_reports(orderly):
            orderly.tell(report)
        expected = without_estimates(orderly)
    with opened(database_url) as shop:
        shop.furnish(**terms).fill_fund(1_000_000)
        reports = all_reports(shop)
        for batch in batches(reports, random.Random(7)):
            shop.tell(*batch)
        assert without_estimates(shop) == expected
        assert set(shop.tell(*reports)) == {"duplicate"}
        assert without_estimates(shop) == expected


def without_estimates(shop: Shop) -> object:
    """Rows and balances; of lines that share a cap, estimates are what was told at the time."""
    rows, balances = shop.books()
    return [{k: v for k, v in row.items() if k not in ESTIMATES} for row in rows], balances


@settings(
    max_examples=12, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(seed=st.integers(0, 10**9))
def test_estimates_too_are_the_same_where_no_line_depends_on_another(
    tmp_path: Path, seed: int
) -> None:
    ends = []
    for number in range(2):
        rng = random.Random(seed + number)
        with opened(f"sqlite:///{tmp_path / f'{seed}-{number}-{rng.random()}.sqlite'}") as shop:
            shop.furnish(commission_share_ppm=850_000)
            for batch in batches(all_reports(shop), rng):
                shop.tell(*batch)
            ends.append(shop.books())
    assert ends[0] == ends[1]


def test_every_order_of_the_facts_of_one_line_ends_in_one_state(tmp_path: Path) -> None:
    ends = []
    for number, order in enumerate(itertools.permutations(range(4))):
        with opened(f"sqlite:///{tmp_path / f'{number}.sqlite'}") as shop:
            shop.furnish(hold_days=3)
            life = life_of("o1", 0, click_id=shop.click())[1:]
            for at in order:
                shop.tell(life[at])
            ends.append(shop.books())
    assert all(end == ends[0] for end in ends)
