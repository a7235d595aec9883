"""`adunion payout`: makes the payouts of a closed month, writes the bank's file, follows them.

Never here: whether a payout may leave (`affiliate.payout`). The one surprising fact: nothing has
left until the bank says so; until then the amount is reserved and counts for nobody.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from adserver.accounting.payouts import Batch
from adserver.commands.books import AS_JSON, CURRENCY, MONTH, opened_books
from adserver.commands.catalog_access import print_json, print_list
from adserver.statements.bank_file import bank_csv
from adserver.statements.wording import HELD, plain, shown
from affiliate.calendar import Period
from affiliate.payout import Payout, State
from models.domain.ids import PartnerId
from models.domain.money import micros_of

FILE = click.option(
    "--bank-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the payouts that are on their way as CSV for the bank.",
)
IDS = click.argument("payout_ids", nargs=-1, required=True, metavar="PAYOUT...")


@click.group()
def command() -> None:
    """Money that leaves: what is payable, above the minimum, to approved partners."""


@command.command(epilog="\b\nExample:\n  adunion payout batch --period 2026-10 --bank-file p.csv")
@click.option("--period", type=MONTH, metavar="MONTH", required=True, help="A closed month.")
@click.option("--currency", metavar="CODE", help="[default: ADUNION_CURRENCY]")
@click.option("--now", "early", is_flag=True, help="Pay before the month's day.")
@FILE
@AS_JSON
def batch(
    period: Period, currency: str | None, early: bool, bank_file: Path | None, as_json: bool
) -> None:
    """Make the payouts of a closed month. Run again, it makes only what is missing."""
    with opened_books() as books:
        code = currency or books.settings.currency
        made = books.payouts.batch(period, code, datetime.now(UTC), early=early)
        pending = books.payouts.find(period=period, currency=code, state=State.PENDING)
    if bank_file is not None:
        _write_bank_file(pending, bank_file)
    if as_json:
        print_json(_batch_document(made, code))
        return
    _tell(made, code)
    if bank_file is not None:
        click.echo(f"Wrote {len(pending):,} payouts to {bank_file}.")
    if pending:
        click.echo(f"Next, when the bank has answered: adunion payout confirm {_first(pending)}")


def _first(payouts: list[Payout]) -> str:
    return payouts[0].payout_id


@command.command("list", epilog="\b\nExample:\n  adunion payout list --state failed")
@click.option("--period", type=MONTH, metavar="MONTH", help="Of this month only.")
@click.option("--partner", "partner_id", metavar="PARTNER", help="Of this partner only.")
@click.option("--state", type=click.Choice([state.value for state in State]))
@CURRENCY
@AS_JSON
def list_(
    period: Period | None,
    partner_id: str | None,
    state: str | None,
    currency: str | None,
    as_json: bool,
) -> None:
    """List payouts and what became of them."""
    with opened_books() as books:
        found = books.payouts.find(
            period=period,
            currency=currency,
            partner_id=PartnerId(partner_id) if partner_id else None,
            state=State(state) if state else None,
        )
    if as_json:
        print_json([_document(one) for one in found])
    elif found:
        rows = [_document(one) | {"amount": _amount(one, shown)} for one in found]
        print_list(f"{len(found)} payouts", _COLUMNS, rows)
    else:
        click.echo("No payouts like that.")


_COLUMNS = ("payout_id", "partner_id", "amount", "currency", "state", "attempt", "note")


@command.command(epilog="\b\nExample:\n  adunion payout bank-file --period 2026-10 payouts.csv")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--period", type=MONTH, metavar="MONTH", help="Of this month only.")
@CURRENCY
def bank_file(file: Path, period: Period | None, currency: str | None) -> None:
    """Write the payouts that are on their way as CSV for the bank; "-" is standard output."""
    with opened_books() as books:
        pending = books.payouts.find(period=period, currency=currency, state=State.PENDING)
    _write_bank_file(pending, file)
    if str(file) != "-":
        click.echo(f"Wrote {len(pending):,} payouts to {file}.")


@command.command(epilog="\b\nExample:\n  adunion payout confirm 2026-10-p1-CNY --reference B7")
@IDS
@click.option("--reference", default="", metavar="TEXT", help="The bank's own number.")
def confirm(payout_ids: tuple[str, ...], reference: str) -> None:
    """The bank has paid: the money has left."""
    with opened_books() as books:
        for payout_id in payout_ids:
            done = books.payouts.confirm(payout_id, datetime.now(UTC), reference)
            click.echo(f"{payout_id}: {_amount(done, shown)} {done.currency} have left.")


@command.command(epilog="\b\nExample:\n  adunion payout fail 2026-10-p_reader-CNY --reason closed")
@IDS
@click.option("--reason", required=True, metavar="TEXT", help="What the bank said.")
def fail(payout_ids: tuple[str, ...], reason: str) -> None:
    """The bank has not paid: the money is payable again."""
    with opened_books() as books:
        for payout_id in payout_ids:
            done = books.payouts.fail(payout_id, datetime.now(UTC), reason)
            click.echo(f"{payout_id}: {_amount(done, shown)} {done.currency} are payable again.")
    click.echo(f"Next: adunion payout retry {payout_ids[0]}")


@command.command(epilog="\b\nExample:\n  adunion payout retry 2026-10-p_reader-CNY")
@IDS
def retry(payout_ids: tuple[str, ...]) -> None:
    """Try failed payouts again, to the bank accounts that the partners have now."""
    with opened_books() as books:
        for payout_id in payout_ids:
            done = books.payouts.retry(payout_id, datetime.now(UTC))
            click.echo(f"{payout_id}: attempt {done.attempt} is on its way.")


def _write_bank_file(payouts: list[Payout], file: Path) -> None:
    text = bank_csv(payouts)
    if str(file) == "-":
        sys.stdout.write(text)
    else:
        file.write_text(text, "utf-8", newline="")


def _document(one: Payout) -> dict[str, Any]:
    return {
        "payout_id": one.payout_id,
        "period": one.period,
        "partner_id": one.partner_id,
        "amount": _amount(one, plain),
        "currency": one.currency,
        "state": one.state,
        "attempt": one.attempt,
        "account_holder": one.account_holder,
        "bank_account": one.bank_account,
        "made_at": one.made_at.isoformat(),
        "changed_at": one.changed_at.isoformat(),
        "note": one.note,
    }


def _amount(one: Payout, written: Callable[[int, str], str]) -> str:
    return written(micros_of(one.amount_minor, one.currency), one.currency)


def _batch_document(made: Batch, currency: str) -> dict[str, Any]:
    return {
        "made": [_document(one) for one in made.made],
        "earlier": [_document(one) for one in made.earlier],
        "held": [
            {"partner_id": partner, "payable": plain(one.stays, currency), "why": one.held}
            for partner, one in made.held
        ],
    }


def _tell(made: Batch, currency: str) -> None:
    total = sum(micros_of(one.amount_minor, currency) for one in made.made)
    click.echo(f"Made {len(made.made):,} payouts of {shown(total, currency)} {currency} together.")
    if made.earlier:
        click.echo(f"{len(made.earlier):,} had been made before.")
    if made.held:
        rows = [
            {
                "partner": partner,
                "payable": shown(one.stays, currency),
                "why not": HELD[one.held] if one.held else "",
            }
            for partner, one in made.held
        ]
        print_list(f"{len(rows)} not paid", ("partner", "payable", "why not"), rows)
