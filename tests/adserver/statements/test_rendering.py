"""Statements as a page and as a table: everything is there, nothing can break out."""

import csv
import io
from datetime import UTC, datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from adserver.statements import page
from adserver.statements.lines import Line, lines_of, why_of
from adserver.statements.page import html_of
from adserver.statements.table import COLUMNS, csv_of
from adserver.statements.wording import HELD, ITEMS, OUTCOMES, REASONS, percent, plain, shown
from adserver.stores.statements import ClosingItem
from affiliate.calendar import Period
from affiliate.chart_of_accounts import AccountName
from affiliate.ledger import Entry, Phase, Posting, Reason, Transaction
from affiliate.payout import Held
from affiliate.settlement import Outcome
from affiliate.statement import Balances, Item, Statement, Step, closing_of
from models.domain.ids import PartnerId
from models.domain.money import Micros

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 10, 4, tzinfo=UTC)
P1 = PartnerId("p1")
OCTOBER = Period("2026-10")
STEPS = (
    Step(Item.COMMISSIONS, 2, Micros(12_340_000)),
    Step(Item.REFUNDS, 1, Micros(-2_000_000)),
    Step(Item.IN_HOLD, 1, Micros(-340_000)),
)
REFS = {
    "row": "o1", "order": "A-17", "line": "1", "merchant": "shop", "version": "2",
    "rule": "product rate", "rate": "31000 ppm", "base": "26900", "contract": "c1 v2",
    "late_for": "2026-09",
}  # fmt: skip


def entry(refs: dict[str, str] = REFS, **changes: object) -> Entry:
    postings = (
        Posting(AccountName("merchant_receivable:shop"), Micros(-8_340_000)),
        Posting(AccountName("platform_fee"), Micros(830_000)),
        Posting(AccountName("partner_pending:p1"), Micros(7_510_000)),
    )
    said = {"reason": Reason.COMMISSION, "postings": postings, "refs": tuple(refs.items())}
    transaction = Transaction(key="order:o1:1", currency="CNY", occurred_at=NOW, **(said | changes))
    return Entry(transaction, 1, OCTOBER, NOW, "", "ff", transaction.postings)


def statement(**changes: object) -> Statement:
    known = {
        "period": OCTOBER,
        "currency": "CNY",
        "partner_id": P1,
        "partner_name": "One & Only",
        "closed_at": NOW,
        "pays_at": datetime(2026, 11, 20, tzinfo=ZONE),
        "head_hash": "ab" * 32,
        "opening": Balances(),
        "closing": closing_of(STEPS),
        "reserved": Micros(0),
        "steps": STEPS,
        "minimum_minor": 10_000,
        "payout_minor": 1_000,
        "held": None,
    }
    return Statement(**{**known, **changes})  # type: ignore[arg-type]


def item(what: str = "shop/A-17/1") -> ClosingItem:
    return ClosingItem(
        OCTOBER, "CNY", P1, "order", "o1", what, Outcome.IN_HOLD, NOW, Micros(340_000)
    )


def table(found: Statement, lines: list[Line], items: list[ClosingItem]) -> list[dict[str, str]]:
    text = "".join(csv_of(found, lines, items, ZONE))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def html(found: Statement, lines: list[Line], items: list[ClosingItem]) -> str:
    return "".join(html_of(found, lines, items, ZONE))


def test_every_word_that_a_statement_needs_is_there() -> None:
    assert ITEMS.keys() == set(Item)
    assert OUTCOMES.keys() == set(Outcome)
    assert HELD.keys() == set(Held)
    assert REASONS.keys() == set(Reason)


def test_a_line_says_what_it_was_and_why() -> None:
    (line,) = lines_of([entry()], P1)
    assert line.what == "Commission: order A-17, line 1 of shop"
    assert line.why == (
        "product rate; contract c1 v2; 3.1 % of 269.00, rounded once to 0.01; commission 8.34, "
        "platform fee 0.83; happened in 2026-09, which was closed"
    )
    assert line.moved == (7_510_000, 0, 0)


def test_what_went_back_is_told_with_the_base() -> None:
    refs = {"row": "o1", "rate": "31000 ppm", "base": "26900", "refunded": "10000"}
    assert "3.1 % of 269.00, rounded once to 0.01; 100.00 of it went back" in why_of(entry(refs))


def test_a_flat_rate_and_a_fund_are_told_too() -> None:
    postings = (Posting(AccountName("subsidy_pool:f"), Micros(-3_000_000)),)
    refs = {"row": "o1", "rate": "500 a unit", "base": "26900", "reason": "cap_reached"}
    assert why_of(entry(refs, postings=postings)) == (
        "5.00 a unit of 269.00, rounded once to 0.01; from a fund 3.00; reason: cap_reached"
    )


