"""`make bench`: runs every `loadtest/bench_*.py`, prints the figures beside their targets.

A measuring module has `measure() -> dict` (name -> number, or a mapping with `value` and whatever
explains it: `unit`, both sides of a ratio). Never here: how anything is measured. The surprising
fact: each run is a process of its own, so that no measurement inherits another's heat, memory or
pinned core.
"""

import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table

RUNS = 3
Figure = dict[str, Any]


class Target(NamedTuple):
    """One row of the table: what is measured, by whom, and what it should reach."""

    key: str
    module: str
    what: str
    unit: str
    least: float | None = None
    most: float | None = None

    def reached(self, value: float) -> bool:
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f">= {self.least:,g}" if self.least is not None else f"<= {self.most:,g}"


TARGETS = (
    Target("score_ratio_500", "bench_score", "LightGBM / our forest, 500 ads", "x", least=30),
    Target("score_max_abs_diff", "bench_score", "largest raw-score difference", "", most=1e-9),
    Target("decide_us_10k", "bench_decide", "decide(), 10,000 line items", "us", most=120),
    Target("decide_growth_100k", "bench_decide", "the same at 100,000 / at 10,000", "x", most=3),
    Target("http_ratio", "bench_http", "POST /v1/ads / bare handler, requests/s", "x", least=0.4),
    Target("p99_ms_at_1736", "bench_http", "open loop at 1,736 requests/s", "ms", most=10),
    Target("users_per_gib", "bench_users", "profiles a GiB of Redis", "users", least=8_000_000),
    Target("report_ms", "bench_reports", "slowest report, 10 M impressions", "ms", most=300),
    Target("report_p99_ratio", "bench_reports", "p99 with ten reports / without", "x", most=1.25),
    Target("ingest_rows_s", "bench_ingest", "outbox to chDB", "rows/s", least=150_000),
    Target("ledger_tx_s", "bench_ledger", "ledger, durable, SQLite", "tx/s", least=2_000),
    Target("train_rows_s", "bench_train", "adunion train, 1 M rows", "rows/s", least=30_000),
    Target("settle_s_1000x1m", "bench_settle", "close 1,000 partners, 1 M lines", "s", most=60),
)  # fmt: skip


def measured_once(module: str) -> dict[str, Figure]:
    """One run of a measuring module in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed; its own words are on the terminal already.
    """
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, "-m", "loadtest.bench", "--child", module, file.name]
        subprocess.run(command, check=True)  # noqa: S603 - our own interpreter and module
        figures: dict[str, Figure] = json.load(file)
    return figures


def measure_into(module: str, path: Path) -> None:
    """The child's half: measures and writes every figure as a mapping with `value`."""
    measure: Callable[[], dict[str, Any]] = importlib.import_module(f"loadtest.{module}").measure
    figures = {
        key: dict(found) if isinstance(found, dict) else {"value": float(found)}
        for key, found in measure().items()
    }
    path.write_text(json.dumps(figures))


def median_of(runs: list[Figure]) -> Figure:
    """The run whose value is the median, with all values beside it."""
    middle = statistics.median_low(run["value"] for run in runs)
    chosen = next(run for run in runs if run["value"] == middle)
    return {**chosen, "runs": [run["value"] for run in runs]}


def wanted(names: Iterable[str]) -> list[Target]:
    """The targets with these keys or modules; all when none is named.

    Raises:
        click.BadParameter: a name that is neither.
    """
    names = list(names)
    for name in names:
        if not any(name in (target.key, target.module) for target in TARGETS):
            known = ", ".join(target.key for target in TARGETS)
            raise click.BadParameter(f"{name!r} is not measured; known: {known}")
    return [target for target in TARGETS if not names or {target.key, target.module} & {*names}]


def table_of(figures: dict[str, Figure], targets: Iterable[Target]) -> Table:
    """Figures beside targets, for people."""
    table = Table(title="adunion on this machine", title_justify="left")
    for column in ("figure", "what", "measured", "target", ""):
        table.add_column(column, justify="right" if column in ("measured", "target") else "left")
    for target in targets:
        figure = figures.get(target.key)
        value = "failed" if figure is None else f"{figure['value']:,.4g} {target.unit}".rstrip()
        met = figure is not None and target.reached(figure["value"])
        mark = "[green]reached" if met else "[red]missed"
        table.add_row(target.key, target.what, value, str(target), mark)
    return table


def run_all(targets: list[Target], runs: int, console: Console) -> dict[str, Figure]:
    """Every module that a target needs, `runs` times; a failing module leaves its figures out."""
    figures: dict[str, Figure] = {}
    keys = {target.key: target.unit for target in targets}
    for module in dict.fromkeys(target.module for target in targets):
        found: list[dict[str, Figure]] = []
        try:
            for number in range(runs):
                console.print(f"[dim]{module}: run {number + 1} of {runs}")
                found.append(measured_once(module))
        except subprocess.CalledProcessError as error:
            console.print(f"[red]{module} failed with exit code {error.returncode}")
            continue
        for key in found[0].keys() & keys.keys():
            figures[key] = {"unit": keys[key], **median_of([run[key] for run in found])}
    return figures


@click.command()
@click.argument("names", nargs=-1)
@click.option("--runs", default=RUNS, show_default=True, help="Runs; the median is reported.")
@click.option("--child", nargs=2, hidden=True)
def main(names: tuple[str, ...], runs: int, child: tuple[str, str] | None) -> None:
    """Measures what fast means here. NAMES: some figures or modules only (all when left out)."""
    if child is not None:
        measure_into(child[0], Path(child[1]))
        return
    console, targets = Console(), wanted(names)
    figures = run_all(targets, runs, console)
    latest = Path(os.environ.get("ADUNION_DATA_DIR", "var")) / "bench" / "latest.json"
    latest.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(latest.read_text()) if latest.exists() else {}
    stamp = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds")}
    kept |= {key: {**figure, **stamp} for key, figure in figures.items()}
    latest.write_text(json.dumps(kept, indent=2) + "\n")
    console.print(table_of(figures, targets), f"written to {latest}")
    if len(figures) < len(targets):
        sys.exit(1)


if __name__ == "__main__":
    main()
