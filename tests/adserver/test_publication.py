"""Publications: whole or not there, and never changed afterwards."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from adserver import publication
from adserver.publication import PublicationError

FILES = {"a.txt": b"one", "b.bin": bytes(range(256))}


def test_nothing_is_in_force_before_the_first_publication(tmp_path: Path) -> None:
    assert publication.current(tmp_path / "nowhere") is None
    assert publication.versions(tmp_path / "nowhere") == []


def test_what_was_published_is_in_force_and_reads_back(tmp_path: Path) -> None:
    publication.publish(tmp_path / "deep" / "root", "v1", FILES)
    assert publication.current(tmp_path / "deep" / "root") == "v1"
    assert publication.read(tmp_path / "deep" / "root", "v1") == FILES


def test_a_second_publication_moves_the_pointer_and_keeps_the_first(tmp_path: Path) -> None:
    publication.publish(tmp_path, "v1", FILES)
    publication.publish(tmp_path, "v2", {"a.txt": b"two"})
    assert publication.current(tmp_path) == "v2"
    assert publication.read(tmp_path, "v1") == FILES
    assert publication.versions(tmp_path) == ["v1", "v2"]


def test_a_version_keeps_the_files_it_was_first_published_with(tmp_path: Path) -> None:
    publication.publish(tmp_path, "v1", FILES)
    publication.publish(tmp_path, "v1", {"a.txt": b"other"})
    assert publication.read(tmp_path, "v1") == FILES


def test_the_pointer_can_go_back(tmp_path: Path) -> None:
    publication.publish(tmp_path, "v1", FILES)
    publication.publish(tmp_path, "v2", FILES)
    publication.point(tmp_path, "v1")
    assert publication.current(tmp_path) == "v1"


def test_a_version_added_beside_is_not_in_force(tmp_path: Path) -> None:
    publication.publish(tmp_path, "v1", FILES)
    publication.add(tmp_path, "v2", FILES)
    assert publication.current(tmp_path) == "v1"


def test_the_pointer_cannot_go_to_a_version_that_is_not_there(tmp_path: Path) -> None:
    publication.publish(tmp_path, "v1", FILES)
    with pytest.raises(PublicationError, match="no version v2"):
        publication.point(tmp_path, "v2")
    assert publication.current(tmp_path) == "v1"


def test_reading_a_version_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match="no version v9"):
        publication.read(tmp_path, "v9")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "CURRENT", ".hidden", "a\n", "x" * 129])
def test_names_that_could_leave_the_directory_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PublicationError):
        publication.publish(tmp_path, name, FILES)
    with pytest.raises(PublicationError):
        publication.publish(tmp_path, "v1", {name: b""})
    assert publication.current(tmp_path) is None


def test_the_oldest_go_but_never_the_one_in_force(tmp_path: Path) -> None:
    for number in range(5):
        publication.publish(tmp_path, f"v{number}", FILES)
    publication.point(tmp_path, "v0")
    assert publication.keep_last(tmp_path, 2) == ["v1", "v2"]
    assert publication.versions(tmp_path) == ["v0", "v3", "v4"]


def test_a_version_that_goes_is_gone_at_once_and_never_read_by_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        publication.publish(tmp_path, f"v{number}", FILES)
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # killed before it removed a file
    publication.keep_last(tmp_path, 1)
    assert publication.versions(tmp_path) == ["v2"]
    with pytest.raises(PublicationError, match="no version v0"):
        publication.read(tmp_path, "v0")


def test_what_killed_writers_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    publication.publish(tmp_path, "v1", FILES)
    old, young = tmp_path / ".aside-v2-0a0b", tmp_path / ".aside-v3-0c0d"
    for path in (old, young):
        path.mkdir()
        (path / "half.bin").write_bytes(b"half")
    pointer = tmp_path / ".aside-CURRENT-0e0f"
    pointer.write_text("v2")
    for path in (old, pointer):
        os.utime(path, (0, 0))
    publication.keep_last(tmp_path, 1)
    assert {path.name for path in tmp_path.iterdir()} == {"v1", "CURRENT", young.name}
    assert publication.read(tmp_path, "v1") == FILES


def test_a_disk_that_refuses_leaves_the_version_in_force(tmp_path: Path) -> None:
    publication.publish(tmp_path, "v1", FILES)
    halfway: Any = {"a.txt": b"written", "b.txt": "not bytes, so this write fails"}
    with pytest.raises(TypeError):
        publication.publish(tmp_path, "v2", halfway)
    assert publication.current(tmp_path) == "v1"
    assert publication.versions(tmp_path) == ["v1"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_reader_beside_a_busy_writer_always_finds_a_whole_version(tmp_path: Path) -> None:
    publication.publish(tmp_path, "v0", {"a": b"0", "b": b"0"})
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            content = str(number).encode()
            publication.publish(tmp_path, f"v{number}", {"a": content, "b": content})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(200):
            files = publication.read(tmp_path, publication.current(tmp_path) or "")
            assert files["a"] == files["b"]
    finally:
        stop.set()
        writer.join()


def test_two_writers_of_one_version_do_not_disturb_each_other(tmp_path: Path) -> None:
    writers = [
        threading.Thread(target=publication.publish, args=(tmp_path, "v1", FILES)) for _ in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert publication.current(tmp_path) == "v1"
    assert publication.read(tmp_path, "v1") == FILES
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
