"""Payouts on both databases: from pending to the bank's answer, never twice, never negative."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from adserver.accounting.payouts import PayoutRefusedError, Payouts
from adserver.stores.database import connect_url
from affiliate.chart_of_accounts import BANK, PAYOUT_CLEARING, partner_payable
from affiliate.partner import Standing
from affiliate.payout import Held, State
from models.domain.ids import PartnerId
from tests.adserver.accounting.closing_cases import (
    CNY,
    NOVEMBER,
    OCTOBER,
    YUAN,
    close,
    payouts,
    statement,
    survives_kills,
    till,
)
from tests.adserver.accounting.till import P1, SHANGHAI, Till, at
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url", "till"]

ID = "2026-10-p1-CNY"


def payable(till: Till, minor: int, partner: str = P1, row: str = "a") -> None:
    """A closed October in which a partner has something payable."""
    till.sell(row, at("2026-10-05"), earns=minor, partner_id=partner)
    till.sell(row, at("2026-10-06"), payable_from=at("2026-10-06"))
    close(till, OCTOBER, "2026-11-10")


def balances(till: Till) -> tuple[int, int, int]:
    """Available payable, on its way, and what the bank has given, in micros."""
    left = till.balance(partner_payable(P1)).available
    return left, till.balance(PAYOUT_CLEARING).posted, till.balance(BANK).posted


def batch(till: Till, day: str = "2026-11-20") -> list[str]:
    return [one.payout_id for one in payouts(till).batch(OCTOBER, CNY, at(day)).made]


def test_a_payout_is_pending_until_the_bank_confirms(till: Till) -> None:
    payable(till, 25_000)
    assert batch(till) == [ID]
    (pending,) = payouts(till).find(state=State.PENDING)
    assert (pending.amount_minor, pending.bank_account) == (25_000, "6222000011112222")
    assert balances(till) == (0, 0, 0)
    assert till.balance(partner_payable(P1)).posted == 250 * YUAN
    confirmed = payouts(till).confirm(ID, at("2026-11-21"), "B77")
    assert (confirmed.state, confirmed.note) == (State.CONFIRMED, "B77")
    assert balances(till) == (0, 0, 250 * YUAN)
    assert payouts(till).confirm(ID, at("2026-11-22"), "B78") == confirmed
    assert balances(till) == (0, 0, 250 * YUAN)


def test_a_payout_that_fails_is_payable_again_and_retried_under_its_key(till: Till) -> None:
    payable(till, 25_000)
    batch(till)
    payouts(till).fail(ID, at("2026-11-21"), "account closed")
    assert balances(till) == (250 * YUAN, 0, 0)
    assert batch(till) == []  # the month has its payout, and it failed
    till.edit_partner(bank_account="999")
    again = payouts(till).retry(ID, at("2026-11-22"))
    assert (again.payout_id, again.attempt, again.bank_account) == (ID, 2, "999")
    assert payouts(till).retry(ID, at("2026-11-22")) == again
    payouts(till).fail(ID, at("2026-11-23"), "wrong name")
    payouts(till).retry(ID, at("2026-11-24"))
    payouts(till).confirm(ID, at("2026-11-25"))
    assert balances(till) == (0, 0, 250 * YUAN)
    assert [(one.attempt, one.state) for one in payouts(till).history(ID)] == [
        (1, State.PENDING),
        (1, State.FAILED),
        (2, State.PENDING),
        (2, State.FAILED),
        (3, State.PENDING),
        (3, State.CONFIRMED),
    ]


def test_what_ended_does_not_change(till: Till) -> None:
    payable(till, 25_000)
    batch(till)
    with pytest.raises(PayoutRefusedError, match="only what failed is retried"):
        payouts(till).retry(ID, at("2026-11-21"))
    payouts(till).confirm(ID, at("2026-11-21"))
    with pytest.raises(PayoutRefusedError, match=f"{ID} is confirmed, it cannot become failed"):
        payouts(till).fail(ID, at("2026-11-22"))
    with pytest.raises(PayoutRefusedError, match="only what failed is retried"):
        payouts(till).retry(ID, at("2026-11-22"))
    assert balances(till) == (0, 0, 250 * YUAN)


def test_a_failed_payout_is_not_confirmed(till: Till) -> None:
    payable(till, 25_000)
    batch(till)
    payouts(till).fail(ID, at("2026-11-21"))
    with pytest.raises(PayoutRefusedError, match="is failed, it cannot become confirmed"):
        payouts(till).confirm(ID, at("2026-11-22"))


def test_what_a_later_payout_took_along_is_not_paid_again(till: Till) -> None:
    payable(till, 25_000)
    batch(till)
    payouts(till).fail(ID, at("2026-11-21"))
    close(till, NOVEMBER, "2026-12-10")
    (later,) = payouts(till).batch(NOVEMBER, CNY, at("2026-12-20")).made
    assert later.amount_minor == 25_000
    with pytest.raises(PayoutRefusedError, match="the money of 2026-10-p1-CNY went into 2026-11"):
        payouts(till).retry(ID, at("2026-12-21"))
    payouts(till).confirm(later.payout_id, at("2026-12-21"))
    assert balances(till) == (0, 0, 250 * YUAN)


def test_a_payout_that_fails_after_the_next_one_was_made_is_retried(till: Till) -> None:
    payable(till, 25_000)
    batch(till)
    till.sell("b", at("2026-11-05"), earns=30_000)
    till.sell("b", at("2026-11-06"), payable_from=at("2026-11-06"))
    close(till, NOVEMBER, "2026-12-10")
    (later,) = payouts(till).batch(NOVEMBER, CNY, at("2026-12-20")).made
    assert later.amount_minor == 30_000  # the first 250.00 were on their way
    payouts(till).fail(ID, at("2026-12-21"), "account closed")
    payouts(till).retry(ID, at("2026-12-22"))
    for one in (ID, later.payout_id):
        payouts(till).confirm(one, at("2026-12-23"))
    assert balances(till) == (0, 0, 550 * YUAN)


def test_a_batch_run_twice_pays_once(till: Till) -> None:
    payable(till, 25_000)
    assert batch(till) == [ID]
    again = payouts(till).batch(OCTOBER, CNY, at("2026-11-20"))
    assert (again.made, [one.payout_id for one in again.earlier]) == ((), [ID])
    payouts(till).confirm(ID, at("2026-11-21"))
    assert batch(till) == []


def test_two_batches_at_once_pay_once(till: Till, database_url: str) -> None:
    payable(till, 25_000)

    def pay(_: int) -> int:
        engine = connect_url(database_url)
        try:
            return len(Payouts(engine, SHANGHAI).batch(OCTOBER, CNY, at("2026-11-20")).made)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(pay, range(4))) == [0, 0, 0, 1]
    assert till.balance(partner_payable(P1)).reserved == 250 * YUAN


def test_below_the_minimum_it_rolls_over_and_adds_up(till: Till) -> None:
    payable(till, 9_999)
    assert batch(till) == []
    assert statement(till, OCTOBER).held is Held.BELOW_MINIMUM
    till.sell("b", at("2026-11-11"), earns=1, payable_from=at("2026-11-11"))
    close(till, NOVEMBER, "2026-12-10")
    (made,) = payouts(till).batch(NOVEMBER, CNY, at("2026-12-20")).made
    assert made.amount_minor == 10_000
    assert statement(till, NOVEMBER).payout_minor == 10_000


def test_a_batch_that_is_run_late_leaves_the_next_month_s_money_for_its_own_day(till: Till) -> None:
    payable(till, 25_000)
    till.sell("c", at("2026-11-05"), earns=30_000, payable_from=at("2026-11-06"))
    close(till, NOVEMBER, "2026-12-10")
    (made,) = payouts(till).batch(OCTOBER, CNY, at("2026-12-11")).made
    assert made.amount_minor == statement(till, OCTOBER).payout_minor == 25_000
    (later,) = payouts(till).batch(NOVEMBER, CNY, at("2026-12-20")).made
    assert later.amount_minor == 30_000


def test_what_was_too_little_is_not_made_up_by_money_of_a_later_month(till: Till) -> None:
    payable(till, 9_999)
    till.sell("c", at("2026-11-05"), earns=30_000, payable_from=at("2026-11-06"))
    till.partner("new")
    till.sell("d", at("2026-11-05"), earns=30_000, partner_id="new", payable_from=at("2026-11-06"))
    close(till, NOVEMBER, "2026-12-10")
    again = payouts(till).batch(OCTOBER, CNY, at("2026-12-11"))
    assert again.made == ()
    assert [(partner, why.held) for partner, why in again.held] == [(P1, Held.BELOW_MINIMUM)]
    found = payouts(till).batch(NOVEMBER, CNY, at("2026-12-20")).made
    assert [one.amount_minor for one in found] == [30_000, 39_999]


def test_who_is_not_paid_is_told_why(till: Till) -> None:
    till.partner("bare", bank_account="")
    till.partner("out", standing=Standing.SUSPENDED)
    till.partner("small", minimum=50_000)
    for name in ("bare", "out", "small"):
        till.sell(
            name, at("2026-10-05"), earns=20_000, partner_id=name, payable_from=at("2026-10-05")
        )
    payable(till, 0)
    found = payouts(till).batch(OCTOBER, CNY, at("2026-11-20"))
    assert found.made == ()
    assert {partner: plan.held for partner, plan in found.held} == {
        "bare": Held.NO_BANK_ACCOUNT,
        "out": Held.NOT_APPROVED,
        "small": Held.BELOW_MINIMUM,
    }
    till.edit_partner("bare", bank_account="1")
    assert batch(till) == ["2026-10-bare-CNY"]


def test_a_partner_suspended_meanwhile_is_not_retried(till: Till) -> None:
    payable(till, 25_000)
    batch(till)
    payouts(till).fail(ID, at("2026-11-21"))
    till.edit_partner(standing=Standing.SUSPENDED)
    with pytest.raises(PayoutRefusedError, match="partner p1 is not approved"):
        payouts(till).retry(ID, at("2026-11-22"))
    till.edit_partner(standing=Standing.APPROVED, bank_account="")
    with pytest.raises(PayoutRefusedError, match="partner p1 has no bank account"):
        payouts(till).retry(ID, at("2026-11-22"))


def test_money_on_its_way_is_not_netted_nor_paid_again(till: Till) -> None:
    payable(till, 25_000)
    batch(till)
    till.sell("a", at("2026-11-25"), earns=0, why="refund")
    close(till, NOVEMBER, "2026-12-10")
    november = statement(till, NOVEMBER)
    assert november.closing == (0, 250 * YUAN, -250 * YUAN)
    assert (november.reserved, november.held) == (250 * YUAN, Held.NOTHING_PAYABLE)
    payouts(till).confirm(ID, at("2026-12-11"))
    assert balances(till) == (0, 0, 250 * YUAN)


def test_a_month_pays_when_it_is_closed_and_its_day_has_come(till: Till) -> None:
    with pytest.raises(PayoutRefusedError, match=r"2026-10 is not closed in CNY$"):
        payouts(till).batch(OCTOBER, CNY, at("2026-11-20"))
    payable(till, 25_000)
    with pytest.raises(PayoutRefusedError, match=r"2026-10 pays on 2026-11-20$"):
        batch(till, "2026-11-19")
    assert payouts(till).batch(OCTOBER, CNY, at("2026-11-11"), early=True).made


def test_a_payout_that_is_not_there_is_named(till: Till) -> None:
    with pytest.raises(PayoutRefusedError, match=r"there is no payout 'nope'$"):
        payouts(till).confirm("nope", at("2026-11-21"))


def test_a_kill_before_any_statement_of_a_payout_s_life_leaves_nothing(till: Till) -> None:
    till.partner("p2")
    till.sell("z", at("2026-10-05"), earns=11_000, partner_id="p2", payable_from=at("2026-10-05"))
    payable(till, 25_000)
    mine = payouts(till)
    assert survives_kills(till.engine, lambda: mine.batch(OCTOBER, CNY, at("2026-11-20"))) > 10
    assert survives_kills(till.engine, lambda: mine.fail(ID, at("2026-11-21"), "no")) > 5
    assert survives_kills(till.engine, lambda: mine.retry(ID, at("2026-11-22"))) > 5
    assert survives_kills(till.engine, lambda: mine.confirm(ID, at("2026-11-23"), "B7")) > 5
    assert balances(till) == (0, 0, 250 * YUAN)
    assert till.balance(partner_payable(PartnerId("p2"))).reserved == 110 * YUAN
