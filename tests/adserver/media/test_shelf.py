"""Files under the hash of their content."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from adserver.media.shelf import Shelf, digest_of, shelf_of
from tests.builders import NOW

SHA = "ab" * 32


def test_a_file_lies_under_its_hash_and_comes_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for _ in range(2):
        with shelf.aside() as aside:
            (aside / "x").write_bytes(b"content")
            kept = shelf.keep(aside / "x", digest_of(aside / "x"), "png")
    assert kept.read_bytes() == b"content"
    assert kept.parent.name == kept.name[:2]
    assert [name for name, _, _ in shelf.names()] == [kept.name[:64]]


def test_what_is_left_aside_goes_when_the_work_ends_or_fails(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    with shelf.aside() as aside:
        (aside / "x").write_bytes(b"content")
    with pytest.raises(FileExistsError), shelf.aside() as aside:
        aside.mkdir()
    assert list((tmp_path / "media/aside").iterdir()) == []


@pytest.mark.parametrize(
    ("sha256", "extension"),
    [("../../etc/passwd", "png"), (SHA, "svg"), (SHA.upper(), "png"), (SHA, "png/../x"), ("", "")],
)
def test_nothing_but_a_hash_and_a_known_ending_names_a_file(
    sha256: str, extension: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="names no file"):
        Shelf(tmp_path).path(sha256, extension)


def test_what_a_killed_process_left_aside_is_swept_after_an_hour(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    with shelf.aside() as old, shelf.aside() as young:
        long_ago = (NOW - timedelta(hours=2)).timestamp()
        os.utime(old, (long_ago, long_ago))
        os.utime(young, (NOW.timestamp(), NOW.timestamp()))
        shelf.sweep_aside(NOW)
        assert not old.exists()
        assert young.exists()


def test_a_directory_has_one_shelf_in_a_process(tmp_path: Path) -> None:
    assert shelf_of(tmp_path) is shelf_of(tmp_path)
    assert shelf_of(tmp_path) is not shelf_of(tmp_path / "other")
