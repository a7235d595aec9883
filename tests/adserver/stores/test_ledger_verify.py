"""`verify` finds whatever somebody changes behind the ledger's back, on SQLite and PostgreSQL."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from adserver.stores.database import writing
from adserver.stores.ledger import Journal, SqlLedger
from adserver.stores.ledger_verify import MOST_FAULTS, verify
from affiliate.calendar import Period
from affiliate.ledger import Fault, Phase, seal
from tests.adserver.stores.ledgers import database_url, engine, ledger
from tests.affiliate.bookings import NOW, ZONE, booking, ending, pending, postings, reversing

__all__ = ["database_url", "engine", "ledger"]

Tamper = Callable[..., None]


@pytest.fixture
def tamper(engine: Engine) -> Tamper:
    """Drops the triggers and runs SQL, as somebody with the database's password could."""

    def run(*statements: str) -> None:
        with writing(engine) as connection:
            for drop in triggers(engine):
                connection.execute(text(drop))
            for statement in statements:
                connection.execute(text(statement))

    return run


def triggers(engine: Engine) -> list[str]:
    tables = ("ledger_transactions", "ledger_postings", "ledger_closings")
    if engine.dialect.name == "postgresql":
        return [f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}" for table in tables]
    events = ("update", "delete", "replace")
    return [f"DROP TRIGGER IF EXISTS {table}_no_{event}" for table in tables for event in events]


@pytest.fixture
def books(engine: Engine, ledger: SqlLedger) -> SqlLedger:
    """Ten entries: deposits, a pending one that was voided, a reversal, a closed month."""
    spend = booking("spend", postings=postings(pool=-10, partner=10), refs=(("row", "or_1"),))
    first = [booking(f"t{number}") for number in range(4)]
    ledger.submit([*first, pending(), ending(Phase.VOID, "hold"), spend], NOW)
    with writing(engine) as connection:
        Journal(connection, ZONE).close_through("CNY", Period("2026-10"), NOW)
    ledger.submit([reversing("back", spend), booking("late"), booking("last")], NOW)
    assert ledger.verify("CNY").faults == ()
    return ledger


def faults(ledger: SqlLedger, currency: str = "CNY") -> tuple[Fault, ...]:
    return ledger.verify(currency).faults


def test_sound_books_have_no_fault_and_end_on_the_last_hash(books: SqlLedger) -> None:
    found = books.verify("CNY")
    assert (found.entries, found.faults) == (10, ())
    assert found.head == list(books.entries("CNY"))[-1].hash


