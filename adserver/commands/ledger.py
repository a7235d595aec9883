"""`adunion ledger`: look at the books, check them, hand them to others.

Never here: a way to change them. The one surprising fact: `verify` trusts no cache; it reads every
entry again, some ten thousand a second.
"""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from adserver.commands.catalog_access import database_answers, print_json, print_list
from adserver.config import Settings, from_environment
from adserver.stores.ledger import SqlLedger, open_ledger
from adserver.stores.ledger_export import CSV_COLUMNS
from affiliate.calendar import Period, parse_period
from affiliate.chart_of_accounts import AccountName, Kind
from affiliate.ledger import NO_HASH, Entry, Verified
from models.domain.money import Micros, format_amount

SHOWN_FAULTS = 50
_CURRENCY = click.option("--currency", metavar="CODE", help="Of this currency only.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group()
def command() -> None:
    """Who has been credited and debited with what; every entry stays for ever."""


@command.command(epilog="\b\nExample:\n  adunion ledger verify")
@_CURRENCY
def verify(currency: str | None) -> None:
    """Walk the whole ledger again: chain of hashes, sums, rules, balances. Exit code 1 on a fault.

    Compare the printed hash with the one on a statement: whoever rewrote history ends on another.
    """
    with _opened() as (ledger, _):
        found = {code: _verified(ledger, code) for code in _chosen(ledger, currency)}
    sound = not any(one.faults for one in found.values())
    click.echo(f"ledger verify: {'ok' if sound else 'FAULTS'}")
    for code, one in found.items():
        head = f"ends on {one.head}" if one.head != NO_HASH else "is empty"
        click.echo(f"  {code}: {one.entries:,} entries, {head}")
        for line in _fault_lines(code, one):
            click.echo(line)
    if not found:
        click.echo("  nothing has been booked yet")
    if not sound:
        sys.exit(1)


@command.command(epilog="\b\nExample:\n  adunion ledger balance --kind subsidy_pool")
@click.argument("account", required=False)
@_CURRENCY
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), help="Of this kind only.")
@_JSON
def balance(account: str | None, currency: str | None, kind: str | None, as_json: bool) -> None:
    """What ACCOUNT has, or every account: credits minus debits, in units of the currency.

    "reserved" is held by pending debits, such as a payout on its way.
    """
    only = Kind(kind) if kind else None
    said = _plain if as_json else _units
    with _opened() as (ledger, _):
        rows = [
            {
                "account": held.account,
                "currency": code,
                "posted": said(held.posted),
                "reserved": said(held.reserved),
            }
            for code in _chosen(ledger, currency)
            for held in ledger.balances(code, only)
            if account in (None, held.account)
        ]
    if as_json:
        print_json(rows)
    elif rows:
        print_list("Balances", ("account", "currency", "posted", "reserved"), rows)
    else:
        click.echo(f"{account or 'Any such account'} has yet to have a posting.")


@command.command(epilog="\b\nExample:\n  adunion ledger entries --account partner_payable:p_1")
@click.option("--account", "accounts", multiple=True, metavar="NAME", help="Repeatable.")
@click.option("--period", metavar="MONTH", help="Booked in this month, such as 2026-10.")
@click.option("--currency", metavar="CODE", help="[default: ADUNION_CURRENCY]")
@click.option("--after", default=0, metavar="SEQ", help="Only those after this one.")
@click.option("--limit", default=50, show_default=True, help="At most so many.")
@_JSON
def entries(
    accounts: tuple[str, ...],
    period: str | None,
    currency: str | None,
    after: int,
    limit: int,
    as_json: bool,
) -> None:
    """List entries in their order: of a month, with a posting on one of some accounts."""
    month = _period(period)
    names = [AccountName(name) for name in accounts]
    with _opened() as (ledger, settings), _readable():
        code, zone = currency or settings.currency, ZoneInfo(settings.time_zone)
        streamed = ledger.entries(code, period=month, accounts=names, after_seq=after)
        found = list(islice(streamed, limit))
    if as_json:
        print_json([_entry_document(entry) for entry in found])
    elif found:
        columns = ("seq", "occurred", "reason", "phase", "key", "postings")
        print_list(f"Entries in {code}", columns, [_entry_line(one, zone) for one in found])
    else:
        click.echo("No entries like that.")


