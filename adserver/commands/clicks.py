"""`adunion clicks`: brings the clicks of another system here, so that nobody's sale is lost.

Never here: what a line means (`commands.click_file`). The one surprising fact: nothing is sent to
the event store. The clicks go into an outbox of their own, and the console ships them as it ships
those of a worker: each at least once, and read as one.
"""

import csv
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from sqlalchemy import Engine

from adserver import keyring
from adserver.api.receipts import ReceiptSigner, ReceiptTooLongError
from adserver.commands.click_file import ClickFile, ClickFileError, Known, Line, touch_of
from adserver.commands.links import opened_database
from adserver.config import from_environment
from adserver.eventlog.link_clicks import TABLE, link_click_row
from adserver.eventlog.liveness import Held, HeldError
from adserver.eventlog.outbox import lock_path
from adserver.eventlog.outbox_file import OutboxFile, joined
from adserver.stores import database
from adserver.stores.links import links_of
from adserver.stores.partners import all_partners, merchants
from affiliate.order import Touch
from models.domain.ids import LinkCode

OUTBOX = "imported"
LINES_AT_ONCE = 2_000
BAD_LINES_SHOWN = 20


@click.group()
def command() -> None:
    """Clicks on partners' links."""


@command.command(
    "import", epilog="\b\nExample:\n  adunion clicks import old.csv --receipts receipts.csv"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--receipts",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write line, click_id and receipt of each click to this CSV file.",
)
def import_(file: Path, receipts: TextIO | None) -> None:
    """Take in the clicks in FILE (CSV or CSV.gz), so that orders find whose customers they were.

    Columns: clicked_at (with an offset); code, or partner, merchant and sku; and customer_ref,
    sub1 to sub5, click_id (the old system's own). A line that is no click is listed and left out.
    Importing a file again changes nothing.
    """
    settings = from_environment()
    signer = ReceiptSigner.of(keyring.load(settings))
    try:
        with (
            opened_database(settings) as engine,
            _outbox(settings.data_dir / "outbox") as outbox,
        ):
            done = _Import(engine, outbox, signer, receipts)
            _with_progress(done, file)
    except (ClickFileError, HeldError) as trouble:
        raise click.ClickException(str(trouble)) from trouble
    click.echo(f"{done.kept:,} clicks taken in; the console brings them to the event store.")
    for number, words in done.bad[:BAD_LINES_SHOWN]:
        click.echo(f"{file}:{number}: {words}", err=True)
    if done.bad:
        raise click.ClickException(f"{len(done.bad):,} lines were left out.")


class _Import:
    """One run: reads lines, writes rows and receipts, remembers what was wrong."""

    def __init__(
        self, engine: Engine, outbox: OutboxFile, signer: ReceiptSigner, receipts: TextIO | None
    ) -> None:
        self._engine = engine
        self._outbox = outbox
        self._signer = signer
        self._receipts: Any = csv.writer(receipts) if receipts else None
        self._now = datetime.now(UTC)
        self.kept = 0
        self.bad: list[tuple[int, str]] = []
        with database.reading(engine) as connection:
            self._partners = all_partners(connection).keys()
            self._merchants = merchants(connection).keys()
        if self._receipts:
            self._receipts.writerow(("line", "click_id", "receipt"))

    def take(self, batch: list[Line], source: str) -> None:
        """Takes in some lines; they are on disk when it returns."""
        codes = {LinkCode(line.code) for line in batch if line.code}
        with database.reading(self._engine) as connection:
            links = links_of(connection, codes)
        known = Known(self._partners, self._merchants, links)
        good = list(self._good(batch, known))
        received_ms = int(self._now.timestamp() * 1000)
        rows = [(TABLE, link_click_row(touch, received_ms, 0, source)) for _, touch, _ in good]
        self._outbox.write((), (), joined(rows))
        self.kept += len(good)
        if self._receipts:
            self._receipts.writerows(
                (line.number, line.fields.get("click_id", ""), receipt) for line, _, receipt in good
            )

    def _good(self, batch: list[Line], known: Known) -> Iterator[tuple[Line, Touch, str]]:
        for line in batch:
            try:
                touch = touch_of(line, known, self._now)
                yield line, touch, self._signer.sign(touch)
            except (ClickFileError, ReceiptTooLongError) as fault:
                self.bad.append((line.number, str(fault)))


@contextmanager
def _outbox(directory: Path) -> Iterator[OutboxFile]:
    """The outbox that the imports of this machine share, one at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lock = Held(lock_path(directory, OUTBOX), "adunion clicks import")
        stack.callback(lock.release)
        yield stack.enter_context(closing(OutboxFile(directory / f"{OUTBOX}.sqlite")))


def _with_progress(done: _Import, path: Path) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with (
        closing(ClickFile(path)) as file,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task(path.name, total=max(file.size, 1))
        lines = file.lines()
        while batch := list(islice(lines, LINES_AT_ONCE)):
            done.take(batch, path.name)
            progress.update(task, completed=file.position)