def test_a_day_of_ads_tells_its_revenue() -> None:
    refs = {"day": "2026-10-05", "app": "a", "placement": "b", "contract": "c1", "version": "3",
            "rule": "70 %", "base": "1234567", "impressions": "90"}  # fmt: skip
    postings = (
        Posting(AccountName("platform_revenue"), Micros(-864_197)),
        Posting(AccountName("partner_pending:p1"), Micros(864_197)),
    )
    (line,) = lines_of([entry(refs, reason=Reason.AD_SHARE, postings=postings)], P1)
    assert line.what == "Share of ad revenue: 2026-10-05, a/b"
    assert line.why == (
        "70 %; contract c1 v3; valid revenue 1.234567; from the platform 0.864197; impressions: 90"
    )


def test_what_only_reserves_or_concerns_others_is_no_line() -> None:
    assert list(lines_of([entry(phase=Phase.PENDING)], P1)) == []
    assert list(lines_of([entry()], PartnerId("p2"))) == []


def test_the_table_has_balances_entries_open_lines_and_the_bridge() -> None:
    rows = table(statement(), list(lines_of([entry()], P1)), [item()])
    assert list(rows[0]) == list(COLUMNS)
    by_section = {row["section"]: row for row in rows}
    assert by_section["entry"]["commission"] == "8.34"
    assert by_section["entry"]["pending"] == "7.51"
    assert by_section["entry"]["late_for"] == "2026-09"
    assert by_section["open line"]["outcome"] == "waits: hold days not over"
    assert by_section["closing"]["payable"] == "10.00"
    totals = {row["what"]: row["amount"] for row in rows if row["section"] == "total"}
    assert totals == {
        "Estimated": "12.34",
        "Validated": "10.34",
        "Became payable this month": "10.00",
        "Payable": "10.00",
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_no_cell_is_a_formula(start: str) -> None:
    refs = REFS | {"order": f"{start}cmd|' /C calc'!A0"}
    (line,) = lines_of([entry(refs)], P1)
    rows = table(statement(), [line], [item(f"{start}1")])
    (found,) = [row for row in rows if row["section"] == "entry"]
    assert found["order"].startswith(f"'{start}")
    (found,) = [row for row in rows if row["section"] == "open line"]
    assert found["what"] == f"'{start}1"


def test_cells_keep_their_quotes_and_line_breaks() -> None:
    rows = table(statement(partner_name='A "B", C\nD'), [], [])
    assert rows[0]["why"] == 'A "B", C\nD (p1)'


class Tags(HTMLParser):
    """What a page is made of; complains about tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_escapes_what_strangers_wrote() -> None:
    evil = "<script>alert(1)</script><b onmouseover=x>\"'"
    (line,) = lines_of([entry(REFS | {"order": evil, "rule": evil})], P1)
    tags = Tags()
    tags.feed(html(statement(partner_name=evil), [line], [item(evil)]))
    tags.close()
    assert tags.open == []
    assert evil in tags.text


def test_the_page_shows_the_three_numbers_and_what_is_paid() -> None:
    text = html(statement(), [], [])
    for words in ("October 2026", "One &amp; Only", "12.34", "10.34", "20 November 2026"):
        assert words in text
    assert "are paid out on" in text
    held = html(statement(payout_minor=0, held=Held.BELOW_MINIMUM), [], [])
    assert HELD[Held.BELOW_MINIMUM] in held
    assert "100.00" in held


def test_the_page_is_for_light_and_dark_screens_and_for_paper() -> None:
    text = html(statement(), [], [])
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert "http://" not in text
    assert "https://" not in text


def test_a_long_statement_says_how_many_lines_are_in_the_table() -> None:
    many = list(lines_of([entry()] * (page.MOST_LINES + 1_234), P1))
    text = html(statement(), many, [item()])
    assert "1,234 more entries are in the CSV" in text
    assert text.count("order:o1:1") == page.MOST_LINES


def test_amounts_are_exact_in_every_currency() -> None:
    assert shown(1_234_560_000, "CNY") == "1,234.56"
    assert plain(-1_234_560_000, "CNY") == "-1234.56"
    assert plain(1_234_567, "CNY") == "1.234567"
    assert shown(20_001_000_000, "JPY") == "20,001"
    assert shown(1_500_000, "JPY") == "1.500000"
    assert plain(1_234_000, "KWD") == "1.234"


@pytest.mark.parametrize(
    ("ppm", "text"), [(31_000, "3.1 %"), (100_000, "10 %"), (1, "0.0001 %"), (1_200_000, "120 %")]
)
def test_rates_are_written_with_all_their_digits(ppm: int, text: str) -> None:
    assert percent(ppm) == text
