"""What an advertiser has left: the ledger's balance less what the ledger has not been told yet.

Never here: counting the event log (`adserver.console.charge_watch`). The one surprising fact: the
ledger is charged a day at a time, after the day, so charges of the days that it lacks are kept in
`advertiser_charges`; the row that says that a day was accrued is what ends their counting, in the
same transaction that charges the ledger.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from adserver.stores.advertiser_tables import ADVERTISER_CHARGES
from adserver.stores.ledger_tables import LEDGER_BALANCES
from adserver.stores.revenue_tables import DAILY_REVENUE, REVENUE_DAYS
from adserver.stores.tables import ADVERTISERS
from affiliate.chart_of_accounts import advertiser_prepaid
from models.domain.ids import AdvertiserId
from models.domain.money import NO_MONEY, Micros

Charge = tuple[str, str]
"""(advertiser, day in the house's zone)."""
_AT_ONCE = 1_000  # databases take some ten thousands of parameters in a statement, and no more


@dataclass(frozen=True, slots=True)
class Purse:
    """`booked` is the ledger's balance, `unbooked` what was charged since and is not in it yet.

    `counted_at` is when the unbooked charges last changed, None when there never were any.
    """

    booked: Micros = NO_MONEY
    unbooked: Micros = NO_MONEY
    counted_at: datetime | None = None

    @property
    def left(self) -> Micros:
        """What can still be spent; below zero when a few ads too many were shown."""
        return Micros(self.booked - self.unbooked)


def purses(
    connection: Connection, advertisers: Collection[AdvertiserId], currency: str
) -> dict[AdvertiserId, Purse]:
    """What each of these has left, all at one moment; however many they are."""
    every = list(advertisers)
    found: dict[AdvertiserId, Purse] = {}
    for start in range(0, len(every), _AT_ONCE):
        found |= _purses(connection, every[start : start + _AT_ONCE], currency)
    return found


def _purses(
    connection: Connection, advertisers: Collection[AdvertiserId], currency: str
) -> dict[AdvertiserId, Purse]:
    booked = _booked(connection, advertisers, currency)
    unbooked, counted_at = _unbooked(connection, advertisers)
    return {
        one: Purse(booked.get(one, NO_MONEY), Micros(unbooked[one]), counted_at.get(one))
        for one in advertisers
    }


def exhausted(connection: Connection, currency: str) -> frozenset[AdvertiserId]:
    """The prepaid advertisers with nothing left; they are not shown."""
    query = select(ADVERTISERS.c.advertiser_id).where(
        ADVERTISERS.c.prepaid, ADVERTISERS.c.archived_at.is_(None)
    )
    prepaid = [AdvertiserId(one) for one in connection.execute(query).scalars()]
    found = purses(connection, prepaid, currency) if prepaid else {}
    return frozenset(one for one, purse in found.items() if purse.left <= 0)


def charged_by_day(connection: Connection, advertiser_id: str, since: str) -> dict[str, Micros]:
    """Micros charged by day of the house since `since` (an ISO date), as last counted or booked."""
    day, own = DAILY_REVENUE.c, ADVERTISER_CHARGES.c
    booked = (
        select(day.day, func.sum(day.revenue_micros))
        .where(day.advertiser_id == advertiser_id, day.day >= since)
        .group_by(day.day)
    )
    counted = select(own.day, own.charged_micros).where(
        own.advertiser_id == advertiser_id, own.day >= since
    )
    found = {str(on): int(micros) for on, micros in connection.execute(booked)}
    for on, micros in connection.execute(counted):
        found[on] = max(found.get(on, 0), int(micros))
    return {on: Micros(found[on]) for on in sorted(found)}


def put_charges(connection: Connection, charged: Mapping[Charge, int], now: datetime) -> None:
    """Takes the place of what was kept; what has not changed keeps its `counted_at`."""
    known = kept_charges(connection)
    changed = [
        {"advertiser_id": who, "day": day, "charged_micros": micros, "counted_at": now}
        for (who, day), micros in charged.items()
        if known.get((who, day)) != micros
    ]
    if changed:
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(ADVERTISER_CHARGES)
        names = ("charged_micros", "counted_at")
        change = statement.on_conflict_do_update(
            index_elements=["advertiser_id", "day"],
            set_={name: statement.excluded[name] for name in names},
        )
        connection.execute(change, changed)


def drop_charges_before(connection: Connection, day: str) -> None:
    """Forgets days before `day` that the ledger has."""
    own = ADVERTISER_CHARGES.c
    accrued = select(REVENUE_DAYS.c.day)
    connection.execute(delete(ADVERTISER_CHARGES).where(own.day < day, own.day.in_(accrued)))


def kept_charges(connection: Connection) -> dict[Charge, int]:
    """All that is kept."""
    own = ADVERTISER_CHARGES.c
    rows = connection.execute(select(own.advertiser_id, own.day, own.charged_micros))
    return {(who, day): int(micros) for who, day, micros in rows}


def _booked(
    connection: Connection, advertisers: Collection[AdvertiserId], currency: str
) -> dict[AdvertiserId, Micros]:
    accounts = {advertiser_prepaid(one): one for one in advertisers}
    table = LEDGER_BALANCES.c
    query = select(table.account, table.posted).where(
        table.currency == currency, table.account.in_(accounts)
    )
    return {accounts[name]: Micros(posted) for name, posted in connection.execute(query)}


def _unbooked(
    connection: Connection, advertisers: Collection[AdvertiserId]
) -> tuple[Counter[AdvertiserId], dict[AdvertiserId, datetime]]:
    """Charges of days that nobody accrued, and what came to accrued days since."""
    own, booked = ADVERTISER_CHARGES.c, REVENUE_DAYS.c
    query = (
        select(own.advertiser_id, own.day, own.charged_micros, own.counted_at, booked.accrued_at)
        .select_from(ADVERTISER_CHARGES)
        .join(REVENUE_DAYS, own.day == booked.day, isouter=True)
        .where(own.advertiser_id.in_(advertisers))
    )
    sums: Counter[AdvertiserId] = Counter()
    latest: dict[AdvertiserId, datetime] = {}
    again: dict[Charge, int] = {}
    for who, day, micros, counted_at, accrued_at in connection.execute(query):
        latest[who] = max(latest.get(who, counted_at), counted_at)
        if accrued_at is None:
            sums[who] += micros
        elif counted_at > accrued_at:
            again[who, day] = micros
    for key, micros in _posted(connection, again).items():
        again[key] -= micros
    for (who, _), micros in again.items():
        sums[AdvertiserId(who)] += max(0, micros)
    return sums, latest


def _posted(connection: Connection, keys: Collection[Charge]) -> dict[Charge, int]:
    if not keys:
        return {}
    day = DAILY_REVENUE.c
    query = (
        select(day.advertiser_id, day.day, func.sum(day.revenue_micros))
        .where(tuple_(day.advertiser_id, day.day).in_(list(keys)))
        .group_by(day.advertiser_id, day.day)
    )
    return {(who, on): int(micros) for who, on, micros in connection.execute(query)}
