"""How commands reach partners and what belongs to them, and how they show it.

Never here: a command. The one surprising fact: everything that changes something says afterwards
what to do next, because a partner earns nothing until the last of several steps is taken.
"""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DatabaseError, OperationalError

from adserver.commands.entity_options import Given, given_values
from adserver.config import Settings, from_environment
from adserver.marketplace.fields import Kind, write_entity
from adserver.marketplace.partnering import Agreement, contract_kind
from adserver.stores.partner_changes import SqlPartners, open_partners
from adserver.stores.partners import Change
from affiliate.partner import Contract
from affiliate.succession import is_void

HOUSE_CURRENCY = "CNY"
"""For help texts only: values are read in the currency that the settings or the merchant name."""
LONGEST_REASON = 300


def _short(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if len(value) > LONGEST_REASON:
        raise click.BadParameter(f"at most {LONGEST_REASON} characters")
    return value


REASON = click.option(
    "--reason", default="", metavar="TEXT", callback=_short, help="Why; kept in the history."
)
BY = click.option("--by", default=None, metavar="NAME", help="Who; you when not given.")


@contextmanager
def opened_partners(settings: Settings | None = None) -> Iterator[SqlPartners]:
    """The partners that the environment names, closed at the end.

    Raises:
        ClickException: the database does not answer, or is none.
    """
    try:
        partners = open_partners(settings or from_environment())
        try:
            yield partners
        finally:
            partners.close()
    except OperationalError as error:
        raise click.ClickException(f"the database does not answer: {error.orig}") from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # its other kinds are mistakes of ours
            raise
        raise click.ClickException(f"the database is damaged: {error.orig}") from error


def name_of(by: str | None) -> str:
    """Who makes a change: as told, else who runs the command, as far as the system knows."""
    if by is not None:
        return by[:100]
    try:
        return getpass.getuser()[:100]
    except (OSError, KeyError):
        return ""


def given_fields(
    kind: Kind, given: Given, partners: SqlPartners, before: Any = None
) -> dict[str, Any]:
    """The attributes that the options give; times are read on the house's clock."""
    return given_values(kind, given, partners.zone, before)


def clear_option(kind: Kind) -> Callable[[Any], Any]:
    """The option --clear for those fields of a kind that may be empty."""
    names = [
        field.name.replace("_", "-")
        for field in kind.fields
        if field.option != "" and field is not kind.id_field and not kind.is_required(field)
    ]
    return click.option(
        "--clear",
        multiple=True,
        type=click.Choice(names),
        help="Set this field back to what it is when not given. Repeatable.",
    )


def cleared(kind: Kind, clear: tuple[str, ...]) -> dict[str, Any]:
    """The defaults of the fields that --clear names."""
    fields = [kind.by_name[name.replace("-", "_")].attribute_name for name in clear]
    return {name: kind.defaults[name] for name in fields}


def written(kind: Kind, entity: Any, partners: SqlPartners) -> dict[str, Any]:
    """An entity's fields as --json shows them, times on the house's clock."""
    return write_entity(kind, entity, partners.zone)


def written_contract(contract: Contract, now: datetime, partners: SqlPartners) -> dict[str, Any]:
    """A contract version as --json shows it."""
    fields = written(contract_kind(partners.currency), Agreement.of(contract), partners)
    head = {"contract_id": fields.pop("contract_id"), "version": contract.version}
    return {**head, "state": state_of(contract, now), **fields}


def state_of(contract: Contract, now: datetime) -> str:
    """Where a version is: planned, in force, over, or void (ended before it began)."""
    if is_void(contract):
        return "void"
    if contract.in_force(now):
        return "in force"
    return "planned" if contract.starts_at > now else "over"


def written_history(changes: list[Change], partners: SqlPartners) -> list[dict[str, Any]]:
    """Lines of the history without their states."""
    return [
        {
            "at": clock(change.at.replace(microsecond=0), partners),
            **({"version": change.version} if change.version else {}),
            "what": change.because.what,
            "who": change.because.who,
            "why": change.because.why,
        }
        for change in changes
    ]


def print_history(lines: list[dict[str, Any]]) -> None:
    """One line for each change."""
    table = Table(title="history", title_justify="left", title_style="bold")
    columns = list(dict.fromkeys(name for line in lines for name in line))
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*(str(line.get(column) or "-") for column in columns))
    Console().print(table)


def clock(moment: datetime, partners: SqlPartners) -> str:
    """An instant on the house's clock, to the minute or as fine as it is."""
    fine = moment.second or moment.microsecond
    timespec = "auto" if fine else "minutes"
    return moment.astimezone(partners.zone).isoformat(sep=" ", timespec=timespec)


def say_next(*steps: str) -> None:
    """What to do next, one line a step."""
    for number, step in enumerate(steps):
        click.echo(f"{'Next:' if not number else '     '} {step}")
