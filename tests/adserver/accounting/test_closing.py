"""Closing a month, on both databases: what matures, what waits, what is taken back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from adserver.accounting.closing import ClosingRefusedError, Closings
from adserver.stores.database import connect_url, reading, writing
from adserver.stores.ledger_tables import LEDGER_POSTINGS
from adserver.stores.order_tables import ORDER_ROWS
from adserver.stores.settlement_tables import CLOSING_ITEMS
from affiliate.calendar import Period
from affiliate.chart_of_accounts import (
    merchant_receivable,
    partner_clawback,
    partner_payable,
    subsidy_pool,
)
from affiliate.payout import Held
from affiliate.settlement import Due, StatementDoesNotFootError, covered, outcome
from affiliate.statement import Item, Section
from models.domain.ids import MerchantId, PartnerId
from tests.adserver.accounting.closing_cases import (
    CNY,
    DECEMBER,
    FEN,
    NOVEMBER,
    OCTOBER,
    YUAN,
    close,
    payouts,
    state,
    statement,
    survives_kills,
    till,
    written,
)
from tests.adserver.accounting.till import P1, POOL, SHANGHAI, Till, at
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url", "till"]


def received(till: Till, row: str, day: str, payable: str, **earns: int) -> None:
    """A sale that was paid for on a day and is ripe on another."""
    till.sell(row, at(day), **earns)
    till.sell(row, at(day, hour=13), payable_from=at(payable))


def steps(till: Till, period: Period) -> dict[Item, tuple[int, int]]:
    return {step.item: (step.lines, step.amount) for step in statement(till, period).steps}


def test_a_received_order_whose_hold_is_over_becomes_payable(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-19", earns=12_000, fee=1_000)
    close(till, OCTOBER, "2026-11-10")
    found = statement(till, OCTOBER)
    assert steps(till, OCTOBER) == {Item.COMMISSIONS: (1, 120 * YUAN)}
    assert found.closing == (0, 120 * YUAN, 0)
    assert (found.payout_minor, found.held) == (12_000, None)
    assert len(found.head_hash) == 64


def test_what_became_payable_has_changed_for_those_who_pull(till: Till) -> None:
    for row in ("b", "a", "c"):
        received(till, row, "2026-10-05", "2026-10-19", earns=12_000)
    received(till, "held", "2026-10-05", "2026-12-19", earns=12_000)
    query = select(ORDER_ROWS.c.row_id, ORDER_ROWS.c.modified_seq, ORDER_ROWS.c.modified_at)
    with reading(till.engine) as connection:
        before = {row.row_id: row for row in connection.execute(query)}
    close(till, OCTOBER, "2026-11-10")
    with reading(till.engine) as connection:
        after = {row.row_id: row for row in connection.execute(query)}
    assert after["held"] == before["held"]
    seqs = {after[row].modified_seq for row in "abc"}
    assert len(seqs) == 3
    assert min(seqs) > max(row.modified_seq for row in before.values())
    assert {after[row].modified_at for row in "abc"} == {at("2026-11-10")}


def test_the_bridge_says_what_waits_and_why_and_sums_exactly(till: Till) -> None:
    till.merchant("slow", trusted=False)
    received(till, "a", "2026-10-05", "2026-10-19", earns=1_000)
    received(till, "b", "2026-10-06", "2026-11-10", earns=2_000)  # over when the month closes
    received(till, "c", "2026-10-07", "2026-11-11", earns=4_000)
    till.sell("d", at("2026-10-08"), earns=8_000)
    received(till, "e", "2026-10-09", "2026-10-19", earns=16_000, merchant_id="slow")
    till.sell("f", at("2026-11-01"), earns=32_000)  # the next month's
    Closings(till.engine, SHANGHAI).close(OCTOBER, CNY, at("2026-11-10"))
    found = statement(till, OCTOBER)
    assert steps(till, OCTOBER) == {
        Item.COMMISSIONS: (5, 310 * YUAN),
        Item.IN_HOLD: (2, -60 * YUAN),
        Item.NOT_RECEIVED: (1, -80 * YUAN),
        Item.NOT_FUNDED: (1, -160 * YUAN),
    }
    assert [found.total(section) for section in Section] == [310 * YUAN] * 2 + [10 * YUAN] * 2
    assert found.closing == (300 * YUAN, 10 * YUAN, 0)
    assert found.held is Held.BELOW_MINIMUM


def test_changes_refunds_and_cancellations_are_steps_of_their_own(till: Till) -> None:
    for row in "abc":
        till.sell(row, at("2026-10-05"), earns=10_000, subsidy=0)
    till.sell("a", at("2026-10-06"), earns=11_000)
    till.sell("b", at("2026-10-07"), earns=4_000, why="refund")
    till.sell("c", at("2026-10-08"), earns=0, why="cancelled")
    close(till, OCTOBER, "2026-11-10")
    assert steps(till, OCTOBER) == {
        Item.COMMISSIONS: (3, 300 * YUAN),
        Item.CHANGES: (1, 10 * YUAN),
        Item.REFUNDS: (1, -60 * YUAN),
        Item.CANCELLATIONS: (1, -100 * YUAN),
        Item.NOT_RECEIVED: (2, -150 * YUAN),
    }


def test_a_subsidy_is_told_apart_from_the_commission(till: Till) -> None:
    till.pay_in(subsidy_pool(POOL), 100_000, "b1", at("2026-10-01"))
    received(till, "a", "2026-10-05", "2026-10-05", earns=900, fee=100, subsidy=300)
    close(till, OCTOBER, "2026-11-10")
    assert steps(till, OCTOBER) == {
        Item.COMMISSIONS: (1, 9 * YUAN),
        Item.SUBSIDIES: (1, 3 * YUAN),
    }
    assert statement(till, OCTOBER).closing.payable == 12 * YUAN


def test_tolt_a_refund_before_the_closing_leaves_nothing(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=1_470)
    till.sell("a", at("2026-10-20"), earns=0, why="refund")
    close(till, OCTOBER, "2026-11-10")
    assert statement(till, OCTOBER).closing == (0, 0, 0)
    assert statement(till, OCTOBER).held is Held.NOTHING_PAYABLE


def test_tolt_a_refund_after_the_closing_is_a_line_of_the_next_statement(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=1_470)
    received(till, "b", "2026-11-02", "2026-11-02", earns=5_000)
    close(till, OCTOBER, "2026-11-10")
    october = statement(till, OCTOBER)
    as_written = written(till, october)
    till.sell("a", at("2026-11-15"), earns=0, why="refund")
    close(till, NOVEMBER, "2026-12-10")
    assert steps(till, NOVEMBER) == {
        Item.COMMISSIONS: (1, 50 * YUAN),
        Item.PAYABLE_BROUGHT_FORWARD: (0, 14_700_000),
        Item.OVERPAID: (1, -14_700_000),
    }
    assert statement(till, NOVEMBER).closing == (0, 50 * YUAN, 0)
    assert statement(till, OCTOBER) == october
    assert written(till, statement(till, OCTOBER)) == as_written


def test_what_was_overpaid_is_carried_until_there_is_enough(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=10_000)
    received(till, "b", "2026-11-05", "2026-11-05", earns=3_000)
    received(till, "c", "2026-12-05", "2026-12-05", earns=9_000)
    close(till, OCTOBER, "2026-11-10")
    with till.writing() as (_, journal):  # it was paid out, and so it is gone
        assert journal.balance(partner_payable(P1), CNY).posted == 100 * YUAN
    (paid,) = payouts(till).batch(OCTOBER, CNY, at("2026-11-20")).made
    payouts(till).confirm(paid.payout_id, at("2026-11-21"))
    till.sell("a", at("2026-11-25"), earns=0, why="refund")
    close(till, NOVEMBER, "2026-12-10")
    november = statement(till, NOVEMBER)
    assert november.closing == (0, 0, -70 * YUAN)
    assert november.of(Item.OVERPAID_CARRIED_FORWARD) == 70 * YUAN
    assert november.held is Held.NOTHING_PAYABLE
    close(till, DECEMBER, "2027-01-10")
    december = statement(till, DECEMBER)
    assert december.of(Item.OVERPAID_BROUGHT_FORWARD) == -70 * YUAN
    assert december.closing == (0, 20 * YUAN, 0)


def test_a_refund_that_is_withdrawn_is_given_back(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=10_000)
    close(till, OCTOBER, "2026-11-10")
    till.sell("a", at("2026-11-15"), earns=4_000, why="refund")
    close(till, NOVEMBER, "2026-12-10")
    assert statement(till, NOVEMBER).closing == (0, 40 * YUAN, 0)
    till.sell("a", at("2026-12-15"), earns=10_000)
    assert till.balance(partner_clawback(P1)).posted == 60 * YUAN
    close(till, DECEMBER, "2027-01-10")
    assert statement(till, DECEMBER).closing == (0, 100 * YUAN, 0)


def test_facts_after_the_month_s_end_stand_in_the_next_statement(till: Till) -> None:
    received(till, "a", "2026-10-30", "2026-11-03", earns=1_000)
    till.sell("a", at("2026-11-03"), earns=1_500)
    close(till, OCTOBER, "2026-11-10")
    assert steps(till, OCTOBER) == {
        Item.COMMISSIONS: (1, 10 * YUAN),
        Item.AFTER_MONTH_END: (0, 5 * YUAN),
    }
    assert statement(till, OCTOBER).closing == (-5 * YUAN, 15 * YUAN, 0)
    close(till, NOVEMBER, "2026-12-10")
    assert steps(till, NOVEMBER) == {
        Item.BROUGHT_FORWARD: (0, -5 * YUAN),
        Item.CHANGES: (1, 5 * YUAN),
        Item.PAYABLE_BROUGHT_FORWARD: (0, 15 * YUAN),
    }


def test_a_late_fact_leaves_the_closed_statement_as_it_is_to_the_byte(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-12-05", earns=10_000)
    close(till, OCTOBER, "2026-11-10")
    before = written(till, statement(till, OCTOBER))
    till.sell("late", at("2026-10-31"), earns=700)
    till.sell("a", at("2026-10-31", hour=13), earns=9_000, why="refund")
    close(till, NOVEMBER, "2026-12-10")
    assert steps(till, NOVEMBER)[Item.COMMISSIONS] == (1, 7 * YUAN)
    assert steps(till, NOVEMBER)[Item.REFUNDS] == (1, -10 * YUAN)
    assert written(till, statement(till, OCTOBER)) == before


def test_a_merchant_s_payments_cover_lines_in_the_order_of_their_payment(till: Till) -> None:
    till.merchant("slow", trusted=False)
    account = merchant_receivable(MerchantId("slow"))
    till.pay_in(account, 25_000, "b1", at("2026-10-01"))
    received(till, "c", "2026-10-05", "2026-10-19", earns=9_000, fee=1_000, merchant_id="slow")
    received(till, "a", "2026-10-06", "2026-10-19", earns=18_000, fee=2_000, merchant_id="slow")
    received(till, "b", "2026-10-07", "2026-10-19", earns=4_500, fee=500, merchant_id="slow")
    close(till, OCTOBER, "2026-11-10")
    assert steps(till, OCTOBER)[Item.NOT_FUNDED] == (2, -225 * YUAN)
    till.pay_in(account, 5_000, "b2", at("2026-11-12"))
    close(till, NOVEMBER, "2026-12-10")
    assert steps(till, NOVEMBER)[Item.NOT_FUNDED] == (1, -45 * YUAN)
    assert statement(till, NOVEMBER).closing.payable == 270 * YUAN


def test_a_refund_frees_a_merchant_s_payment_for_the_next_line(till: Till) -> None:
    till.merchant("slow", trusted=False)
    till.pay_in(merchant_receivable(MerchantId("slow")), 10_000, "b1", at("2026-10-01"))
    received(till, "a", "2026-10-05", "2026-10-19", earns=10_000, merchant_id="slow")
    received(till, "b", "2026-10-06", "2026-10-19", earns=10_000, merchant_id="slow")
    close(till, OCTOBER, "2026-11-10")
    till.sell("a", at("2026-11-15"), earns=0, why="refund")
    close(till, NOVEMBER, "2026-12-10")
    assert Item.NOT_FUNDED not in steps(till, NOVEMBER)
    assert statement(till, NOVEMBER).closing == (0, 100 * YUAN, 0)


def test_sql_judges_lines_as_the_rules_do(till: Till) -> None:
    random, ripe_until = Random(7), at("2026-11-10", hour=0)
    paid_in = {name: random.randint(10_000, 30_000) for name in ("m0", "m1", "m2")}
    for name, amount in paid_in.items():
        till.merchant(name, trusted=name == "m0")
        till.pay_in(merchant_receivable(MerchantId(name)), amount, name, at("2026-10-01"))
    for number in range(60):
        paid_at = at("2026-10-02") + timedelta(hours=random.randint(0, 9))
        ripe = random.choice([None, ripe_until, ripe_until + timedelta(milliseconds=1), paid_at])
        till.sell(
            f"r{random.randint(0, 10**6):06}-{number}",
            paid_at,
            earns=random.randint(0, 3_000),
            fee=random.randint(0, 300),
            merchant_id=f"m{number % 3}",
            payable_from=ripe,
        )
    with reading(till.engine) as connection:
        rows = [row for row in connection.execute(select(ORDER_ROWS)) if row.partner_minor]
    funded = {row.row_id for row in rows if row.merchant_id == "m0"}
    for name in ("m1", "m2"):
        dues = [
            Due(row.row_id, row.paid_at, row.commission_minor)
            for row in rows
            if row.merchant_id == name and row.payable_from and row.payable_from <= ripe_until
        ]
        funded |= covered(dues, paid_in[name])
    close(till, OCTOBER, "2026-11-10")
    with reading(till.engine) as connection:
        found = {row.ref: row.outcome for row in connection.execute(select(CLOSING_ITEMS))}
    assert found == {
        row.row_id: outcome(row.payable_from, ripe_until, funded=row.row_id in funded)
        for row in rows
    }
    assert len(set(found.values())) == 4


def test_days_of_ads_mature_in_micros_and_a_payout_leaves_the_rest(till: Till) -> None:
    till.pay_in(subsidy_pool(POOL), 100_000, "b1", at("2026-10-01"))
    till.show_ads("2026-10-05", at("2026-10-05"), share=100_123_456, subsidy=30_000_001)
    till.show_ads("2026-10-05", at("2026-10-07"), share=90_123_456, subsidy=30_000_001)
    till.show_ads("2026-10-06", at("2026-10-06"), share=1_000_000, guarantee=500_000)
    till.show_ads("2026-11-01", at("2026-11-01"), share=7_000_000)
    close(till, OCTOBER, "2026-11-10")
    assert steps(till, OCTOBER) == {
        Item.AD_SHARES: (2, 101_123_456),
        Item.SUBSIDIES: (1, 30_000_001),
        Item.GUARANTEES: (1, 500_000),
        Item.RESTATEMENTS: (1, -10_000_000),
    }
    assert statement(till, OCTOBER).payout_minor == 12_162
    (paid,) = payouts(till).batch(OCTOBER, CNY, at("2026-11-20")).made
    payouts(till).confirm(paid.payout_id, at("2026-11-21"))
    assert till.balance(partner_payable(P1)).posted == 121_623_457 - 12_162 * FEN
    close(till, NOVEMBER, "2026-12-10")
    november = statement(till, NOVEMBER)
    assert november.of(Item.PAID_OUT) == -12_162 * FEN
    assert november.closing.payable == 3_457 + 7_000_000


def test_a_currency_without_decimals_closes_beside_another(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=12_345)
    till.sell("y", at("2026-10-05"), earns=20_001, currency="JPY", payable_from=at("2026-10-05"))
    closings = Closings(till.engine, SHANGHAI)
    assert closings.currencies() == [CNY, "JPY"]
    for currency in closings.currencies():
        close(till, OCTOBER, "2026-11-10", currency)
    yuan, yen = statement(till, OCTOBER), statement(till, OCTOBER, currency="JPY")
    assert (yuan.closing.payable, yuan.payout_minor) == (12_345 * FEN, 12_345)
    assert (yen.closing.payable, yen.payout_minor) == (20_001 * YUAN, 20_001)
    made = payouts(till).batch(OCTOBER, "JPY", at("2026-11-20")).made
    assert [(one.amount_minor, one.currency) for one in made] == [(20_001, "JPY")]
    assert "20,001" in written(till, yen)[0]
    assert "20,001.00" not in written(till, yen)[0]


def test_partners_without_money_or_entries_have_no_statement(till: Till) -> None:
    till.partner("p2")
    received(till, "a", "2026-10-05", "2026-10-05", earns=10_000)
    assert close(till, OCTOBER, "2026-11-10").closing.statements == 1


def test_a_month_of_nothing_closes_too(till: Till) -> None:
    assert close(till, OCTOBER, "2026-11-10").closing.statements == 0


def test_closing_again_answers_the_first_closing(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=10_000)
    first = close(till, OCTOBER, "2026-11-10")
    before = state(till.engine)
    again = close(till, OCTOBER, "2026-11-12")
    assert (first.again, again.again) == (False, True)
    assert again.closing == first.closing
    assert state(till.engine) == before


def test_two_that_close_at_once_make_one_closing(till: Till, database_url: str) -> None:
    for number in range(20):
        received(till, f"r{number}", "2026-10-05", "2026-10-05", earns=1_000)

    def close_alone(_: int) -> bool:
        engine = connect_url(database_url)
        try:
            return Closings(engine, SHANGHAI).close(OCTOBER, CNY, at("2026-11-10")).again
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(close_alone, range(4))) == [False, True, True, True]
    assert till.balance(partner_payable(P1)).posted == 200 * YUAN


def test_a_kill_before_any_statement_leaves_nothing_and_a_retry_ends_the_same(till: Till) -> None:
    till.merchant("slow", trusted=False)
    received(till, "a", "2026-10-05", "2026-10-05", earns=10_000)
    received(till, "b", "2026-10-06", "2026-10-06", earns=5_000, merchant_id="slow")
    till.show_ads("2026-10-05", at("2026-10-05"), share=1_234_567)
    close(till, OCTOBER, "2026-11-10")
    till.sell("a", at("2026-11-15"), earns=0, why="refund")
    received(till, "c", "2026-11-05", "2026-11-05", earns=3_000)
    assert survives_kills(till.engine, lambda: close(till, NOVEMBER, "2026-12-10")) > 20
    assert statement(till, NOVEMBER).closing == (50 * YUAN, 31_234_567, 0)


def test_a_month_is_not_closed_before_its_day_unless_one_insists(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-11-01", earns=10_000)
    closings = Closings(till.engine, SHANGHAI)
    with pytest.raises(ClosingRefusedError, match=r"2026-10 closes on 2026-11-10$"):
        closings.close(OCTOBER, CNY, at("2026-11-10", hour=0) - timedelta(microseconds=1))
    with pytest.raises(ClosingRefusedError, match="it has not even begun"):
        closings.close(OCTOBER, CNY, at("2026-09-30"), early=True)
    closings.close(OCTOBER, CNY, at("2026-10-20"), early=True)
    assert statement(till, OCTOBER).closing.payable == 100 * YUAN


def test_months_are_closed_in_their_order(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=10_000)
    with pytest.raises(ClosingRefusedError, match="2026-10 has entries and is still open"):
        close(till, NOVEMBER, "2026-12-10")
    close(till, OCTOBER, "2026-11-10")
    close(till, DECEMBER, "2027-01-10")  # nothing happened in November
    with pytest.raises(ClosingRefusedError, match="CNY is closed through 2026-12 already"):
        close(till, NOVEMBER, "2027-01-10")


def test_cj_a_month_is_extended_once(till: Till) -> None:
    received(till, "a", "2026-12-03", "2026-12-03", earns=10_000)
    closings = Closings(till.engine, SHANGHAI)
    assert closings.closes_at(DECEMBER) == at("2027-01-10", hour=0)
    assert closings.extend(DECEMBER, at("2027-01-05")) == at("2027-02-10", hour=0)
    with pytest.raises(ClosingRefusedError, match="it may be extended once"):
        closings.extend(DECEMBER, at("2027-01-06"))
    with pytest.raises(ClosingRefusedError, match="closes on 2027-02-10"):
        close(till, DECEMBER, "2027-01-10")
    closed = close(till, DECEMBER, "2027-02-10").closing
    assert closed.pays_at == at("2027-02-20", hour=0)


def test_a_closed_month_is_not_extended(till: Till) -> None:
    close(till, OCTOBER, "2026-11-10")
    with pytest.raises(ClosingRefusedError, match="2026-10 is closed already"):
        Closings(till.engine, SHANGHAI).extend(OCTOBER, at("2026-11-11"))


def test_books_that_disagree_close_nothing(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-12-24", earns=10_000)
    with writing(till.engine) as connection:
        connection.execute(update(ORDER_ROWS).values(partner_minor=10_001))
    before = state(till.engine)
    with pytest.raises(StatementDoesNotFootError, match="rows say 100010000 micros are pending"):
        close(till, OCTOBER, "2026-11-10")
    assert state(till.engine) == before


def test_a_statement_whose_entries_somebody_changed_is_not_written(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=10_000)
    close(till, OCTOBER, "2026-11-10")
    found = statement(till, OCTOBER)
    without_triggers(till, "ledger_postings")
    with writing(till.engine) as connection:
        mine = LEDGER_POSTINGS.c.account == partner_payable(P1)
        connection.execute(update(LEDGER_POSTINGS).where(mine).values(amount=1))
    with pytest.raises(StatementDoesNotFootError, match="to 1 micros payable, the statement says"):
        written(till, found)


def without_triggers(till: Till, table: str) -> None:
    with writing(till.engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            return
        names = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
        for name in connection.execute(names, {"table": table}).scalars().all():
            connection.execute(text(f"DROP TRIGGER {name}"))


@pytest.mark.parametrize("change", ["UPDATE {} SET period = '2026-09'", "DELETE FROM {}"])
def test_the_database_refuses_to_change_what_was_closed(till: Till, change: str) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=10_000)
    close(till, OCTOBER, "2026-11-10")
    for table in ("closings", "statements", "statement_steps", "closing_items"):
        with (
            pytest.raises(DatabaseError, match=f"{table} is only ever added to"),
            writing(till.engine) as connection,
        ):
            connection.execute(text(change.format(table)))


def test_nothing_takes_the_place_of_what_was_closed(till: Till) -> None:
    received(till, "a", "2026-10-05", "2026-10-05", earns=10_000)
    close(till, OCTOBER, "2026-11-10")
    before, insert = state(till.engine), "INSERT OR REPLACE INTO {0} SELECT * FROM {0}"
    if till.engine.dialect.name == "postgresql":
        insert = "INSERT INTO {0} SELECT * FROM {0}"
    for table in ("closings", "statements", "statement_steps", "closing_items"):
        with (
            pytest.raises(IntegrityError, match=f"{table}"),
            writing(till.engine) as connection,
        ):
            connection.execute(text(insert.format(table)))
    assert state(till.engine) == before


def test_a_partner_of_whom_nothing_is_known_has_a_statement_and_no_payout(till: Till) -> None:
    till.sell(
        "a", at("2026-10-05"), earns=20_000, partner_id="ghost", payable_from=at("2026-10-05")
    )
    close(till, OCTOBER, "2026-11-10")
    assert statement(till, OCTOBER, PartnerId("ghost")).held is Held.NOT_APPROVED
