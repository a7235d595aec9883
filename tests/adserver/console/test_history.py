"""The published history: cells in order, and only when a number has changed."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

from adserver import history_package, publication
from adserver.console.history import VERSIONS_KEPT, HistoryPublisher
from models.domain.history import History, HistoryCell
from tests.builders import NOW, NOW_MS

COUNTS = Counter(
    {
        ("cr2", "pl1", "impressions"): 3,
        ("cr1", "pl1", "clicks"): 1,
        ("cr1", "pl1", "impressions"): 7,
        ("cr1", "pl0", "conversions"): 1,
    }
)


def published(data_dir: Path) -> History:
    root = data_dir / history_package.DIRECTORY
    version = publication.current(root)
    assert version is not None
    return history_package.read(root, version)


def test_counts_become_cells_in_order(tmp_path: Path) -> None:
    assert HistoryPublisher(tmp_path).publish(COUNTS, NOW) is not None
    assert published(tmp_path) == History(
        NOW_MS,
        (
            HistoryCell("cr1", "pl0", 0, 0, 1),
            HistoryCell("cr1", "pl1", 7, 1, 0),
            HistoryCell("cr2", "pl1", 3, 0, 0),
        ),
    )


def test_nothing_is_published_while_nothing_has_changed(tmp_path: Path) -> None:
    publisher = HistoryPublisher(tmp_path)
    assert publisher.publish(Counter(), NOW) is None
    assert publisher.publish(COUNTS, NOW) is not None
    assert publisher.publish(Counter(COUNTS), NOW + timedelta(seconds=30)) is None


def test_old_versions_are_swept(tmp_path: Path) -> None:
    publisher = HistoryPublisher(tmp_path)
    for number in range(VERSIONS_KEPT + 3):
        counts = Counter({("cr1", "pl1", "impressions"): number + 1})
        publisher.publish(counts, NOW + timedelta(seconds=number))
    assert len(publication.versions(tmp_path / history_package.DIRECTORY)) == VERSIONS_KEPT
    assert published(tmp_path).cells[0].impressions == VERSIONS_KEPT + 3
