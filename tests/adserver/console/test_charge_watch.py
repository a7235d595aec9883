"""What advertisers were charged, kept within seconds, until the ledger has it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from adserver.accounting.advertising import accrue_day
from adserver.console.charge_watch import WHOLE_EVERY, ChargeWatch
from adserver.eventlog.ddl import prepare
from adserver.eventlog.store_chdb import ChdbStore
from adserver.ports import EventStore
from adserver.stores import advertiser_money, database
from adserver.stores.advertiser_money import Purse
from models.domain.event import EventKind
from models.domain.ids import AdvertiserId
from models.domain.money import Micros
from tests import schemas
from tests.adserver.accounting.ad_house import CNY, D1, D2, SHANGHAI, Ads, at
from tests.adserver.eventlog.billed import PRICE, billed, put

OWNER = AdvertiserId("adv1")


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventStore]:
    opened = ChdbStore(tmp_path / "events", "a test")
    prepare(opened)
    yield opened
    opened.close()


@pytest.fixture
def ads(tmp_path: Path) -> Iterator[Ads]:
    engine = database.connect_url(f"sqlite:///{schemas.furnish(tmp_path)}")
    yield Ads(engine)
    engine.dispose()


@pytest.fixture
def watch(ads: Ads, events: EventStore) -> ChargeWatch:
    return ChargeWatch(ads.engine, events, SHANGHAI, timedelta(days=8))


def ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)


def show(events: EventStore, now: datetime, *numbers: int) -> None:
    put(events, "impressions", [billed(n, at_ms=ms(now), advertiser_id=OWNER) for n in numbers])


def purse(ads: Ads) -> Purse:
    with database.reading(ads.engine) as connection:
        return advertiser_money.purses(connection, [OWNER], CNY)[OWNER]


def accrue(ads: Ads, events: EventStore, day: date, now: datetime) -> None:
    accrue_day(ads.desk, events, day, now)


def test_every_event_is_counted_once_and_soon(
    watch: ChargeWatch, events: EventStore, ads: Ads
) -> None:
    watch.look(at(D1, 9))
    assert purse(ads).unbooked == 0
    show(events, at(D1, 9), 1, 2)
    watch.look(at(D1, 9) + timedelta(seconds=1))
    assert purse(ads).left == -2 * PRICE
    show(events, at(D1, 9) + timedelta(seconds=2), 3)
    watch.look(at(D1, 9) + timedelta(seconds=3))
    assert purse(ads).left == -3 * PRICE


def test_a_click_counts_as_well_and_a_test_does_not(
    watch: ChargeWatch, events: EventStore, ads: Ads
) -> None:
    now = at(D1, 9)
    click = billed(1, EventKind.CLICK, at_ms=ms(now), advertiser_id=OWNER)
    put(events, "clicks", [click])
    put(events, "impressions", [billed(2, at_ms=ms(now), advertiser_id=OWNER, test=True)])
    watch.look(now)
    assert purse(ads).unbooked == PRICE


def test_what_the_ledger_takes_over_is_counted_by_it_alone(
    watch: ChargeWatch, events: EventStore, ads: Ads
) -> None:
    show(events, at(D1, 23), 1, 2)
    show(events, at(D2, 0) + timedelta(minutes=5), 3)
    now = at(D2, 0) + timedelta(minutes=6)
    watch.look(now)
    assert purse(ads) == Purse(unbooked=Micros(3 * PRICE), counted_at=now)
    assert purse(ads).left == -3 * PRICE
    accrue(ads, events, D1, now + timedelta(minutes=10))
    assert purse(ads).booked == -2 * PRICE
    assert purse(ads).left == -3 * PRICE
    watch.look(now + timedelta(minutes=11))
    assert purse(ads).left == -3 * PRICE


def test_what_comes_late_to_a_booked_day_counts_until_it_is_booked(
    watch: ChargeWatch, events: EventStore, ads: Ads
) -> None:
    show(events, at(D1, 23), 1)
    watch.look(at(D2, 0) + timedelta(minutes=50))
    accrue(ads, events, D1, at(D2, 1))
    show(events, at(D1, 22), 2)
    watch.look(at(D2, 1) + timedelta(minutes=1))  # too old for the quick look
    assert purse(ads).left == -PRICE
    watch.look(at(D2, 1) + WHOLE_EVERY)
    assert purse(ads).left == -2 * PRICE
    accrue(ads, events, D1, at(D2, 3))
    assert (purse(ads).booked, purse(ads).unbooked) == (-2 * PRICE, 0)


def test_days_that_the_ledger_has_are_forgotten_after_a_while(
    watch: ChargeWatch, events: EventStore, ads: Ads
) -> None:
    show(events, at(D1, 9), 1)
    watch.look(at(D1, 10))
    for days in range(8):
        accrue(ads, events, D1 + timedelta(days=days), at(D1 + timedelta(days=days + 1), 1))
    watch.look(at(D1 + timedelta(days=8), 10))
    with database.reading(ads.engine) as connection:
        assert advertiser_money.kept_charges(connection) == {}
    assert purse(ads).left == -PRICE


def test_a_new_console_counts_again_what_the_old_one_knew(
    watch: ChargeWatch, events: EventStore, ads: Ads
) -> None:
    show(events, at(D1, 9), 1, 2)
    watch.look(at(D1, 12))
    again = ChargeWatch(ads.engine, events, SHANGHAI, timedelta(days=8))
    again.look(at(D1, 13))
    assert purse(ads).left == -2 * PRICE


def test_charges_by_day_are_the_higher_of_what_is_booked_and_what_was_counted(
    watch: ChargeWatch, events: EventStore, ads: Ads
) -> None:
    show(events, at(D1, 9), 1, 2)
    accrue(ads, events, D1, at(D2, 1))
    show(events, at(D2, 2), 3)
    watch.look(at(D2, 2))
    with database.reading(ads.engine) as connection:
        found = advertiser_money.charged_by_day(connection, OWNER, D1.isoformat())
    assert found == {D1.isoformat(): 2 * PRICE, D2.isoformat(): PRICE}


def test_more_advertisers_than_a_statement_takes_parameters_have_their_purses(ads: Ads) -> None:
    owners = [AdvertiserId(f"many{number}") for number in range(40_000)] + [OWNER]
    with database.writing(ads.engine) as connection:
        charged = {("many0", D1.isoformat()): 7, ("adv1", D1.isoformat()): 9}
        advertiser_money.put_charges(connection, charged, at(D2))
        found = advertiser_money.purses(connection, owners, CNY)
    assert len(found) == 40_001
    assert [found[one].left for one in (owners[0], owners[1], OWNER)] == [-7, 0, -9]
