"""Clicks on affiliate links in the event log: a touch as a row, and rows as touches again.

Never here: attribution (`affiliate`). The one surprising fact: a click that was answered a moment
ago may still be in its worker's outbox, so an order that names its click id is believed by the
receipt and not by this log.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from adserver.eventlog.rows import Row
from adserver.ports import EventStore
from affiliate.order import Touch, TouchKind
from models.domain.ids import LinkCode, MerchantId, PartnerId, Sku

TABLE = "link_clicks"
REFS_AT_ONCE = 2_000  # a statement of them stays far below what a store reads
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_TOUCHES = """
SELECT toString(event_id) AS id, occurred_ms, partner_id, merchant_id, sku, link_code,
       sub1, sub2, sub3, sub4, sub5, customer_ref, invalid
FROM link_clicks
WHERE customer_ref IN %(refs)s AND occurred_ms >= %(since)s AND occurred_ms <= %(until)s{merchants}
ORDER BY occurred_ms, event_id
LIMIT 1 BY event_id"""


def link_click_row(touch: Touch, received_ms: int, address_key: int = 0, source: str = "") -> Row:
    """The `link_clicks` row of a touch whose id is 16 bytes in hex, as all that we make are."""
    return (
        UUID(touch.touch_id).bytes,
        max((touch.clicked_at - _EPOCH) // _MILLISECOND, 0),
        received_ms,
        touch.partner_id,
        touch.merchant_id,
        touch.sku,
        touch.link_code,
        *touch.subs,
        touch.customer_ref,
        address_key,
        touch.invalid,
        source,
    )


def touches_of(
    store: EventStore,
    merchant_ids: Collection[MerchantId],
    customer_refs: Collection[str],
    since_ms: int,
    until_ms: int,
) -> list[Touch]:
    """The clicks of customers in [since_ms, until_ms], both ends included, each once.

    Only those that led to the given merchants, or to any where none is given. Oldest first for each
    2,000 customers; an empty reference is nobody.

    Raises:
        StoreAwayError: the store does not answer.
    """
    within = " AND merchant_id IN %(merchants)s" if merchant_ids else ""
    span: dict[str, Any] = {"since": since_ms, "until": until_ms}
    span["merchants"] = tuple(sorted(merchant_ids))
    found: list[Touch] = []
    for refs in _batches({ref for ref in customer_refs if ref}):
        rows = store.query(_TOUCHES.format(merchants=within), span | {"refs": refs})
        found += [_touch(*values) for values in zip(*rows.values(), strict=True)]
    return found


def _batches(refs: Collection[str]) -> Iterator[tuple[str, ...]]:
    waiting = iter(sorted(refs))
    while batch := tuple(islice(waiting, REFS_AT_ONCE)):
        yield batch


def _touch(event_id: str, occurred_ms: int, *texts: str) -> Touch:
    partner, merchant, sku, code, sub1, sub2, sub3, sub4, sub5, customer_ref, invalid = texts
    return Touch(
        touch_id=UUID(event_id).hex,
        kind=TouchKind.LINK,
        clicked_at=_EPOCH + int(occurred_ms) * _MILLISECOND,
        partner_id=PartnerId(partner),
        merchant_id=MerchantId(merchant),
        sku=Sku(sku),
        link_code=LinkCode(code),
        subs=(sub1, sub2, sub3, sub4, sub5),
        customer_ref=customer_ref,
        invalid=invalid,
    )