@command.command(
    epilog="\b\nExample:\n  adunion ledger export books.beancount && bean-check books.beancount"
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(["beancount", "csv"]),
    default="beancount",
    show_default=True,
    help="beancount: for bean-check, debits positive. csv: a line a posting, credits positive.",
)
@_CURRENCY
def export(file: Path | None, form: str, currency: str | None) -> None:
    """Write the ledger to FILE, or to standard output, for a tool that we did not write.

    The beancount file ends on a balance assertion for each account, so `bean-check` proves them.
    """
    with _opened() as (ledger, _), _target(file) as stream, _readable():
        codes = _chosen(ledger, currency)
        write = _write_beancount if form == "beancount" else _write_csv
        with _progress("Exporting", sum(map(ledger.size, codes))) as advance:
            written = write(ledger, codes, stream, advance)
    if file is not None and str(file) != "-":
        click.echo(f"Wrote {written:,} {'entries' if form == 'beancount' else 'lines'} to {file}.")


@contextmanager
def _opened() -> Iterator[tuple[SqlLedger, Settings]]:
    """The ledger that the environment names, closed at the end."""
    settings = from_environment()
    with database_answers():
        ledger = open_ledger(settings)
        try:
            yield ledger, settings
        finally:
            ledger.close()


@contextmanager
def _readable() -> Iterator[None]:
    """Says in a sentence that somebody wrote into the tables what no entry has."""
    try:
        yield
    except (ValueError, TypeError) as error:
        told = f"an entry cannot be read ({error}); `adunion ledger verify` says which"
        raise click.ClickException(told) from error


@contextmanager
def _target(file: Path | None) -> Iterator[TextIO]:
    if file is None or str(file) == "-":
        yield sys.stdout
        return
    with file.open("w", encoding="utf-8", newline="") as stream:
        yield stream


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error, gone at the end; elsewhere nothing."""
    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


def _chosen(ledger: SqlLedger, currency: str | None) -> list[str]:
    return [currency] if currency else ledger.currencies()


def _verified(ledger: SqlLedger, currency: str) -> Verified:
    with _progress(f"Verifying {currency}", ledger.size(currency)) as advance:
        return ledger.verify(currency, advance)


def _fault_lines(currency: str, found: Verified) -> Iterator[str]:
    for fault in found.faults[:SHOWN_FAULTS]:
        yield f"    {currency} {f'entry {fault.seq}: ' if fault.seq else ''}{fault.what}"
    if len(found.faults) > SHOWN_FAULTS:
        yield f"    and {len(found.faults) - SHOWN_FAULTS} more"


def _period(text: str | None) -> Period | None:
    try:
        return parse_period(text) if text else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--period") from None


def _write_beancount(
    ledger: SqlLedger, currencies: list[str], stream: TextIO, advance: Callable[[int], None]
) -> int:
    written = 0
    for entries_in, text in ledger.beancount(currencies):
        stream.write(text)
        written += entries_in
        advance(written)
    return written


def _write_csv(
    ledger: SqlLedger, currencies: list[str], stream: TextIO, advance: Callable[[int], None]
) -> int:
    lines = csv.writer(stream, lineterminator="\n")
    lines.writerow(CSV_COLUMNS)
    seq_at, written = CSV_COLUMNS.index("seq"), 0
    for row in ledger.csv_rows(currencies):
        lines.writerow(row)
        written += 1
        advance(int(str(row[seq_at])))
    return written


def _entry_line(entry: Entry, zone: ZoneInfo) -> dict[str, Any]:
    said = entry.transaction
    occurred = said.occurred_at.astimezone(zone)
    postings = "\n".join(f"{p.account} {_units(p.amount)}" for p in entry.postings)
    return {
        "seq": entry.seq,
        "occurred": f"{occurred:%Y-%m-%d %H:%M}",
        "reason": said.reason.value,
        "phase": said.phase.value,
        "key": said.key,
        "postings": postings,
    }


def _entry_document(entry: Entry) -> dict[str, Any]:
    document = asdict(entry.transaction) | {
        "seq": entry.seq,
        "period": entry.period,
        "committed_at": entry.committed_at,
        "hash": entry.hash,
        "refs": dict(entry.transaction.refs),
        "postings": [{"account": p.account, "amount": _plain(p.amount)} for p in entry.postings],
    }
    times = ("occurred_at", "committed_at", "expires_at")
    return document | {name: document[name] and document[name].isoformat() for name in times}


def _units(micros: int) -> str:
    """As a person reads it, without rounding: two decimals, six where there are micros."""
    return format_amount(Micros(micros), 2 if micros % 10_000 == 0 else 6)


def _plain(micros: int) -> str:
    """As a program reads it."""
    return _units(micros).replace(",", "")
