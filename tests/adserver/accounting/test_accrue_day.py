"""A day from raw events to money and back: both event stores, both databases, copies everywhere."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from adserver.accounting.ad_reconciliation import reconcile_day
from adserver.accounting.advertising import Accrual, AdDesk, ShrunkDayError, accrue_day
from adserver.accounting.closing import Closings
from adserver.ports import EventStore
from adserver.stores import database, findings, migrations
from adserver.stores.database import connect_url
from affiliate.ad_revenue import Finding
from affiliate.calendar import Period
from affiliate.partner import Subsidy, Terms
from models.domain.event import EventKind
from tests.adserver.accounting.ad_house import CNY, D1, D2, POOL, SHANGHAI, Ads, at
from tests.adserver.eventlog.billed import PRICE, billed, id_of, put
from tests.adserver.eventlog.conftest import clickhouse_database, store
from tests.adserver.stores.sql_databases import database_url

__all__ = ["clickhouse_database", "database_url", "store"]

SEVENTY = Terms(ad_share_ppm=700_000)
PENDING, PREPAID = "partner_pending:p1", "advertiser_prepaid:adv1"
CLICK = EventKind.CLICK


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


NOON_MS = ms(at(D1))


def show(store: EventStore, *numbers: int, at_ms: int = NOON_MS, **offer: Any) -> None:
    put(store, "impressions", [billed(n, at_ms=at_ms, partner_id="p1", **offer) for n in numbers])


@pytest.fixture
def ads(database_url: str) -> Iterator[Ads]:
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    opened = Ads(engine)
    yield opened
    opened.require_sound()
    engine.dispose()


def accrue(ads: Ads, store: EventStore, day: date = D1, **how: Any) -> Accrual:
    return accrue_day(ads.desk, store, day, at(D2), **how)


def equal(ads: Ads, store: EventStore, day: date = D1) -> bool:
    return reconcile_day(ads.desk, store, day).differences == ()


def test_copies_are_paid_once_and_late_events_by_the_difference(
    ads: Ads, store: EventStore
) -> None:
    ads.partner(terms=SEVENTY)
    show(store, *range(10))
    put(store, "clicks", [billed(3, CLICK, at_ms=NOON_MS, charged=300_000, partner_id="p1")])
    accrue(ads, store)
    assert ads.row(D1).share_micros == (10 * PRICE + 300_000) * 7 // 10
    assert equal(ads, store)
    show(store, *range(8, 15))
    assert not equal(ads, store)
    late = accrue(ads, store)
    assert late.transactions == 2
    assert ads.row(D1).share_micros == (15 * PRICE + 300_000) * 7 // 10
    assert ads.row(D1).restated_micros == 5 * PRICE * 7 // 10
    assert equal(ads, store)
    assert accrue(ads, store).transactions == 0


def test_findings_are_deducted_and_late_events_that_fit_a_rule_too(
    ads: Ads, store: EventStore
) -> None:
    ads.partner(terms=Terms(ad_share_ppm=700_000, subsidy=Subsidy(POOL, 100_000)))
    ads.fund(10)
    show(store, *range(10))
    accrue(ads, store)
    with database.writing(ads.engine) as connection:
        rule = Finding("f1", "bots", D1, D2, address_key=7)
        findings.add_rule(connection, rule, at(D2))
        named = Finding("f2", "bought", D1, D1)
        findings.add_events(connection, named, {id_of(1): D1, id_of(2): D1}, at(D2))
    show(store, 10, 11)
    put(store, "impressions", [billed(12, at_ms=NOON_MS, partner_id="p1", address_key=8)])
    accrue(ads, store)
    row = ads.row(D1)
    assert (row.impressions, row.invalid_impressions) == (1, 12)
    assert row.earned == PRICE * 8 // 10
    assert (row.estimated_micros, row.restated_micros, row.invalid_micros) == (
        10 * PRICE * 8 // 10, 3 * PRICE * 8 // 10, 12 * PRICE * 8 // 10,
    )  # fmt: skip
    assert ads.balance(PREPAID) == -PRICE / 1_000_000
    assert equal(ads, store)


def test_a_day_of_25_hours_and_its_neighbours_add_up(ads: Ads, store: EventStore) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    desk = AdDesk(ads.engine, berlin, CNY)
    ads.partner(terms=Terms(ad_share_ppm=1_000_000))
    days = [date(2026, 10, 24), date(2026, 10, 25), date(2026, 10, 26)]
    first = ms(datetime(2026, 10, 24, tzinfo=berlin).astimezone(UTC))
    for hour in range(24 + 25 + 24):
        show(store, hour, at_ms=first + hour * 3_600_000)
    for day in days:
        accrue_day(desk, store, day, at(day))
        assert reconcile_day(desk, store, day).differences == ()
    assert [ads.row(day).impressions for day in days] == [24, 25, 24]
    assert ads.row(days[1]).period == "2026-10"


def test_a_day_restated_after_its_month_was_closed_lands_in_the_open_one(
    ads: Ads, store: EventStore
) -> None:
    ads.partner(terms=SEVENTY)
    show(store, *range(100))
    accrue(ads, store)
    closings = Closings(ads.engine, SHANGHAI)
    closings.close(Period("2026-10"), CNY, at(date(2026, 11, 10)))
    earned = 100 * PRICE * 7 // 10
    assert ads.row(D1).matured_micros == earned
    with database.writing(ads.engine) as connection:
        rule = Finding("f1", "bots", D1, D1, address_key=7)
        findings.add_rule(connection, rule, at(date(2026, 11, 11)))
    accrue_day(ads.desk, store, D1, at(date(2026, 11, 12)))
    invalid = ads.entry("adshare:2026-10-05:app1:pl1:p1:2:invalid")
    assert invalid.period == "2026-11"
    assert dict(invalid.transaction.refs)["late_for"] == "2026-10"
    assert {p.account: p.amount for p in invalid.postings} == {
        "platform_revenue": earned, "partner_clawback:p1": -earned,
    }  # fmt: skip
    assert ads.balance(PENDING) == 0
    returned = ads.entry("adspend:2026-10-05:adv1:2:invalid")
    assert (returned.period, dict(returned.transaction.refs)["late_for"]) == ("2026-11", "2026-10")
    assert equal(ads, store)


def test_late_money_of_a_closed_month_waits_in_pending_of_the_open_one(
    ads: Ads, store: EventStore
) -> None:
    ads.partner(terms=SEVENTY)
    show(store, *range(100))
    accrue(ads, store)
    Closings(ads.engine, SHANGHAI).close(Period("2026-10"), CNY, at(date(2026, 11, 10)))
    show(store, *range(100, 150))
    accrue_day(ads.desk, store, D1, at(date(2026, 11, 12)))
    late = ads.entry("adshare:2026-10-05:app1:pl1:p1:2:share")
    assert late.period == "2026-11"
    assert ads.balance(PENDING) == 50 * PRICE * 7 / 10 / 1_000_000
    assert equal(ads, store)


def test_an_emptied_event_store_takes_nothing_back(ads: Ads, store: EventStore) -> None:
    ads.partner(terms=SEVENTY)
    show(store, *range(5))
    accrue(ads, store)
    before = ads.size()
    with pytest.raises(ShrunkDayError, match="10 were accrued"):
        accrue(ads, _Emptied(store))
    assert ads.size() == before
    found = reconcile_day(ads.desk, _Emptied(store), D1).differences
    assert {one.book for one in found} == {"revenue", "share"}


def test_two_accruals_at_once_post_a_day_once(ads: Ads, store: EventStore) -> None:
    ads.partner(terms=SEVENTY)
    show(store, *range(5))
    start = threading.Barrier(4)

    def arrive(_number: int) -> int:
        start.wait()
        return accrue(ads, store).transactions

    with ThreadPoolExecutor(4) as arrivals:
        posted = sorted(arrivals.map(arrive, range(4)))
    assert posted == [0, 0, 0, 2]
    assert ads.row(D1).share_micros == 5 * PRICE * 7 // 10
    assert equal(ads, store)


class _KilledError(BaseException):
    """Nothing may catch it, as nothing catches SIGKILL."""


def test_an_accrual_killed_at_any_statement_leaves_nothing_and_is_done_again(
    ads: Ads, store: EventStore
) -> None:
    ads.partner(terms=Terms(ad_share_ppm=700_000, subsidy=Subsidy(POOL, 100_000)))
    ads.fund(10)
    show(store, *range(5))
    before, left = ads.size(), 0

    def count_down(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise _KilledError

    event.listen(ads.engine, "before_cursor_execute", count_down)
    killed = 0
    for statement in range(1, 200):
        left = statement
        try:
            accrue(ads, store)
        except _KilledError:
            killed += 1
            left = 0
            assert (ads.size(), ads.rows(D1)) == (before, [])
        else:
            break
    left = 0
    assert killed > 15
    event.remove(ads.engine, "before_cursor_execute", count_down)
    assert ads.size() == before + 3
    assert ads.row(D1).earned == 5 * PRICE * 8 // 10
    assert equal(ads, store)
    assert accrue(ads, store).transactions == 0


class _Emptied:
    """An event store that has lost all its rows."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def query(self, sql: str, parameters: Any = None) -> dict[str, list[Any]]:
        later = {"since": 0, "until": 0}
        return self._store.query(sql, {**(parameters or {}), **later})


def test_days_are_those_of_the_houses_zone(ads: Ads, store: EventStore) -> None:
    ads.partner(terms=SEVENTY)
    midnight = ms(datetime(2026, 10, 6, tzinfo=SHANGHAI))
    show(store, 1, at_ms=midnight - 1)
    show(store, 2, 3, at_ms=midnight)
    assert accrue(ads, store, D1).revenue.size == 2
    assert accrue(ads, store, D1 + timedelta(days=1)).revenue.size == 4
