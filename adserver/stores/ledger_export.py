"""The ledger as a file for others: beancount's plain text, or CSV with a line for each posting.

Never here: our own reading of the books. The one surprising fact: beancount counts debits as
positive, so every sign is turned; and an entry is dated into the month that it was booked in, so
that a month has the same sum there as here.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta, tzinfo

from sqlalchemy import Connection, func, select

from adserver.stores import ledger_rows
from adserver.stores.ledger_tables import LEDGER_TRANSACTIONS
from affiliate.admission import MOVING
from affiliate.calendar import Period, begin_of, period_of
from affiliate.chart_of_accounts import CHART, AccountName, kind_of, owner_of
from affiliate.ledger import Balance, Entry
from models.domain.money import Micros, format_amount

CSV_COLUMNS = (
    "currency",
    "seq",
    "period",
    "occurred_at",
    "committed_at",
    "key",
    "phase",
    "reason",
    "settles",
    "reverses",
    "account",
    "amount",
    "refs",
    "hash",
)


def csv_rows(connection: Connection, currencies: Sequence[str]) -> Iterator[Sequence[object]]:
    """A row for each posting, in the order of the ledger; amounts in units, credits positive."""
    for currency in currencies:
        for page in ledger_rows.pages(connection, currency):
            for entry in page:
                yield from _csv_of(entry)


def _csv_of(entry: Entry) -> Iterator[Sequence[object]]:
    said, row = entry.transaction, ledger_rows.transaction_row(entry)
    times = (said.occurred_at.isoformat(), entry.committed_at.isoformat())
    place = (said.currency, entry.seq, entry.period, *times, said.key, said.phase.value)
    why = (said.reason.value, said.settles, said.reverses)
    for posting in entry.postings:
        amount = _units(posting.amount)
        yield *place, *why, posting.account, amount, row["refs"], entry.hash


def beancount(
    connection: Connection, currencies: Sequence[str], zone: tzinfo
) -> Iterator[tuple[int, str]]:
    """The ledger as beancount reads it, in pieces; each with how many entries it is of.

    It ends on a `balance` directive for each account, so that `bean-check` proves our balances.
    """
    holdings = {code: ledger_rows.holdings_of(connection, code) for code in currencies}
    yield 0, _heading(currencies)
    yield 0, _opening(holdings, _first_day(connection, zone))
    last = date.min
    for currency in currencies:
        for page in ledger_rows.pages(connection, currency):
            for entry in page:
                day = _day_of(entry, zone)
                last = max(last, day)
                yield 1, _entry_text(entry, day, zone)
    yield 0, _closing(holdings, last)


def beancount_account(account: AccountName) -> str:
    """The account's name there: "partner_pending:p_1" is Liabilities:PartnerPending:Id-p-5F1.

    A character that beancount does not take becomes "-" and its bytes in hexadecimal, so that two
    owners never share a name.
    """
    kind = kind_of(account)
    title = "".join(word.capitalize() for word in kind.value.split("_"))
    owner = owner_of(account)
    parts = (CHART[kind].root.value, title, f"Id-{_escaped(owner)}" if owner else "")
    return ":".join(part for part in parts if part)


def _escaped(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", lambda odd: f"-{odd[0].encode().hex().upper()}", text)


def _heading(currencies: Sequence[str]) -> str:
    lines = ['option "title" "adunion ledger"']
    lines += [f'option "operating_currency" "{currency}"' for currency in currencies]
    return "\n".join(lines) + "\n\n"


def _first_day(connection: Connection, zone: tzinfo) -> date:
    first = connection.execute(select(func.min(LEDGER_TRANSACTIONS.c.occurred_at))).scalar()
    return first.astimezone(zone).date() if first else date.min


def _opening(holdings: dict[str, list[Balance]], day: date) -> str:
    currencies: dict[AccountName, list[str]] = {}
    for currency, balances in holdings.items():
        for balance in balances:
            currencies.setdefault(balance.account, []).append(currency)
    return "".join(
        f"{day} open {beancount_account(account)} {','.join(codes)}\n"
        f"  account: {_quoted(account)}\n"
        for account, codes in sorted(currencies.items())
    )


def _day_of(entry: Entry, zone: tzinfo) -> date:
    """The day of the event, or the first day of the month into which it came late."""
    occurred_at = entry.transaction.occurred_at
    if period_of(occurred_at, zone) == entry.period:
        return occurred_at.astimezone(zone).date()
    return begin_of(Period(entry.period), zone).date()


def _entry_text(entry: Entry, day: date, zone: tzinfo) -> str:
    said = entry.transaction
    facts = {
        "seq": str(entry.seq),
        "occurred-at": said.occurred_at.astimezone(zone).isoformat(),
        "settles": said.settles,
        "reverses": said.reverses,
    }
    for name, value in said.refs:
        key = f"ref-{re.sub(r'[^a-z0-9_-]', '-', name.lower())}"
        facts[key] = f"{facts[key]}; {value}" if key in facts else value
    facts["hash"] = entry.hash
    lines = [f"  {name}: {_quoted(value)}" for name, value in facts.items() if value]
    head = _transaction if said.phase in MOVING else _reservation
    return "\n".join([*head(entry, day, lines), "", ""])


def _transaction(entry: Entry, day: date, facts: list[str]) -> list[str]:
    said = entry.transaction
    title = f"\n{day} * {_quoted(said.reason.value)} {_quoted(said.key)}"
    postings = [f"  {_beancount_posting(p.account, p.amount, entry)}" for p in entry.postings]
    return [title, *facts, *postings]


def _reservation(entry: Entry, day: date, facts: list[str]) -> list[str]:
    """What moves no money is told by a `custom` directive, which beancount keeps and counts not."""
    said = entry.transaction
    held = " ".join(_beancount_posting(p.account, p.amount, entry) for p in entry.postings)
    title = f'\n{day} custom "adunion-{said.phase.value}" {_quoted(said.key)} {held}'
    return [title, *facts]


def _beancount_posting(account: AccountName, amount: int, entry: Entry) -> str:
    return f"{beancount_account(account)} {_units(-amount)} {entry.transaction.currency}"


def _closing(holdings: dict[str, list[Balance]], last: date) -> str:
    return "\n" + "".join(
        f"{last + timedelta(days=1)} balance {beancount_account(held.account)} "
        f"{_units(-held.posted)} ~ 0 {currency}\n"
        for currency, balances in holdings.items()
        for held in balances
    )


def _units(micros: int) -> str:
    return format_amount(Micros(micros), 6).replace(",", "")


def _quoted(text: str) -> str:
    """A string for beancount, on one line whatever is in it."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
