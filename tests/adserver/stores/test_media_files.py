"""Uploaded files and reviews in SQL, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from adserver.stores import creative_reviews, database, media_files, migrations
from adserver.stores.catalog import SqlCatalog
from adserver.stores.creative_reviews import Said
from adserver.stores.media_files import MediaFile, Upload
from models.domain.campaign import Creative, Review
from tests import builders
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

NOW = builders.NOW
FILE = MediaFile("a" * 64, "png", "image/png", 540, 960, 1_000, look="00ff00ff00ff00ff")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    connected = database.connect_url(database_url)
    migrations.upgrade(connected)
    SqlCatalog(connected).replace(builders.small_marketplace(), NOW)
    yield connected
    connected.dispose()


def upload(file: MediaFile, owner: str = "adv1", hours: int = 0) -> Upload:
    at = NOW + timedelta(hours=hours)
    return Upload(file, owner, f"{file.sha256[:3]}.png", ("exif",), at, "ann@one.example")


def keep(connection: Connection, *uploads: Upload) -> None:
    for one in uploads:
        media_files.take_in(connection, one.file, one.uploaded_at)
        media_files.put_in_library(connection, one)


def test_a_library_lists_the_newest_first_and_goes_on_where_it_stopped(engine: Engine) -> None:
    hours = {"a": 0, "b": 2, "c": 1, "d": 2, "e": 2}
    uploads = [upload(replace(FILE, sha256=one * 64), hours=at) for one, at in hours.items()]
    with database.writing(engine) as connection:
        keep(connection, *uploads, upload(replace(FILE, sha256="f" * 64), "adv2"))
    found: list[str] = []
    before = None
    with database.reading(engine) as connection:
        while page := media_files.uploads_of(connection, "adv1", limit=2, before=before):
            found += [one.file.sha256[0] for one in page]
            before = (page[-1].uploaded_at, page[-1].file.sha256)
    assert found == ["b", "d", "e", "c", "a"]


def test_an_upload_comes_back_as_it_went_in_and_takes_a_newer_name(engine: Engine) -> None:
    first = upload(FILE)
    with database.writing(engine) as connection:
        keep(connection, first)
        assert media_files.find(connection, "adv1", FILE.sha256) == first
        assert media_files.find(connection, "adv2", FILE.sha256) is None
        newer = replace(first, name="newer.png", uploaded_at=NOW + timedelta(hours=1))
        keep(connection, newer)
        assert media_files.find(connection, "adv1", FILE.sha256) == newer
        assert media_files.bytes_of(connection, "adv1") == 1_000
        assert media_files.bytes_of(connection, "adv2") == 0
        assert media_files.looks(connection, "adv1") == [(FILE.sha256, FILE.look)]
        assert media_files.looks(connection) == []  # no creative ever had it


def test_files_that_creatives_have_are_never_swept(engine: Engine) -> None:
    used = replace(FILE, sha256=builders.asset().sha256)
    with database.writing(engine) as connection:
        keep(connection, upload(used), upload(FILE), upload(FILE, "adv2"))
        assert media_files.sweep(connection, NOW + timedelta(hours=23)) == []
        assert media_files.sweep(connection, NOW + timedelta(hours=25)) == [(FILE.sha256, "png")]
        assert media_files.sweep(connection, NOW + timedelta(days=900)) == []
        assert media_files.known(connection) == {used.sha256}
        assert media_files.looks(connection) == [(used.sha256, used.look)]


def test_a_story_is_numbered_and_knows_what_was_approved_last(engine: Engine) -> None:
    creative = SqlCatalog(engine).get(Creative, "cr1")
    said = [
        Said("ann", Review.PENDING, declared=("label_area_free",)),
        Said("op", Review.APPROVED),
        Said("ann", Review.PENDING),
        Said("op", Review.REJECTED, "quality", "x" * 5_000),
    ]
    with database.writing(engine) as connection:
        for hour, one in enumerate(said):
            at = NOW + timedelta(hours=hour)
            creative_reviews.add(connection, replace(creative, title=f"No {hour}"), one, at)
        story = creative_reviews.story(connection, "cr1")
        assert [entry.number for entry in story] == [4, 3, 2, 1]
        assert story[-1].said == said[0]
        assert len(story[0].said.words) == creative_reviews.MOST_WORDS
        approved = creative_reviews.last_approved(connection, ["cr1", "cr2"])
        assert {name: one.creative["title"] for name, one in approved.items()} == {"cr1": "No 1"}
        assert creative_reviews.newest(connection, ["cr1"])["cr1"].number == 4
        assert creative_reviews.waiting(connection) == []


def test_what_waits_is_listed_with_its_owner_the_longest_first(engine: Engine) -> None:
    catalog = SqlCatalog(engine)
    for hour, creative_id in enumerate(("cr4", "cr2", "cr5")):
        catalog.edit(
            Creative,
            creative_id,
            lambda one: replace(one, review=Review.PENDING),
            NOW + timedelta(hours=hour),
        )
    catalog.archive(Creative, "cr5", NOW)
    with database.reading(engine) as connection:
        found = creative_reviews.waiting(connection)
        rejected = creative_reviews.waiting(connection, review=Review.REJECTED)
    assert [(one.creative.creative_id, one.advertiser_id) for one in found] == [
        ("cr4", "adv1"),
        ("cr2", "adv2"),
    ]
    assert rejected == []
