"""`adunion orders`: what merchants sold, brought in from a file and looked at.

Never here: what a line of a file means (`commands.order_file`) or what an order earns
(`adserver.accounting`). The one surprising fact: an import books lines as `POST /v1/orders` does,
batch by batch, so it may be stopped and started again; what was in is a duplicate then.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from adserver import keyring
from adserver.accounting.order_hearing import CommissionTooLargeError
from adserver.accounting.orders import Kind, OrderDesk
from adserver.commands.catalog_access import print_fields, print_json, print_list
from adserver.commands.entity_commands import AS_JSON
from adserver.commands.links import opened_database
from adserver.commands.order_file import Line, OrderFileError, lines
from adserver.config import from_environment
from adserver.console.order_desk import desk_of
from adserver.eventlog.open_store import open_for_reading
from adserver.ports import StoreAwayError
from adserver.stores import database
from adserver.stores.order_queries import Wanted, find_rows, list_rows, told_of
from adserver.stores.order_rows import OrderRow, row_columns
from adserver.stores.partners import merchant_of
from affiliate.merchandise import Merchant
from affiliate.order import OrderFact, Status
from models.domain.ids import MerchantId
from models.domain.money import format_minor

LINES_AT_ONCE = 1_000
BAD_LINES_SHOWN = 20
LISTED = (
    "order", "status", "paid", "partner", "found_by", "commission", "earned", "reason",
)  # fmt: skip


@click.group()
def command() -> None:
    """Order lines: what was sold, whose it is, and what it earns."""


@command.command(
    "import", epilog="\b\nExample:\n  adunion orders import september.csv --merchant shop"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--merchant", required=True, metavar="ID", help="Whose orders they are.")
@click.option("--all-faults", is_flag=True, help="List every broken line, not only the first 20.")
def import_(file: Path, merchant: str, all_faults: bool) -> None:
    """Book the order lines in FILE (CSV or CSV.gz), as if the merchant had sent them.

    Columns: order_id, line_id, version, status, occurred_at; and sku, category, quantity,
    paid_minor, refunded_minor, currency, click_id, coupon, customer_ref. A line that is none is
    listed and left out; the rest is booked. Importing a file again changes nothing.
    """
    try:
        done = _imported(file, MerchantId(merchant))
    except (OrderFileError, StoreAwayError) as trouble:
        raise click.ClickException(str(trouble)) from trouble
    if done.ignored:
        click.echo(f"Columns without a meaning here: {done.ignored}.", err=True)
    counts = ", ".join(f"{done.counts[kind]:,} {word}" for kind, word in _WORDS.items())
    click.echo(f"{file.name}: {counts}.")
    shown = done.bad if all_faults else done.bad[:BAD_LINES_SHOWN]
    for number, words in shown:
        click.echo(f"{file}:{number}: {words}", err=True)
    if done.bad:
        raise click.ClickException(f"{len(done.bad):,} lines were left out.")


_WORDS = {Kind.ACCEPTED: "accepted", Kind.DUPLICATE: "known already", Kind.CONFLICT: "in conflict"}


@command.command("list", epilog="\b\nExample:\n  adunion orders list --partner ann --reason ''")
@click.option("--merchant", default="", metavar="ID", help="Only this merchant's.")
@click.option("--partner", default="", metavar="ID", help="Only this partner's.")
@click.option("--order", default="", metavar="ID", help="Only this order's lines.")
@click.option(
    "--status", default=None, type=click.Choice([*map(str, Status)]), help="Only of this status."
)
@click.option("--reason", default=None, help="Only with this reason; '' for those in full.")
@click.option("--limit", default=50, type=click.IntRange(1, 100_000), show_default=True)
@AS_JSON
def list_(limit: int, as_json: bool, **asked: Any) -> None:
    """List order lines, the last changed first."""
    wanted = Wanted(
        merchant_id=asked["merchant"],
        partner_id=asked["partner"],
        order_id=asked["order"],
        status=asked["status"] or "",
        reason=asked["reason"],
    )
    settings = from_environment()
    with opened_database(settings) as engine, database.reading(engine) as connection:
        rows = list_rows(connection, wanted, limit)
    if as_json:
        print_json([_plain(row) for row in rows])
    elif rows:
        print_list(f"{len(rows)} order lines", LISTED, [_listed(row) for row in rows])
    else:
        click.echo("No order lines like that.")


@command.command("show", epilog="\b\nExample:\n  adunion orders show 2026112200017")
@click.argument("order", metavar="ORDER")
@click.option("--merchant", default="", metavar="ID", help="Where several have such an order.")
@AS_JSON
def show(order: str, merchant: str, as_json: bool) -> None:
    """Show the lines of ORDER (a number, or a row's id): whose they are, why, every report."""
    settings = from_environment()
    with opened_database(settings) as engine, database.reading(engine) as connection:
        rows = find_rows(connection, order, merchant)
        told = [told_of(connection, row) for row in rows]
    if not rows:
        raise click.ClickException(f"there is no order {order!a}; `adunion orders list` has all")
    if as_json:
        print_json(
            [
                _plain(row) | {"reports": [_report(*one) for one in facts]}
                for row, facts in zip(rows, told, strict=True)
            ]
        )
        return
    for row, facts in zip(rows, told, strict=True):
        print_fields(f"Row {row.row_id}", {k: v for k, v in _plain(row).items() if k != "basis"})
        reports = [_report(*one) for one in facts]
        print_list("Reports", tuple(reports[0]), reports)


@dataclass(slots=True)
class _Done:
    counts: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, str]] = field(default_factory=list)
    ignored: str = ""


