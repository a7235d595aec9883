"""settle, statement, payout, explain-earning and merchant deposit, as people type them."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adserver.stores.database import connect_url
from tests import schemas
from tests.adserver.accounting.till import P1, Till, at
from tests.adserver.commands.conftest import Run

ID = "2025-10-p1-CNY"
pytestmark = pytest.mark.usefixtures("till")


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    """The commands' own database, with a partner, a shop that pays first, and October's sales."""
    engine = connect_url(f"sqlite:///{schemas.furnish(tmp_path / 'var')}")
    till = Till(engine)
    till.merchant(trusted=False)
    till.partner()
    ripe = {"payable_from": at("2025-10-19"), "base_minor": 269_000, "rate_ppm": 100_000}
    till.sell("a", at("2025-10-05"), earns=24_210, fee=2_690, **ripe)
    till.sell("b", at("2025-10-06"), earns=5_000)
    yield till
    engine.dispose()


def document(adunion: Run, *arguments: str) -> Any:
    return json.loads(adunion(*arguments, "--json").output)


def settled(adunion: Run) -> None:
    adunion("merchant", "deposit", "shop", "--amount", "300", "--reference", "B1")
    adunion("settle", "--period", "2025-10")


def test_a_merchant_s_payment_is_booked_once(adunion: Run) -> None:
    call = ("merchant", "deposit", "shop", "--amount", "300.00", "--reference", "B1")
    assert "Booked: 300.00 CNY of shop (B1).\nIt owes 19.00 CNY." in adunion(*call).output
    assert "Had been booked: 300.00 CNY" in adunion(*call).output
    other = adunion(*call[:4], "301", *call[5:], fails=True)
    assert "reference B1 was booked before, with another amount (key_reused)" in other.output
    assert (
        "there is no merchant 'x'"
        in adunion("merchant", "deposit", "x", *call[3:], fails=True).output
    )
    assert (
        "shop pays in CNY, not in EUR"
        in adunion(*call[:-1], "B2", "--currency", "EUR", fails=True).output
    )
    assert "above 0" in adunion(*call[:4], "-5", *call[5:], fails=True).output
    assert "not an amount" in adunion(*call[:4], "5,0", *call[5:], fails=True).output


def test_a_month_closes_and_says_what_comes_next(adunion: Run) -> None:
    adunion("merchant", "deposit", "shop", "--amount", "300", "--reference", "B1")
    told = adunion("settle", "--period", "2025-10").output
    assert "2025-10 is closed in CNY: 1 statement\n" in told
    assert "estimated                292.10" in told
    assert "payable                  242.10" in told
    assert "Next: adunion statement list --period 2025-10" in told
    assert "2025-10 had been closed in CNY" in adunion("settle", "--period", "2025-10").output
    shown = adunion("settle").output
    assert "2025-11 closes on 10 December 2025." in shown
    (closing,) = document(adunion, "settle")
    assert (closing["month"], closing["statements"]) == ("2025-10", 1)


def test_a_month_that_is_not_due_is_refused_in_words(adunion: Run) -> None:
    refused = adunion("settle", "--period", "2199-01", fails=True).output
    assert "2025-10 has entries and is still open: close it first" in refused
    assert "is not a month" in adunion("settle", "--period", "October", fails=True).output


def test_a_month_is_extended_once(adunion: Run) -> None:
    call = ("settle", "--period", "2025-10", "--extend", "--why", "late report")
    assert "2025-10 now closes on 10 December 2025." in adunion(*call).output
    assert "it may be extended once" in adunion(*call, fails=True).output


def test_a_statement_is_listed_shown_and_written(adunion: Run, tmp_path: Path) -> None:
    settled(adunion)
    assert "242.10" in adunion("statement", "list", "--period", "2025-10").output
    told = adunion("statement", "show", "p1", "2025-10").output
    assert "New commissions" in told
    assert "242.10 CNY are paid out on 2025-11-20." in told
    (found,) = document(adunion, "statement", "show", "p1", "2025-10")
    assert [found[name] for name in ("estimated", "validated", "payable")] == [
        "292.10",
        "292.10",
        "242.10",
    ]
    assert sum(round(100 * float(step["amount"])) for step in found["bridge"]) == 24_210
    adunion("statement", "csv", "p1", "2025-10", "-o", "s.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "work" / "s.csv").read_text())))
    assert [row["reference"] for row in rows if row["section"] == "entry"] == [
        "order:a:1",
        "order:b:1",
        "mature:2025-10:p1:CNY",
    ]
    page = adunion("statement", "html", "p1", "2025-10").output
    assert page.startswith("<!doctype html>")
    assert adunion("statement", "html", "p1", "2025-10").output == page


def test_a_statement_that_is_not_there_is_said_to_be_missing(adunion: Run) -> None:
    assert "No statements like that" in adunion("statement", "list").output
    missing = adunion("statement", "show", "p1", "2025-10", fails=True).output
    assert "partner p1 has no statement for 2025-10" in missing


def test_a_partner_with_two_currencies_names_one(adunion: Run, till: Till) -> None:
    till.sell("y", at("2025-10-05"), earns=20_000, currency="JPY")
    settled(adunion)
    asked = adunion("statement", "csv", "p1", "2025-10", fails=True).output
    assert "there is one in each of CNY, JPY: name it with --currency" in asked
    assert "20000" in adunion("statement", "csv", "p1", "2025-10", "--currency", "JPY").output


def test_a_payout_from_the_batch_to_the_bank_s_answer(
    adunion: Run, till: Till, tmp_path: Path
) -> None:
    till.edit_partner(account_holder="=Li Lei")
    settled(adunion)
    call = ("payout", "batch", "--period", "2025-10", "--bank-file", "bank.csv")
    assert "Made 1 payouts of 242.10 CNY together." in adunion(*call).output
    (row,) = csv.DictReader(io.StringIO((tmp_path / "work" / "bank.csv").read_text()))
    assert row == {
        "payout_id": ID,
        "account_holder": "'=Li Lei",
        "bank_account": "6222000011112222",
        "currency": "CNY",
        "amount": "242.10",
        "attempt": "1",
    }
    assert "1 had been made before" in adunion(*call).output
    assert "are payable again" in adunion("payout", "fail", ID, "--reason", "closed").output
    assert "attempt 2 is on its way" in adunion("payout", "retry", ID).output
    assert "242.10 CNY have left" in adunion("payout", "confirm", ID, "--reference", "B7").output
    (found,) = document(adunion, "payout", "list")
    assert (found["state"], found["attempt"], found["note"]) == ("confirmed", 2, "B7")
    assert (
        "cannot become failed" in adunion("payout", "fail", ID, "--reason", "x", fails=True).output
    )
    assert adunion("payout", "bank-file", "-").output.splitlines()[0].startswith("payout_id,")


def test_who_is_not_paid_is_listed_with_the_reason(adunion: Run, till: Till) -> None:
    till.edit_partner(bank_account="")
    settled(adunion)
    told = document(adunion, "payout", "batch", "--period", "2025-10")
    assert told["held"] == [{"partner_id": "p1", "payable": "242.10", "why": "no_bank_account"}]
    assert "1 not paid" in adunion("payout", "batch", "--period", "2025-10").output
    unclosed = adunion("payout", "batch", "--period", "2025-11", fails=True).output
    assert "2025-11 is not closed in CNY: adunion settle" in unclosed


def test_what_the_books_refuse_says_what_to_type_next(adunion: Run) -> None:
    this_month = f"{datetime.now(UTC):%Y-%m}"
    settled(adunion)
    early = adunion("settle", "--period", this_month, "--currency", "CNY", fails=True).output
    assert "; --now closes it before that" in early
    unknown = adunion("payout", "confirm", "nope", "--reference", "x", fails=True).output
    assert "there is no payout 'nope': adunion payout list" in unknown


def test_an_order_is_explained_from_the_sale_to_the_payout(adunion: Run) -> None:
    settled(adunion)
    adunion("payout", "batch", "--period", "2025-10")
    adunion("payout", "confirm", ID, "--reference", "B7")
    story = adunion("explain-earning", "a").output
    for words in (
        "contract c-p1 v1: 10 % of the base",
        "10 % of 2,690.00, rounded once to 0.01",
        "commission 269.00, of it 242.10 the partner's",
        "order:a:1",
        "2025-10  242.10 CNY payable",
        "242.10 CNY in all, confirmed",
        "(B7)",
    ):
        assert words in story
    assert adunion("explain-earning", "order:a:1").output == story
    waiting = adunion("explain-earning", "b").output
    assert "50.00 CNY waits: not yet received" in waiting


def test_a_line_without_its_merchant_s_money_says_so(adunion: Run) -> None:
    adunion("settle", "--period", "2025-10")
    story = adunion("explain-earning", "a").output
    assert "242.10 CNY waits: not yet paid by the merchant" in story
    assert "the merchant had paid 0.00, of which 0.00 were left for ripe lines" in story


def test_a_day_of_ads_is_explained(adunion: Run, till: Till) -> None:
    till.show_ads("2025-10-05", at("2025-10-05"), share=1_234_567)
    assert (
        "Its month has not been closed yet."
        in adunion("explain-earning", "2025-10-05/app1/pl1").output
    )
    adunion("settle", "--period", "2025-10")
    story = adunion("explain-earning", "2025-10-05/app1/pl1").output
    assert "1.234567" in story
    assert "2025-10  1.234567 CNY payable" in story
    assert adunion("explain-earning", f"adshare:2025-10-05:app1:pl1:{P1}:1:share").output == story


def test_other_entries_are_explained_by_their_keys(adunion: Run) -> None:
    settled(adunion)
    assert "Became payable" in adunion("explain-earning", "mature:2025-10:p1:CNY").output
    adunion("payout", "batch", "--period", "2025-10")
    payout = adunion("explain-earning", f"payout:{ID}").output
    assert "attempt 1 pending" in payout
    assert adunion("explain-earning", ID).output == payout
    unknown = adunion("explain-earning", "nope", fails=True).output
    assert "nothing is called 'nope'" in unknown
    assert document(adunion, "explain-earning", "a")[0][0]["part"].startswith("Order line shop/")


def test_a_capped_line_says_what_the_cap_took(adunion: Run, till: Till) -> None:
    capped = {"reason": "cap_reached", "base_minor": 300_000, "rate_ppm": 80_000}
    till.sell("c", at("2025-10-07"), earns=13_166, **capped)
    assert "took 240.00 down to what was left" in adunion("explain-earning", "c").output
