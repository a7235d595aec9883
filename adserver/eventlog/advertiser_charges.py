"""What advertisers were charged by quarter of an hour: money of days that are not in the books yet.

Never here: the books (`eventlog.revenue` counts a day for them). The one surprising fact: a quarter
is that of the event's *arrival*, as a day of the books is; every zone's midnight begins one.
"""

from collections import Counter
from datetime import timedelta

from adserver.eventlog.revenue import BILLED_TABLES
from adserver.ports import EventStore

QUARTER_MS = 900_000
MOSTLY_SERVED = timedelta(days=2)
"""Impressions and clicks arrive within hours of their ad; what does not, the books find."""
CLOCKS_APART_S = 86_400

# A copy is the same to the byte, so any() of it is it.
_SUMS = """
SELECT advertiser, quarter, sum(charged) AS micros
FROM (SELECT event_id, any(advertiser_id) AS advertiser, any(charged_micros) AS charged,
             any(intDiv(received_ms, 900000)) AS quarter
      FROM {table}
      WHERE test = 0 AND charged_micros > 0
        AND received_ms >= %(since)s AND received_ms < %(until)s
        AND day_at >= toDateTime(%(oldest)s, 'UTC') AND day_at < toDateTime(%(newest)s, 'UTC')
      GROUP BY event_id)
GROUP BY advertiser, quarter"""


def charges_by_quarter(
    store: EventStore, since_ms: int, until_ms: int, conversion_window: timedelta
) -> Counter[tuple[str, int]]:
    """Micros by (advertiser, quarter of an hour since 1970) of events that arrived in the span.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    sums: Counter[tuple[str, int]] = Counter()
    for table in BILLED_TABLES:
        late = conversion_window if table == "conversions" else MOSTLY_SERVED
        span = {
            "since": since_ms,
            "until": until_ms,
            "oldest": max(0, since_ms // 1000 - int(late.total_seconds())),
            "newest": until_ms // 1000 + CLOCKS_APART_S,
        }
        found = store.query(_SUMS.format(table=table), span)
        for advertiser, quarter, micros in zip(*found.values(), strict=True):
            sums[advertiser, int(quarter)] += int(micros)
    return sums
