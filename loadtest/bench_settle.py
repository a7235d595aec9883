"""How long a month of 1,000 partners and a million order lines takes to close.

Run by `make bench`, or alone: python -m loadtest.bench_settle [LINES]. The books are filled in
bulk, as orders would have filled them but for the hashes, which a closing does not look at. Of four
lines three are ripe, a tenth were half refunded, and every fifth merchant has paid for half of its
lines only. The one surprising fact: the time is that of one closing on SQLite, from the first look
to the commit; writing statements as CSV is timed apart.
"""

import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Table

from adserver.accounting.closing import Closings
from adserver.accounting.deposits import deposit
from adserver.accounting.reading_statements import Statements
from adserver.statements.lines import lines_of
from adserver.statements.table import csv_of
from adserver.stores import database, migrations, partners
from adserver.stores.ledger import Journal
from adserver.stores.ledger_tables import (
    LEDGER_BALANCES,
    LEDGER_HEADS,
    LEDGER_POSTINGS,
    LEDGER_TRANSACTIONS,
)
from adserver.stores.order_rows import row_id_of
from adserver.stores.order_tables import ORDER_ROWS
from adserver.stores.tables import Instant
from affiliate.calendar import Period
from affiliate.chart_of_accounts import merchant_receivable
from affiliate.merchandise import Merchant
from affiliate.partner import Contract, Partner, Standing, Terms
from models.domain.ids import ContractId, MerchantId, PartnerId
from models.domain.money import Micros

LINES = 1_000_000
PARTNERS = 1_000
MERCHANTS = 50
WRITTEN = 50
MONTH = Period("2026-10")
ZONE = ZoneInfo("Asia/Shanghai")
BEGAN = datetime(2026, 10, 1, 4, tzinfo=UTC)
CLOSES = datetime(2026, 11, 10, 0, 1, tzinfo=ZONE)
FEN = 10_000
BASE, COMMISSION, FEE = 10_000, 1_000, 100

Row = dict[str, Any]


def blank(table: Table) -> Row:
    """A row of nothing, as the driver takes it."""
    return {
        column.name: None
        if column.nullable
        else moment(BEGAN)
        if isinstance(column.type, Instant)
        else column.type.python_type()
        for column in table.columns
    }


