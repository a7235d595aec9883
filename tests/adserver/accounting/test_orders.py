"""The order desk: reports become rows and ledger entries, on SQLite and PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from adserver.accounting.order_hearing import CommissionTooLargeError
from adserver.accounting.orders import OTHER_BODY, UnknownMerchantError
from adserver.ports import StoreAwayError
from adserver.stores import database
from adserver.stores.ledger import Journal, SqlLedger
from adserver.stores.order_queries import changed_rows
from affiliate.calendar import Period
from affiliate.order import Status
from affiliate.partner import Standing
from models.domain.ids import MerchantId
from tests.adserver.accounting.shop import NOW, SHANGHAI, Shop, opened, yuan
from tests.adserver.stores.sql_databases import database_url
from tests.affiliate.sales import (
    ANN,
    BOB,
    M2,
    SOLD_AT,
    fact,
    flat,
    percent,
    product,
    touch,
)

__all__ = ["database_url"]

DAY = timedelta(days=1)


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """Ann and Bob get 90 % of a commission of 10 %, a week after the goods were received."""
    with opened(database_url) as empty:
        yield empty.furnish(hold_days=7, commission_share_ppm=900_000)


def test_a_sale_after_a_click_is_the_partners_and_the_ledger_knows(shop: Shop) -> None:
    assert shop.tell(fact(click_id=shop.click())) == ["accepted"]
    row = shop.row()
    assert (row.partner_id, row.method, row.relation, row.reason) == ("ann", "click", "direct", "")
    assert (row.commission_minor, row.partner_minor, row.fee_minor) == (1_000, 900, 100)
    assert (row.estimated_partner_minor, row.actual_partner_minor) == (900, None)
    assert row.scope.startswith("c1:1:2026-11")
    assert shop.balances() == {
        "merchant_receivable:m1": yuan(-10),
        "partner_pending:ann": yuan(9),
        "platform_fee": yuan(1),
    }


def test_the_same_report_again_is_a_duplicate_and_changes_nothing(shop: Shop) -> None:
    one = fact(click_id=shop.click())
    assert shop.tell(one, one) == ["accepted", "duplicate"]
    before = shop.books()
    assert shop.tell(one, now=NOW + DAY) == ["duplicate"]
    assert shop.books() == before
    assert shop.row().modified_at == NOW


def test_another_body_under_the_same_version_conflicts_for_that_item_only(shop: Shop) -> None:
    click = shop.click()
    shop.tell(fact(click_id=click))
    verdicts = shop.hear(
        [
            fact(click_id=click, paid_minor=9_000),
            fact(order_id="o2", click_id=click),
            fact(order_id="o2", click_id=click, quantity=2),
        ]
    )
    assert [one.kind for one in verdicts] == ["conflict", "accepted", "conflict"]
    assert verdicts[0].reason == OTHER_BODY
    assert shop.row().paid_minor == 10_000
    assert shop.row("o2").quantity == 1


def test_money_is_estimated_when_paid_actual_when_received_and_payable_after_the_hold(
    shop: Shop,
) -> None:
    click = shop.click()
    shop.tell(fact(status=Status.PLACED, click_id=click))
    assert (shop.row().reason, shop.balances()) == ("not_paid", {})
    shop.tell(fact(version=2, click_id=click))
    shop.tell(fact(version=3, status=Status.RECEIVED, paid_minor=9_000, occurred_at=SOLD_AT + DAY))
    row = shop.row()
    assert (row.estimated_commission_minor, row.actual_commission_minor) == (1_000, 900)
    assert (row.commission_minor, row.partner_minor) == (900, 810)
    assert row.payable_from == SOLD_AT + 8 * DAY
    assert shop.balances()["partner_pending:ann"] == yuan(8.10)


def test_any_refunds_end_where_one_refund_of_all_ends(shop: Shop) -> None:
    click = shop.click()
    shop.tell(fact(click_id=click, paid_minor=19_700))
    for version, refunded in enumerate((1, 3_333, 9_850, 19_700), 2):
        told = fact(
            version=version, status=Status.REFUNDED, paid_minor=19_700, refunded_minor=refunded
        )
        shop.tell(told)
        balances = shop.balances()
        assert sum(balances.values()) == 0
    assert balances == {}
    assert shop.row().actual_commission_minor is None


def test_half_a_refund_takes_back_half_rounded_away_from_zero(shop: Shop) -> None:
    shop.tell(fact(click_id=shop.click(), paid_minor=1_970))
    refund = fact(version=2, status=Status.REFUNDED, paid_minor=1_970, refunded_minor=985)
    shop.tell(refund)
    row = shop.row()
    assert (row.commission_minor, row.partner_minor, row.fee_minor) == (98, 89, 9)


def test_a_cancelled_order_gives_everything_back_and_keeps_its_estimate(shop: Shop) -> None:
    shop.tell(fact(click_id=shop.click()))
    shop.tell(fact(version=2, status=Status.CANCELLED))
    row = shop.row()
    assert (row.reason, row.commission_minor, row.estimated_partner_minor) == ("cancelled", 0, 900)
    assert shop.balances() == {}


def test_a_cancellation_after_the_money_matured_is_clawed_back(shop: Shop) -> None:
    shop.tell(fact(click_id=shop.click()))
    shop.mature()
    shop.tell(fact(version=2, status=Status.CANCELLED, occurred_at=SOLD_AT + 30 * DAY))
    assert shop.balances() == {
        "partner_payable:ann": yuan(9),
        "partner_clawback:ann": yuan(-9),
    }
    shop.tell(fact(version=3, status=Status.RECEIVED, occurred_at=SOLD_AT + 31 * DAY))
    assert shop.balances()["partner_payable:ann"] == yuan(9)
    assert "partner_clawback:ann" not in shop.balances()


def test_a_fact_of_a_closed_month_lands_in_the_open_one_and_says_so(shop: Shop) -> None:
    shop.tell(fact(click_id=shop.click()))
    with database.writing(shop.engine) as connection:
        Journal(connection, SHANGHAI).close_through("CNY", Period("2026-11"), NOW)
    shop.tell(fact(version=2, status=Status.REFUNDED))
    entries = list(SqlLedger(shop.engine, SHANGHAI).entries("CNY"))
    assert [entry.period for entry in entries] == ["2026-11", "2026-12"]
    assert ("late_for", "2026-11") in entries[1].transaction.refs
    assert entries[1].transaction.reason == "refund"


def test_refunds_and_cancellations_of_what_was_never_sold_are_kept_as_unmatched(
    shop: Shop,
) -> None:
    click = shop.click()
    shop.tell(
        fact(status=Status.REFUNDED, version=2, click_id=click),
        fact(order_id="o2", status=Status.CANCELLED, version=2, click_id=click),
        fact(order_id="o3", status=Status.PLACED, click_id=click),
        fact(order_id="o3", status=Status.CANCELLED, version=2, click_id=click),
    )
    reasons = {row.order_id: row.reason for row in shop.rows()}
    assert reasons == {"o1": "unmatched_refund", "o2": "unmatched_refund", "o3": "cancelled"}
    assert shop.balances() == {}
    shop.tell(fact(click_id=click))
    assert (shop.row().reason, shop.row().commission_minor) == ("", 0)


def test_rows_that_earn_nothing_are_kept_with_their_reason(shop: Shop) -> None:
    shop.click("old", clicked_at=SOLD_AT - 15 * DAY - timedelta(milliseconds=1))
    shop.click("edge", clicked_at=SOLD_AT - 15 * DAY)
    shop.click("bot", invalid="bot")
    shop.click("later", clicked_at=SOLD_AT + timedelta(milliseconds=1))
    shop.click("elsewhere", merchant_id=M2)
    shop.click("nobody", partner_id="cid")
    told = [
        fact(order_id=name, click_id=f"click:{name}")
        for name in ("old", "edge", "bot", "later", "elsewhere", "nobody", "forged")
    ]
    shop.tell(*told, fact(order_id="none"))
    assert {row.order_id: row.reason for row in shop.rows()} == {
        "old": "outside_window",
        "edge": "",
        "bot": "invalid_traffic",
        "later": "click_after_order",
        "elsewhere": "other_merchant",
        "nobody": "partner_not_approved",
        "forged": "bad_click",
        "none": "no_touch",
    }
    assert shop.balances()["partner_pending:ann"] == yuan(9)


def test_a_coupons_owner_comes_before_the_click(shop: Shop) -> None:
    click = shop.click(partner_id=BOB)
    shop.tell(fact(click_id=click, coupon="ann10"))
    assert (shop.row().partner_id, shop.row().method) == ("ann", "coupon")


def test_a_click_that_becomes_known_later_finds_its_customers_earlier_orders(shop: Shop) -> None:
    shop.tell(fact(customer_ref="cust1"), fact(order_id="o2", customer_ref="cust2"))
    assert shop.row().reason == "no_touch"
    shop.tell(fact(order_id="o3", click_id=shop.click(), customer_ref="cust1"))
    row = shop.row()
    assert (row.partner_id, row.method, row.reason) == ("ann", "customer", "")
    assert row.estimated_partner_minor == 900
    assert shop.row("o2").reason == "no_touch"
    assert shop.balances()["partner_pending:ann"] == yuan(18)


def test_a_later_click_of_another_partner_takes_a_customers_order_over(shop: Shop) -> None:
    first = shop.click("t1", clicked_at=SOLD_AT - 3 * DAY)
    later = shop.click("t2", clicked_at=SOLD_AT - DAY, partner_id=BOB)
    shop.tell(
        fact(order_id="o1", customer_ref="cust1"),
        fact(order_id="o2", customer_ref="cust1", click_id=first),
    )
    assert shop.row("o1").partner_id == "ann"
    shop.tell(fact(order_id="o3", customer_ref="cust1", click_id=later))
    assert [shop.row(order).partner_id for order in ("o1", "o2", "o3")] == ["bob", "ann", "bob"]
    assert shop.balances()["partner_pending:ann"] == yuan(9)
    assert shop.balances()["partner_pending:bob"] == yuan(18)
    with database.reading(shop.engine) as connection:
        told = changed_rows(connection, ANN)
    left = {row.order_id: (row.reason, row.partner_minor) for row in told}
    assert left == {"o1": ("reattributed", 0), "o2": ("", 900)}


def test_a_row_that_changes_hands_after_it_matured_is_clawed_back_from_who_had_it(
    shop: Shop,
) -> None:
    first = shop.click("t1", clicked_at=SOLD_AT - 3 * DAY)
    later = shop.click("t2", clicked_at=SOLD_AT - DAY, partner_id=BOB)
    shop.tell(fact(customer_ref="c"), fact(order_id="o2", customer_ref="c", click_id=first))
    shop.mature("o1")
    shop.tell(fact(order_id="o3", customer_ref="c", click_id=later))
    balances = shop.balances()
    assert balances["partner_clawback:ann"] == yuan(-9)
    assert balances["partner_pending:bob"] == yuan(18)
    assert shop.row().matured_minor == 0


def test_the_click_log_is_asked_about_customers_and_what_it_says_is_kept(shop: Shop) -> None:
    shop.log.append(touch(customer_ref="cust1"))
    shop.tell(fact(customer_ref="cust1"))
    assert (shop.row().partner_id, shop.row().method) == ("ann", "customer")
    shop.log.clear()
    shop.tell(fact(version=2, status=Status.RECEIVED))
    assert shop.row().partner_id == "ann"
    asked = shop.lookups
    shop.tell(fact(order_id="o9"))
    assert shop.lookups == asked


def test_a_click_that_reaches_the_log_after_its_order_is_found_by_looking_again(
    shop: Shop,
) -> None:
    shop.tell(fact(customer_ref="cust1"), fact(order_id="o2", customer_ref="cust2"))
    assert shop.desk.look_again(NOW) == 0
    shop.log.append(touch(customer_ref="cust1"))
    assert shop.desk.look_again(NOW + DAY) == 0
    assert shop.desk.look_again(NOW + timedelta(minutes=1)) == 1
    assert (shop.row().partner_id, shop.row().method) == ("ann", "customer")
    before = shop.books()
    assert shop.desk.look_again(NOW + timedelta(minutes=2)) == 0
    assert shop.books() == before


def test_while_the_click_log_is_away_nothing_is_booked(shop: Shop) -> None:
    def away(*_: object) -> list[object]:
        raise StoreAwayError("away")

    shop.desk = type(shop.desk)(shop.engine, SHANGHAI, shop.read_receipt, away)  # type: ignore[arg-type]
    with pytest.raises(StoreAwayError):
        shop.tell(fact(customer_ref="cust1"))
    assert shop.rows() == []
    assert shop.tell(fact(click_id=shop.click())) == ["accepted"]


def test_a_partner_suspended_later_keeps_its_sales_and_gets_no_new_ones(shop: Shop) -> None:
    click = shop.click()
    shop.tell(fact(click_id=click))
    shop.change_partner(SOLD_AT + DAY, standing=Standing.SUSPENDED)
    shop.tell(
        fact(version=2, status=Status.RECEIVED, occurred_at=SOLD_AT + 3 * DAY),
        fact(order_id="o2", click_id=click, occurred_at=SOLD_AT + 2 * DAY),
    )
    assert (shop.row().reason, shop.row().partner_minor) == ("", 900)
    assert (shop.row("o2").reason, shop.row("o2").partner_minor) == ("partner_not_approved", 0)


def test_a_new_price_list_changes_nothing_about_an_old_sale(shop: Shop) -> None:
    shop.sells(product(rate=percent(30)))
    shop.tell(fact(click_id=shop.click()))
    shop.sells(product(rate=percent(1)))
    shop.tell(fact(version=2, status=Status.REFUNDED, refunded_minor=5_000))
    row = shop.row()
    assert (row.rate_ppm, row.commission_minor, row.rule) == (300_000, 1_500, "product s1")


def test_lines_of_one_order_and_merchants_do_not_mix(shop: Shop) -> None:
    click = shop.click()
    shop.tell(fact(click_id=click), fact(line_id="2", click_id=click, paid_minor=500))
    other = fact(click_id=shop.click("t2", merchant_id=M2), merchant_id=M2)
    assert [one.kind for one in shop.desk.take(M2, [other], NOW)] == ["accepted"]
    assert sorted(row.commission_minor for row in shop.rows()) == [50, 1_000, 1_000]
    with pytest.raises(UnknownMerchantError):
        shop.desk.take(MerchantId("m9"), [fact(merchant_id="m9")], NOW)


def test_a_commission_that_is_no_amount_of_money_is_refused_and_nothing_is_booked(
    shop: Shop,
) -> None:
    shop.sells(product(rate=flat(10**12)))
    with pytest.raises(CommissionTooLargeError):
        shop.tell(fact(order_id="o0"), fact(click_id=shop.click(), quantity=2))
    assert (shop.rows(), shop.balances()) == ([], {})


def test_more_than_an_account_can_hold_is_refused_and_nothing_is_booked(shop: Shop) -> None:
    shop.sells(product(rate=flat(10**12)))
    click = shop.click()
    with pytest.raises(CommissionTooLargeError):
        shop.tell(*(fact(order_id=f"o{n}", click_id=click) for n in range(500)))
    assert (shop.rows(), shop.balances()) == ([], {})


def test_partners_are_told_of_changes_in_their_order_page_by_page(shop: Shop) -> None:
    click = shop.click()
    shop.tell(*(fact(order_id=f"o{n}", click_id=click) for n in range(5)))
    shop.tell(fact(order_id="o1", version=2, status=Status.RECEIVED), now=NOW + DAY)
    with database.reading(shop.engine) as connection:
        first = changed_rows(connection, ANN, limit=3)
        rest = changed_rows(connection, ANN, after_seq=first[-1].modified_seq, limit=3)
        fresh = changed_rows(connection, ANN, since=NOW + DAY)
        assert changed_rows(connection, BOB) == []
    assert [row.order_id for row in (*first, *rest)][-1] == "o1"
    assert len({row.order_id for row in (*first, *rest)}) == 5
    assert [row.order_id for row in fresh] == ["o1"]
