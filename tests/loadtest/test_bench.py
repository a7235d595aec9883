"""The bench: medians with both sides beside them, selection by name, a table that says missed."""

from pathlib import Path

import click
import pytest
from rich.console import Console

from loadtest.bench import TARGETS, median_of, table_of, wanted


def test_the_reported_run_is_the_median_with_everything_that_explains_it() -> None:
    runs = [{"value": value, "ours": value * 2} for value in (3.0, 1.0, 2.0)]
    assert median_of(runs) == {"value": 2.0, "ours": 4.0, "runs": [3.0, 1.0, 2.0]}


def test_names_select_figures_and_whole_modules() -> None:
    assert [target.key for target in wanted(["score_ratio_500"])] == ["score_ratio_500"]
    assert {target.module for target in wanted(["bench_decide"])} == {"bench_decide"}
    assert wanted([]) == list(TARGETS)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(click.BadParameter, match="score_ratio_500"):
        wanted(["speed"])


def test_the_table_shows_what_was_reached_missed_and_not_measured() -> None:
    figures = {"score_ratio_500": {"value": 31.0}, "http_ratio": {"value": 0.3}}
    console = Console(record=True, width=140)
    names = ["score_ratio_500", "http_ratio", "train_rows_s"]
    console.print(table_of(figures, wanted(names)))
    text = console.export_text()
    assert "reached" in text
    assert "missed" in text
    assert "failed" in text


def test_the_page_about_benchmarks_lists_every_figure() -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    assert [target.key for target in TARGETS if f"| `{target.key}` |" not in page] == []