def _imported(file: Path, merchant_id: MerchantId) -> _Done:
    settings, done, now = from_environment(), _Done(), datetime.now(UTC)
    with opened_database(settings) as engine, closing(open_for_reading(settings)) as store:
        with database.reading(engine) as connection:
            merchant = merchant_of(connection, merchant_id)
        if merchant is None:
            raise click.ClickException(f"there is no merchant {merchant_id!a}")
        desk = desk_of(settings, engine, keyring.load(settings), store)
        with file.open("rb") as raw, _progress(file) as advance:
            waiting = lines(file, raw, merchant, now)
            done.ignored = next(waiting).fault
            while batch := list(islice(waiting, LINES_AT_ONCE)):
                _book(desk, merchant, batch, done)
                advance(raw.tell(), done.counts.total())
    return done


def _book(desk: OrderDesk, merchant: Merchant, batch: list[Line], done: _Done) -> None:
    """Books the sound lines of a batch; the others, and conflicts, are noted."""
    done.bad += [(line.number, line.fault) for line in batch if line.fact is None]
    sound = [(line.number, line.fact) for line in batch if line.fact is not None]
    while sound:
        try:
            facts = [fact for _, fact in sound]
            verdicts = desk.take(merchant.merchant_id, facts, datetime.now(UTC))
        except CommissionTooLargeError as error:
            spoiled = [number for number, fact in sound if _is_named(fact, error)]
            if not spoiled:  # an earlier line, whose room these take
                raise click.ClickException(str(error)) from error
            done.bad += [(number, str(error)) for number in spoiled]
            sound = [one for one in sound if one[0] not in spoiled]
            continue
        done.counts.update(verdict.kind for verdict in verdicts)
        done.bad += [
            (number, verdict.reason)
            for (number, _), verdict in zip(sound, verdicts, strict=True)
            if verdict.kind is Kind.CONFLICT
        ]
        return


def _is_named(fact: OrderFact, error: CommissionTooLargeError) -> bool:
    return (fact.order_id, fact.line_id) == (error.order_id, error.line_id)


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[int, int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[booked]:,} lines"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(file.name, total=max(file.stat().st_size, 1), booked=0)
        yield lambda done, booked: progress.update(task, completed=done, booked=booked)


def _listed(row: OrderRow) -> dict[str, Any]:
    money = (row.paid_minor, row.commission_minor, row.earned_minor)
    paid, commission, earned = (format_minor(minor, row.currency) for minor in money)
    return {
        "order": f"{row.merchant_id}/{row.order_id}/{row.line_id}",
        "status": row.status,
        "paid": f"{paid} {row.currency}",
        "partner": row.partner_id or "",
        "found_by": row.method,
        "commission": commission,
        "earned": earned,
        "reason": row.reason,
    }


def _plain(row: OrderRow) -> dict[str, Any]:
    return {name: _text(value) for name, value in row_columns(row).items()}


def _report(fact: OrderFact, received_at: datetime) -> dict[str, Any]:
    return {
        "version": fact.version,
        "status": fact.status.value,
        "happened": _text(fact.occurred_at),
        "paid_minor": fact.paid_minor,
        "refunded_minor": fact.refunded_minor,
        "quantity": fact.quantity,
        "coupon": fact.coupon,
        "has_click": bool(fact.click_id),
        "came": _text(received_at),
    }


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
