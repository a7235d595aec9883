"""A day's ad revenue as it was billed, and findings of traffic that should not have been.

Never here: who gets what of it (`revenue_share`). The one surprising fact: sums and counts are
those before findings; what was found to be invalid stands beside them, so both can be shown.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from models.domain.ids import AdvertiserId, AppId, LineItemId, PartnerId, PlacementId
from models.domain.money import NO_MONEY, Micros

EVERY_APP = AppId("")
EVERY_PLACEMENT = PlacementId("")
EVERY_LINE_ITEM = LineItemId("")
EVERY_ADDRESS = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """What one line item brought in one placement on one day.

    `partner_id` is whose app it was when the ads were served, "" for the house's own. `events` are
    the billed ones, `revenue_micros` what the advertiser was charged for them; `impressions` are
    all, billed or not. The `invalid_` ones are those of them that findings name.
    """

    advertiser_id: AdvertiserId
    line_item_id: LineItemId
    app_id: AppId
    placement_id: PlacementId
    partner_id: PartnerId
    events: int = 0
    revenue_micros: Micros = NO_MONEY
    impressions: int = 0
    invalid_events: int = 0
    invalid_micros: Micros = NO_MONEY
    invalid_impressions: int = 0

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes it a cell of its own within its day."""
        return (
            self.advertiser_id,
            self.line_item_id,
            self.app_id,
            self.placement_id,
            self.partner_id,
        )


@dataclass(frozen=True, slots=True)
class DayRevenue:
    """A day of the house's time zone; its cells have keys of their own."""

    day: date
    cells: tuple[Cell, ...]

    @property
    def size(self) -> int:
        """Billed events and impressions: what a log that only grows can never have fewer of."""
        return sum(cell.events + cell.impressions for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Finding:
    """Invalid traffic described by a rule: all events of its days that fit everything it names.

    `address_key` is the keyed hash of a sender's address. Events that arrive late fit as well.
    """

    finding_id: str
    reason: str
    first_day: date
    last_day: date
    app_id: AppId = EVERY_APP
    placement_id: PlacementId = EVERY_PLACEMENT
    line_item_id: LineItemId = EVERY_LINE_ITEM
    address_key: int = EVERY_ADDRESS


@dataclass(frozen=True, slots=True)
class Invalid:
    """What findings say of a day: rules, and events named one by one (lower-case UUIDs)."""

    rules: Sequence[Finding] = ()
    event_ids: Collection[str] = ()


NOTHING_INVALID = Invalid()


def begin_of_day(day: date, zone: tzinfo) -> datetime:
    """Its first moment; a day has 23 or 25 hours where clocks change."""
    return datetime.combine(day, time(), zone)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """The first moment of the next one."""
    return begin_of_day(day + timedelta(days=1), zone)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The day of an instant."""
    return moment.astimezone(zone).date()


def days_between(first: date, last: date) -> Iterable[date]:
    """The days from the first to the last, both included."""
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
