"""The ledger in the database: the same contract on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from adserver.config import Settings
from adserver.stores.database import reading, writing
from adserver.stores.ledger import Journal, SqlLedger, open_ledger
from affiliate.calendar import Period
from affiliate.chart_of_accounts import AccountName, Kind
from affiliate.ledger import (
    Balance,
    Outcome,
    Phase,
    Refusal,
    Refused,
    Taken,
    Transaction,
)
from models.domain.money import Micros
from tests.adserver.stores.ledgers import database_url, engine, ledger
from tests.affiliate.bookings import (
    BANK,
    NOW,
    PARTNER,
    PAYABLE,
    POOL,
    ZONE,
    booking,
    ending,
    pending,
    postings,
)

__all__ = ["database_url", "engine", "ledger"]

LATER = NOW + timedelta(hours=1)
OCTOBER = Period("2026-10")


def refusals(outcomes: list[Outcome]) -> list[Refusal | None]:
    return [one.refusal if isinstance(one, Refused) else None for one in outcomes]


def posted(ledger: SqlLedger, currency: str = "CNY") -> dict[str, tuple[int, int]]:
    return {held.account: (held.posted, held.reserved) for held in ledger.balances(currency)}


def assert_sound(ledger: SqlLedger) -> None:
    for currency in ledger.currencies():
        assert ledger.verify(currency).faults == ()


def test_a_new_ledger_is_empty(ledger: SqlLedger) -> None:
    assert ledger.currencies() == []
    assert ledger.balances("CNY") == []
    assert list(ledger.entries("CNY")) == []
    assert ledger.balance(BANK, "CNY") == Balance(BANK)
    assert ledger.submit([], NOW) == []
    assert ledger.verify("CNY").entries == 0


def test_the_settings_name_the_ledger(database_url: str) -> None:
    opened = open_ledger(Settings(database_url=database_url))
    assert opened.submit([booking()], NOW) == [Taken("t1", 1)]
    opened.close()


def test_what_was_entered_comes_out_as_it_was(ledger: SqlLedger) -> None:
    said = booking(
        refs=(("row", "or_1"), ("note", '茶 ☕ "%s" \x00\ud800')),
        occurred_at=datetime(2026, 10, 1, 1, 30, 0, 123456, tzinfo=UTC),
        postings=postings(bank=-(2**62), pool=2**62 - 7, partner=7),
    )
    hold = pending(expires_at=LATER)
    part = ending(Phase.POST, "hold", postings=postings(pool=-3, partner=3))
    assert ledger.submit([said, hold, part], NOW) == [
        Taken("t1", 1),
        Taken("hold", 2),
        Taken("end", 3),
    ]
    entries = list(ledger.entries("CNY"))
    assert [one.transaction for one in entries] == [said, hold, part]
    assert [one.postings for one in entries] == [said.postings, hold.postings, part.postings]
    assert {one.committed_at for one in entries} == {NOW}
    assert_sound(ledger)


def test_an_end_without_postings_shows_what_it_posts_or_lets_go(ledger: SqlLedger) -> None:
    ledger.submit([booking(), pending("a"), ending(Phase.VOID, "a", "b"), pending("c")], NOW)
    ledger.submit([ending(Phase.POST, "c", "d")], NOW)
    void, post = (one for one in ledger.entries("CNY", after_seq=2) if one.seq != 4)
    assert (void.transaction.postings, void.postings) == ((), pending().postings)
    assert (post.transaction.postings, post.postings) == ((), pending().postings)


def test_balances_are_credits_minus_debits_and_what_is_held(ledger: SqlLedger) -> None:
    ledger.submit([booking(), booking("j", currency="JPY"), pending()], NOW)
    assert posted(ledger) == {BANK: (-100, 0), PARTNER: (0, 0), POOL: (100, 70)}
    assert posted(ledger, "JPY") == {BANK: (-100, 0), POOL: (100, 0)}
    assert ledger.balances("CNY", Kind.SUBSIDY_POOL) == [Balance(POOL, Micros(100), Micros(70))]
    assert ledger.balance(POOL, "CNY").available == 30
    assert ledger.currencies() == ["CNY", "JPY"]


def test_a_kind_of_account_is_not_another_that_begins_like_it(ledger: SqlLedger) -> None:
    like = AccountName("partner_payable:partner_pending:x")
    ledger.submit([booking(postings=(*postings(bank=-1), *postings(**{like: 1})))], NOW)
    assert ledger.balances("CNY", Kind.PARTNER_PENDING) == []
    assert [held.account for held in ledger.balances("CNY", Kind.PARTNER_PAYABLE)] == [like]


def test_the_same_again_is_answered_and_counted_once(ledger: SqlLedger) -> None:
    assert ledger.submit([booking(), booking()], NOW) == [Taken("t1", 1), Taken("t1", 1, True)]
    assert ledger.submit([booking()], LATER) == [Taken("t1", 1, again=True)]
    assert posted(ledger)[POOL] == (100, 0)


def test_a_key_is_one_of_all_currencies(ledger: SqlLedger) -> None:
    ledger.submit([booking()], NOW)
    other = booking(currency="JPY")
    assert refusals(ledger.submit([other], NOW)) == [Refusal.KEY_REUSED]
    both = [booking("b", currency="JPY"), booking("b")]
    assert refusals(ledger.submit(both, NOW)) == [None, Refusal.KEY_REUSED]


def test_what_is_refused_changes_nothing_and_the_rest_goes_in(ledger: SqlLedger) -> None:
    spend = booking("spend", postings=postings(pool=-101, partner=101))
    less = booking("less", postings=postings(pool=-100, partner=100))
    found = ledger.submit([spend, booking(), spend, less], NOW)
    assert refusals(found) == [Refusal.BELOW_ZERO, None, Refusal.BELOW_ZERO, None]
    assert [one.seq for one in found if isinstance(one, Taken)] == [1, 2]
    assert posted(ledger)[POOL] == (0, 0)
    assert_sound(ledger)


@pytest.mark.parametrize("strange", ["a\x00b", "\ud800", "x" * 4_000, ""])
def test_keys_and_names_that_a_database_would_choke_on_are_refused(
    ledger: SqlLedger, strange: str
) -> None:
    account = AccountName(f"subsidy_pool:{strange}")
    found = ledger.submit(
        [
            booking(strange),
            booking("a", postings=(*postings(bank=-1), *postings(**{account: 1}))),
            booking("b", currency=strange),
            ending(Phase.VOID, strange, "c"),
            booking("d", reverses=strange or "\n"),
        ],
        NOW,
    )
    assert refusals(found) == [
        Refusal.KEY_MALFORMED if strange else Refusal.KEY_EMPTY,
        Refusal.ACCOUNT_UNKNOWN, Refusal.CURRENCY_INVALID, Refusal.PENDING_UNKNOWN,
        Refusal.REVERSED_UNKNOWN,
    ]  # fmt: skip


def test_linked_transactions_go_in_together(ledger: SqlLedger) -> None:
    linked = [booking(), booking("spend", postings=postings(pool=-100, partner=100))]
    assert ledger.submit(linked, NOW, linked=True) == [Taken("t1", 1), Taken("spend", 2)]
    again = ledger.submit(linked, LATER, linked=True)
    assert again == [Taken("t1", 1, again=True), Taken("spend", 2, again=True)]


def test_one_refusal_refuses_all_that_are_linked(ledger: SqlLedger) -> None:
    ledger.submit([booking("there")], NOW)
    linked = [
        booking("there"),
        booking("first"),
        booking("wrong", postings=postings(bank=-1)),
        booking("first", postings=postings(bank=-1, pool=1)),
        booking("last"),
        booking("first"),
    ]
    found = ledger.submit(linked, NOW, linked=True)
    assert found[0] == Taken("there", 1, again=True)
    assert refusals(found[1:]) == [
        Refusal.LINKED, Refusal.NOT_BALANCED, Refusal.LINKED, Refusal.LINKED, Refusal.LINKED,
    ]  # fmt: skip
    assert posted(ledger)[POOL] == (100, 0)
    assert [one.transaction.key for one in ledger.entries("CNY")] == ["there"]
    assert_sound(ledger)


def test_what_is_due_expires_once(ledger: SqlLedger) -> None:
    holds = [pending("a" * 255, postings=postings(pool=-1, partner=1), expires_at=LATER)]
    holds += [pending(key, postings=postings(pool=-1, partner=1)) for key in ("b", "c")]
    holds[2] = replace(holds[2], expires_at=LATER)
    ledger.submit([booking(), *holds, ending(Phase.VOID, "c")], NOW)
    assert ledger.expire_due(LATER - timedelta(microseconds=1)) == []
    assert [type(one) for one in ledger.expire_due(LATER)] == [Taken]
    assert ledger.expire_due(LATER) == []
    assert posted(ledger)[POOL] == (100, 1)
    late = ending(Phase.POST, "a" * 255, "late")
    assert refusals(ledger.submit([late], LATER)) == [Refusal.PENDING_SETTLED]
    assert_sound(ledger)


@pytest.mark.parametrize("phase", [Phase.POST, Phase.VOID])
def test_a_pending_transaction_ends_once_only(ledger: SqlLedger, phase: Phase) -> None:
    ledger.submit([booking(), pending()], NOW)
    first = ending(phase, "hold")
    assert ledger.submit([first, first], NOW) == [Taken("end", 3), Taken("end", 3, again=True)]
    for other in (Phase.POST, Phase.VOID):
        second = ending(other, "hold", f"second-{other}")
        assert refusals(ledger.submit([second], NOW)) == [Refusal.PENDING_SETTLED]


def reverse(ledger: SqlLedger, key: str, new_key: str) -> Outcome:
    return ledger.reverse(key, new_key=new_key, now=LATER, occurred_at=NOW)


def test_a_reversal_negates_what_was_posted_and_leaves_it_there(ledger: SqlLedger) -> None:
    ledger.submit([booking()], NOW)
    before = next(ledger.entries("CNY"))
    assert reverse(ledger, "t1", "back") == Taken("back", 2)
    assert reverse(ledger, "t1", "back") == Taken("back", 2, again=True)
    assert refusals([reverse(ledger, "t1", "more")]) == [Refusal.REVERSED_ALREADY]
    assert refusals([reverse(ledger, "t0", "none")]) == [Refusal.REVERSED_UNKNOWN]
    assert posted(ledger) == {BANK: (0, 0), POOL: (0, 0)}
    assert next(ledger.entries("CNY")) == before


def test_what_only_reserves_cannot_be_reversed(ledger: SqlLedger) -> None:
    ledger.submit([booking(), pending()], NOW)
    assert refusals([reverse(ledger, "hold", "back")]) == [Refusal.REVERSED_UNKNOWN]


def test_a_reversal_may_not_take_what_was_spent_since(ledger: SqlLedger) -> None:
    spend = booking("spend", postings=postings(pool=-1, partner=1))
    ledger.submit([booking(), spend], NOW)
    assert refusals([reverse(ledger, "t1", "back")]) == [Refusal.BELOW_ZERO]


def test_a_mistake_is_mended_by_new_transactions(ledger: SqlLedger) -> None:
    """The worked example 9 of money.md: both transfers were 10 % too high."""
    a, x, y = (AccountName(f"advertiser_prepaid:{name}") for name in "AXY")

    def transfer(key: str, source: AccountName, target: AccountName, amount: int) -> Transaction:
        return booking(key, postings=postings(**{source: -amount, target: amount}))

    ledger.submit([transfer("1", a, x, 10_000), transfer("2", a, y, 50)], NOW)
    originals = list(ledger.entries("CNY"))
    ledger.submit([transfer("3", x, a, 1_000), transfer("4", y, a, 5)], LATER)
    assert {name: held for name, (held, _) in posted(ledger).items()} == {
        a: -9_045, x: 9_000, y: 45,
    }  # fmt: skip
    assert list(ledger.entries("CNY"))[:2] == originals


def test_a_pending_debit_counts_against_what_may_not_go_below_zero(ledger: SqlLedger) -> None:
    """The worked example 10 of money.md: credits 100, debits 70, then a pending debit of 50."""
    debit = booking("debit", postings=postings(pool=-70, partner=70))
    hold = pending(postings=postings(pool=-50, partner=50))
    found = ledger.submit([booking(), debit, hold], NOW)
    assert refusals(found) == [None, None, Refusal.BELOW_ZERO]
    assert posted(ledger)[POOL] == (30, 0)


def close(engine: Engine, period: Period, currency: str = "CNY") -> str:
    with writing(engine) as connection:
        return Journal(connection, ZONE).close_through(currency, period, NOW)


def closed_through(engine: Engine, currency: str = "CNY") -> Period | None:
    with reading(engine) as connection:
        return Journal(connection, ZONE).closed_through(currency)


def test_a_closed_month_takes_nothing_more(engine: Engine, ledger: SqlLedger) -> None:
    ledger.submit([booking()], NOW)
    assert closed_through(engine) is None
    head = close(engine, OCTOBER)
    assert closed_through(engine) == OCTOBER
    closed = list(ledger.entries("CNY", period=OCTOBER))
    assert head == closed[-1].hash
    ledger.submit([booking("late"), booking("other", currency="JPY")], LATER)
    assert list(ledger.entries("CNY", period=OCTOBER)) == closed
    assert [one.transaction.key for one in ledger.entries("CNY", period=Period("2026-11"))] == [
        "late"
    ]
    assert [one.period for one in ledger.entries("JPY")] == ["2026-10"]
    assert_sound(ledger)


def test_closing_again_answers_the_same_hash(engine: Engine, ledger: SqlLedger) -> None:
    ledger.submit([booking()], NOW)
    head = close(engine, OCTOBER)
    ledger.submit([booking("late")], LATER)
    assert close(engine, OCTOBER) == close(engine, Period("2026-09")) == head
    assert closed_through(engine) == OCTOBER
    assert close(engine, Period("2026-12")) != head
    assert closed_through(engine) == "2026-12"
    assert_sound(ledger)


def test_a_month_of_nothing_can_be_closed(engine: Engine, ledger: SqlLedger) -> None:
    assert close(engine, OCTOBER) == ""
    ledger.submit([booking()], NOW)
    assert next(ledger.entries("CNY")).period == "2026-11"
    assert_sound(ledger)


def test_entries_are_found_by_month_account_and_place(ledger: SqlLedger) -> None:
    november = NOW + timedelta(days=30)
    paid = postings(bank=-1, payable=1)
    ledger.submit(
        [
            booking("a"),
            booking("b", occurred_at=november),
            booking("c", postings=paid),
            booking("d", postings=paid, occurred_at=november),
        ],
        november,
    )

    def keys(**only: object) -> str:
        found = ledger.entries("CNY", **only)  # type: ignore[arg-type]
        return "".join(one.transaction.key for one in found)

    assert keys() == "abcd"
    assert keys(after_seq=2) == "cd"
    assert keys(period=OCTOBER) == "ac"
    assert keys(accounts=[PAYABLE]) == "cd"
    assert keys(accounts=[PAYABLE, POOL], period=OCTOBER) == "ac"
    assert keys(accounts=[PAYABLE, BANK], after_seq=1) == "bcd"
    assert keys(accounts=[PARTNER]) == ""


def test_entries_come_page_by_page_and_each_once(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.submit([booking(f"t{number}") for number in range(10)], NOW)
    monkeypatch.setattr("adserver.stores.ledger_rows.PAGE", 3)
    assert [one.seq for one in ledger.entries("CNY")] == list(range(1, 11))
    assert [one.seq for one in ledger.entries("CNY", accounts=[POOL])] == list(range(1, 11))
    assert ledger.verify("CNY").entries == 10


def test_many_at_once_are_more_than_one_statement_can_name(ledger: SqlLedger) -> None:
    many = [
        booking(f"t{number}", postings=postings(**{"bank": -1, f"partner_pending:{number}": 1}))
        for number in range(12_000)
    ]
    assert len(ledger.submit(many, NOW)) == 12_000
    again = ledger.submit(many, NOW)
    assert all(isinstance(one, Taken) and one.again for one in again)
    assert posted(ledger)[BANK] == (-12_000, 0)


CHANGES = [
    "UPDATE {table} SET period = '2026-09'",
    "DELETE FROM {table}",
    "UPDATE {table} SET seq = seq + 1 WHERE 1 = 0 OR seq = 1",
]


@pytest.mark.parametrize("table", ["ledger_transactions", "ledger_postings", "ledger_closings"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_database_itself_refuses_changes(
    engine: Engine, ledger: SqlLedger, table: str, change: str
) -> None:
    ledger.submit([booking()], NOW)
    close(engine, OCTOBER)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(change.format(table=table)))
    assert_sound(ledger)


@pytest.mark.parametrize("table", ["ledger_transactions", "ledger_postings", "ledger_closings"])
def test_nothing_is_emptied_or_replaced_either(
    engine: Engine, ledger: SqlLedger, table: str
) -> None:
    """The short ways round a trigger: TRUNCATE in PostgreSQL, REPLACE in SQLite."""
    ledger.submit([booking(), pending(), ending(Phase.VOID, "hold")], NOW)
    close(engine, OCTOBER)
    sly = f"REPLACE INTO {table} SELECT * FROM {table}"
    if engine.dialect.name == "postgresql":
        sly = f"TRUNCATE {table}"
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(sly))
    assert_sound(ledger)


def test_what_is_rolled_back_was_never_there(engine: Engine, ledger: SqlLedger) -> None:
    def fail_halfway(connection: Connection) -> None:
        assert Journal(connection, ZONE).append([booking()], NOW) == [Taken("t1", 1)]
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError), writing(engine) as connection:
        fail_halfway(connection)
    assert ledger.currencies() == []
    assert ledger.submit([booking()], NOW) == [Taken("t1", 1)]
    assert_sound(ledger)


def threads(count: int, work: object) -> Iterator[list[Outcome]]:
    """Lets threads begin together."""
    gate = threading.Barrier(count)

    def begin(number: int) -> list[Outcome]:
        gate.wait()
        return work(number)  # type: ignore[operator, no-any-return]

    with ThreadPoolExecutor(count) as pool:
        yield from pool.map(begin, range(count))


def test_500_transactions_each_reverted_twice_by_20_threads_are_reverted_once(
    ledger: SqlLedger,
) -> None:
    ledger.submit([booking(f"t{number}") for number in range(500)], NOW)
    attempts = [(number, time) for number in range(500) for time in ("first", "second")]

    def revert(thread: int) -> list[Outcome]:
        return [
            reverse(ledger, f"t{number}", f"{time}-{number}")
            for number, time in attempts[thread::20]
        ]

    found = refusals([one for outcomes in threads(20, revert) for one in outcomes])
    assert found.count(None) == 500
    assert found.count(Refusal.REVERSED_ALREADY) == 500
    assert posted(ledger) == {BANK: (0, 0), POOL: (0, 0)}
    assert_sound(ledger)


def test_twenty_who_race_for_the_last_of_a_fund_never_take_it_below_zero(
    ledger: SqlLedger,
) -> None:
    ledger.submit([booking()], NOW)

    def spend(thread: int) -> list[Outcome]:
        ones = [booking(f"{thread}-{n}", postings=postings(pool=-1, partner=1)) for n in range(10)]
        return [outcome for one in ones for outcome in ledger.submit([one], NOW)]

    found = refusals([one for outcomes in threads(20, spend) for one in outcomes])
    assert (found.count(None), found.count(Refusal.BELOW_ZERO)) == (100, 100)
    assert posted(ledger)[POOL] == (0, 0)
    assert_sound(ledger)


def test_twenty_who_end_one_pending_transaction_end_it_once(ledger: SqlLedger) -> None:
    ledger.submit([booking(), pending()], NOW)

    def end(thread: int) -> list[Outcome]:
        phase = Phase.POST if thread % 2 else Phase.VOID
        return ledger.submit([ending(phase, "hold", f"end-{thread}")], NOW)

    found = refusals([one for outcomes in threads(20, end) for one in outcomes])
    assert (found.count(None), found.count(Refusal.PENDING_SETTLED)) == (1, 19)
    assert posted(ledger)[POOL][1] == 0
    assert_sound(ledger)
