"""How much of what a line item could win its frequency caps would leave.

Counted from how often the same users asked within a cap's period. Never here: who asked for what
(`reports.landscape`). The one surprising fact: users are sampled by their key and not requests by
their id, because half of a user's requests would look like a user who asks half as often.
"""

from collections.abc import Mapping, Sequence
from math import comb
from typing import Any

from adserver.ports import EventStore
from adserver.reports.landscape import Stretch
from adserver.reports.targeting_sql import Condition
from models.domain.campaign import CapPeriod, FrequencyCap
from models.domain.ids import PlacementId

SAMPLE_REQUESTS = 200_000
MOST_EXACT = 300
"""Above so many requests of one user and period, what is won is as good as certain."""

Visits = Mapping[int, int]
"""How many (user, period) pairs had so many requests."""


def visits(
    store: EventStore,
    placements: Sequence[PlacementId],
    where: Condition,
    span: Stretch,
    how: tuple[CapPeriod, int, int],
) -> Visits:
    """How often users asked within a period, of those requests that pass.

    `how` is the period, the advertiser's UTC offset in seconds, and how many requests there are,
    by which is decided how many users to look at.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    period, offset_s, requests = how
    asked: dict[str, Any] = {
        **where.parameters,
        "places": tuple(placements),
        "since": span.since_ms,
        "until": span.until_ms,
        "one_in": max(1, -(-requests // SAMPLE_REQUESTS)),
        "offset": offset_s,
    }
    found = store.query(_VISITS.format(window=_WINDOWS[period], where=where.sql), asked)
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
  SELECT user_key, {window} AS period, count() AS asked FROM decisions
  WHERE placement_id IN %(places)s AND occurred_ms >= %(since)s AND occurred_ms < %(until)s
    AND test = 0 AND user_key != 0 AND intHash64(user_key) %% %(one_in)s = 0 AND ({where})
  GROUP BY user_key, period)
GROUP BY asked ORDER BY asked"""
