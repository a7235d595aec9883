"""`adunion ledger` as the people who check the books run it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from adserver.config import from_environment
from adserver.stores import database
from adserver.stores.ledger import SqlLedger, open_ledger
from tests.adserver.commands.conftest import Run
from tests.affiliate.bookings import NOW, booking, pending, postings


@pytest.fixture
def books(adunion: Run) -> Run:
    """1,234,567.89 CNY in the fund, 100 micros with a partner, 70 held; and something in JPY."""
    ledger = open_ledger(from_environment())
    ledger.submit(
        [
            booking(postings=postings(bank=-1_234_567_890_000, pool=1_234_567_890_000)),
            booking("spend", postings=postings(pool=-100, partner=100), refs=(("row", "or_1"),)),
            pending(),
            booking("yen", currency="JPY"),
        ],
        NOW,
    )
    ledger.close()
    return adunion


def head(code: str) -> str:
    ledger: SqlLedger = open_ledger(from_environment())
    entries = list(ledger.entries(code))
    ledger.close()
    return entries[-1].hash


def tamper(amount: str = "amount + 1") -> None:
    engine = database.connect(from_environment())
    change = f"UPDATE ledger_postings SET amount = {amount} WHERE seq = 2 AND position = 0"
    with database.writing(engine) as connection:
        connection.execute(text("DROP TRIGGER ledger_postings_no_update"))
        connection.execute(text(change))
    engine.dispose()


def test_verify_says_ok_with_counts_and_the_hash_of_each_currency(books: Run) -> None:
    assert books("ledger", "verify").output.splitlines() == [
        "ledger verify: ok",
        f"  CNY: 3 entries, ends on {head('CNY')}",
        f"  JPY: 1 entries, ends on {head('JPY')}",
    ]
    only = books("ledger", "verify", "--currency", "JPY").output
    assert "CNY" not in only


def test_verify_of_nothing_is_ok(adunion: Run) -> None:
    assert (
        adunion("ledger", "verify").output == "ledger verify: ok\n  nothing has been booked yet\n"
    )


def test_verify_lists_faults_and_fails(books: Run) -> None:
    tamper()
    output = books("ledger", "verify", fails=True).output
    assert output.startswith("ledger verify: FAULTS\n")
    assert "    CNY entry 2: is not what was sealed: its hash is another\n" in output
    assert "    CNY balance of subsidy_pool:support: kept" in output
    assert books("ledger", "verify", "--currency", "JPY").exit_code == 0


def test_balances_are_shown_to_people_and_to_programs(books: Run) -> None:
    table = books("ledger", "balance").output
    assert "1,234,567.889900" in table
    assert "0.000070" in table
    pool = json.loads(books("ledger", "balance", "subsidy_pool:support", "--json").output)
    assert [tuple(row.values()) for row in pool] == [
        ("subsidy_pool:support", "CNY", "1234567.889900", "0.000070"),
        ("subsidy_pool:support", "JPY", "0.000100", "0.00"),
    ]
    banks = books("ledger", "balance", "--kind", "bank", "--currency", "CNY", "--json").output
    assert [row["posted"] for row in json.loads(banks)] == ["-1234567.89"]


def test_an_account_without_postings_is_told(adunion: Run) -> None:
    told = adunion("ledger", "balance", "partner_payable:p9").output
    assert told == "partner_payable:p9 has yet to have a posting.\n"


def test_entries_are_listed_with_what_explains_them(books: Run) -> None:
    assert "spend" in books("ledger", "entries").output
    listed = books("ledger", "entries", "--account", "partner_pending:p1", "--json").output
    spend, hold = json.loads(listed)
    assert (spend["key"], spend["refs"], spend["seq"]) == ("spend", {"row": "or_1"}, 2)
    assert spend["postings"][1] == {"account": "partner_pending:p1", "amount": "0.000100"}
    assert (hold["phase"], hold["period"]) == ("pending", "2026-10")
    limited = books("ledger", "entries", "--after", "1", "--limit", "1", "--json").output
    assert [entry["seq"] for entry in json.loads(limited)] == [2]
    assert books("ledger", "entries", "--period", "2026-09").output == "No entries like that.\n"


def test_a_month_that_is_none_is_refused(adunion: Run) -> None:
    told = adunion("ledger", "entries", "--period", "October", fails=True).output
    assert "write it as 2026-10" in told


def test_the_exported_file_passes_bean_check(books: Run) -> None:
    assert (
        books("ledger", "export", "books.beancount").output
        == "Wrote 4 entries to books.beancount.\n"
    )
    check = Path(sys.executable).with_name("bean-check")
    done = subprocess.run([check, "books.beancount"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert books("ledger", "export").output == Path("books.beancount").read_text()


def test_the_exported_csv_is_of_one_currency_where_wanted(books: Run) -> None:
    told = books("ledger", "export", "books.csv", "--format", "csv", "--currency", "JPY").output
    assert told == "Wrote 2 lines to books.csv.\n"
    with Path("books.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["account"], row["amount"]) for row in rows] == [
        ("bank", "-0.000100"), ("subsidy_pool:support", "0.000100"),
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["export", "entries"])
def test_an_entry_that_cannot_be_read_is_said_in_a_sentence(books: Run, command: str) -> None:
    tamper("'much'")
    told = books("ledger", command, fails=True).output
    said = "Error: an entry cannot be read ('much' is not an amount); `adunion ledger verify` says"
    assert said in told
    assert "CNY entry 2: cannot be read: 'much'" in books("ledger", "verify", fails=True).output
