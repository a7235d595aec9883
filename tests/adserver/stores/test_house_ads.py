"""Apps' own ads that wait, a page at a time: the same on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from adserver.stores import house_ads, migrations
from adserver.stores.database import connect_url, writing
from adserver.stores.house_ads import HouseAd
from models.domain.campaign import Review
from models.domain.placement import Format
from tests import builders
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

NOW = builders.NOW
AD = HouseAd(
    house_ad_id="ha_0", app_id="app1", format=Format.BANNER, w=640, h=100, title="Version 2",
    description="", cta="", landing_url="https://a.example/", asset_url="", asset_mime="",
    asset_bytes=0, asset_sha256="", review=Review.PENDING, review_reason="", active=True,
    changed_at=NOW,
)  # fmt: skip


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = connect_url(database_url)
    migrations.upgrade(opened)
    yield opened
    opened.dispose()


def test_those_that_wait_are_read_behind_the_last_one_seen(engine: Engine) -> None:
    """They come in pairs at one moment; what was judged or taken back is not among them."""
    every = [
        replace(AD, house_ad_id=f"ha_{number}", changed_at=NOW + timedelta(seconds=number // 2))
        for number in range(5)
    ]
    with writing(engine) as connection:
        for one in every[::-1]:
            house_ads.add(connection, one)
        house_ads.add(connection, replace(AD, house_ad_id="ha_8", review=Review.REJECTED))
        house_ads.add(connection, replace(AD, house_ad_id="ha_9", active=False))
        assert house_ads.waiting(connection) == every
        assert house_ads.waiting(connection, 3) == every[:3]
        for seen, one in enumerate(every, 1):
            place = one.changed_at, one.house_ad_id
            assert house_ads.waiting(connection, 2, place) == every[seen : seen + 2]
        assert house_ads.count_waiting(connection) == len(every)