def test_progress_is_told_up_to_the_last_entry(
    books: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adserver.stores.ledger_rows.PAGE", 4)
    told: list[int] = []
    books.verify("CNY", told.append)
    assert told == [4, 8, 10]


def test_one_posting_that_was_changed_is_found(books: SqlLedger, tamper: Tamper) -> None:
    tamper("UPDATE ledger_postings SET amount = amount + 1 WHERE seq = 3 AND position = 1")
    assert Fault(3, "is not what was sealed: its hash is another") in faults(books)
    assert Fault(3, "its postings sum to 1 micros, not to 0") in faults(books)
    assert any("balance of subsidy_pool:support" in fault.what for fault in faults(books))


def test_a_changed_transaction_that_still_balances_is_found(
    books: SqlLedger, tamper: Tamper
) -> None:
    tamper(
        "UPDATE ledger_postings SET amount = 2 * amount WHERE seq = 3",
        "UPDATE ledger_balances SET posted = posted + 100 WHERE account = 'subsidy_pool:support'",
        "UPDATE ledger_balances SET posted = posted - 100 WHERE account = 'bank'",
    )
    assert faults(books) == (Fault(3, "is not what was sealed: its hash is another"),)


@pytest.mark.parametrize("seq", [1, 5, 10])
def test_one_transaction_that_was_deleted_is_found(
    books: SqlLedger, tamper: Tamper, seq: int
) -> None:
    tamper(f"DELETE FROM ledger_transactions WHERE seq = {seq}")
    assert Fault(seq, "a posting has no transaction") in faults(books)


@pytest.mark.parametrize(
    ("seq", "found"),
    [
        (1, Fault(2, "entries 1 to 1 before it are missing")),
        (4, Fault(5, "entries 4 to 4 before it are missing")),
        (9, Fault(10, "entries 9 to 9 before it are missing")),
    ],
)
def test_one_transaction_that_was_deleted_with_its_postings_is_found(
    books: SqlLedger, tamper: Tamper, seq: int, found: Fault
) -> None:
    tamper(
        f"DELETE FROM ledger_transactions WHERE seq = {seq}",
        f"DELETE FROM ledger_postings WHERE seq = {seq}",
    )
    assert found in faults(books)


def test_the_last_transaction_that_was_deleted_is_found(books: SqlLedger, tamper: Tamper) -> None:
    tamper(
        "DELETE FROM ledger_transactions WHERE seq = 10",
        "DELETE FROM ledger_postings WHERE seq = 10",
    )
    assert any(
        fault.what.startswith("is the last one, but the ledger ended on entry 10")
        for fault in faults(books)
    )


def test_all_that_were_deleted_are_found(books: SqlLedger, tamper: Tamper) -> None:
    tamper("DELETE FROM ledger_transactions", "DELETE FROM ledger_postings")
    assert any("the ledger ended on entry 10" in fault.what for fault in faults(books))
    assert Fault(7, "2026-10 was closed on it, and it is missing") in faults(books)


@pytest.mark.parametrize("pair", [(2, 3), (1, 9), (9, 10)])
def test_two_that_were_swapped_are_found(
    books: SqlLedger, tamper: Tamper, pair: tuple[int, int]
) -> None:
    one, other = pair
    tamper(
        *(
            f"UPDATE {table} SET seq = {to} WHERE seq = {seq}"
            for table in ("ledger_transactions", "ledger_postings")
            for seq, to in ((one, -1), (other, one), (-1, other))
        )
    )
    changed = {fault.seq for fault in faults(books) if "not what was sealed" in fault.what}
    assert changed == {one, other}


COLUMNS = [
    "key = 'other'",
    "phase = 'pending'",
    "reason = 'payout'",
    "reason = 'mischief'",
    "occurred_at = '2026-10-20 04:00:01'",
    "committed_at = '2026-10-20 04:00:01'",
    "period = '2026-12'",
    "settles = 't0'",
    "expires_at = '2026-10-20 04:00:00'",
    "reverses = 't0'",
    'refs = \'[["row","or_2"]]\'',
    "refs = '[1]'",
    "refs = '{'",
    "previous_hash = ''",
    "hash = ''",
]


OF_POSTINGS = [
    "account = 'rounding'",
    "amount = -amount",
    "period = '2026-12'",
    "moves = NOT moves",
]


def test_whatever_of_an_entry_was_changed_is_found(
    engine: Engine, books: SqlLedger, tamper: Tamper
) -> None:
    """Each change is undone before the next, so that one database is enough."""
    changes = [f"UPDATE ledger_transactions SET {column} WHERE seq = 7" for column in COLUMNS]
    changes += [
        f"UPDATE ledger_postings SET {one} WHERE seq = 7 AND position = 0" for one in OF_POSTINGS
    ]
    tamper()
    unseen = []
    for change in changes:
        with engine.connect() as connection:
            connection.execute(text(change))
            found = verify(connection, "CNY", lambda _done: None).faults
            if 7 not in {fault.seq for fault in found}:
                unseen.append(change)
            connection.rollback()
    assert unseen == []
    assert faults(books) == ()


def test_a_posting_more_or_less_is_found(books: SqlLedger, tamper: Tamper) -> None:
    tamper(
        "DELETE FROM ledger_postings WHERE seq = 2",
        "INSERT INTO ledger_postings (currency, seq, position, account, period, moves, amount)"
        " SELECT currency, seq, 2, 'rounding', period, moves, 5 FROM ledger_postings"
        " WHERE seq = 3 AND position = 0",
    )
    assert Fault(2, "has no postings") in faults(books)
    assert Fault(3, "its postings sum to 5 micros, not to 0") in faults(books)


def test_a_cached_balance_that_differs_is_found(books: SqlLedger, tamper: Tamper) -> None:
    tamper("UPDATE ledger_balances SET reserved = 1 WHERE account = 'bank'")
    assert faults(books) == (
        Fault(0, "balance of bank: kept (-600, 1), its postings come to (-600, 0)"),
    )


def test_a_cached_balance_too_many_or_too_few_is_found(books: SqlLedger, tamper: Tamper) -> None:
    tamper("UPDATE ledger_balances SET account = 'rounding' WHERE account = 'bank'")
    assert [fault.what for fault in faults(books)] == [
        "balance of bank: kept None, its postings come to (-600, 0)",
        "balance of rounding: kept (-600, 0), its postings come to (0, 0)",
    ]


def test_a_closing_on_another_hash_is_found(books: SqlLedger, tamper: Tamper) -> None:
    tamper("UPDATE ledger_closings SET hash = 'x'")
    assert faults(books) == (Fault(7, "2026-10 was closed on another hash"),)


def test_what_came_into_a_closed_month_is_found(books: SqlLedger, tamper: Tamper) -> None:
    tamper("UPDATE ledger_closings SET seq = 6")
    assert Fault(7, "came into 2026-10 after 2026-10 was closed") in faults(books)


def resealed(engine: Engine, ledger: SqlLedger) -> None:
    """What somebody does who knows how entries are sealed: writes the whole chain anew."""
    previous = ""
    for entry in list(ledger.entries("CNY")):
        fresh = seal(
            previous, entry.seq, entry.period, entry.committed_at, entry.transaction.body(),
            entry.postings,
        )  # fmt: skip
        with writing(engine) as connection:
            connection.execute(
                text("UPDATE ledger_transactions SET previous_hash = :p, hash = :h WHERE seq = :s"),
                {"p": previous, "h": fresh, "s": entry.seq},
            )
        previous = fresh
    with writing(engine) as connection:
        connection.execute(text("UPDATE ledger_heads SET hash = :h"), {"h": previous})


def test_who_seals_everything_anew_is_betrayed_by_the_closing(
    engine: Engine, books: SqlLedger, tamper: Tamper
) -> None:
    tamper(
        "UPDATE ledger_postings SET amount = 2 * amount WHERE seq = 3",
        "UPDATE ledger_balances SET posted = posted + 100 WHERE account = 'subsidy_pool:support'",
        "UPDATE ledger_balances SET posted = posted - 100 WHERE account = 'bank'",
    )
    resealed(engine, books)
    assert faults(books) == (Fault(7, "2026-10 was closed on another hash"),)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            ["UPDATE ledger_postings SET amount = 10 * amount WHERE seq = 7"],
            "below_zero: subsidy_pool:support would be -100 micros",
        ),
        (
            ["UPDATE ledger_postings SET account = 'cash' WHERE account = 'bank' AND seq = 1"],
            "account_unknown: 'cash' is not in the chart of accounts",
        ),
        (
            ["UPDATE ledger_transactions SET settles = 'never' WHERE seq = 6"],
            "pending_unknown: there is no pending transaction 'never' in CNY",
        ),
        (
            ["UPDATE ledger_transactions SET settles = 'hold2' WHERE seq = 6",
             "UPDATE ledger_transactions SET key = 'hold2', phase = 'pending' WHERE seq = 10",
             "UPDATE ledger_postings SET moves = (1 = 0) WHERE seq = 10"],
            "settles or reverses what came later",
        ),
        (
            ["UPDATE ledger_postings SET amount = 2 * amount WHERE seq = 6"],
            "its postings are not those of what it settles",
        ),
        (
            ["UPDATE ledger_postings SET amount = 2 * amount WHERE seq = 8"],
            "not_a_reversal: it does not negate, posting by posting, what it reverses",
        ),
    ],
)  # fmt: skip
def test_rules_are_looked_at_even_where_the_seals_are_right(
    engine: Engine, books: SqlLedger, tamper: Tamper, changes: list[str], found: str
) -> None:
    if "below_zero" in found:
        changes = [*changes, "UPDATE ledger_postings SET amount = 0 WHERE seq IN (1, 2, 3, 4)"]
    tamper(*changes)
    resealed(engine, books)
    assert found in {fault.what for fault in faults(books)}


