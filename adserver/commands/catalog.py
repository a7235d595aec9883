"""`adunion catalog`: whole marketplaces as files.

Never here: the file's format (`adserver.marketplace`). The one surprising fact: an import makes the
catalog equal to the file, so it also removes; it says what, and asks, before it does.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from adserver.commands.catalog_access import opened_catalog
from adserver.config import from_environment
from adserver.marketplace.difference import Difference, difference
from adserver.marketplace.explaining import asset_table, field_table
from adserver.marketplace.kinds import KINDS, entities
from adserver.marketplace.problem import CatalogError
from adserver.marketplace.reading import read_catalog
from adserver.marketplace.writing import write_catalog
from models.domain.marketplace import Marketplace

_NAMED = 10
_FILE = click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))


@click.group()
def command() -> None:
    """A whole marketplace as one file that a person can write and git can keep.

    docs/catalog.md explains the file.
    """


@command.command(epilog="\b\nExample:\n  adunion catalog check catalog.yaml")
@_FILE
def check(file: Path) -> None:
    """Read FILE ("-": standard input) and say what is wrong with it; nothing is changed."""
    marketplace = _read(file)
    click.echo(f"{file} is a sound catalog: {_counted(marketplace)}.")


@command.command("import", epilog="\b\nExample:\n  adunion catalog import catalog.yaml --dry-run")
@_FILE
@click.option("--yes", is_flag=True, help="Remove what FILE does not name without asking.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def import_(file: Path, yes: bool, dry_run: bool) -> None:
    """Make the catalog equal to FILE ("-": standard input), whole or not at all.

    What FILE does not name is removed, after you were shown what that is.
    """
    wanted = _read(file)
    with opened_catalog() as catalog:
        revision, stored = catalog.load_with_revision()
        changes = difference(stored, wanted)
        _say(changes)
        if dry_run or changes.is_empty:
            return
        if changes.removes and not yes:
            click.confirm(f"Remove these {changes.removes}?", abort=True)
        with _progress("Writing", _size(changes)) as advance:
            now = datetime.now(UTC)
            written = catalog.replace(wanted, now, if_revision=revision, progress=advance)
    click.echo(f"Imported {_counted(wanted)}; the catalog is at revision {written}.")


@command.command(epilog="\b\nExample:\n  adunion catalog export > catalog.yaml")
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, allow_dash=True, dir_okay=False)
)
def export(file: Path | None) -> None:
    """Write the catalog to FILE, or to standard output. The same catalog gives the same bytes."""
    settings = from_environment()
    with opened_catalog(settings) as catalog:
        marketplace = catalog.load()
    text = write_catalog(marketplace, settings.currency)
    if file is None or str(file) == "-":
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        click.echo(f"Wrote {_counted(marketplace)} to {file}.")


@command.command(epilog="\b\nExample:\n  adunion catalog fields line_item")
@click.argument("kind", required=False, type=click.Choice(list(KINDS)))
def fields(kind: str | None) -> None:
    """Explain every field of the file, or those of one KIND."""
    for name in [kind] if kind else KINDS:
        click.echo(f"{KINDS[name].plural}\n\n{field_table(KINDS[name])}\n")
        if name == "creative":
            click.echo(f"assets of a creative\n\n{asset_table()}\n")


def _read(file: Path) -> Marketplace:
    """The file's marketplace.

    Raises:
        ClickException: the file cannot be read, or its mistakes by line.
    """
    settings = from_environment()
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    try:
        with _progress("Reading", content.count(b"\n")) as advance:
            return read_catalog(content, settings.currency, advance)
    except CatalogError as error:
        raise click.ClickException(f"{file} is not a sound catalog:\n{error}") from None


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error, gone at the end; elsewhere nothing."""
    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


def _counted(marketplace: Marketplace) -> str:
    counts = [(len(entities(marketplace, kind)), kind) for kind in KINDS.values()]
    return ", ".join(
        f"{count} {kind.title if count == 1 else kind.plural.replace('_', ' ')}"
        for count, kind in counts
    )


def _size(changes: Difference) -> int:
    return sum(added + changed + removed for _, added, changed, removed in changes.counts())


def _say(changes: Difference) -> None:
    if changes.is_empty:
        click.echo("The catalog is equal to the file already.")
    for name, added, changed, removed in changes.counts():
        title = KINDS[name].plural.replace("_", " ")
        click.echo(f"{title}: {added} new, {changed} changed, {removed} removed")
        for entity_id in changes.removed[name][:_NAMED]:
            click.echo(f"  removed: {entity_id}")
        if removed > _NAMED:
            click.echo(f"  and {removed - _NAMED} more")
