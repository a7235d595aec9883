"""How much of what a line item could win its frequency caps would leave.

Counted from how often the same users asked within a cap's period. Never here: who asked for what
(`reports.landscape`). The one surprising fact: users who opted out keep their caps but have no key
in the log; they are taken to ask as often as the others.
"""

from collections.abc import Mapping, Sequence
from math import comb
from typing import Any

from adserver.ports import EventStore
from adserver.reports.lookback import Source
from adserver.reports.targeting_sql import Condition
from models.domain.campaign import CapPeriod, FrequencyCap
from models.domain.ids import PlacementId

MOST_EXACT = 300
"""Above so many requests of one user and period, what is won is as good as certain."""

Visits = Mapping[int, int]
"""How many (user, period) pairs had so many requests."""


def visits(
    store: EventStore,
    placements: Sequence[PlacementId],
    where: Condition,
    source: Source,
    window: tuple[CapPeriod, int],
) -> Visits:
    """How often users asked within a period, of those requests that pass.

    `window` is the period and the advertiser's UTC offset in seconds.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    period, offset_s = window
    asked: dict[str, Any] = {
        **where.parameters,
        **source.parameters,
        "places": tuple(placements),
        "offset": offset_s,
    }
    statement = _VISITS.format(
        window=_WINDOWS[period], table=source.table, rows=source.sql, where=where.sql
    )
    found = store.query(statement, asked)
    return dict(zip(map(int, found["asked"]), map(int, found["pairs"]), strict=True))


def kept(seen: Visits, cap: FrequencyCap, win_rate: float) -> float:
    """The share of wins that a cap lets happen, when each request is won with this probability."""
    wins = sum(pairs * asked * win_rate for asked, pairs in seen.items())
    if not wins:
        return 1.0
    left = sum(pairs * _won(asked, win_rate, cap.impressions) for asked, pairs in seen.items())
    return min(left / wins, 1.0)


def _won(asked: int, rate: float, most: int) -> float:
    """The expected number of wins of `asked` requests, stopping at `most`."""
    if asked <= most:
        return asked * rate
    if asked > MOST_EXACT or rate >= 1.0:
        return min(asked * rate, float(most))
    missing = sum(
        (most - wins) * comb(asked, wins) * rate**wins * (1 - rate) ** (asked - wins)
        for wins in range(most)
    )
    return most - missing


_WINDOWS = {
    CapPeriod.MINUTE: "intDiv(occurred_ms, 60000)",
    CapPeriod.HOUR: "intDiv(occurred_ms, 3600000)",
    CapPeriod.DAY: "intDiv(toInt64(intDiv(occurred_ms, 1000)) + %(offset)s, 86400)",
    CapPeriod.LIFETIME: "0",
}

_VISITS = """
SELECT asked, count() AS pairs FROM (
  SELECT user_key, {window} AS period, count() AS asked FROM {table}
  WHERE {rows} AND placement_id IN %(places)s AND user_key != 0 AND {where}
  GROUP BY user_key, period)
GROUP BY asked ORDER BY asked"""
