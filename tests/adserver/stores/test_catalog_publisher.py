"""From SQL to where workers look: what is published, when, and how fast it loads."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adserver import publication
from adserver.config import Settings
from adserver.marketplace import package
from adserver.marketplace.package import PackageError
from adserver.stores.catalog import SqlCatalog, open_catalog
from adserver.stores.catalog_publisher import CatalogPublisher
from models.domain.campaign import LineItem
from models.domain.marketplace import Marketplace
from tests import builders

NOW = builders.NOW


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    opened = open_catalog(Settings(data_dir=tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def publisher(catalog: SqlCatalog, tmp_path: Path) -> CatalogPublisher:
    return CatalogPublisher(catalog, Settings(data_dir=tmp_path))


def published(publisher: CatalogPublisher) -> Marketplace:
    return package.read(publisher.root, publication.current(publisher.root) or "")


def test_nothing_is_published_before_the_first_change(publisher: CatalogPublisher) -> None:
    assert publisher.look(NOW) is None
    assert publication.current(publisher.root) is None


def test_a_change_is_published_once(catalog: SqlCatalog, publisher: CatalogPublisher) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    version = publisher.look(NOW)
    assert version == publication.current(publisher.root)
    assert published(publisher) == builders.small_marketplace()
    assert publisher.look(NOW + timedelta(seconds=1)) is None


def test_every_change_is_published_under_a_new_name(
    catalog: SqlCatalog, publisher: CatalogPublisher
) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    first = publisher.look(NOW)
    catalog.archive(LineItem, "li1", NOW)
    second = publisher.look(NOW)
    assert first != second
    assert published(publisher) == catalog.load()


def test_a_new_console_finds_its_publication_in_force_and_keeps_it(
    catalog: SqlCatalog, publisher: CatalogPublisher, tmp_path: Path
) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    first = publisher.look(NOW)
    again = CatalogPublisher(catalog, Settings(data_dir=tmp_path)).look(NOW + timedelta(hours=2))
    assert again == first
    assert publication.versions(publisher.root) == [first]


def test_a_database_set_up_anew_is_not_taken_for_the_old_one(
    catalog: SqlCatalog, publisher: CatalogPublisher, tmp_path: Path
) -> None:
    catalog.replace(builders.small_marketplace(), NOW)
    publisher.look(NOW)
    other = open_catalog(Settings(data_dir=tmp_path / "other"))
    other.replace(builders.marketplace(), NOW)
    CatalogPublisher(other, Settings(data_dir=tmp_path)).look(NOW)
    other.close()
    assert published(publisher) == builders.marketplace()


def test_what_ended_drops_out_an_hour_later_at_most(
    catalog: SqlCatalog, publisher: CatalogPublisher
) -> None:
    ended = builders.line_item(ends_at=NOW - timedelta(days=7, hours=1, minutes=30))
    catalog.replace(builders.marketplace(line_items=(ended,)), NOW)
    publisher.look(NOW)
    assert len(published(publisher).line_items) == 1
    assert publisher.look(NOW + timedelta(minutes=59)) is None
    assert publisher.look(NOW + timedelta(minutes=60)) is not None
    assert published(publisher).line_items == ()
    assert published(publisher).creatives == ()


def test_old_publications_are_swept(catalog: SqlCatalog, publisher: CatalogPublisher) -> None:
    for number in range(9):
        catalog.replace(builders.marketplace(apps=(builders.app(name=f"{number}"),)), NOW)
        publisher.look(NOW)
    assert len(publication.versions(publisher.root)) == 5


def test_a_large_catalog_loads(tmp_path: Path) -> None:
    market = builders.marketplace(
        line_items=tuple(
            replace(builders.line_item(), line_item_id=f"li{n:05d}") for n in range(10_000)
        ),
        creatives=tuple(
            replace(builders.creative(), creative_id=f"cr{n:05d}", line_item_id=f"li{n:05d}")
            for n in range(10_000)
        ),
    )
    version = package.publish(tmp_path, market, 1)
    assert package.read(tmp_path, version) == market


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x93\x01\x02", b"\x93\x02\x01\x80"])
def test_a_file_that_is_no_catalog_is_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    publication.publish(tmp_path, "v1", {package.FILE: content})
    with pytest.raises(PackageError, match=r"catalog"):
        package.read(tmp_path, "v1")


def test_a_truncated_file_is_refused() -> None:
    content = package.pack(builders.small_marketplace(), 3)
    for end in range(0, len(content), 97):
        with pytest.raises(PackageError):
            package.unpack(content[:end])


def test_a_version_without_the_file_is_refused(tmp_path: Path) -> None:
    publication.publish(tmp_path, "v1", {"other": b""})
    with pytest.raises(PackageError, match=r"holds no catalog\.msgpack"):
        package.read(tmp_path, "v1")
