"""How commands reach the catalog, and how they print what is in it.

Never here: a command. The one surprising fact: there is no server in between; commands write the
database themselves, and the console publishes what it finds there.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DatabaseError, OperationalError

from adserver.accounts.identity import COMMAND
from adserver.config import Settings, from_environment
from adserver.marketplace.fields import Kind, write_entity
from adserver.marketplace.kinds import UTC_ZONE, line_item_zones
from adserver.stores.catalog import SqlCatalog, open_catalog
from models.domain.campaign import Advertiser, Campaign
from models.domain.marketplace import Marketplace


@contextmanager
def database_answers() -> Iterator[None]:
    """Says in a sentence that the SQL database does not answer or is damaged.

    Raises:
        ClickException: that sentence.
    """
    try:
        yield
    except OperationalError as error:
        raise click.ClickException(
            f"the catalog's database does not answer: {error.orig}"
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # its other kinds are mistakes of ours
            raise
        raise click.ClickException(f"the catalog's database is damaged: {error.orig}") from error


@contextmanager
def opened_catalog(settings: Settings | None = None) -> Iterator[SqlCatalog]:
    """The catalog that the environment names, closed at the end; the audit log says "command".

    Raises:
        ClickException: the database does not answer, or is none.
    """
    with database_answers():
        catalog = open_catalog(settings or from_environment()).acting_for(COMMAND)
        try:
            yield catalog
        finally:
            catalog.close()


def zones_of(catalog: SqlCatalog) -> dict[str, ZoneInfo]:
    """The time zone of each campaign's line items."""
    return line_item_zones(
        Marketplace(
            advertisers=tuple(catalog.find(Advertiser, archived=True)),
            campaigns=tuple(catalog.find(Campaign, archived=True)),
        )
    )


def shown(catalog: SqlCatalog, kind: Kind, entities: Sequence[Any]) -> list[dict[str, Any]]:
    """The entities' fields as --json shows them."""
    zones = zones_of(catalog) if any(field.local for field in kind.fields) else {}
    return [
        write_entity(kind, entity, zones.get(kind.parent_of(entity), UTC_ZONE))
        for entity in entities
    ]


def print_json(value: Any) -> None:
    """For scripts: amounts are decimal strings, times have their offset."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_list(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """One line for each row: as wide as it is for a pipe, within the window on a terminal.

    There the first column, mostly an id that somebody will copy, is folded last, and columns in
    which no row has anything are left out when the others need their room.
    """
    console = Console()
    table = _table(title, columns, rows)
    width = console.measure(table, options=console.options.update(max_width=_UNBOUNDED)).maximum
    if width > console.width and console.is_terminal:
        used = [name for name in columns if any(row[name] not in _NOTHING for row in rows)]
        table = _table(title, used or columns, rows)
    elif width > console.width:
        console = Console(width=width)
    console.print(table)


_NOTHING: tuple[Any, ...] = (None, "", [], {})
_UNBOUNDED = 10_000


def _table(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        longest = max((cell_len(_plain(row[column])) for row in rows), default=0)
        least = None if number else min(longest, _COPIED)
        table.add_column(column.replace("_", " "), overflow="fold", min_width=least)
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    return table


_COPIED = 34
"""Characters of an id that are kept on one line: as long as the ids that we make."""


def print_fields(title: str, row: dict[str, Any]) -> None:
    """One line for each field."""
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    for name, value in row.items():
        table.add_row(name.replace("_", " "), _cell(value))
    Console().print(table)


def _cell(value: Any) -> Text:
    if value in _NOTHING:
        return Text("-", style="dim")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, list):
        return Text(", ".join(_plain(item) for item in value))
    return Text(_plain(value))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_plain(item)}" for name, item in value.items())
    return printable(str(value))


def printable(text: str) -> str:
    """A text of strangers without what would move the terminal or turn its writing round."""
    return "".join(
        one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text
    )
