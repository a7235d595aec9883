"""Holds a day's raw events, its posted revenue, its shares and the ledger against each other.

Never here: a tolerance, or a repair; `accrue` posts what events and rules say. The one surprising
fact: what a fund granted cannot be computed again, because it depended on what was left in it then;
so a subsidy is held against what was asked for, what findings leave of it, and the ledger.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, tzinfo

from sqlalchemy import Connection

from adserver.accounting.ad_shares import Claim, claims_of_day
from adserver.accounting.advertising import AdDesk
from adserver.eventlog.revenue import day_revenue
from adserver.ports import EventStore
from adserver.stores import database, findings, revenue as store
from adserver.stores.revenue import ShareRow
from affiliate.ad_revenue import Cell, DayRevenue
from affiliate.chart_of_accounts import (
    PLATFORM_REVENUE,
    advertiser_prepaid,
    partner_accounts,
    subsidy_pool,
)
from affiliate.revenue_share import Shortfall
from models.domain.ids import PartnerId, PoolId

_COUNTED = [field.name for field in fields(Cell)][5:]
_NOTHING = dict.fromkeys(_COUNTED, 0)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two books that disagree: `expected` follows from the raw events, or from the rows."""

    book: str
    where: str
    what: str
    expected: object
    found: object


@dataclass(frozen=True, slots=True)
class Compared:
    """What was held against each other, and every difference; none is the proof."""

    cells: int
    rows: int
    transactions: int
    differences: tuple[Difference, ...]


def reconcile_day(desk: AdDesk, events: EventStore, day: date) -> Compared:
    """Counts a day from its raw events and compares it with all that was posted of it.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    with database.reading(desk.engine) as connection:
        invalid = findings.invalid_on(connection, day)
    revenue = day_revenue(events, day, desk.zone, invalid)
    with database.reading(desk.engine) as connection:
        return reconcile(connection, revenue, desk.zone, desk.currency)


def reconcile(connection: Connection, revenue: DayRevenue, zone: tzinfo, currency: str) -> Compared:
    """Compares a day that was counted from raw events with all that was posted of it."""
    posted = store.cells_of(connection, revenue.day)
    claims = claims_of_day(connection, revenue, zone, currency)
    day = revenue.day.isoformat()
    rows = [claim.before for claim in claims if claim.before.day == day]
    moved = store.moved_on(connection, revenue.day)
    found = [
        *_cells(revenue, posted),
        *(difference for claim in claims for difference in _shares(claim)),
        *_ledger(posted, rows, moved),
    ]
    return Compared(len(revenue.cells), len(rows), len({key for key, _ in moved}), tuple(found))


def _cells(revenue: DayRevenue, posted: DayRevenue) -> Iterator[Difference]:
    """Raw events against `daily_revenue`."""
    raw = {cell.key: cell for cell in revenue.cells}
    told = {cell.key: cell for cell in posted.cells}
    for key in sorted(raw.keys() | told.keys()):
        expected = _numbers(raw.get(key))
        found = _numbers(told.get(key))
        yield from _unequal("revenue", "/".join(key), expected, found)


def _numbers(cell: Cell | None) -> Mapping[str, object]:
    return {name: getattr(cell, name) for name in _COUNTED} if cell else _NOTHING


def _shares(claim: Claim) -> Iterator[Difference]:
    """What rules make of the raw events against `ad_shares`."""
    row = claim.before
    expected = _expected(claim)
    found = {name: getattr(row, name) for name in expected}
    yield from _unequal("share", "/".join(row.key), expected, found)
    bridge = row.estimated_micros + row.restated_micros - row.invalid_micros
    yield from _unequal("share", "/".join(row.key), {"bridge": row.earned}, {"bridge": bridge})
    if row.drawn.granted > row.drawn.wanted:
        limit = row.drawn.wanted
        yield Difference("share", "/".join(row.key), "granted at most", limit, row.drawn.granted)


def _expected(claim: Claim) -> dict[str, object]:
    row, owed = claim.row, claim.owed
    expected: dict[str, object] = {
        "contract_id": row.contract_id,
        "contract_version": row.contract_version,
        "impressions": row.impressions,
        "revenue_micros": row.revenue_micros,
        "invalid_impressions": row.invalid_impressions,
        "invalid_revenue_micros": row.invalid_revenue_micros,
    }
    if owed is None:
        return expected | dict.fromkeys(("share_micros", "subsidy_micros", "guarantee_micros"), 0)
    closed = claim.before.reason == Shortfall.NOT_ENROLLED
    wanted = 0 if closed else owed.billed.subsidy
    valid = 0 if closed else owed.valid.subsidy
    return expected | {
        "share_micros": owed.valid.share,
        "guarantee_micros": owed.valid.guarantee,
        "invalid_share_micros": owed.billed.share - owed.valid.share,
        "invalid_guarantee_micros": owed.billed.guarantee - owed.valid.guarantee,
        "subsidy_wanted_micros": wanted,
        "subsidy_micros": _subsidy(claim.before, valid),
    }


def _subsidy(row: ShareRow, valid: int) -> int:
    """What was granted as far as it is valid; a fund that was empty may have had less for it."""
    most = min(row.drawn.granted, valid)
    is_short = row.reason in (Shortfall.POOL_EMPTY, Shortfall.CAP_REACHED)
    return min(most, row.subsidy_micros) if is_short else most


Moved = Mapping[tuple[str, str], int]
"""Micros by (a transaction's key, account)."""


def _ledger(posted: DayRevenue, rows: Iterable[ShareRow], moved: Moved) -> Iterator[Difference]:
    """What rows say that the ledger was told against what the ledger has, account by account."""
    expected: Counter[tuple[str, str]] = Counter()
    for cell in posted.cells:
        net = cell.revenue_micros - cell.invalid_micros
        name = f"adspend/{cell.advertiser_id}"
        expected[name, advertiser_prepaid(cell.advertiser_id)] -= net
        expected[name, PLATFORM_REVENUE] += net
    for row in rows:
        name = f"adshare/{'/'.join(row.key[1:])}"
        expected[name, PLATFORM_REVENUE] -= row.share_micros + row.guarantee_micros
        if row.subsidy_micros:
            expected[name, subsidy_pool(PoolId(row.pool_id))] -= row.subsidy_micros
        expected[name, f"partner:{row.partner_id}"] += row.earned
    found: Counter[tuple[str, str]] = Counter()
    for (key, account), amount in moved.items():
        name = _source(key)
        found[name, _one_name(name, account)] += amount
    for name, account in sorted(expected.keys() | found.keys()):
        one, other = expected[name, account], found[name, account]
        if one != other:
            yield Difference("ledger", name, account, one, other)


def _source(key: str) -> str:
    """ "adshare:{day}:{app}:{placement}:{partner}:{revision}:share" as "adshare/app/pl/partner"."""
    kind, _, *names = key.split(":")
    return "/".join((kind, *names[: 3 if kind == "adshare" else 1]))


def _one_name(source: str, account: str) -> str:
    """A partner's accounts under one name: where the money stands is settlement's business."""
    partner = source.rpartition("/")[2]
    own = source.startswith("adshare/") and account in partner_accounts(PartnerId(partner))
    return f"partner:{partner}" if own else account


def _unequal(
    book: str, where: str, expected: Mapping[str, object], found: Mapping[str, object]
) -> Iterator[Difference]:
    for name, value in expected.items():
        if found[name] != value:
            yield Difference(book, where, name, value, found[name])
