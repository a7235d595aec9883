"""Findings of invalid traffic: rules over days, and events named one by one.

Never here: what they cost whom (`adserver.accounting`). The one surprising fact: a finding is never
taken back or changed, and it says nothing by itself; a day that is accrued again obeys it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from adserver.stores.revenue_tables import (
    AD_SHARES,
    DAILY_REVENUE,
    INVALID_EVENTS,
    INVALID_FINDINGS,
)
from affiliate.ad_revenue import Finding, Invalid

_AT_ONCE = 1_000


def invalid_on(connection: Connection, day: date) -> Invalid:
    """What findings say of a day."""
    table, on = INVALID_FINDINGS.c, day.isoformat()
    query = select(INVALID_FINDINGS).where(
        table.first_day <= on, table.last_day >= on, table.by_id == 0
    )
    named = select(INVALID_EVENTS.c.event_id).where(INVALID_EVENTS.c.day == on)
    return Invalid(
        tuple(_finding(row) for row in connection.execute(query).mappings()),
        frozenset(connection.execute(named).scalars()),
    )


def named_by(connection: Connection, finding_id: str, day: date) -> frozenset[str]:
    """The events of a day that a finding names one by one."""
    table = INVALID_EVENTS.c
    query = select(table.event_id).where(
        table.finding_id == finding_id, table.day == day.isoformat()
    )
    return frozenset(connection.execute(query).scalars())


def all_findings(connection: Connection) -> list[tuple[Finding, int, datetime]]:
    """Every finding with how many events it names one by one (0: a rule), the latest first."""
    table = INVALID_FINDINGS
    query = select(table).order_by(table.c.found_at.desc(), table.c.finding_id)
    rows = connection.execute(query).mappings()
    return [(_finding(row), row["by_id"], row["found_at"]) for row in rows]


def find(connection: Connection, finding_id: str) -> tuple[Finding, int, datetime] | None:
    """One finding, as in `all_findings`; None when there is none."""
    query = select(INVALID_FINDINGS).where(INVALID_FINDINGS.c.finding_id == finding_id)
    row = connection.execute(query).mappings().one_or_none()
    return (_finding(row), row["by_id"], row["found_at"]) if row else None


def money_around(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """What the books have of all days, apps, placements and line items of each finding.

    Impressions and those found invalid; micros charged, and of them found invalid; micros that
    partners had, and of them taken back. The first two are of all findings that meet there.
    """
    found: dict[str, tuple[int, ...]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        charged, earned = _charged(connection, some), _earned(connection, some)
        found |= {one: charged.get(one, (0,) * 4) + earned.get(one, (0,) * 2) for one in some}
    return found


def _charged(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, ...]]:
    cell = DAILY_REVENUE.c
    sums = (cell.impressions, cell.invalid_impressions, cell.revenue_micros, cell.invalid_micros)
    there = _meets(cell, ("app_id", "placement_id", "line_item_id"))
    return _summed(connection, ids, sums, there)


def _earned(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, ...]]:
    share = AD_SHARES.c
    sums = (share.estimated_micros + share.restated_micros, share.invalid_micros)
    return _summed(connection, ids, sums, _meets(share, ("app_id", "placement_id")))


def _meets(columns: Any, names: tuple[str, ...]) -> ColumnElement[bool]:
    table = INVALID_FINDINGS.c
    named = (or_(table[name] == "", table[name] == columns[name]) for name in names)
    return and_(columns.day.between(table.first_day, table.last_day), *named)


def _summed(
    connection: Connection,
    ids: Sequence[str],
    sums: tuple[ColumnElement[int], ...],
    there: ColumnElement[bool],
) -> dict[str, tuple[int, ...]]:
    """The sums of all rows that a finding meets, by finding; those without a row are not there."""
    own = INVALID_FINDINGS.c.finding_id
    cells = sums[-1].table
    query = (
        select(own, *(func.sum(one) for one in sums))
        .select_from(INVALID_FINDINGS.join(cells, there))
        .where(own.in_(ids))
        .group_by(own)
    )
    rows = connection.execute(query)
    return {row[0]: tuple(int(value) for value in row[1:]) for row in rows}


def add_rule(connection: Connection, finding: Finding, now: datetime) -> None:
    """Keeps a rule."""
    _add(connection, finding, 0, now)


def add_events(
    connection: Connection, finding: Finding, events: Mapping[str, date], now: datetime
) -> int:
    """Keeps events (lower-case UUIDs with the days of their arrival); answers how many were new."""
    known = set(_known(connection, events))
    fresh = [
        {"event_id": event_id, "day": day.isoformat(), "finding_id": finding.finding_id}
        for event_id, day in sorted(events.items())
        if event_id not in known
    ]
    if fresh:
        _add(connection, finding, len(fresh), now)
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(INVALID_EVENTS).on_conflict_do_nothing(), fresh)
    return len(fresh)


def _known(connection: Connection, event_ids: Iterable[str]) -> Iterator[str]:
    ids = sorted(event_ids)
    for start in range(0, len(ids), _AT_ONCE):
        some = INVALID_EVENTS.c.event_id.in_(ids[start : start + _AT_ONCE])
        yield from connection.execute(select(INVALID_EVENTS.c.event_id).where(some)).scalars()


def _add(connection: Connection, finding: Finding, by_id: int, now: datetime) -> None:
    row = {
        "finding_id": finding.finding_id,
        "reason": finding.reason,
        "first_day": finding.first_day.isoformat(),
        "last_day": finding.last_day.isoformat(),
        "app_id": finding.app_id,
        "placement_id": finding.placement_id,
        "line_item_id": finding.line_item_id,
        "address_key": finding.address_key,
        "by_id": by_id,
        "found_at": now,
    }
    connection.execute(insert(INVALID_FINDINGS), [row])


def _finding(row: RowMapping) -> Finding:
    return Finding(
        row["finding_id"],
        row["reason"],
        date.fromisoformat(row["first_day"]),
        date.fromisoformat(row["last_day"]),
        row["app_id"],
        row["placement_id"],
        row["line_item_id"],
        row["address_key"],
    )
