"""`adunion train` under a stop-watch: a million made-up rows, file read to model published.

The rows look like an ad log: 30 columns, ids with Zipf's frequencies, 3 % clicked, a time. The one
surprising fact: the whole command is timed, with the logistic regression, the plot and the card.
"""

import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from adserver.commands import train

ROWS = 1_000_000
CATEGORIES = {
    "line_item": 400, "creative": 1_200, "advertiser": 40, "ad_category": 20, "app": 6,
    "placement": 20, "format": 5, "os": 3, "make": 30, "model": 300, "city": 200, "region": 31,
    "carrier": 4, "connection": 5, "language": 10, "gender": 3,
}  # fmt: skip
NUMBERS = (
    "age", "hour", "price_band", "city_tier", "activity", "sessions", "tenure", "bid", "width",
    "height", "seen_times", "hours_since_seen",
)  # fmt: skip
CLICK_RATE = 0.03


def measure() -> dict[str, Any]:
    """`train_rows_s`: rows over the seconds that `adunion train --data` takes."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        data, schema = _written(directory)
        began = perf_counter()
        train.command.main(
            ["--data", str(data), "--schema", str(schema), "--models", str(directory / "ctr")],
            standalone_mode=False,
        )
        taken = perf_counter() - began
    return {"train_rows_s": {"value": ROWS / taken, "unit": "rows/s", "rows": ROWS, "s": taken}}


def _written(directory: Path) -> tuple[Path, Path]:
    """The log as Parquet, and its schema file."""
    rng = np.random.default_rng(7)
    columns, score = _columns(rng)
    clicked = rng.random(ROWS) < 1 / (1 + np.exp(-(score + _intercept(score))))
    data, schema = directory / "log.parquet", directory / "log.toml"
    table = pa.table({**columns, "clicked": clicked.astype(np.int8)})
    parquet.write_table(table, data)
    schema.write_text(
        'label = "clicked"\ntime = "time"\ngroup = "placement"\n'
        f"numbers = {list(NUMBERS)}\ncategories = {list(CATEGORIES)}\n"
    )
    return data, schema


def _columns(rng: np.random.Generator) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """The features, and the hidden log-odds of a click without their level."""
    columns: dict[str, Any] = {"time": 1_790_000_000 + np.sort(rng.integers(0, 604_800, ROWS))}
    score = np.zeros(ROWS)
    for name, values in CATEGORIES.items():
        drawn = (rng.zipf(1.3, ROWS) - 1) % values
        columns[name] = pa.DictionaryArray.from_arrays(
            drawn.astype(np.int32), [f"{name}-{value}" for value in range(values)]
        )
        score += rng.normal(0, 0.25, values)[drawn]
    for name in NUMBERS:
        columns[name] = rng.gamma(2.0, 2.0, ROWS).round(1)
        score += rng.normal(0, 0.1) * columns[name]
    return columns, score


def _intercept(score: NDArray[np.float64]) -> float:
    """The level at which about `CLICK_RATE` of the rows are clicked, by bisection."""
    low, high = -20.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        rate = float(np.mean(1 / (1 + np.exp(-(score[:50_000] + middle)))))
        low, high = (middle, high) if rate < CLICK_RATE else (low, middle)
    return low
