"""The live page's figures: the last minutes, worker by worker, each decision once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adserver import publication
from adserver.eventlog.liveness import is_held
from adserver.eventlog.outbox import WorkerOutbox, lock_path
from adserver.eventlog.rows import decided_row
from adserver.eventlog.shipper import Shipper
from adserver.ports import EventStore
from adserver.reports.live import STEP_S, Latency, Live, NoAds, live
from adserver.stores.catalog_publisher import DIRECTORY as CATALOG
from tests.adserver.eventlog.billed import put
from tests.adserver.eventlog.happenings import COUNTED, decided, happening

NOW = datetime.now(UTC)


def decide(
    store: EventStore,
    number: int,
    seconds_ago: float,
    reason: str = "",
    worker: str = "w0",
    us: int = 100,
) -> None:
    made = replace(
        decided(number, 0 if reason else 1, reason),
        occurred_ms=int((NOW - timedelta(seconds=seconds_ago)).timestamp() * 1000),
        latency_us=us,
        snapshot_version="c1+none",
    )
    put(store, "decisions", [decided_row(made, worker)])


def test_a_house_without_requests_is_told_as_such(store: EventStore, tmp_path: Path) -> None:
    found = live(store, tmp_path, NOW)
    assert (found.requests, found.fill_ppm, found.latency) == (0, None, Latency())
    assert (found.no_ads, found.workers, found.snapshot_age_s) == ([], [], None)
    assert len(found.moments) in (300 // STEP_S, 300 // STEP_S + 1)


def test_rates_fill_and_reasons_are_of_the_last_minutes(store: EventStore, tmp_path: Path) -> None:
    for number in range(6):
        decide(store, number, 10 + number, us=100 * (number + 1))
    decide(store, 10, 20, "floor")
    decide(store, 11, 21, "floor")
    decide(store, 12, 22, "targeting")
    decide(store, 13, 400)  # too long ago
    found = live(store, tmp_path, NOW)
    assert (found.requests, found.filled, found.fill_ppm) == (9, 6, 666_666)
    assert found.requests_per_s == pytest.approx(9 / 300)
    assert found.no_ads == [NoAds("floor", 2), NoAds("targeting", 1)]
    assert (found.latency.p50_us, found.latency.p99_us) == (200, 600)
    assert sum(moment.requests for moment in found.moments) == 9


def test_each_worker_is_told_alive_or_not_with_its_catalog(
    store: EventStore, tmp_path: Path
) -> None:
    outbox = WorkerOutbox(tmp_path / "outbox", "w0", 100)
    publication.publish(tmp_path / CATALOG, "c1", {"a": b""})
    decide(store, 1, 10)
    decide(store, 2, 10, worker="elsewhere")
    elsewhere, w0 = live(store, tmp_path, NOW).workers
    assert (w0.name, w0.is_alive, w0.is_current, w0.requests) == ("w0", True, True, 1)
    assert (elsewhere.name, elsewhere.is_alive) == ("elsewhere", False)
    assert w0.published_at is not None
    publication.publish(tmp_path / CATALOG, "c2", {"a": b""})
    found = live(store, tmp_path, NOW + timedelta(seconds=5))
    assert [worker.is_current for worker in found.workers] == [False, False]
    assert found.snapshot_version == "c2+none"
    later = datetime.now(UTC) + timedelta(seconds=7)  # the files are as old as this test
    assert 6 <= live(store, tmp_path, later).snapshot_age_s < 60
    outbox.close()
    assert not any(worker.is_alive for worker in live(store, tmp_path, NOW).workers)


async def test_what_waits_in_an_outbox_is_told(store: EventStore, tmp_path: Path) -> None:
    outbox = WorkerOutbox(tmp_path / "outbox", "w0", 100)
    await outbox.append(happening(1))
    shipper = Shipper(tmp_path / "outbox", store, 10)
    shipper.ship_once()
    assert told(store, tmp_path) == 1
    outbox.settle(happening(1), COUNTED)
    outbox.close()
    shipper.ship_once()
    shipper.close()
    assert told(store, tmp_path) == 0


def told(store: EventStore, data_dir: Path) -> int:
    found: Live = live(store, data_dir, NOW)
    [w0] = found.workers
    assert found.waiting_rows == w0.waiting_rows
    return w0.waiting_rows


def test_a_lock_is_held_as_long_as_its_worker_lives(tmp_path: Path) -> None:
    path = lock_path(tmp_path, "w1")
    assert not is_held(path)
    outbox = WorkerOutbox(tmp_path, "w1", 10)
    assert is_held(path)
    outbox.close()
    assert path.exists()
    assert not is_held(path)
