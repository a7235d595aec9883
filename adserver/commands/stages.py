"""A progress bar for work in named stages, shared by the commands that learn.

It goes to standard error, so that figures on standard output can be piped. The one surprising fact:
a stage that is told a second time goes on in its own bar; one not told before gets a new one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Stages = Callable[[str, float], None]


@contextmanager
def stages() -> Iterator[Stages]:
    """Gives a function to be told (stage, share done)."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {}

        def told(stage: str, done: float) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=1.0)
            progress.update(tasks[stage], completed=done)
            if done >= 1.0:
                progress.stop_task(tasks[stage])

        yield told
