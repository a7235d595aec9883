"""What befell apps' own ads: their rows, and their sums.

Never here: money; these ads have none. The one surprising fact: a copy of an event is dropped by
readers alone, by its id; no script in Redis is asked, because nobody is paid for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adserver.eventlog.rows import Row
from adserver.ports import EventStore
from models.domain.event import EventKind, Offer, event_id
from models.domain.ids import AppId

TABLE = "house_events"

_SUMS = """
SELECT ad, event, count() AS events
FROM (SELECT event_id, any(house_ad_id) AS ad, any(kind) AS event FROM house_events
      WHERE app_id = %(app)s AND received_ms >= %(since)s AND received_ms < %(until)s
      GROUP BY event_id)
GROUP BY ad, event"""


@dataclass(frozen=True, slots=True)
class HouseCounts:
    """How often a house ad was shown, seen and tapped."""

    impressions: int = 0
    viewables: int = 0
    clicks: int = 0


def house_event_row(offer: Offer, kind: EventKind, received_ms: int) -> Row:
    """The row of an event of a house ad."""
    return (
        event_id(offer.offer_id, kind).bytes,
        received_ms,
        received_ms,
        offer.app_id,
        offer.partner_id,
        offer.placement_id,
        str(offer.format),
        offer.creative_id,
        kind.value,
    )


def house_counts(
    store: EventStore, app_id: AppId, since: datetime, until: datetime
) -> Mapping[str, HouseCounts]:
    """Counts in [since, until) by house ad.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    span = {"since": int(since.timestamp() * 1000), "until": int(until.timestamp() * 1000)}
    rows = store.query(_SUMS, {**span, "app": app_id})
    found: dict[str, dict[str, int]] = {}
    for ad, kind, events in zip(*rows.values(), strict=True):
        found.setdefault(ad, {})[f"{kind}s"] = int(events)
    names = HouseCounts.__slots__
    return {
        ad: HouseCounts(**{name: own.get(name, 0) for name in names}) for ad, own in found.items()
    }
