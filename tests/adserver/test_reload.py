"""Snapshots come and go while requests flow: nothing fails, and what is broken is refused."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adserver import metrics, publication
from adserver.reload import HISTORY, MODEL
from adserver.stores.catalog_publisher import DIRECTORY as CATALOG
from tests.adserver.api.running import Worker, publish, running, settings_in, unique, wait_for
from tests.builders import small_marketplace


@pytest.fixture
def worker(tmp_path: Path, redis_embedded_url: str) -> Iterator[Worker]:
    with running(settings_in(tmp_path, redis_embedded_url), small_marketplace()) as started:
        yield started


def refusals(name: str) -> int:
    return metrics.RELOADS.counts[f"{name}_refused"]


@pytest.mark.parametrize(
    ("name", "root", "files"),
    [
        ("catalog", CATALOG, {"catalog.msgpack": b"\x93\x01"}),
        ("catalog", CATALOG, {"catalog.msgpack": b""}),
        ("catalog", CATALOG, {"other": b"x"}),
        ("history", HISTORY, {"history.msgpack": b"\xc1"}),
        ("history", HISTORY, {"other": b"x"}),
        ("model", MODEL, {"manifest.json": b"{"}),
        ("model", MODEL, {}),
    ],
)
def test_a_broken_publication_is_refused_once_and_the_old_one_goes_on(
    worker: Worker, name: str, root: Path, files: dict[str, bytes]
) -> None:
    before, version = refusals(name), unique("broken")
    publication.publish(worker.settings.data_dir / root, version, files)
    wait_for(lambda: refusals(name) == before + 1)
    client = worker.client()
    assert client.ask().status == 200
    assert refusals(name) == before + 1


def test_a_pointer_to_nothing_is_refused(worker: Worker) -> None:
    before = refusals("catalog")
    (worker.settings.data_dir / CATALOG / "CURRENT").write_text("../../etc")
    wait_for(lambda: refusals("catalog") == before + 1)
    assert worker.client().ask().status == 200


def test_a_good_publication_after_a_broken_one_is_taken_up(worker: Worker) -> None:
    root = worker.settings.data_dir / CATALOG
    publication.publish(root, unique("broken"), {"catalog.msgpack": b"x"})
    worker.publish(replace(small_marketplace(), placements=()))
    assert worker.client().ask().status == 400


def test_the_catalog_changes_while_requests_flow_and_none_fails(worker: Worker) -> None:
    whole, stop, statuses = small_marketplace(), threading.Event(), set[int]()

    def ask() -> None:
        client = worker.client()
        while not stop.is_set():
            statuses.add(client.ask(user={"id": unique("u")}).status)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for number in range(10):
        renamed = tuple(replace(one, title=f"Title {number}") for one in whole.creatives)
        worker.publish(replace(whole, creatives=renamed))
    stop.set()
    for asker in askers:
        asker.join()
    assert statuses == {200}
    assert worker.client().ad()["title"] == "Title 9"


def test_reservations_move_to_the_new_snapshot(worker: Worker) -> None:
    ad = worker.client().ad()
    worker.publish(replace(small_marketplace(), apps=small_marketplace().apps))
    live = worker.serving.current.live
    assert live
    assert live.snapshot.spend.reserved[live.snapshot.catalog.line_item_row[ad["line_item_id"]]] > 0


def test_publications_that_are_swept_away_harm_nobody(worker: Worker) -> None:
    root = worker.settings.data_dir / CATALOG
    version = publish(worker.settings, small_marketplace())
    shutil.rmtree(root / version, ignore_errors=True)
    assert worker.client().ask().status == 200
