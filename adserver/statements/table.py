"""A statement as CSV: one table with everything, streamed row by row.

Never here: layout for people. The one surprising fact: a cell that a spreadsheet would take for a
formula gets an apostrophe in front, because order numbers are written by strangers.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo

from adserver.statements.lines import Line
from adserver.statements.wording import HELD, ITEMS, OUTCOMES, SECTIONS, plain
from adserver.stores.statements import ClosingItem
from affiliate.chart_of_accounts import Kind
from affiliate.statement import SECTION_OF, Balances, Section, Statement
from models.domain.money import micros_of

COLUMNS = (
    "section", "date", "what", "why", "order", "line", "version", "merchant", "contract", "rule",
    "rate", "base", "reason", "commission", "platform_fee", "subsidy", "outcome", "lines", "amount",
    "pending", "payable", "clawback", "late_for", "reference",
)  # fmt: skip
_REFS = ("order", "line", "version", "merchant", "contract", "rule", "rate", "base", "reason")
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""The last four are the wide forms that a Chinese keyboard types; spreadsheets take them alike."""


def csv_of(
    statement: Statement, lines: Iterable[Line], items: Iterable[ClosingItem], zone: tzinfo
) -> Iterator[str]:
    """The statement's text, a line at a time: header, balances, entries, open lines, bridge."""
    yield _text(COLUMNS)
    for row in _rows(statement, lines, items, zone):
        yield _text([row.get(column, "") for column in COLUMNS])


def _text(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def _rows(
    statement: Statement, lines: Iterable[Line], items: Iterable[ClosingItem], zone: tzinfo
) -> Iterator[Mapping[str, str]]:
    currency = statement.currency
    yield from _head(statement, zone)
    yield {"section": "opening", "what": "Opening balances"} | _accounts(
        statement.opening, currency
    )
    for line in lines:
        yield _entry(line, currency, zone)
    yield {"section": "closing", "what": "Closing balances"} | _accounts(
        statement.closing, currency
    )
    for item in items:
        yield {
            "section": "open line",
            "date": _day(item.payable_from, zone),
            "what": safe(item.what),
            "outcome": OUTCOMES[item.outcome],
            "amount": plain(item.amount, currency),
            "reference": safe(item.ref),
        }
    yield from _bridge(statement)


def _head(statement: Statement, zone: tzinfo) -> Iterator[Mapping[str, str]]:
    said = {
        "Partner": f"{statement.partner_name} ({statement.partner_id})",
        "Month": statement.period,
        "Currency": statement.currency,
        "Closed at": f"{statement.closed_at.astimezone(zone):%Y-%m-%d %H:%M %Z}",
        "Pays at": f"{statement.pays_at.astimezone(zone):%Y-%m-%d}",
        "Ledger hash": statement.head_hash,
        "Payout": HELD[statement.held] if statement.held else "",
    }
    payout = plain(micros_of(statement.payout_minor, statement.currency), statement.currency)
    for what, text in said.items():
        amount = payout if what == "Payout" else ""
        yield {"section": "statement", "what": what, "why": safe(text), "amount": amount}


def _bridge(statement: Statement) -> Iterator[Mapping[str, str]]:
    for section in Section:
        for step in statement.steps:
            if SECTION_OF[step.item] is section:
                yield {
                    "section": "bridge",
                    "what": ITEMS[step.item],
                    "lines": str(step.lines or ""),
                    "amount": plain(step.amount, statement.currency),
                }
        total = plain(statement.total(section), statement.currency)
        yield {"section": "total", "what": SECTIONS[section], "amount": total}


def _entry(line: Line, currency: str, zone: tzinfo) -> Mapping[str, str]:
    other = {
        "commission": -line.other.get(Kind.MERCHANT_RECEIVABLE, 0),
        "platform_fee": line.other.get(Kind.PLATFORM_FEE, 0),
        "subsidy": -line.other.get(Kind.SUBSIDY_POOL, 0),
    }
    return {
        "section": "entry",
        "date": f"{line.occurred_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        "what": safe(line.what),
        "why": safe(line.why),
        **{name: safe(line.refs.get(name, "")) for name in _REFS},
        **{name: plain(amount, currency) for name, amount in other.items() if amount},
        **_accounts(line.moved, currency),
        "late_for": line.late_for,
        "reference": safe(line.key),
    }


def _accounts(balances: Balances, currency: str) -> dict[str, str]:
    return {name: plain(amount, currency) for name, amount in balances._asdict().items()}


def _day(moment: object, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d}" if hasattr(moment, "astimezone") else ""


def safe(text: str) -> str:
    """The text as a cell that no spreadsheet computes."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
