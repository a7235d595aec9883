"""What a line item would get a day, from the requests of the last week: `forecast`.

    forecast(store, marketplace, draft, now) -> Forecast

Never here: the arithmetic of bids (`reports.bidding`) or the SQL (`reports.landscape`,
`reports.capping`). The one surprising fact: a forecast is never refused. With an empty log, no
creative or nobody who matches, it says so in `troubles`, and its figures are 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from adserver.ports import EventStore
from adserver.reports import bidding, capping, delivery
from adserver.reports.bidding import Limit, Point, Purse, Terms
from adserver.reports.capping import kept, visits
from adserver.reports.click_rates import Expectation, Rates, expected
from adserver.reports.fitting import Draft, placements_for
from adserver.reports.landscape import Landscape, Slot, survey
from adserver.reports.lookback import DAY_MS, Source, look_back
from adserver.reports.span import BEGINNING, Span
from adserver.reports.targeting_sql import Condition, matching
from models.domain.campaign import FrequencyCap, LineItem, PricingModel
from models.domain.ids import PlacementId
from models.domain.marketplace import Marketplace
from models.domain.money import NO_MONEY, Micros
from models.domain.placement import Placement

DAYS = 7
MOST_PLACEMENTS = 1_500
"""Those where most ads are served; a statement has no room for more."""
FEW_REQUESTS = 200
FEW_CLICKS = 30
LITTLE_TIME_DAYS = 1.0
ODDS = 1.28
"""Standard deviations: four of five days should lie between low and high."""
NOTHING = Point(NO_MONEY, 0.0, 0.0, 0.0, NO_MONEY)
OF_THE_METHOD = 0.15
"""What exploration, answers of several ads and rivals that react may change."""


class Trouble(StrEnum):
    """Why a forecast says nothing, or less than it seems to."""

    NO_CREATIVE = "no_creative"
    NO_PLACEMENT = "no_placement"
    NO_REQUESTS = "no_requests"
    NOBODY_MATCHES = "nobody_matches"
    LITTLE_TIME = "little_time"
    FEW_REQUESTS = "few_requests"
    FEW_CLICKS = "few_clicks"


@dataclass(frozen=True, slots=True)
class Between:
    """The lower and the upper end of where four of five days should lie."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A day of a line item. `days` is how much of the log it rests on, up to `as_of`.

    `fitting_a_day` requests come to placements that show its formats, `eligible_a_day` of them pass
    the targeting; `point` is what its bid brings. One request in `one_in` was read, `looked_at` of
    those passed. `total_lasts_days` tells how long a total budget without an end of flight lasts,
    `clicks_known` on how many clicks the click rates rest.
    """

    as_of: datetime
    days: float = 0.0
    placements: int = 0
    fitting_a_day: float = 0.0
    eligible_a_day: float = 0.0
    one_in: float = 1.0
    looked_at: int = 0
    point: Point = NOTHING
    impressions: Between = Between(0.0, 0.0)
    clicks: Between = Between(0.0, 0.0)
    spend: Between = Between(0.0, 0.0)
    limits: Sequence[Limit] = ()
    troubles: Sequence[Trouble] = ()
    curve: Sequence[Point] = ()
    total_lasts_days: float | None = None
    clicks_known: int = 0

    @property
    def says_something(self) -> bool:
        """Whether there is anything but zeros."""
        return bool(self.curve)


def forecast(store: EventStore, marketplace: Marketplace, draft: Draft, now: datetime) -> Forecast:
    """What the draft would get a day, had it run in the last `DAYS` days.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    places = placements_for(marketplace, draft)
    if not places:
        trouble = Trouble.NO_PLACEMENT if draft.shapes else Trouble.NO_CREATIVE
        return Forecast(now, troubles=[trouble])
    until_ms = int(now.timestamp() * 1000)
    source = look_back(store, until_ms - DAYS * DAY_MS, until_ms)
    if source is None:
        return Forecast(now, placements=len(places), troubles=[Trouble.NO_REQUESTS])
    as_of = datetime.fromtimestamp(source.until_ms / 1000, now.tzinfo)
    names = [place.placement_id for place in places]
    span = Span(as_of - timedelta(days=source.days, hours=1), now)
    hopes = expected(store, draft, names, span)
    where = _condition(draft, source)
    places = sorted(places, key=lambda one: -hopes.served[one.placement_id])[:MOST_PLACEMENTS]
    names = [place.placement_id for place in places]
    slots = [_slot(place, hopes.rates[place.placement_id], draft.item) for place in places]
    landscape = survey(store, slots, where, draft.item.line_item_id, source)
    if not landscape.looked_at:
        trouble = Trouble.NOBODY_MATCHES if landscape.fitting else Trouble.NO_REQUESTS
        fitting = landscape.fitting * source.one_in / source.days
        return Forecast(as_of, source.days, len(places), fitting, troubles=[trouble])
    terms = _terms(store, draft, (names, where, source), now)
    return _told(landscape, terms, draft.item, hopes, (as_of, len(places)))


