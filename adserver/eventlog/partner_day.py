"""What one partner's apps have brought so far on a day that is not accrued yet, from raw events.

Never here: what of it is the partner's (`accounting.ad_shares`). The one surprising fact: it counts
as the accrual of the coming night will: by arrival, each event once, tests left out.
"""

from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from adserver.ports import EventStore
from affiliate.ad_revenue import Cell, begin_of_day
from models.domain.ids import AdvertiserId, AppId, LineItemId, PartnerId, PlacementId
from models.domain.money import Micros

OLDEST_AD = timedelta(days=8)
"""How long before its arrival an event's ad was served: the conversion window, and a day."""
_BILLED = ("impressions", "clicks", "conversions")
_NOBODY = AdvertiserId("")
_NOTHING = LineItemId("")

_SUMS = """
SELECT app, placement, sum(charged > 0) AS events, sum(charged) AS revenue, count() AS seen
FROM (SELECT event_id, any(app_id) AS app, any(placement_id) AS placement,
             any(charged_micros) AS charged
      FROM {table}
      WHERE partner_id = %(partner)s AND test = 0 AND received_ms >= %(since)s
        AND received_ms < %(until)s AND day_at >= toDateTime(%(oldest)s, 'UTC')
      GROUP BY event_id)
GROUP BY app, placement"""


def cells_so_far(
    store: EventStore, partner_id: PartnerId, day: date, zone: tzinfo, now: datetime
) -> tuple[Cell, ...]:
    """Charged events and impressions of a day until now, by app and placement.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    begin = begin_of_day(day, zone)
    span: dict[str, Any] = {
        "partner": partner_id,
        "since": int(begin.timestamp() * 1000),
        "until": int(now.timestamp() * 1000) + 1,
        "oldest": max(0, int((begin - OLDEST_AD).timestamp())),
    }
    found: dict[tuple[str, str], list[int]] = {}
    for table in _BILLED:
        rows = store.query(_SUMS.format(table=table), span)
        for app, placement, events, revenue, seen in zip(*rows.values(), strict=True):
            sums = found.setdefault((app, placement), [0, 0, 0])
            shown = int(seen) if table == "impressions" else 0
            for at, more in enumerate((int(events), int(revenue), shown)):
                sums[at] += more
    return tuple(
        Cell(
            *(_NOBODY, _NOTHING, AppId(app), PlacementId(placement), partner_id),
            events=events,
            revenue_micros=Micros(revenue),
            impressions=seen,
        )
        for (app, placement), (events, revenue, seen) in sorted(found.items())
    )
