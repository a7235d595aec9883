"""How many transactions a second the ledger takes durably, on SQLite.

Run by `make bench`, or alone: python -m loadtest.bench_ledger. The one surprising fact: a batch of
a hundred is one commit, so the disk (its fsync) is paid once for all; the figure of transactions
that are committed one by one stands beside it.
"""

import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from adserver.stores import migrations
from adserver.stores.database import connect_url
from adserver.stores.ledger import SqlLedger
from affiliate.chart_of_accounts import (
    BANK,
    PLATFORM_FEE,
    merchant_receivable,
    partner_pending,
    subsidy_pool,
)
from affiliate.ledger import Posting, Reason, Taken, Transaction
from models.domain.ids import MerchantId, PartnerId, PoolId
from models.domain.money import Micros

TRANSACTIONS = 20_000
A_BATCH = 100
ALONE = 500
PARTNERS = 1_000
POOL = subsidy_pool(PoolId("support"))
AT = datetime(2026, 10, 20, tzinfo=UTC)


def commission(number: int) -> Transaction:
    """What an order line posts: four accounts, and what explains it."""
    merchant, partner = MerchantId(f"m_{number % 20}"), PartnerId(f"p_{number % PARTNERS}")
    return Transaction(
        key=f"order:{number:032x}:1",
        currency="CNY",
        reason=Reason.COMMISSION,
        occurred_at=AT,
        postings=(
            Posting(merchant_receivable(merchant), Micros(-8_340_000)),
            Posting(PLATFORM_FEE, Micros(830_000)),
            Posting(partner_pending(partner), Micros(7_760_000)),
            Posting(POOL, Micros(-250_000)),
        ),
        refs=(
            ("row", f"{number:032x}"),
            ("order", f"order-{number}"),
            ("merchant", merchant),
            ("partner", partner),
            ("contract", "ct_1:1"),
            ("rule", "contract ct_1 version 1"),
            ("rate", "31000"),
            ("base", "26900"),
        ),
    )


def filled() -> Transaction:
    """Enough in the fund for all of them."""
    amount = 10**12
    postings = (Posting(BANK, Micros(-amount)), Posting(POOL, Micros(amount)))
    return Transaction("fund", "CNY", Reason.DEPOSIT, AT, postings)


def rate(ledger: SqlLedger, transactions: list[Transaction], size: int) -> float:
    """Transactions a second, committed in batches of a size."""
    began = perf_counter()
    for start in range(0, len(transactions), size):
        outcomes = ledger.submit(transactions[start : start + size], AT)
        if not all(isinstance(one, Taken) for one in outcomes):
            raise RuntimeError(f"a transaction was refused: {outcomes}")
    return len(transactions) / (perf_counter() - began)


def verified_rate(ledger: SqlLedger) -> float:
    """Entries a second of `adunion ledger verify`."""
    began = perf_counter()
    found = ledger.verify("CNY")
    if found.faults:
        raise RuntimeError(f"the ledger is not sound: {found.faults[:3]}")
    return found.entries / (perf_counter() - began)


def measure() -> dict[str, Any]:
    """Transactions a second, with what was measured on the way."""
    with tempfile.TemporaryDirectory() as directory:
        engine = connect_url(f"sqlite:///{Path(directory) / 'ledger.sqlite'}")
        migrations.upgrade(engine)
        ledger = SqlLedger(engine, ZoneInfo("Asia/Shanghai"))
        rate(ledger, [filled()], 1)
        many = [commission(number) for number in range(TRANSACTIONS)]
        in_batches = rate(ledger, many, A_BATCH)
        few = [commission(number) for number in range(TRANSACTIONS, TRANSACTIONS + ALONE)]
        alone = statistics.median(
            rate(ledger, few[at : at + 100], 1) for at in range(0, ALONE, 100)
        )
        figures = {
            "value": in_batches,
            "a_batch": A_BATCH,
            "committed_one_by_one": alone,
            "verified_a_second": verified_rate(ledger),
        }
        ledger.close()
    return {"ledger_tx_s": figures}


if __name__ == "__main__":
    print(measure())  # noqa: T201 - a figure for the terminal
