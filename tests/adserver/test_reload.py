"""Snapshots come and go while requests flow: nothing fails, and what is broken is refused."""

import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adserver import history_package, keyring, metrics, publication
from adserver.history_package import DIRECTORY as HISTORY
from adserver.marketplace import package
from adserver.publication import PublicationError
from adserver.reload import MODEL, Builder, Watched
from adserver.stores.catalog_publisher import DIRECTORY as CATALOG
from models.ctr import artifact
from models.ctr.artifact import ArtifactError
from models.domain.history import History
from ranking.catalog import Catalog
from tests.adserver.api.running import Worker, publish, running, settings_in, unique, wait_for
from tests.builders import NOW, small_marketplace


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


def test_what_the_disk_would_not_give_is_asked_for_again_and_said_once(tmp_path: Path) -> None:
    troubles = ["no", "no", "never", ""]

    def read(_: Path, version: str) -> str:
        if trouble := troubles.pop(0):
            raise OSError(trouble)
        return f"content of {version}"

    watched, before = Watched("dozing", tmp_path, read), refusals("dozing")
    publication.publish(tmp_path, "v1", {"file": b"x"})
    for said in (1, 1, 2):
        watched.look()
        assert (watched.version, watched.content) == ("none", None)
        assert refusals("dozing") == before + said
    watched.look()
    assert (watched.version, watched.content) == ("v1", "content of v1")


@pytest.mark.parametrize("error", [PublicationError("not there"), ArtifactError("another schema")])
def test_a_version_that_is_refused_is_not_read_again(tmp_path: Path, error: Exception) -> None:
    read: list[str] = []

    def refuse(_: Path, version: str) -> str:
        read.append(version)
        raise error

    watched = Watched("refused", tmp_path, refuse)
    for version in ("v1", "v2"):
        publication.publish(tmp_path, version, {"file": b"x"})
        watched.look()
        watched.look()
    assert read == ["v1", "v2"]


def test_a_pointer_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_bytes(b"\xff\xfe")
    watched, before = Watched("pointer", tmp_path, package.read), refusals("pointer")
    watched.look()
    watched.look()
    assert refusals("pointer") == before + 1


def test_a_catalog_is_taken_up_though_another_part_breaks_the_builder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path, "")
    builder = Builder(settings, keyring.load(settings))
    publish(settings, small_marketplace())
    publication.publish(tmp_path / MODEL, "v1", {"file": b"x"})
    with monkeypatch.context() as broken:
        broken.setattr(artifact, "load", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            builder.build_if_new(NOW)
    live = builder.build_if_new(NOW)
    assert live
    assert live.snapshot.ctr.version == "prior"
    assert builder.build_if_new(NOW) is None


def test_a_catalog_that_cannot_be_built_never_lends_its_name_to_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path, "")
    builder = Builder(settings, keyring.load(settings))
    publish(settings, small_marketplace())
    assert builder.build_if_new(NOW)
    second = publish(settings, replace(small_marketplace(), placements=()))
    with monkeypatch.context() as broken:
        broken.setattr(Catalog, "build", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            builder.build_if_new(NOW)
    assert builder.build_if_new(NOW) is None
    history_package.publish(tmp_path / HISTORY, History(1, ()), keep=1)
    live = builder.build_if_new(NOW)
    assert live
    assert live.snapshot.version == f"{second}+h1"
    assert not live.snapshot.catalog.placements


def test_the_age_of_the_snapshot_begins_anew_with_each(worker: Worker) -> None:
    wait_for(lambda: metrics.SNAPSHOT_AGE.read() > 0)
    began = time.monotonic()
    worker.publish(small_marketplace())
    assert 0 < metrics.SNAPSHOT_AGE.read() < time.monotonic() - began
