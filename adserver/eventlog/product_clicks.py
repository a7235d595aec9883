"""Clicks that led to products: counted for the ranking of hot products, found for their sales.

Never here: what they are worth (`affiliate.hot_products`). The one surprising fact: clicks on ads
are found by their line item, because the log of beacons knows no products.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from uuid import UUID

from adserver.eventlog.queries import delivery
from adserver.ports import EventStore
from affiliate.hot_products import NO_SIGNALS, Key, Signals
from models.domain.ids import LineItemId, MerchantId, Sku

_LINK_CLICKS = """
SELECT merchant_id, sku, count() AS clicks
FROM (SELECT event_id, any(merchant_id) AS merchant_id, any(sku) AS sku, any(invalid) AS invalid
      FROM link_clicks
      WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s GROUP BY event_id)
WHERE sku != '' AND invalid = '' GROUP BY merchant_id, sku"""

_CELLS = """
SELECT toString(event_id) AS id, any(creative_id) AS creative, any(placement_id) AS placement
FROM clicks WHERE toString(event_id) IN %(ids)s AND served_ms >= %(since)s GROUP BY id"""
_IDS_AT_ONCE = 2_000


def product_signals(
    store: EventStore, promoting: Mapping[LineItemId, Key], since_ms: int, until_ms: int
) -> dict[Key, Signals]:
    """Impressions and clicks in [since_ms, until_ms) by product; `orders` are 0.

    `promoting` says which line item promotes which product. Doubtful clicks do not count.
    """
    found: dict[Key, Signals] = {}
    for line_item, delivered in delivery(store, since_ms, until_ms).items():
        if line_item in promoting:
            key = promoting[line_item]
            clicks = delivered.clicks
            seen = Signals(delivered.impressions, ad_clicks=clicks, clicks=clicks)
            found[key] = found.get(key, NO_SIGNALS) + seen
    for key, clicks in _link_clicks(store, since_ms, until_ms).items():
        found[key] = found.get(key, NO_SIGNALS) + Signals(clicks=clicks)
    return found


def _link_clicks(store: EventStore, since_ms: int, until_ms: int) -> Counter[Key]:
    columns = store.query(_LINK_CLICKS, {"since": since_ms, "until": until_ms})
    counts: Counter[Key] = Counter()
    for merchant_id, sku, clicks in zip(*columns.values(), strict=True):
        counts[MerchantId(merchant_id), Sku(sku)] = int(clicks)
    return counts


def cells_of(
    store: EventStore, click_ids: Collection[str], since_ms: int
) -> dict[str, tuple[str, str]]:
    """The creative and the placement of clicks on ads served since then, by their 32 hex digits."""
    found = {}
    waiting = iter(sorted(str(UUID(one)) for one in click_ids if _is_event_id(one)))
    for ids in _batches(waiting):
        columns = store.query(_CELLS, {"ids": ids, "since": since_ms})
        for click, creative, placement in zip(*columns.values(), strict=True):
            found[UUID(click).hex] = creative, placement
    return found


def _batches(ids: Iterator[str]) -> Iterator[tuple[str, ...]]:
    while batch := tuple(islice(ids, _IDS_AT_ONCE)):
        yield batch


def _is_event_id(text: str) -> bool:
    try:
        return UUID(text).hex == text
    except ValueError:
        return False
