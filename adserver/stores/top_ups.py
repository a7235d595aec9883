"""Top-ups in the SQL database: money that an advertiser says it sends, until an operator decides.

Never here: the money itself (`adserver.accounting.top_ups`), or commits; every function works on
somebody's open transaction. The one surprising fact: `locked` is what makes a decision happen once.
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, func, insert, or_, select, update

from adserver.stores.advertiser_tables import TOP_UPS
from models.domain.ids import AdvertiserId
from models.domain.money import Micros


class TopUpStatus(StrEnum):
    """Only ASKED may become another one."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class TopUp:
    """Money that an advertiser announces. `reference` is the bank's number once it has come.

    `decided_by` is "" and `decided_at` None while it waits; `reason` says why it was refused.
    """

    top_up_id: str
    advertiser_id: AdvertiserId
    amount_micros: Micros
    currency: str
    asked_by: str
    asked_at: datetime
    note: str = ""
    status: TopUpStatus = TopUpStatus.ASKED
    decided_by: str = ""
    decided_at: datetime | None = None
    reference: str = ""
    reason: str = ""


_NAMES = tuple(one.name for one in fields(TopUp))


def make_top_up_id() -> str:
    """An id such as "tu_9f86d081884c7d65"."""
    return f"tu_{secrets.token_hex(8)}"


def add(connection: Connection, top_up: TopUp) -> None:
    """Keeps a new one."""
    connection.execute(insert(TOP_UPS).values(_columns(asdict(top_up))))


def find(connection: Connection, top_up_id: str, *, locked: bool = False) -> TopUp | None:
    """One top-up, None when there is none. `locked`: nobody else decides until the commit."""
    query = select(TOP_UPS).where(TOP_UPS.c.top_up_id == top_up_id)
    found = _found(connection, query.with_for_update() if locked else query)
    return found[0] if found else None


def decide(connection: Connection, top_up: TopUp) -> None:
    """Keeps what became of it."""
    columns = _columns(asdict(top_up))
    connection.execute(
        update(TOP_UPS).where(TOP_UPS.c.top_up_id == top_up.top_up_id).values(columns)
    )


def waiting(
    connection: Connection, limit: int | None, after: tuple[datetime, str] | None = None
) -> list[TopUp]:
    """Those that nobody has decided, the oldest first, at most `limit` of them.

    `after` is the (asked_at, id) of the last one seen.
    """
    table = TOP_UPS.c
    query = select(TOP_UPS).where(table.status == TopUpStatus.ASKED.value)
    if after is not None:
        at, top_up_id = after
        same = and_(table.asked_at == at, table.top_up_id > top_up_id)
        query = query.where(or_(table.asked_at > at, same))
    return _found(connection, query.order_by(table.asked_at, table.top_up_id).limit(limit))


def of_advertiser(
    connection: Connection,
    advertiser_id: AdvertiserId,
    limit: int,
    after: tuple[datetime, str] | None = None,
) -> list[TopUp]:
    """An advertiser's, the latest first; `after` is the (asked_at, id) of the last one seen."""
    table = TOP_UPS.c
    query = select(TOP_UPS).where(table.advertiser_id == advertiser_id)
    if after is not None:
        at, top_up_id = after
        same = and_(table.asked_at == at, table.top_up_id < top_up_id)
        query = query.where(or_(table.asked_at < at, same))
    order = (table.asked_at.desc(), table.top_up_id.desc())
    return _found(connection, query.order_by(*order).limit(limit))


def count_waiting(connection: Connection, advertiser_id: str = "") -> int:
    """How many wait for a decision, of one advertiser where given."""
    table = TOP_UPS.c
    query = select(func.count()).where(table.status == TopUpStatus.ASKED.value)
    if advertiser_id:
        query = query.where(table.advertiser_id == advertiser_id)
    return int(connection.execute(query).scalar_one())


def confirmed_under(connection: Connection, advertiser_id: str, reference: str) -> str:
    """The top-up of the advertiser that was confirmed under this reference, "" for none."""
    table = TOP_UPS.c
    query = select(table.top_up_id).where(
        table.advertiser_id == advertiser_id,
        table.reference == reference,
        table.status == TopUpStatus.CONFIRMED.value,
    )
    return str(connection.execute(query.limit(1)).scalar() or "")


def _found(connection: Connection, query: Select[Any]) -> list[TopUp]:
    rows = connection.execute(query).mappings()
    return [msgspec.convert({name: row[name] for name in _NAMES}, TopUp) for row in rows]


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v.value if isinstance(v, StrEnum) else v for n, v in values.items()}