def moment(at: datetime) -> str:
    """As SQLAlchemy writes it into SQLite."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def order_row(number: int) -> Row:
    """A line that was paid for; the fourth is not received, a tenth is half refunded."""
    merchant, order = f"m{number % MERCHANTS}", f"{20261000000000 + number}"
    paid = BEGAN + timedelta(seconds=number * 2)
    ripe = None if number % 4 == 3 else moment(paid + timedelta(days=7))
    half = 2 if number % 10 == 0 else 1
    return {
        "row_id": row_id_of(merchant, order, "1"),
        "merchant_id": merchant,
        "order_id": order,
        "line_id": "1",
        "version": 2,
        "status": "received" if ripe else "paid",
        "currency": "CNY",
        "quantity": 1,
        "paid_minor": BASE,
        "refunded_minor": BASE - BASE // half,
        "paid_at": moment(paid),
        "partner_id": f"p{number * 7919 % PARTNERS:04}",
        "contract_id": f"c{number * 7919 % PARTNERS:04}",
        "contract_version": 1,
        "method": "click",
        "relation": "direct",
        "rule": "merchant default rate of 10 %",
        "rate_ppm": 100_000,
        "base_minor": BASE,
        "commission_minor": COMMISSION // half,
        "partner_minor": (COMMISSION - FEE) // half,
        "fee_minor": FEE // half,
        "payable_from": ripe,
        "postings": half,
        "modified_seq": number,
    }


def transactions(row: Row) -> Iterator[tuple[str, str, tuple[tuple[str, int], ...]]]:
    """(key, reason, postings) of a row: the commission, and the refund where there was one."""
    refs = (
        ("row", "row_id"),
        ("order", "order_id"),
        ("line", "line_id"),
        ("merchant", "merchant_id"),
    )
    said = [(name, row[column]) for name, column in refs]
    said += [("rule", row["rule"]), ("rate", "100000 ppm"), ("base", str(BASE))]
    accounts = (
        f"merchant_receivable:{row['merchant_id']}",
        "platform_fee",
        f"partner_pending:{row['partner_id']}",
    )
    for number in range(row["postings"]):
        amounts = (-COMMISSION, FEE, COMMISSION - FEE)
        if number:
            amounts = (COMMISSION // 2, -FEE // 2, -(COMMISSION - FEE) // 2)
        moved = tuple((name, fen * FEN) for name, fen in zip(accounts, amounts, strict=True))
        key = f"order:{row['row_id']}:{number + 1}"
        yield f"{key}\x1f{json.dumps(said)}", ("commission", "refund")[number], moved


class Filler:
    """Writes rows and ledger in bulk, through the driver."""

    def __init__(self, path: Path) -> None:
        self._driver = sqlite3.connect(path, isolation_level=None)
        self._balances: dict[str, int] = {}
        self._seq = 0

    def fill(self, lines: int) -> None:
        """So many lines, and all that they made."""
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-400000"):
            self._driver.execute(f"PRAGMA {pragma}")
        self._driver.execute("BEGIN")
        for first in range(0, lines, 50_000):
            rows = [order_row(number) for number in range(first, min(lines, first + 50_000))]
            self._insert(ORDER_ROWS, rows)
            self._book(rows)
        balances = [
            {"currency": "CNY", "account": name, "posted": amount}
            for name, amount in self._balances.items()
        ]
        self._insert(LEDGER_BALANCES, balances)
        head = {"currency": "CNY", "seq": self._seq, "hash": f"{self._seq:064x}"}
        self._insert(LEDGER_HEADS, [head])
        self._driver.execute("COMMIT")
        self._driver.close()

    def _book(self, rows: list[Row]) -> None:
        made, postings = [], []
        for row in rows:
            for named, reason, moved in transactions(row):
                key, _, refs = named.partition("\x1f")
                self._seq += 1
                place = {"currency": "CNY", "seq": self._seq, "period": MONTH}
                said = {"key": key, "phase": "posted", "reason": reason, "refs": refs}
                said |= {"occurred_at": row["paid_at"], "hash": f"{self._seq:064x}"}
                made.append(place | said)
                for position, (account, amount) in enumerate(moved):
                    self._balances[account] = self._balances.get(account, 0) + amount
                    posting = {"account": account, "amount": amount, "position": position}
                    postings.append(place | posting | {"moves": True})
        self._insert(LEDGER_TRANSACTIONS, made)
        self._insert(LEDGER_POSTINGS, postings)

    def _insert(self, table: Table, rows: list[Row]) -> None:
        plain = blank(table)
        names = ", ".join(plain)
        marks = ", ".join(f":{name}" for name in plain)
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - our own
        self._driver.executemany(statement, ({**plain, **row} for row in rows))


def people(engine: Engine) -> None:
    """Merchants that are trusted, partners that are approved, a contract each."""
    with database.writing(engine) as connection:
        for number in range(MERCHANTS):
            merchant = MerchantId(f"m{number}")
            shop = Merchant(merchant, merchant, "https://shop.example/", trusted=number % 5 > 0)
            partners.add_merchant(connection, shop, BEGAN)
        for number in range(PARTNERS):
            name, own = PartnerId(f"p{number:04}"), ContractId(f"c{number:04}")
            partner = Partner(
                name, name, standing=Standing.APPROVED, bank_account="1", account_holder="L"
            )
            partners.add_partner(connection, partner, BEGAN)
            contract = Contract(own, 1, name, BEGAN, Terms())
            partners.add_contract(connection, contract, BEGAN)


def pay_in(engine: Engine, lines: int) -> None:
    """What merchants that are not trusted have paid: for half of their lines."""
    with database.writing(engine) as connection:
        journal = Journal(connection, ZONE)
        for number in range(0, MERCHANTS, 5):
            account = merchant_receivable(MerchantId(f"m{number}"))
            amount = Micros(max(1, lines // MERCHANTS // 2) * COMMISSION * FEN)
            deposit(journal, account, amount, currency="CNY", key="b1", now=BEGAN)


def timed(act: Callable[[], object]) -> float:
    """Seconds."""
    began = perf_counter()
    act()
    return perf_counter() - began


def write_some(engine: Engine, target: Path) -> int:
    """The first statements of the month as CSV; answers how many lines that made."""
    reader, written = Statements(engine), 0
    for statement in reader.find(period=MONTH)[:WRITTEN]:
        with reader.opened(statement) as opened, target.open("w", newline="") as stream:
            lines = lines_of(opened.entries, statement.partner_id)
            for text in csv_of(statement, lines, opened.items, ZONE):
                written += 1
                stream.write(text)
    return written


def measure(lines: int = LINES) -> dict[str, Any]:
    """`settle_s_1000x1m`, and beside it what else was timed."""
    with tempfile.TemporaryDirectory(prefix="ad-bench-") as name:
        directory = Path(name)
        engine = database.connect_url(f"sqlite:///{directory / 'books.sqlite'}")
        try:
            migrations.upgrade(engine)
            people(engine)
            filled = timed(lambda: Filler(directory / "books.sqlite").fill(lines))
            pay_in(engine, lines)
            closings = Closings(engine, ZONE)
            seconds = timed(lambda: closings.close(MONTH, "CNY", CLOSES))
            began = perf_counter()
            lines_written = write_some(engine, directory / "statement.csv")
            csv_lines_s = lines_written / (perf_counter() - began)
            (closing,) = closings.done()
            assert closing.statements == min(PARTNERS, lines)
        finally:
            engine.dispose()
    figure = {
        "value": round(seconds, 2),
        "lines": lines,
        "statements": closing.statements,
        "csv_lines_s": round(csv_lines_s),
        "filling_s": round(filled, 2),
    }
    return {"settle_s_1000x1m": figure}


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])))  # noqa: T201 - the one result of running this file
