"""Counting is a dictionary increment; the page is written by prometheus_client."""

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from adserver import metrics


@pytest.fixture
def registered() -> Iterator[list[Any]]:
    """Families of this test, taken out of the page at its end."""
    made: list[Any] = []
    yield made
    for family in made:
        REGISTRY.unregister(family)


def test_a_tally_counts_by_its_label(registered: list[Any]) -> None:
    registered.append(tally := metrics.Tally("t_things", "Things.", "kind"))
    tally.add("a")
    tally.add_all([("a", 2), ("b", 5)])
    page = metrics.page().decode()
    assert 't_things_total{kind="a"} 3.0' in page
    assert 't_things_total{kind="b"} 5.0' in page


def test_a_timing_is_a_cumulated_histogram(registered: list[Any]) -> None:
    registered.append(timing := metrics.Timing("t_seconds", "Time.", "stage"))
    for seconds in (0.00001, 0.0007, 0.0007, 7.0):
        timing.observe("x", seconds)
    page = metrics.page().decode()
    assert 't_seconds_bucket{le="5e-05",stage="x"} 1.0' in page
    assert 't_seconds_bucket{le="0.001",stage="x"} 3.0' in page
    assert 't_seconds_bucket{le="+Inf",stage="x"} 4.0' in page
    assert 't_seconds_sum{stage="x"} 7.00141' in page


def test_a_level_is_read_when_the_page_is_written(registered: list[Any]) -> None:
    registered.append(level := metrics.Level("t_level", "A level."))
    level.read = lambda: 42.0
    assert "t_level 42.0" in metrics.page().decode()
