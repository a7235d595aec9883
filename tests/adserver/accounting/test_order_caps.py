"""Caps, tiers and funds: what lines leave each other, whoever reports first."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from adserver.stores import database, funds
from adserver.stores.funds import Fund
from adserver.stores.ledger import Journal
from affiliate.chart_of_accounts import subsidy_pool
from affiliate.order import Status
from affiliate.partner import Subsidy, Tier
from tests.adserver.accounting.shop import NOW, POOL, SHANGHAI, Shop, opened, yuan
from tests.adserver.stores.sql_databases import database_url
from tests.affiliate.sales import ANN, M2, SOLD_AT, fact

__all__ = ["database_url"]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def bare(database_url: str) -> Iterator[Shop]:
    with opened(database_url) as shop:
        yield shop


def test_the_last_commission_under_a_cap_is_clamped_and_says_so(bare: Shop) -> None:
    shop = bare.furnish(cap_minor=1_000_000)
    click = shop.click()
    for number, paid in enumerate((9_700_000, 500_000, 100), 1):
        moment = SOLD_AT + number * HOUR
        shop.tell(fact(order_id=f"o{number}", click_id=click, paid_minor=paid, occurred_at=moment))
    first, second, third = (shop.row(f"o{n}") for n in (1, 2, 3))
    assert (first.commission_minor, first.reason) == (970_000, "")
    assert (second.commission_minor, second.reason) == (30_000, "cap_reached")
    assert (third.commission_minor, third.reason) == (0, "cap_reached")


def test_an_earlier_order_that_comes_late_takes_its_room_under_the_cap(bare: Shop) -> None:
    shop = bare.furnish(cap_minor=1_500)
    click = shop.click()
    shop.tell(fact(order_id="late", click_id=click, occurred_at=SOLD_AT + HOUR))
    shop.tell(fact(order_id="o1", click_id=click))
    assert (shop.row("o1").commission_minor, shop.row("late").commission_minor) == (1_000, 500)
    shop.tell(fact(order_id="o1", version=2, status=Status.CANCELLED))
    assert shop.row("late").commission_minor == 1_000
    assert shop.row("late").reason == ""
    assert shop.balances()["partner_pending:ann"] == yuan(10)


def test_a_month_and_a_contract_have_a_cap_of_their_own(bare: Shop) -> None:
    shop = bare.furnish(cap_minor=1_000)
    click = shop.click()
    shop.tell(
        fact(click_id=click),
        fact(order_id="o2", click_id=click, occurred_at=SOLD_AT + 14 * DAY),
        fact(order_id="o3", coupon="ANN10"),
    )
    assert [shop.row(f"o{n}").commission_minor for n in (1, 2, 3)].count(0) == 1
    assert shop.row("o2").scope == "c1:1:2026-12:CNY"


def test_a_cap_and_a_tier_never_add_yen_to_fen(bare: Shop) -> None:
    shop = bare.furnish(cap_minor=1_500, tiers=(Tier(15_000, 110_000),))
    yen = {"merchant_id": M2, "currency": "JPY", "order_id": "o2"}
    shop.tell(fact(click_id=shop.click()))
    abroad = fact(**yen, click_id=shop.click("t2", merchant_id=M2), occurred_at=SOLD_AT + HOUR)
    shop.desk.take(M2, [abroad], NOW)
    told = {row.currency: (row.commission_minor, row.reason) for row in shop.rows()}
    assert told == {"CNY": (1_000, ""), "JPY": (1_000, "")}
    assert shop.balances("JPY")["partner_pending:ann"] == yuan(1_000)


def test_the_order_that_crosses_a_tier_gets_the_new_rate_in_full(bare: Shop) -> None:
    shop = bare.furnish(tiers=(Tier(15_000, 200_000),))
    click = shop.click()
    shop.tell(
        fact(click_id=click),
        fact(order_id="o2", click_id=click, occurred_at=SOLD_AT + HOUR),
    )
    assert [shop.row(name).commission_minor for name in ("o1", "o2")] == [1_000, 2_000]
    shop.tell(fact(version=2, status=Status.REFUNDED))
    assert [shop.row(name).commission_minor for name in ("o1", "o2")] == [0, 1_000]


def test_two_orders_racing_for_the_last_yuan_never_get_it_both(bare: Shop) -> None:
    shop = bare.furnish(cap_minor=2_500, subsidy=Subsidy(POOL, 300_000, cap_minor=400))
    shop.fill_fund(350)
    click = shop.click()
    failures: list[BaseException] = []

    def tell(who: int) -> None:
        try:
            for number in range(8):
                moment = SOLD_AT + (who + 2 * number) * timedelta(minutes=1)
                shop.tell(fact(order_id=f"o{who}-{number}", click_id=click, occurred_at=moment))
        except BaseException as failure:  # noqa: BLE001 - told by the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=tell, args=(who,)) for who in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    rows = shop.rows()
    assert len(rows) == 16
    assert sum(row.commission_minor for row in rows) == 2_500
    left = shop.balances().get("subsidy_pool:support", 0)
    assert left >= 0
    assert yuan(sum(row.subsidy_minor for row in rows) / 100) + left == yuan(3.50)
    assert sum(shop.balances().values()) == 0


def test_the_same_batch_from_two_threads_is_booked_once(bare: Shop) -> None:
    shop = bare.furnish()
    batch = [fact(order_id=f"o{n}", click_id=shop.click()) for n in range(50)]
    kinds: list[list[str]] = []
    threads = [threading.Thread(target=lambda: kinds.append(shop.tell(*batch))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(one).pop() for one in kinds) == ["accepted"] + ["duplicate"] * 3
    assert shop.balances()["partner_pending:ann"] == yuan(500)


def test_a_fund_adds_its_share_and_takes_it_back_with_a_refund(bare: Shop) -> None:
    shop = bare.furnish(commission_share_ppm=900_000, subsidy=Subsidy(POOL, 300_000))
    shop.fill_fund(10_000)
    shop.tell(fact(click_id=shop.click()))
    row = shop.row()
    assert (row.partner_minor, row.subsidy_minor, row.fee_minor) == (900, 300, 100)
    assert shop.balances()["partner_pending:ann"] == yuan(12)
    assert shop.balances()["subsidy_pool:support"] == yuan(97)
    shop.tell(fact(version=2, status=Status.REFUNDED, refunded_minor=5_000))
    assert (shop.row().subsidy_granted_minor, shop.row().subsidy_minor) == (300, 150)
    shop.tell(fact(version=3, status=Status.CANCELLED))
    assert shop.balances() == {"bank": yuan(-100), "subsidy_pool:support": yuan(100)}


def test_an_empty_fund_pays_what_is_left_then_nothing_and_the_row_says_so(bare: Shop) -> None:
    shop = bare.furnish(subsidy=Subsidy(POOL, 300_000))
    shop.fill_fund(400)
    click = shop.click()
    for number in range(3):
        shop.tell(fact(order_id=f"o{number}", click_id=click))
    rows = [shop.row(f"o{number}") for number in range(3)]
    assert [row.subsidy_minor for row in rows] == [300, 100, 0]
    assert [row.reason for row in rows] == ["", "pool_empty", "pool_empty"]
    shop.fill_fund(10_000)
    shop.tell(fact(order_id="o2", version=2, status=Status.RECEIVED))
    assert shop.row("o2").subsidy_minor == 0


def test_a_fund_follows_a_price_that_falls_and_one_that_rises(bare: Shop) -> None:
    shop = bare.furnish(subsidy=Subsidy(POOL, 300_000))
    shop.fill_fund(400)
    shop.tell(fact(click_id=shop.click()))
    for version, paid, subsidy in ((2, 5_000, 150), (3, 10_000, 300), (4, 20_000, 400)):
        shop.tell(fact(version=version, status=Status.RECEIVED, paid_minor=paid))
        assert shop.row().subsidy_minor == subsidy
    assert shop.row().reason == "pool_empty"


def test_a_fund_never_gives_a_partner_more_than_its_cap_in_a_month(bare: Shop) -> None:
    shop = bare.furnish(subsidy=Subsidy(POOL, 300_000, cap_minor=400))
    shop.fill_fund(10_000)
    click = shop.click()
    shop.tell(*(fact(order_id=f"o{number}", click_id=click) for number in range(3)))
    shop.tell(fact(order_id="next", click_id=click, occurred_at=SOLD_AT + 14 * DAY))
    rows = [shop.row(name) for name in ("o0", "o1", "o2", "next")]
    assert [row.subsidy_minor for row in rows] == [300, 100, 0, 300]
    assert rows[1].reason == "subsidy_cap_reached"


def test_a_fund_with_a_limit_pays_only_who_was_enrolled_when_the_line_was_paid_for(
    bare: Shop,
) -> None:
    shop = bare.furnish(subsidy=Subsidy(POOL, 300_000))
    shop.fill_fund(10_000)
    with database.writing(shop.engine) as connection:
        funds.add_fund(connection, Fund(POOL, "Support", "CNY", SOLD_AT - DAY, 1))
        funds.enrol(connection, POOL, ANN, SOLD_AT)
        funds.leave(connection, POOL, ANN, SOLD_AT + HOUR)
    click = shop.click()
    for name, moment in (("soon", -HOUR), ("in", HOUR / 2), ("late", HOUR)):
        shop.tell(fact(order_id=name, coupon="ANN10", occurred_at=SOLD_AT + moment))
    shop.tell(fact(order_id="in", version=2, status=Status.REFUNDED, refunded_minor=5_000))
    rows = {row.order_id: (row.subsidy_minor, row.reason) for row in shop.rows()}
    assert rows == {"soon": (0, "not_enrolled"), "in": (150, ""), "late": (0, "not_enrolled")}
    assert shop.tell(fact(order_id="other", click_id=click)) == ["accepted"]


def test_a_fund_that_ran_dry_meanwhile_is_not_overdrawn_when_an_order_comes_back(
    bare: Shop,
) -> None:
    shop = bare.furnish(subsidy=Subsidy(POOL, 300_000))
    shop.fill_fund(300)
    click = shop.click()
    shop.tell(fact(click_id=click))
    shop.tell(fact(version=2, status=Status.CANCELLED))
    shop.tell(fact(order_id="o2", click_id=click, paid_minor=8_000))
    shop.tell(fact(version=3, status=Status.RECEIVED))
    assert (shop.row("o1").subsidy_minor, shop.row("o2").subsidy_minor) == (60, 240)
    with database.reading(shop.engine) as connection:
        balance = Journal(connection, SHANGHAI).balance(subsidy_pool(POOL), "CNY")
    assert balance.posted == 0
