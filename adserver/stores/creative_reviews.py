"""The story of each creative's review: handed in, approved, rejected; by whom, why, and as it was.

Never here: who may decide (`adserver.console.creatives`). The one surprising fact: a creative that
was approved and is then changed is published with the landing page that was approved, so that a
late click on it never leads to one that nobody has looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from adserver.marketplace.kinds import kind_of
from adserver.stores.catalog_rows import kept_from_row
from adserver.stores.creative_tables import CREATIVE_REVIEWS
from adserver.stores.tables import CAMPAIGNS, CREATIVES, LINE_ITEMS
from models.domain.campaign import Creative, LandingKind, Review

MOST_WORDS = 1_000
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a creative. `declared` is what its advertiser declared."""

    who: str
    verdict: Review
    reason: str = ""
    words: str = ""
    declared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the story; `number` counts from 1, `creative` is what it was about."""

    creative_id: str
    number: int
    at: datetime
    said: Said
    creative: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A creative that waits, whose it is, and what its advertiser said when it was handed in."""

    creative: Creative
    advertiser_id: str
    entry: Entry | None


def add(connection: Connection, creative: Creative, said: Said, now: datetime) -> None:
    """Adds a line, in the transaction that changes the creative."""
    table = CREATIVE_REVIEWS
    last = select(func.max(table.c.number)).where(table.c.creative_id == creative.creative_id)
    number = (connection.execute(last).scalar_one() or 0) + 1
    row = {
        "creative_id": creative.creative_id,
        "number": number,
        "at": now,
        "who": said.who[:320],
        "verdict": said.verdict.value,
        "reason": said.reason,
        "words": said.words[:MOST_WORDS],
        "declared": list(said.declared),
        "creative": msgspec.to_builtins(creative),
    }
    connection.execute(insert(table).values(row))


def story(connection: Connection, creative_id: str) -> list[Entry]:
    """All lines of a creative, the newest first."""
    table = CREATIVE_REVIEWS
    query = select(table).where(table.c.creative_id == creative_id).order_by(table.c.number.desc())
    return [_entry(row) for row in connection.execute(query)]


def newest(connection: Connection, creative_ids: Iterable[str]) -> dict[str, Entry]:
    """The newest line of each creative that has any."""
    return _newest(connection, list(creative_ids), tuple(Review))


def last_approved(connection: Connection, creative_ids: Iterable[str]) -> dict[str, Entry]:
    """The line in which each creative was last approved, of those that ever were."""
    return _newest(connection, list(creative_ids), (Review.APPROVED,))


def changed_at(connection: Connection, creative_id: str) -> datetime | None:
    """When a creative became what it is; None when there is none of that id."""
    query = select(CREATIVES.c.changed_at).where(CREATIVES.c.creative_id == creative_id)
    return connection.execute(query).scalar_one_or_none()


def waiting(connection: Connection, *, review: Review = Review.PENDING) -> list[Waiting]:
    """The creatives in use that are in this state; those that wait longest first."""
    owner = CAMPAIGNS.c.advertiser_id
    query = (
        select(CREATIVES, owner)
        .join(LINE_ITEMS, LINE_ITEMS.c.line_item_id == CREATIVES.c.line_item_id)
        .join(CAMPAIGNS, CAMPAIGNS.c.campaign_id == LINE_ITEMS.c.campaign_id)
        .where(CREATIVES.c.review == review.value)
        .where(CREATIVES.c.archived_at.is_(None), CREATIVES.c.removed_at.is_(None))
        .order_by(CREATIVES.c.changed_at, CREATIVES.c.creative_id)
    )
    rows = connection.execute(query).mappings().all()
    kind = kind_of(Creative)
    creatives = [kept_from_row(kind, row).entity for row in rows]
    entries = newest(connection, [one.creative_id for one in creatives])
    return [
        Waiting(one, row["advertiser_id"], entries.get(one.creative_id))
        for one, row in zip(creatives, rows, strict=True)
    ]


def with_approved_landing(connection: Connection, creatives: list[Creative]) -> list[Creative]:
    """The creatives with the landing page that was approved, where another one waits."""
    changed = [one.creative_id for one in creatives if one.review is not Review.APPROVED]
    approved = last_approved(connection, changed)
    return [
        _landing_as(one, approved[one.creative_id].creative) if one.creative_id in approved else one
        for one in creatives
    ]


def _landing_as(creative: Creative, approved: dict[str, Any]) -> Creative:
    return replace(
        creative,
        landing_url=approved["landing_url"],
        landing_kind=LandingKind(approved["landing_kind"]),
        fallback_url=approved["fallback_url"],
    )


def _newest(
    connection: Connection, ids: list[str], verdicts: tuple[Review, ...]
) -> dict[str, Entry]:
    table = CREATIVE_REVIEWS
    found: dict[str, Entry] = {}
    for start in range(0, len(ids), _BATCH):
        query = (
            select(table)
            .where(table.c.creative_id.in_(ids[start : start + _BATCH]))
            .where(table.c.verdict.in_([verdict.value for verdict in verdicts]))
            .order_by(table.c.number)
        )
        found |= {row.creative_id: _entry(row) for row in connection.execute(query)}
    return found


def _entry(row: Row[Any]) -> Entry:
    said = Said(row.who, Review(row.verdict), row.reason, row.words, tuple(row.declared))
    return Entry(row.creative_id, row.number, row.at, said, row.creative)