def _condition(draft: Draft, source: Source) -> Condition:
    zone = ZoneInfo(draft.advertiser.time_zone)
    where = matching(draft.item.targeting, zone, source.since_ms, source.until_ms)
    if draft.item.caps:  # who cannot be counted is not shown what has a cap
        where = Condition(
            f"user_known = 1 AND profile_loaded = 1 AND {where.sql}", where.parameters
        )
    return Condition(f"({where.sql})", where.parameters)


def _slot(placement: Placement, rates: Rates, item: LineItem) -> Slot:
    quality = 1000.0
    if item.pricing is not PricingModel.CPM:
        quality *= rates.ctr
    if item.pricing in (PricingModel.CPA, PricingModel.CPS):
        quality *= rates.cvr
    return Slot(placement, rates, quality)


def _terms(
    store: EventStore,
    draft: Draft,
    asked: tuple[list[PlacementId], Condition, Source],
    now: datetime,
) -> Terms:
    names, where, source = asked
    offset = now.astimezone(ZoneInfo(draft.advertiser.time_zone)).utcoffset() or timedelta()
    seen: list[tuple[FrequencyCap, capping.Visits]] = []
    for cap in draft.item.caps:
        window = (cap.period, int(offset.total_seconds()))
        seen.append((cap, visits(store, names, where, source, window)))

    def left(rate: float) -> float:
        return min((kept(each, cap, rate) for cap, each in seen), default=1.0)

    return Terms(source.days, draft.item.pricing, left, _purse(store, draft.item, now))


def _purse(store: EventStore, item: LineItem, now: datetime) -> Purse:
    if item.total_budget_micros is None or item.ends_at is None:
        return Purse(item.daily_budget_micros)
    days = max((item.ends_at - max(now, item.starts_at)) / timedelta(days=1), 1 / 24)
    left = max(item.total_budget_micros - _spent(store, item, now), 0)
    return Purse(item.daily_budget_micros, Micros(round(left / days)))


def _spent(store: EventStore, item: LineItem, now: datetime) -> int:
    if not item.line_item_id:
        return 0
    scope = delivery.Scope(line_item_id=item.line_item_id)
    return delivery.totals(store, scope, Span(BEGINNING, now)).charged_micros


def _told(
    landscape: Landscape,
    terms: Terms,
    item: LineItem,
    hopes: Expectation,
    seen: tuple[datetime, int],
) -> Forecast:
    as_of, placements = seen
    a_day = landscape.one_in / terms.days
    point = bidding.point_at(landscape, terms, item.bid_micros)
    bids = bidding.curve_bids(landscape, terms, item.bid_micros)
    doubt, by_clicks = _doubts(landscape, point, hopes)
    for_spend = doubt if item.pricing is PricingModel.CPM else by_clicks
    return Forecast(
        as_of,
        terms.days,
        placements,
        landscape.fitting * a_day,
        landscape.looked_at * a_day,
        landscape.one_in,
        landscape.looked_at,
        point,
        _between(point.impressions, doubt),
        _between(point.clicks, by_clicks),
        _within_budget(_between(float(point.spend_micros), for_spend), terms.purse),
        bidding.limits_at(landscape, terms, item.bid_micros),
        _troubles(landscape, hopes, item, terms.days),
        [bidding.point_at(landscape, terms, bid) for bid in bids],
        _lasts(item, point),
        hopes.clicks,
    )


def _doubts(landscape: Landscape, point: Point, hopes: Expectation) -> tuple[float, float]:
    """How far impressions and clicks may be off, as fractions."""
    whole = sorted(landscape.by_day)[1:-1]
    days = bidding.spread([landscape.by_day[day] for day in whole])
    won = max(landscape.looked_at * point.win_rate, 1.0)
    variance = days**2 + 1 / won + OF_THE_METHOD**2
    return ODDS * variance**0.5, ODDS * (variance + 1 / (hopes.clicks + 1)) ** 0.5


def _between(value: float, doubt: float) -> Between:
    return Between(value / (1 + doubt), value * (1 + doubt))


def _within_budget(spend: Between, purse: Purse) -> Between:
    money = [each for each in (purse.daily_micros, purse.of_total_micros) if each is not None]
    most = float(min(money)) if money else spend.high
    return Between(min(spend.low, most), min(spend.high, most))


def _troubles(
    landscape: Landscape, hopes: Expectation, item: LineItem, days: float
) -> list[Trouble]:
    priced_by_clicks = item.pricing is not PricingModel.CPM
    checks = [
        (days < LITTLE_TIME_DAYS, Trouble.LITTLE_TIME),
        (landscape.looked_at < FEW_REQUESTS, Trouble.FEW_REQUESTS),
        (priced_by_clicks and hopes.clicks < FEW_CLICKS, Trouble.FEW_CLICKS),
    ]
    return [trouble for wrong, trouble in checks if wrong]


def _lasts(item: LineItem, point: Point) -> float | None:
    if item.total_budget_micros is None or item.ends_at is not None or not point.spend_micros:
        return None
    return item.total_budget_micros / point.spend_micros