def test_a_key_that_is_there_twice_is_found(
    engine: Engine, books: SqlLedger, tamper: Tamper
) -> None:
    tamper(
        "DROP INDEX uq_ledger_transactions_key",
        "UPDATE ledger_transactions SET key = 't1' WHERE seq = 4",
    )
    resealed(engine, books)
    assert Fault(4, "the key 't1' is there twice") in faults(books)


def test_a_thousand_faults_are_enough(books: SqlLedger, tamper: Tamper) -> None:
    books.submit([booking(f"more-{number}") for number in range(MOST_FAULTS)], NOW)
    tamper("UPDATE ledger_transactions SET reason = 'payout'")
    assert len(faults(books)) == MOST_FAULTS


def test_one_currency_is_not_to_blame_for_another(books: SqlLedger, tamper: Tamper) -> None:
    books.submit([booking("yen", currency="JPY")], NOW)
    tamper("UPDATE ledger_postings SET amount = amount + 1 WHERE currency = 'JPY' AND position = 1")
    assert faults(books) == ()
    assert faults(books, "JPY") != ()


def test_what_is_in_no_table_of_transactions_is_a_currency_too(
    books: SqlLedger, tamper: Tamper
) -> None:
    books.submit([booking("yen", currency="JPY")], NOW)
    tamper(
        "DELETE FROM ledger_transactions WHERE currency = 'JPY'",
        "DELETE FROM ledger_heads WHERE currency = 'JPY'",
    )
    assert books.currencies() == ["CNY", "JPY"]
    assert faults(books, "JPY") != ()
