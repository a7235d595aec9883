"""Billed events as rows of the log, with an arrival and a charge of one's own choosing.

Never here: a test. The one surprising fact: `put` inserts everything twice, as a shipper does that
lost an answer.
"""

from collections.abc import Sequence
from typing import Any

from adserver.eventlog.rows import Row, pack_rows, settled_row, unpack_columns
from adserver.ports import EventStore
from models.domain.event import Booked, EventKind, Tracked, Verdict
from models.domain.money import Micros
from tests.adserver.eventlog.happenings import happening

PRICE = 20_000


def billed(
    number: int,
    kind: EventKind = EventKind.IMPRESSION,
    *,
    at_ms: int,
    charged: int = PRICE,
    address_key: int = 7,
    **offer: Any,
) -> Row:
    """The `number`-th offer's event, arrived at `at_ms` and served then too unless it is said."""
    event = happening(number, kind, **{"served_ms": at_ms, **offer})
    arrived = Tracked(
        event.event_id, event.kind, event.offer, at_ms, at_ms, address_key=address_key
    )
    settled = settled_row(arrived, Booked(Verdict.COUNTED, Micros(charged)))
    assert settled is not None
    return settled[1]


def id_of(number: int, kind: EventKind = EventKind.IMPRESSION) -> str:
    """The id of that event."""
    return str(happening(number, kind).event_id)


def put(store: EventStore, table: str, rows: Sequence[Row]) -> None:
    """Inserts rows, and then the same rows again in a second insert."""
    for _ in range(2):
        store.insert(table, unpack_columns(table, [pack_rows(rows)]))
