"""What others read of the ledger is what it says: beancount finds no fault and our balances."""

import csv
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import realization
from beancount.core.data import Custom, Transaction as BeanTransaction
from sqlalchemy import Engine, text

from adserver.stores.database import writing
from adserver.stores.ledger import Journal, SqlLedger
from adserver.stores.ledger_export import CSV_COLUMNS, beancount_account
from affiliate.calendar import Period
from affiliate.chart_of_accounts import CHART, AccountName
from affiliate.ledger import Phase
from tests.adserver.stores.ledgers import database_url, engine, ledger
from tests.affiliate.bookings import NOW, ZONE, booking, ending, pending, postings, reversing

__all__ = ["database_url", "engine", "ledger"]

ODD = AccountName("partner_pending:a_b-c.d/é茶:x Y")


@pytest.fixture
def books(engine: Engine, ledger: SqlLedger) -> SqlLedger:
    """Every phase, two currencies, a closed month, and texts that need quoting."""
    refs = (("row", 'or "1"'), ("Row", "or_2"), ("note", "a\\b\nc\x00\ud800 茶"), ("9 é", "x"))
    spend = booking("spend", postings=postings(pool=-10, partner=10), refs=refs)
    odd = booking(
        "odd", postings=(*postings(bank=-123_456_789_012), *postings(**{ODD: 123_456_789_012}))
    )
    hold, part = pending(), ending(Phase.POST, "hold", postings=postings(pool=-7, partner=7))
    void = [pending("other", expires_at=NOW), ending(Phase.EXPIRE, "other", "over")]
    ledger.submit([booking(), spend, odd, hold, part, *void], NOW)
    with writing(engine) as connection:
        Journal(connection, ZONE).close_through("CNY", Period("2026-10"), NOW)
    later = NOW + timedelta(days=30)
    ledger.submit([reversing("back", spend), booking("yen", currency="JPY")], later)
    ledger.submit(
        [booking("new", occurred_at=later, postings=postings(bank=-1, rounding=1))], later
    )
    return ledger


def beancount_file(ledger: SqlLedger, path: Path) -> Path:
    file = path / "books.beancount"
    file.write_text("".join(part for _, part in ledger.beancount(ledger.currencies())))
    return file


def balances_there(entries: list[object]) -> dict[tuple[str, str], Decimal]:
    root = realization.realize(entries)
    return {
        (account.account, position.units.currency): position.units.number
        for account in realization.iter_children(root)
        for position in account.balance
    }


def balances_here(ledger: SqlLedger) -> dict[tuple[str, str], Decimal]:
    return {
        (beancount_account(held.account), currency): Decimal(-held.posted) / 1_000_000
        for currency in ledger.currencies()
        for held in ledger.balances(currency)
        if held.posted
    }


def test_beancount_finds_no_fault_and_the_same_balances(books: SqlLedger, tmp_path: Path) -> None:
    entries, faults, _ = loader.load_file(str(beancount_file(books, tmp_path)))
    assert faults == []
    assert balances_there(entries) == balances_here(books)
    moved = [entry for entry in entries if isinstance(entry, BeanTransaction)]
    assert len(moved) == 7
    assert [entry.type for entry in entries if isinstance(entry, Custom)] == [
        "adunion-pending", "adunion-pending", "adunion-expire",
    ]  # fmt: skip


def test_bean_check_itself_accepts_the_export(books: SqlLedger, tmp_path: Path) -> None:
    check = Path(sys.executable).with_name("bean-check")
    file = beancount_file(books, tmp_path)
    done = subprocess.run([check, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_month_has_the_same_sum_there_as_here(books: SqlLedger, tmp_path: Path) -> None:
    entries, _, _ = loader.load_file(str(beancount_file(books, tmp_path)))
    october = [
        entry for entry in entries if isinstance(entry, BeanTransaction) and entry.date.month == 10
    ]
    keys = {entry.narration for entry in october}
    assert keys == {"t1", "spend", "odd", "end", "yen"}
    back = next(entry for entry in entries if getattr(entry, "narration", "") == "back")
    assert str(back.date) == "2026-11-01"
    assert back.meta["occurred-at"] == "2026-10-20T12:00:00+08:00"


def test_what_explains_a_transaction_is_there(books: SqlLedger, tmp_path: Path) -> None:
    entries, _, _ = loader.load_file(str(beancount_file(books, tmp_path)))
    spend = next(entry for entry in entries if getattr(entry, "narration", "") == "spend")
    assert spend.payee == "deposit"
    assert spend.meta["ref-row"] == 'or "1"; or_2'
    assert spend.meta["ref-note"] == "a\\b\\nc\\x00\\ud800 茶"
    assert spend.meta["seq"] == "2"
    assert spend.meta["hash"] == list(books.entries("CNY"))[1].hash


def test_beancount_notices_a_posting_that_was_changed(
    books: SqlLedger, engine: Engine, tmp_path: Path
) -> None:
    with writing(engine) as connection:
        sqlite = engine.dialect.name == "sqlite"
        drop = "_no_update" if sqlite else "_append_only ON ledger_postings"
        connection.execute(text(f"DROP TRIGGER ledger_postings{drop}"))
        connection.execute(
            text("UPDATE ledger_postings SET amount = amount + 1 WHERE seq = 1 AND position = 0")
        )
    _, faults, _ = loader.load_file(str(beancount_file(books, tmp_path)))
    said = " ".join(fault.message for fault in faults)
    assert "Transaction does not balance" in said
    assert "Balance failed" in said


def test_an_empty_ledger_is_a_sound_file(ledger: SqlLedger, tmp_path: Path) -> None:
    entries, faults, _ = loader.load_file(str(beancount_file(ledger, tmp_path)))
    assert (entries, faults) == ([], [])


def test_two_accounts_never_share_a_name_there() -> None:
    owners = ["a", "A", "a_", "a-", "a-5F", "a:", "a b", "é", "茶", "1", "-", "a_b", "ab"]
    names = {beancount_account(AccountName(f"partner_pending:{owner}")) for owner in owners}
    assert len(names) == len(owners)


def test_every_kind_has_a_name_there_under_its_root() -> None:
    for kind, nature in CHART.items():
        assert beancount_account(AccountName(kind)).startswith(f"{nature.root}:")
    assert beancount_account(AccountName("bank")) == "Assets:Bank"
    partner = beancount_account(AccountName("partner_payable:p_1"))
    assert partner == "Liabilities:PartnerPayable:Id-p-5F1"


def test_the_csv_has_a_line_for_each_posting(books: SqlLedger, tmp_path: Path) -> None:
    file = tmp_path / "books.csv"
    with file.open("w", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(CSV_COLUMNS)
        lines.writerows(books.csv_rows(books.currencies()))
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 20
    assert rows[0]["account"] == "bank"
    assert rows[0]["amount"] == "-0.000100"
    sums: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        if row["phase"] in ("posted", "post"):
            name = beancount_account(AccountName(row["account"])), row["currency"]
            sums[name] = sums.get(name, Decimal(0)) - Decimal(row["amount"])
    assert {name: total for name, total in sums.items() if total} == balances_here(books)
