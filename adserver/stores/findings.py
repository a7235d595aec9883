"""Findings of invalid traffic: rules over days, and events named one by one.

Never here: what they cost whom (`adserver.accounting`). The one surprising fact: a finding is never
taken back or changed, and it says nothing by itself; a day that is accrued again obeys it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from adserver.stores.revenue_tables import INVALID_EVENTS, INVALID_FINDINGS
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
