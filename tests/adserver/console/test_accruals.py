"""The console's own accruals: every day once it has ended, and again for late events."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from adserver.console.accruals import RECOUNT_EVERY, REFUSED, Accruals
from adserver.eventlog.ddl import prepare
from adserver.eventlog.store_chdb import ChdbStore
from adserver.ports import EventStore
from adserver.stores.database import connect_url
from affiliate.partner import Terms
from tests import schemas
from tests.adserver.accounting.ad_house import CNY, D1, D2, D3, SHANGHAI, Ads, cell
from tests.adserver.eventlog.billed import billed, put

PENDING = "partner_pending:p1"


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventStore]:
    opened = ChdbStore(tmp_path / "events", "a test")
    prepare(opened)
    yield opened
    opened.close()


@pytest.fixture
def ads(tmp_path: Path) -> Iterator[Ads]:
    engine = connect_url(f"sqlite:///{schemas.furnish(tmp_path)}")
    opened = Ads(engine)
    opened.partner(terms=Terms(ad_share_ppm=1_000_000))
    yield opened
    engine.dispose()


@pytest.fixture
def accruals(ads: Ads, events: EventStore) -> Accruals:
    return Accruals(ads.engine, events, SHANGHAI, CNY)


def show(events: EventStore, day: date, *numbers: int) -> None:
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI).timestamp() * 1000)
    put(events, "impressions", [billed(n, at_ms=noon, partner_id="p1") for n in numbers])


def midnight(day: date, minutes: int = 0) -> datetime:
    begin = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    return begin + timedelta(minutes=minutes)


def days(accruals: Accruals, now: datetime) -> list[date]:
    return [done.revenue.day for done in accruals.look(now)]


def test_an_empty_log_has_nothing_to_accrue(accruals: Accruals) -> None:
    assert accruals.look(midnight(D2, 60)) == []


def test_a_day_is_accrued_ten_minutes_after_it_has_ended(
    accruals: Accruals, events: EventStore
) -> None:
    show(events, D1, 1, 2)
    assert days(accruals, midnight(D1, 23 * 60)) == []
    assert days(accruals, midnight(D2, 9)) == []
    assert days(accruals, midnight(D2, 10)) == [D1]
    assert days(accruals, midnight(D2, 11)) == []


def test_a_console_that_was_away_catches_up_with_every_day(
    accruals: Accruals, events: EventStore, ads: Ads
) -> None:
    for number in range(6):
        show(events, D1 + timedelta(days=number), number)
    ads.accrue(D2)
    ten_days_later = midnight(D1 + timedelta(days=10))
    assert days(accruals, ten_days_later) == [
        D1, *(D1 + timedelta(days=number) for number in range(2, 6)),
    ]  # fmt: skip


def test_late_events_of_the_last_days_are_found_within_an_hour(
    accruals: Accruals, events: EventStore, ads: Ads
) -> None:
    show(events, D1, 1)
    now = midnight(D2, 10)
    assert days(accruals, now) == [D1]
    show(events, D1, 2)
    assert days(accruals, now + timedelta(minutes=59)) == []
    assert days(accruals, now + RECOUNT_EVERY) == [D1]
    show(events, D1, 3)
    assert days(accruals, midnight(D1 + timedelta(days=3), 11)) == [D1]
    assert ads.balance(PENDING) == 0.06


def test_a_day_that_cannot_be_accrued_is_told_and_the_others_are(
    accruals: Accruals, events: EventStore, ads: Ads, caplog: pytest.LogCaptureFixture
) -> None:
    show(events, D1, 1)
    show(events, D2, 2)
    ads.accrue(D1, cell(5))
    before = REFUSED._value.get()
    assert days(accruals, midnight(D3, 10)) == [D2]
    assert REFUSED._value.get() == before + 1
    assert "2026-10-05 is not accrued: the event log has 2 events" in caplog.text


def test_a_stopped_console_begins_no_further_day(accruals: Accruals, events: EventStore) -> None:
    show(events, D1, 1)
    accruals.stop()
    assert days(accruals, midnight(D2, 10)) == []
