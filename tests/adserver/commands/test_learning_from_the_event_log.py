"""`adunion train` as it runs by default: from the log that serving wrote."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from adserver import publication
from adserver.commands.train import REFUSED
from adserver.config import Settings
from adserver.eventlog.ddl import prepare
from adserver.eventlog.open_store import open_for_writing
from adserver.eventlog.rows import Row, pack_rows, served_row, settled_row, unpack_columns
from models.ctr.artifact import from_files
from models.ctr.features import SERVING_SCHEMA
from models.domain.event import EventKind
from tests.adserver.commands.conftest import Run
from tests.adserver.eventlog.happenings import COUNTED, happening, served

HALF_AN_HOUR_MS = 1_800_000
ROWS = 1_500
HASH = SERVING_SCHEMA.hash


def fill(data_dir: Path, *, noise: bool = False) -> None:
    """Impressions of the last half hour; the young click, and the first line item is clicked."""
    rng = np.random.default_rng(4)
    encoded = np.full((ROWS, len(SERVING_SCHEMA.slots)), np.nan)
    age, item = rng.integers(15, 70, ROWS), rng.integers(0, 5, ROWS)
    encoded[:, SERVING_SCHEMA.slot_of["user_age"]] = age[:, None]
    encoded[:, SERVING_SCHEMA.slot_of["line_item"]] = item[:, None]
    odds = -1.5 + (0 if noise else 1) * ((40 - age) / 12 + (item == 0))
    clicked = rng.random(ROWS) < 1 / (1 + np.exp(-odds))
    began = int(datetime.now(UTC).timestamp() * 1_000) - HALF_AN_HOUR_MS
    log: dict[str, list[Row]] = {}
    for number in range(ROWS):
        at = {"served_ms": began + number * 1_000}
        ad = replace(served(number, encoded[number].tobytes(), **at), schema_hash=HASH)
        log.setdefault("ads_served", []).append(served_row(ad))
        kinds = [EventKind.IMPRESSION, *([EventKind.CLICK] if clicked[number] else [])]
        for kind in kinds:
            settled = settled_row(happening(number, kind, **at), COUNTED)
            assert settled is not None
            log.setdefault(settled[0], []).append(settled[1])
    store = open_for_writing(Settings(data_dir=data_dir))
    prepare(store)
    for table, rows in log.items():
        store.insert(table, unpack_columns(table, [pack_rows(rows)]))
    store.close()


def test_the_log_becomes_a_model_that_serving_can_load(adunion: Run, tmp_path: Path) -> None:
    fill(tmp_path / "var")
    adunion("train")
    root = tmp_path / "var" / "ctr"
    artifact = from_files(publication.read(root, str(publication.current(root))), SERVING_SCHEMA)
    assert artifact.model().schema_hash == HASH
    candidate = artifact.metrics["candidate"]
    assert candidate["auc"] > 0.7
    assert candidate["rows"] == ROWS // 5
    assert set(candidate["groups"]) == {"pl1"}
    assert artifact.metrics["split"] == "time"


def test_a_log_of_chance_clicks_is_refused_and_what_serves_goes_on(
    adunion: Run, tmp_path: Path
) -> None:
    fill(tmp_path / "var", noise=True)
    assert adunion("train", fails=True).exit_code == REFUSED
    assert publication.current(tmp_path / "var" / "ctr") is None
