"""What an experiment's arms came to: users, impressions, clicks, money, and how sure that is.

    compare(store, name, since, until) -> Comparison

Never here: who is in which arm (`adserver.experiment_package`). The one surprising fact: users were
split, not impressions, so the interval of a click rate is that of a ratio over users (the delta
method); one person who taps a hundred times makes it wider and not narrower.

Raises `StoreAwayError`, and `StatementRefusedError` while the tables are not there yet.
"""

from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Any

from adserver.experiment_package import CHALLENGER, CONTROL
from adserver.ports import EventStore

Z95 = 1.959964
FEWEST_USERS = 100
"""An arm with fewer users that saw an ad gets no interval: the method needs many."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm. `users` asked for ads, `viewers` saw one; sums of squares are over viewers.

    `charged_micros` is what advertisers pay for what its users saw and did.
    """

    name: str
    users: int = 0
    viewers: int = 0
    impressions: int = 0
    clicks: int = 0
    charged_micros: int = 0
    squares: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def rate(self) -> float | None:
        """Clicks of an impression."""
        return self.clicks / self.impressions if self.impressions else None

    @property
    def variance(self) -> float | None:
        """Of the rate, as a ratio of sums over users; None for too few users."""
        rate = self.rate
        if rate is None or self.viewers < FEWEST_USERS:
            return None
        clicks, both, shown = self.squares
        left = clicks - 2 * rate * both + rate * rate * shown
        return max(left, 0.0) * self.viewers / (self.viewers - 1) / self.impressions**2

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the rate."""
        rate, variance = self.rate, self.variance
        if rate is None or variance is None:
            return None
        half = Z95 * sqrt(variance)
        return max(0.0, rate - half), min(1.0, rate + half)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both arms, and the challenger's click rate over the control's."""

    control: Arm
    challenger: Arm

    @property
    def lift(self) -> tuple[float, float, float] | None:
        """(low, seen, high) of the relative difference, 0.05 for 5 % more; None when unknown."""
        old, new = self.control, self.challenger
        if not old.rate or new.rate is None or old.variance is None or new.variance is None:
            return None
        ratio = new.rate / old.rate
        half = Z95 * sqrt(new.variance + ratio * ratio * old.variance) / old.rate
        return ratio - 1 - half, ratio - 1, ratio - 1 + half

    @property
    def is_decided(self) -> bool:
        """Whether the interval of the difference leaves out nothing-at-all."""
        lift = self.lift
        return lift is not None and not lift[0] <= 0 <= lift[2]


def compare(store: EventStore, name: str, since: datetime, until: datetime) -> Comparison:
    """The arms of an experiment by what was served from `since` to `until`."""
    span = {
        "since": int(since.timestamp() * 1000),
        "until": int(until.timestamp() * 1000),
        "since_s": int(since.timestamp()),
        "until_s": int(until.timestamp()),
        "a": f"{name}/{CONTROL}",
        "b": f"{name}/{CHALLENGER}",
    }
    found = store.query(_SUMS, span)
    rows = [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]
    arms = {row["arm"]: _arm(row) for row in rows}
    control, challenger = f"{name}/{CONTROL}", f"{name}/{CHALLENGER}"
    return Comparison(arms.get(control, Arm(control)), arms.get(challenger, Arm(challenger)))


def _arm(row: dict[str, Any]) -> Arm:
    return Arm(
        name=row["arm"],
        users=int(row["users"]),
        viewers=int(row["viewers"]),
        impressions=int(row["shown"]),
        clicks=int(row["tapped"]),
        charged_micros=int(row["paid"]),
        squares=(float(row["tapped2"]), float(row["both"]), float(row["shown2"])),
    )


_DAYS = "day_at >= toDateTime(%(since_s)s, 'UTC') AND day_at <= toDateTime(%(until_s)s, 'UTC')"
_SERVED = (
    f"served_ms >= %(since)s AND served_ms < %(until)s AND user_key != 0 AND test = 0 AND {_DAYS}"
)


def _counted(table: str, shown: str, tapped: str) -> str:
    """A user's events of one table, each once."""
    return f"""
      SELECT user_key, '' AS arm, {shown} AS n, {tapped} AS c, sum(charged) AS m
      FROM (SELECT user_key, event_id, any(charged_micros) AS charged FROM {table}
            WHERE {_SERVED} GROUP BY user_key, event_id)
      GROUP BY user_key"""  # noqa: S608 - constants; values are parameters


_NONE = "toUInt64(0)"
_SUMS = f"""
SELECT arm, count() AS users, sum(n > 0) AS viewers, sum(n) AS shown, sum(c) AS tapped,
       sum(m) AS paid, sum(toFloat64(c) * c) AS tapped2, sum(toFloat64(c) * n) AS both,
       sum(toFloat64(n) * n) AS shown2
FROM (
    SELECT user_key, max(arm) AS arm, sum(n) AS n, sum(c) AS c, sum(m) AS m FROM (
      SELECT user_key, max(toString(experiment_arms)) AS arm, {_NONE} AS n, {_NONE} AS c,
             toInt64(0) AS m
      FROM decisions
      WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s AND {_DAYS}
        AND test = 0 AND user_key != 0 AND experiment_arms IN (%(a)s, %(b)s)
      GROUP BY user_key
      UNION ALL {_counted("impressions", "count()", _NONE)}
      UNION ALL {_counted("clicks", _NONE, "count()")}
      UNION ALL {_counted("conversions", _NONE, _NONE)}
    ) GROUP BY user_key
) WHERE arm != '' GROUP BY arm ORDER BY arm"""  # noqa: S608 - constants; values are parameters
