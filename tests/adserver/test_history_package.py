"""The history on its way from the console to the workers."""

from pathlib import Path

import pytest

from adserver import history_package, publication
from adserver.history_package import FILE, HistoryError
from adserver.publication import PublicationError
from models.domain.history import History, HistoryCell
from models.domain.ids import CreativeId, PlacementId

HISTORY = History(1_700, (HistoryCell(CreativeId("cr1"), PlacementId("pl1"), 7, 2, 1),))


def test_what_is_published_is_read_again(tmp_path: Path) -> None:
    version = history_package.publish(tmp_path, HISTORY, keep=1)
    assert publication.current(tmp_path) == version == "h1700"
    assert history_package.read(tmp_path, version) == HISTORY


@pytest.mark.parametrize(
    "files",
    [{"other": b""}, {FILE: b""}, {FILE: b"\xc1"}, {FILE: history_package.pack(HISTORY)[:-3]}],
)
def test_what_is_no_history_is_refused_by_name(tmp_path: Path, files: dict[str, bytes]) -> None:
    publication.publish(tmp_path, "h1", files)
    with pytest.raises(HistoryError, match=r"history"):
        history_package.read(tmp_path, "h1")


def test_a_version_that_was_swept_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PublicationError):
        history_package.read(tmp_path, "h1")
