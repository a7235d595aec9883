"""The month is closed as an operator closes it: accrue, reconcile, settle, pay, verify.

Never here: comparing books (`partner_books`). The one surprising fact: a demo that runs over
midnight, or over the end of a month, closes both.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from adserver.demo.system import System
from adserver.demo.world import World
from loadtest.partners import FUND

MANY = "100000"


@dataclass
class Closed:
    """What the commands said, as the documents that `--json` prints."""

    accrued: list[dict[str, Any]] = field(default_factory=list)
    reconciled: dict[str, bool] = field(default_factory=dict)
    statements: list[dict[str, Any]] = field(default_factory=list)
    payouts: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    balances: dict[str, str] = field(default_factory=dict)
    fund: dict[str, Any] = field(default_factory=dict)
    verified: str = ""


async def close(system: System, world: World, began: datetime, ended: datetime) -> Closed:
    """Closes the month or months between two instants of the house's own time zone.

    Raises:
        DemoError: a command failed.
    """
    closed = Closed()
    days = _days(began.date(), ended.date())
    span = ("--day", str(days[0]), "--until", str(days[-1]))
    closed.accrued = await _json(system, "accrue", *span)
    for day in days:
        said = await system.run("reconcile", "--day", str(day), may_end_with=(1,))
        closed.reconciled[str(day)] = ": equal" in said
    await _merchants_pay(system, world)
    for month in sorted({str(day)[:7] for day in days}):
        await system.run("settle", "--period", month, "--now")
        closed.statements += await _json(system, "statement", "list", "--period", month)
        made = await _json(system, "payout", "batch", "--period", month, "--now")
        closed.payouts += made["made"]
    await _bank_answers(system, closed.payouts)
    await _read_books(system, closed)
    return closed


async def write_statement(system: System, partner: str, month: str, path: Path) -> None:
    """A partner's statement as a page."""
    await system.run("statement", "html", partner, month, "-o", str(path))


def _days(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


async def _merchants_pay(system: System, world: World) -> None:
    """Every shop that must pay first pays what it owes."""
    for shop in world.market.shops[1:]:
        (found,) = await _json(
            system, "ledger", "balance", f"merchant_receivable:{shop.merchant_id}"
        ) or [{"posted": "0"}]
        if found["posted"].startswith("-"):
            amount = found["posted"].removeprefix("-")
            paid = ("--amount", amount, "--reference", "month")
            await system.run("merchant", "deposit", shop.merchant_id, *paid)


async def _bank_answers(system: System, payouts: Sequence[dict[str, Any]]) -> None:
    """The bank pays all but the last, and then that one too, at the second attempt."""
    if not payouts:
        return
    *paid, last = (str(one["payout_id"]) for one in payouts)
    if paid:
        await system.run("payout", "confirm", *paid)
    await system.run("payout", "fail", last, "--reason", "account closed for the day")
    await system.run("payout", "retry", last)
    await system.run("payout", "confirm", last)


async def _read_books(system: System, closed: Closed) -> None:
    rows, balances, funds, verified = await asyncio.gather(
        _json(system, "orders", "list", "--limit", MANY),
        _json(system, "ledger", "balance"),
        _json(system, "fund", "list"),
        system.run("ledger", "verify", may_end_with=(1,)),
    )
    closed.rows = rows
    closed.balances = {one["account"]: one["posted"] for one in balances}
    closed.fund = next(one for one in funds if one["fund"] == FUND)
    closed.verified = verified.strip()


async def _json(system: System, *arguments: str) -> Any:
    return msgspec.json.decode(await system.run(*arguments, "--json"))
