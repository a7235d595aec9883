"""Journey 4 on a real shop's log: links, signed orders over HTTP, settlement, another tool's word.

The log is a slice made here in the form of the real one, dirt included; the whole of the real one
is played by `python -m loadtest.replay_orders`.
"""

import argparse
import asyncio
import gzip
import json
import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from loadtest import replay_orders
from loadtest.order_log import read_log, understand
from tests.engines import free_port

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
INVOICES = 120


def write_log(path: Path) -> None:
    """Two months of invoices; every tenth is cancelled in part, and some lines are dirt."""
    draw = random.Random(11)
    rows = [HEAD]
    for number in range(INVOICES):
        moment = datetime(2010, 12, 5, 9) + timedelta(hours=9 * number)  # noqa: DTZ001 - as told
        customer = f"{17_000 + number % 25}.0" if number % 8 else ""
        for _ in range(draw.randint(1, 4)):
            sku, quantity = f"{20_000 + draw.randint(0, 9)}", draw.randint(1, 12)
            price = draw.choice(("2.55", "0.85", "12.75", "1.655", "0.0"))
            rows.append(_row(f"{536_000 + number}", sku, quantity, moment, price, customer))
        if number % 10 == 9:
            back = moment + timedelta(days=4)
            last = rows[-1].split(",")
            cancelled = -max(1, int(last[3]) // 2)
            rows.append(_row(f"C{number}", last[1], cancelled, back, last[5], customer))
    end = datetime(2011, 1, 20, 9)  # noqa: DTZ001 - as told
    rows.append(_row("C9001", "D", -1, end, "27.5", "14527.0"))  # cancels what nobody sold
    rows.append(_row("A9002", "B", 1, end, "11062.06", ""))
    rows.append(_row("9003", "20001", -10, end, "0.0", ""))
    path.write_bytes(gzip.compress(("\n".join(rows) + "\n").encode()))


def _row(invoice: str, sku: str, quantity: int, moment: datetime, price: str, who: str) -> str:
    return f"{invoice},{sku},HEART,{quantity},{moment:%Y-%m-%d %H:%M:%S},{price},{who},France"


def test_two_months_of_a_shop_foot_and_another_tool_accepts_the_books(short_dir: Path) -> None:
    write_log(short_dir / "log.csv.gz")
    log = understand(read_log(short_dir / "log.csv.gz"))
    options = argparse.Namespace(
        directory=short_dir / "house", port=free_port(), console_port=free_port(), months=99
    )
    with Progress(console=Console(quiet=True)) as bars:
        result = asyncio.run(replay_orders.replay(log, options, bars))
    replay_orders.write(result, short_dir / "report.json")
    assert json.loads((short_dir / "report.json").read_text())["bean_check"] == "ok"
    assert result.verified.startswith("ledger verify: ok"), result.verified
    assert result.bean_check == "ok"
    assert result.holds
    assert [month.month for month in result.months] == sorted(log.by_month())
    for month in result.months:
        assert month.verdicts == {"accepted": month.facts}
    assert result.months[0].estimated > 0
    assert sum(month.paid_out for month in result.months) > 0
    assert sum(month.refunds for month in result.months) < Decimal(0)
    assert result.reasons["unmatched_refund"] == len(log.unmatched) > 0
    for reason in ("outside_window", "bad_click", "no_touch", "not_paid"):
        assert result.reasons[reason] > 0, reason
