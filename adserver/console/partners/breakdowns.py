"""A month of a partner's earnings taken apart: by app, placement, merchant, link, sub-id, and day.

Never here: single lines (`lines`). The one surprising fact: whatever it is taken apart by, the
parts sum to the same month, because what has no app, no link or no sub-id is a part of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from adserver.console.desk import Desk
from adserver.console.partners.figures import month_span
from adserver.stores import database, earnings, partners
from adserver.stores.earnings import AD_KEYS, ORDER_KEYS, Sum
from adserver.stores.tables import APPS, PLACEMENTS
from affiliate.ad_revenue import days_between, end_of_day
from affiliate.calendar import Period
from models.domain.ids import PartnerId

NOTHING = Sum()
KINDS = tuple(ORDER_KEYS)


@dataclass(frozen=True, slots=True)
class Row:
    """A part of a month: its key and name, and what ads and sales of it come to, in micros."""

    key: str
    name: str
    ads: Sum
    sales: Sum

    @property
    def earned(self) -> int:
        """Ads and sales together."""
        return self.ads.earned + self.sales.earned


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a month, in micros."""

    day: date
    ads: int
    sales: int


def rows_by(desk: Desk, partner_id: PartnerId, currency: str, period: Period, by: str) -> list[Row]:
    """The month by one of `KINDS`, the largest part first."""
    zone = ZoneInfo(desk.settings.time_zone)
    span = month_span(partner_id, currency, period, zone)
    with database.reading(desk.engine) as connection:
        sales = earnings.sales_by(connection, span, by)
        if by in AD_KEYS:
            ads = earnings.ads_by(connection, span, by)
        else:
            whole = sum(earnings.ads_by(connection, span, "app").values(), NOTHING)
            ads = {"": whole} if whole.lines else {}
        names = _names(connection, by)
    rows = [
        Row(key, names.get(key, key), ads.get(key, NOTHING), sales.get(key, NOTHING))
        for key in ads.keys() | sales.keys()
    ]
    return sorted(rows, key=lambda row: (-row.earned, row.key))


def days_of(desk: Desk, partner_id: PartnerId, currency: str, period: Period) -> list[Day]:
    """The month day by day; days without anything are there too."""
    zone = ZoneInfo(desk.settings.time_zone)
    span = month_span(partner_id, currency, period, zone)
    last = (span.until - (span.until - span.since) / 1000).astimezone(zone).date()
    days = list(days_between(span.since.date(), last))
    ends: list[tuple[str, datetime]] = [(one.isoformat(), end_of_day(one, zone)) for one in days]
    with database.reading(desk.engine) as connection:
        ads = earnings.ads_by(connection, span, "day")
        sales = earnings.sales_by_day(connection, span, ends)
    return [
        Day(
            one,
            ads.get(one.isoformat(), NOTHING).earned,
            sales.get(one.isoformat(), NOTHING).earned,
        )
        for one in days
    ]


def _names(connection: Connection, by: str) -> Mapping[str, str]:
    if by == "app":
        query = select(APPS.c.app_id, APPS.c.name)
        return {row[0]: row[1] for row in connection.execute(query)}
    if by == "placement":
        slots = PLACEMENTS.c
        query = select(slots.placement_id, slots.name)
        return {row[0]: row[1] for row in connection.execute(query)}
    if by == "merchant":
        return {one.merchant_id: one.name for one in partners.merchants(connection).values()}
    return {}
