"""`adunion statement`: lists, shows and writes what closings made.

Never here: layout (`adserver.statements`). The one surprising fact: a statement is written from the
ledger each time it is asked for, and is the same to the byte each time.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.table import Table

from adserver.commands.books import AS_JSON, CURRENCY, MONTH, Books, opened_books
from adserver.commands.catalog_access import print_json, print_list
from adserver.statements.lines import Line, lines_of
from adserver.statements.page import html_of
from adserver.statements.table import csv_of
from adserver.statements.wording import HELD, ITEMS, SECTIONS, plain, shown
from adserver.stores.statements import ClosingItem
from affiliate.calendar import Period
from affiliate.statement import SECTION_OF, Section, Statement
from models.domain.ids import PartnerId
from models.domain.money import micros_of

Writer = Callable[[Statement, Iterable[Line], Iterable[ClosingItem], tzinfo], Iterator[str]]

PARTNER = click.argument("partner_id", metavar="PARTNER")
PERIOD = click.argument("period", type=MONTH, metavar="MONTH")
FILE = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to FILE instead of standard output.",
)


@click.group()
def command() -> None:
    """What each partner earned in a closed month: opening, lines, closing, and why."""


@command.command("list", epilog="\b\nExample:\n  adunion statement list --period 2026-10")
@click.option("--period", type=MONTH, metavar="MONTH", help="Of this month only.")
@click.option("--partner", "partner_id", metavar="PARTNER", help="Of this partner only.")
@CURRENCY
@AS_JSON
def list_(
    period: Period | None, partner_id: str | None, currency: str | None, as_json: bool
) -> None:
    """List statements with their three numbers."""
    partner = PartnerId(partner_id) if partner_id else None
    with opened_books() as books:
        found = books.statements.find(period=period, partner_id=partner, currency=currency)
    if as_json:
        print_json([_document(one) for one in found])
    elif found:
        print_list(f"{len(found)} statements", _COLUMNS, [_row(one) for one in found])
    else:
        click.echo("No statements like that. A closing makes them: adunion settle")


@command.command(epilog="\b\nExample:\n  adunion statement show p_reader 2026-10")
@PARTNER
@PERIOD
@CURRENCY
@AS_JSON
def show(partner_id: str, period: Period, currency: str | None, as_json: bool) -> None:
    """Show the bridge from estimated to payable, and what is paid out."""
    with opened_books() as books:
        found = _found(books, partner_id, period, currency)
    if as_json:
        print_json([_document(one) for one in found])
        return
    for one in found:
        Console().print(_bridge(one))
        click.echo(_payout(one, books.zone))
        click.echo(f"It ends on the ledger's hash {one.head_hash}.")


@command.command("csv", epilog="\b\nExample:\n  adunion statement csv p_reader 2026-10 -o oct.csv")
@PARTNER
@PERIOD
@CURRENCY
@FILE
def csv_(partner_id: str, period: Period, currency: str | None, output: Path | None) -> None:
    """Write a statement with every line of it as a table for a spreadsheet."""
    _write(csv_of, partner_id, period, currency, output)


@command.command("html", epilog="\b\nExample:\n  adunion statement html p_reader 2026-10 -o o.html")
@PARTNER
@PERIOD
@CURRENCY
@FILE
def html(partner_id: str, period: Period, currency: str | None, output: Path | None) -> None:
    """Write a statement as a page to read and print."""
    _write(html_of, partner_id, period, currency, output)


def _write(
    writer: Writer, partner_id: str, period: Period, currency: str | None, output: Path | None
) -> None:
    with opened_books() as books:
        found = _found(books, partner_id, period, currency)
        if len(found) > 1:
            codes = ", ".join(one.currency for one in found)
            raise click.UsageError(f"there is one in each of {codes}: name it with --currency")
        (statement,) = found
        with books.statements.opened(statement) as opened, _target(output) as stream:
            lines = lines_of(opened.entries, statement.partner_id)
            for piece in writer(statement, lines, opened.items, books.zone):
                stream.write(piece)
    if output is not None:
        click.echo(f"Wrote {output}.")


@contextmanager
def _target(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with output.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def _found(books: Books, partner_id: str, period: Period, currency: str | None) -> list[Statement]:
    found = books.statements.find(
        period=period, partner_id=PartnerId(partner_id), currency=currency
    )
    if not found:
        raise click.ClickException(
            f"partner {partner_id} has no statement for {period}; adunion statement list"
        )
    return found


_COLUMNS = ("month", "partner", "currency", "estimated", "validated", "payable", "payout", "held")


def _row(one: Statement) -> dict[str, Any]:
    return {
        "month": one.period,
        "partner": one.partner_id,
        "currency": one.currency,
        **{section: shown(one.total(Section(section)), one.currency) for section in _THREE},
        "payout": shown(micros_of(one.payout_minor, one.currency), one.currency),
        "held": one.held.replace("_", " ") if one.held else "",
    }


_THREE = ("estimated", "validated", "payable")


def _document(one: Statement) -> dict[str, Any]:
    def said(micros: int) -> str:
        return plain(micros, one.currency)

    return {
        "period": one.period,
        "partner_id": one.partner_id,
        "currency": one.currency,
        "closed_at": one.closed_at.isoformat(),
        "pays_at": one.pays_at.isoformat(),
        "opening": {name: said(amount) for name, amount in one.opening._asdict().items()},
        "closing": {name: said(amount) for name, amount in one.closing._asdict().items()},
        "bridge": [
            {
                "section": SECTION_OF[step.item],
                "item": step.item,
                "lines": step.lines,
                "amount": said(step.amount),
            }
            for step in one.steps
        ],
        **{section: said(one.total(Section(section))) for section in (*_THREE, "matured")},
        "payout": said(micros_of(one.payout_minor, one.currency)),
        "held": one.held,
        "head_hash": one.head_hash,
    }


def _bridge(one: Statement) -> Table:
    title = f"{one.partner_name} ({one.partner_id}), {one.period}, {one.currency}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("step")
    table.add_column("lines", justify="right")
    table.add_column(one.currency, justify="right")
    for section in Section:
        for step in one.steps:
            if SECTION_OF[step.item] is section:
                lines = f"{step.lines:,}" if step.lines else ""
                table.add_row(ITEMS[step.item], lines, shown(step.amount, one.currency))
        total = shown(one.total(section), one.currency)
        table.add_row(SECTIONS[section], "", total, style="bold", end_section=True)
    return table


def _payout(one: Statement, zone: tzinfo) -> str:
    if one.held:
        return f"Nothing is paid out. {HELD[one.held]}"
    amount = shown(micros_of(one.payout_minor, one.currency), one.currency)
    return f"{amount} {one.currency} are paid out on {one.pays_at.astimezone(zone):%Y-%m-%d}."
