"""`adunion switch`: stops ads at once, all of them or some, and lets them run again.

Never here: how workers get to know (`console.switch_loop`, `adserver.switchboard`). The one
surprising fact: it works while the console is away, but workers hear of it when that is back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from sqlalchemy import Engine

from adserver.accounts.identity import COMMAND
from adserver.commands.catalog_access import database_answers, print_json, print_list
from adserver.config import from_environment
from adserver.stores import database, migrations, switches
from adserver.stores.switches import SwitchError, SwitchKind

_KIND = click.argument(
    "kind", type=click.Choice([one.value.replace("_", "-") for one in SwitchKind])
)
_ID = click.argument("entity_id", metavar="[ID]", default="")
_COLUMNS = ("kind", "id", "reason", "by", "since")


@click.group()
def command() -> None:
    """Kill switches: what is off is not shown by any worker, within two seconds.

    Beacons and postbacks of what was shown before are still counted. A switch stays as it is over
    restarts, until somebody switches it back.
    """


@command.command(
    epilog="\b\nExamples:\n  adunion switch off creative cr1 --reason 'shows a fake close button'\n"
    "  adunion switch off everything --reason 'wrong prices in the catalog'"
)
@_KIND
@_ID
@click.option("--reason", required=True, metavar="TEXT", help="Why; for those who come after you.")
def off(kind: str, entity_id: str, reason: str) -> None:
    """Switch everything off, or one app, advertiser, campaign, line item or creative."""
    wanted = _kind(kind), entity_id
    with _opened() as engine, database.writing(engine) as connection:
        switches.switch_off(connection, wanted, reason, COMMAND, datetime.now(UTC))
    click.echo(f"Off: {_named(*wanted)}.")
    click.echo(f"Next, when all is well: adunion switch on {kind} {entity_id}".rstrip())


@command.command(epilog="\b\nExample:\n  adunion switch on creative cr1")
@_KIND
@_ID
def on(kind: str, entity_id: str) -> None:
    """Let something run again that is switched off."""
    wanted = _kind(kind), entity_id
    with _opened() as engine, database.writing(engine) as connection:
        was_off = switches.switch_on(connection, wanted, COMMAND, datetime.now(UTC))
    click.echo(f"{'On again' if was_off else 'Was not off'}: {_named(*wanted)}.")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def list_(as_json: bool) -> None:
    """List what is switched off, the newest first."""
    with _opened() as engine, database.reading(engine) as connection:
        found = switches.all_switches(connection)
    rows = [
        {
            "kind": one.kind.value,
            "id": one.entity_id,
            "reason": one.reason,
            "by": one.switched_by,
            "since": one.switched_at.isoformat(timespec="seconds"),
        }
        for one in found
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_list(f"{len(rows)} switched off", _COLUMNS, rows)
    else:
        click.echo("Nothing is switched off.")


@contextmanager
def _opened() -> Iterator[Engine]:
    """The database, its schema up to date; a refusal becomes a sentence."""
    with database_answers():
        engine = database.connect(from_environment())
        try:
            migrations.upgrade(engine)
            yield engine
        except SwitchError as error:
            raise click.ClickException(str(error)) from error
        finally:
            engine.dispose()


def _kind(word: str) -> SwitchKind:
    return SwitchKind(word.replace("-", "_"))


def _named(kind: SwitchKind, entity_id: str) -> str:
    return f"{kind.value.replace('_', ' ')} {entity_id}".rstrip()
