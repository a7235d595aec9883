"""What apps asked, and how often there was no ad: requests, those filled, ads answered.

    requests(store, scope, span) -> Requests
    requests_by(store, dimension, scope, span) -> [RequestsOf(key, requests)]  most asked first
    requests_by_hour(store, scope, span) -> [RequestsAt(at, requests)]         none left out
    requests_by_day(store, scope, span) -> [RequestsOn(day, requests)]         none left out

`scope` is a `RequestScope` (partner, app, placement), `span` a `Span`; `dimension` is an
`AskedBy`: app, placement, partner, format, reason, hour of the day. A reason's key is "" where
there was an ad.

Read from the hourly sums. Never here: why a line item did not win (the census). The one surprising
fact: decisions are statistics and may be dropped when a worker is overloaded, so requests may be a
little lower than they were.

All raise `StoreAwayError`, and `StatementRefusedError` while the tables are not there yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from adserver.ports import EventStore
from adserver.reports.delivery import PPM
from adserver.reports.span import Span
from models.domain.ids import AppId, PartnerId, PlacementId


@dataclass(frozen=True, slots=True)
class RequestScope:
    """Whose requests: all that is not None must hold. The house's own apps have partner ""."""

    partner_id: PartnerId | None = None
    app_id: AppId | None = None
    placement_id: PlacementId | None = None

    def named(self) -> dict[str, str]:
        """What is named, by column."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


class AskedBy(StrEnum):
    """By what requests are divided."""

    PARTNER = "partner_id"
    APP = "app_id"
    PLACEMENT = "placement_id"
    FORMAT = "format"
    REASON = "no_ad_reason"
    HOUR_OF_DAY = "hour"


@dataclass(frozen=True, slots=True)
class Requests:
    """Ad requests, those answered with at least one ad, and the ads in all answers."""

    requests: int = 0
    filled: int = 0
    ads: int = 0

    def __add__(self, other: "Requests") -> "Requests":
        """The requests of both."""
        return Requests(
            self.requests + other.requests, self.filled + other.filled, self.ads + other.ads
        )

    @property
    def fill_ppm(self) -> int | None:
        """Filled requests of a million; None without any request."""
        return self.filled * PPM // self.requests if self.requests else None


class RequestsOf(NamedTuple):
    """The requests of one value of a dimension."""

    key: str
    requests: Requests


class RequestsAt(NamedTuple):
    """The requests of the hour that begins at `at`, in the span's zone."""

    at: datetime
    requests: Requests


class RequestsOn(NamedTuple):
    """The requests of a local day."""

    day: date
    requests: Requests


def requests(store: EventStore, scope: RequestScope, span: Span) -> Requests:
    """All of them in one."""
    return sum((found for _, found in _asked(store, "''", scope, span)), Requests())


def requests_by(
    store: EventStore, dimension: AskedBy, scope: RequestScope, span: Span
) -> list[RequestsOf]:
    """Divided by a dimension, the most asked first."""
    found: dict[str, Requests] = {}
    for value, line in _asked(store, dimension.value, scope, span):
        key = f"{span.local(int(value)).hour:02d}" if dimension is AskedBy.HOUR_OF_DAY else value
        found[key] = found.get(key, Requests()) + line
    lines = (RequestsOf(*pair) for pair in found.items())
    return sorted(lines, key=lambda line: (-line.requests.requests, line.key))


def requests_by_hour(store: EventStore, scope: RequestScope, span: Span) -> list[RequestsAt]:
    """Hour by hour, none left out."""
    found = {int(hour): line for hour, line in _asked(store, "hour", scope, span)}
    hours = range(span.first_hour, span.end_hour)
    return [RequestsAt(span.local(hour), found.get(hour, Requests())) for hour in hours]


def requests_by_day(store: EventStore, scope: RequestScope, span: Span) -> list[RequestsOn]:
    """Day by day of the span's zone, none left out."""
    found = dict.fromkeys(span.days(), Requests())
    for hour, line in _asked(store, "hour", scope, span):
        found[span.local(int(hour)).date()] += line
    return [RequestsOn(*pair) for pair in found.items()]


_SUMS = """
SELECT {key} AS of, sum(requests) AS asked, sum(filled) AS answered, sum(ads) AS given
FROM request_sums
WHERE grain = 1 AND hour >= %(first)s AND hour < %(end)s{scope}
  AND run GLOBAL IN (SELECT max(run) FROM request_sums
                     WHERE grain = 0 AND hour >= %(first)s AND hour < %(end)s GROUP BY hour)
GROUP BY of"""


def _asked(
    store: EventStore, key: str, scope: RequestScope, span: Span
) -> Iterable[tuple[str, Requests]]:
    named = scope.named()
    narrowed = "".join(f" AND {name} = %({name})s" for name in named)
    bounds = {"first": span.first_hour, "end": span.end_hour}
    found = store.query(_SUMS.format(key=key, scope=narrowed), {**bounds, **named})
    for value, *counts in zip(*found.values(), strict=True):
        yield str(value), Requests(*map(int, counts))
