"""What an advertiser's ads did, as its pages show it: totals, by day, by hour, and broken down.

Never here: plots or tables (`charts`, pages). The one surprising fact: when the event log does not
answer, every question here is answered with None, so a page stays up and says what is missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from adserver.console.advertisers.interval import Interval, wilson
from adserver.console.desk import Desk
from adserver.ports import StatementRefusedError, StoreAwayError
from adserver.reports import delivery
from adserver.reports.delivery import At, Dimension, Figures, On, Scope
from adserver.reports.span import BEGINNING, Span, first_moment
from models.domain.campaign import LineItem
from models.domain.ids import AdvertiserId, CampaignId

T = TypeVar("T")
SPANS = {"today": 1, "7": 7, "30": 30, "90": 90}
"""What may be chosen: the last so many days, today among them."""
USUAL_SPAN = "7"
MIDNIGHT = time()
LONGEST_LIFE = timedelta(days=400)
"""Of a flight; what lies before is one sum."""

DIMENSIONS: dict[str, Dimension] = {
    "placement": Dimension.PLACEMENT,
    "region": Dimension.REGION,
    "creative": Dimension.CREATIVE,
    "hour": Dimension.HOUR_OF_DAY,
}
"""By what a line item's figures may be divided; "day" is beside them."""
BREAKDOWNS = ("day", *DIMENSIONS)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a breakdown, with the interval of its click rate."""

    key: str
    figures: Figures

    @property
    def ctr(self) -> Interval | None:
        """The click rate with its 95 % interval."""
        return wilson(self.figures.clicks, self.figures.impressions)


@dataclass(frozen=True, slots=True)
class Life:
    """All that a line item did: before its last days, on each of them, and after its flight.

    What lies outside its flight is there too: somebody may have moved its ends.
    """

    earlier: Figures
    days: list[On]
    later: Figures

    @property
    def total(self) -> Figures:
        """All of it in one."""
        return sum((on.figures for on in self.days), self.earlier + self.later)


def asked(desk: Desk, ask: Callable[[], T]) -> T | None:
    """What the event log says, None when it does not answer."""
    if not desk.is_ready():
        return None
    try:
        return ask()
    except (StoreAwayError, StatementRefusedError):
        return None


def span_of(chosen: str, now: datetime, zone: ZoneInfo) -> Span:
    """The days that were chosen; the usual ones for anything else."""
    return Span.last_days(SPANS.get(chosen, SPANS[USUAL_SPAN]), now, zone)


def first_moment_of(now: datetime, zone: ZoneInfo) -> str:
    """When the days of figures begin, as "00:30", where that is not at midnight; else ""."""
    begin = first_moment(zone, now)
    return f"{begin:%H:%M}" if begin > MIDNIGHT else ""


def by_line_item(
    desk: Desk, advertiser_id: AdvertiserId, span: Span, campaign_id: CampaignId | None = None
) -> Mapping[str, Figures] | None:
    """The figures of every line item that did anything, by id."""
    scope = Scope(advertiser_id=advertiser_id, campaign_id=campaign_id)
    found = asked(desk, lambda: delivery.by(desk.store, Dimension.LINE_ITEM, scope, span))
    return None if found is None else {one.key: one.figures for one in found}


def by_day(desk: Desk, scope: Scope, span: Span) -> list[On] | None:
    """Day by day."""
    return asked(desk, lambda: delivery.by_day(desk.store, scope, span))


def by_hour(desk: Desk, scope: Scope, span: Span) -> list[At] | None:
    """Hour by hour."""
    return asked(desk, lambda: delivery.by_hour(desk.store, scope, span))


def breakdown(desk: Desk, scope: Scope, span: Span, what: str) -> list[Line] | None:
    """One of `BREAKDOWNS`; hours and days in their order, else the most charged first."""
    if what == "day":
        days = by_day(desk, scope, span)
        return None if days is None else [Line(on.day.isoformat(), on.figures) for on in days]
    found = asked(desk, lambda: delivery.by(desk.store, DIMENSIONS[what], scope, span))
    if found is None:
        return None
    lines = [Line(*one) for one in found]
    return sorted(lines, key=lambda line: line.key) if what == "hour" else lines


def life_of(desk: Desk, scope: Scope, item: LineItem, now: datetime, zone: ZoneInfo) -> Life | None:
    """All that a line item ever did, the last days of its flight (until today) one by one."""
    days = _last_days_of(item, now, zone)
    return asked(
        desk,
        lambda: Life(
            _between(desk, scope, BEGINNING, days.since),
            delivery.by_day(desk.store, scope, days),
            _between(desk, scope, days.until, now),
        ),
    )


def _last_days_of(item: LineItem, now: datetime, zone: ZoneInfo) -> Span:
    end = min(item.ends_at or now, now)
    first, last = _local(max(item.starts_at, end - LONGEST_LIFE), zone), _local(end, zone)
    return Span.of_days(first, max(first, last), zone)


def _between(desk: Desk, scope: Scope, since: datetime, until: datetime) -> Figures:
    if until <= since:
        return Figures()
    return delivery.totals(desk.store, scope, Span(since, until))


def _local(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()
