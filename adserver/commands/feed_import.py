"""A feed put into the database while a bar shows how far it is.

Never here: what is done with a row (`accounting.feed_intake`).
"""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from adserver.accounting.feed_intake import FeedIntake
from adserver.feeds.reading import FeedFormat


def run_with_bar(
    intake: FeedIntake, file: Path, form: FeedFormat | None, encoding: str, *, prune: bool
) -> None:
    """Takes in a file, as `FeedIntake.run`."""
    with _bar() as bar:
        task = bar.add_task(file.name, total=1.0, taken=0)

        def told(done: float, taken: int) -> None:
            bar.update(task, completed=done, taken=taken)

        intake.run(file, form, encoding, prune=prune, told=told)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[taken]:,} products"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
