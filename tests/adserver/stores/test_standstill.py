"""What is paused, or out of money, is published as not active; late clicks and conversions hold."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adserver import publication
from adserver.accounting.deposits import deposit
from adserver.config import Settings
from adserver.marketplace import package
from adserver.stores import advertiser_money, database, migrations
from adserver.stores.catalog import SqlCatalog
from adserver.stores.catalog_publisher import CatalogPublisher
from adserver.stores.ledger import Journal
from affiliate.chart_of_accounts import advertiser_prepaid
from models.domain.campaign import Advertiser, Campaign, LineItem
from models.domain.ids import AdvertiserId
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from tests import builders
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

NOW = builders.NOW
DAY = "2026-11-18"
ADVERTISER = AdvertiserId("adv1")


class House:
    """A catalog with one running line item, its publisher, and the advertiser's money."""

    def __init__(self, address: str, data_dir: Path) -> None:
        self.engine = database.connect_url(address)
        migrations.upgrade(self.engine)
        self.catalog = SqlCatalog(self.engine)
        self.catalog.replace(builders.marketplace(), NOW)
        self.publisher = CatalogPublisher(self.catalog, Settings(data_dir=data_dir))
        self.now = NOW

    def published(self) -> Marketplace:
        """What workers see a second later."""
        self.now += timedelta(seconds=1)
        self.publisher.look(self.now)
        version = publication.current(self.publisher.root)
        return package.read(self.publisher.root, version or "")

    def runs(self) -> bool:
        seen = self.published()
        return seen.campaigns[0].active and seen.line_items[0].active

    def pay(self, micros: int, key: str) -> None:
        with database.writing(self.engine) as connection:
            journal = Journal(connection, ZoneInfo("Asia/Shanghai"))
            account = advertiser_prepaid(ADVERTISER)
            deposit(journal, account, Micros(micros), currency="CNY", key=key, now=self.now)

    def charge(self, micros: int) -> None:
        with database.writing(self.engine) as connection:
            advertiser_money.put_charges(connection, {(ADVERTISER, DAY): micros}, self.now)


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    made = House(database_url, tmp_path)
    yield made
    made.engine.dispose()


def test_a_paused_line_item_is_published_as_not_active(house: House) -> None:
    assert house.runs()
    house.catalog.edit(LineItem, "li1", lambda one: replace(one, paused=True), NOW)
    assert not house.published().line_items[0].active
    assert house.catalog.get(LineItem, "li1").active
    house.catalog.edit(LineItem, "li1", lambda one: replace(one, paused=False), NOW)
    assert house.runs()


def test_a_paused_campaign_rests_with_all_its_line_items(house: House) -> None:
    house.catalog.edit(Campaign, "cmp1", lambda one: replace(one, paused=True), NOW)
    seen = house.published()
    assert not seen.campaigns[0].active
    assert seen.line_items[0].active


def test_a_prepaid_advertiser_without_money_is_not_shown_but_stays_known(house: House) -> None:
    assert house.runs()
    house.catalog.edit(Advertiser, "adv1", lambda one: replace(one, prepaid=True), NOW)
    seen = house.published()
    assert not seen.campaigns[0].active
    assert seen.advertisers[0].active  # its server may still report conversions


def test_money_that_comes_in_starts_it_and_charges_not_yet_booked_stop_it(house: House) -> None:
    house.catalog.edit(Advertiser, "adv1", lambda one: replace(one, prepaid=True), NOW)
    house.pay(5_000_000, "B1")
    assert house.runs()
    house.charge(4_999_999)
    assert house.runs()
    house.charge(5_000_000)
    assert not house.runs()
    house.pay(1, "B2")
    assert house.runs()


def test_an_advertiser_on_account_runs_below_zero(house: House) -> None:
    house.charge(5_000_000)
    assert house.runs()


def test_nothing_is_published_again_while_nobody_runs_out(house: House) -> None:
    house.catalog.edit(Advertiser, "adv1", lambda one: replace(one, prepaid=True), NOW)
    house.pay(5_000_000, "B1")
    house.published()
    house.charge(1)
    house.now += timedelta(seconds=2)
    assert house.publisher.look(house.now) is None
