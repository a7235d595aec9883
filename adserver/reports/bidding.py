"""What a bid would bring a day, and what holds it back: arithmetic over a `Landscape`.

Nothing is looked up here. The one surprising fact: budgets and caps scale what a bid wins and do
not choose among it, so an expected click price stays what it is when the money ends at noon.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite

from adserver.reports.landscape import Landscape, Step
from models.domain.campaign import LineItem, PricingModel
from models.domain.money import NO_MONEY, Micros, bid_per_impression

CURVE_POINTS = 21
WIDEST = 4.0
"""The curve goes from a quarter of the bid to four times the bid, and further to what wins all."""
TELLING_SHARE = 0.9
"""What leaves more than this is not called a limit."""


class LimitKind(StrEnum):
    """What keeps a line item from more, in the order in which a request meets them."""

    TARGETING = "targeting"
    FLOOR = "floor"
    BID = "bid"
    FREQUENCY_CAP = "frequency_cap"
    DAILY_BUDGET = "daily_budget"
    TOTAL_BUDGET = "total_budget"


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and the share (0 to 1) of what comes to it that it lets through."""

    kind: LimitKind
    share: float


@dataclass(frozen=True, slots=True)
class Point:
    """What a bid, in the line item's own unit, brings a day. `win_rate` is before caps."""

    bid_micros: Micros
    win_rate: float
    impressions: float
    clicks: float
    spend_micros: Micros


@dataclass(frozen=True, slots=True)
class Purse:
    """What may be spent a day: the daily budget, and a day's part of what is left in total."""

    daily_micros: Micros | None = None
    of_total_micros: Micros | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which a landscape is bid in: its days, who pays how, caps as a function, money.

    `kept` answers the share of impressions that caps leave at a probability of being shown.
    """

    days: float
    pricing: PricingModel
    kept: Callable[[float], float]
    purse: Purse


def point_at(landscape: Landscape, terms: Terms, bid_micros: Micros) -> Point:
    """What this bid brings a day after caps and budgets."""
    return _afforded(_capped(landscape, terms, bid_micros), terms.purse)


def limits_at(landscape: Landscape, terms: Terms, bid_micros: Micros) -> list[Limit]:
    """What holds this bid back, the strictest first; nothing where it gets all there is."""
    free, capped = _free(landscape, terms, bid_micros), _capped(landscape, terms, bid_micros)
    found = [Limit(LimitKind.TARGETING, landscape.looked_at / max(landscape.fitting, 1))]
    found.append(Limit(_why_lost(landscape, terms, bid_micros), free.win_rate))
    if free.impressions:
        found.append(Limit(LimitKind.FREQUENCY_CAP, capped.impressions / free.impressions))
    for kind, money in (
        (LimitKind.DAILY_BUDGET, terms.purse.daily_micros),
        (LimitKind.TOTAL_BUDGET, terms.purse.of_total_micros),
    ):
        if money is not None and capped.spend_micros > money:
            found.append(Limit(kind, money / capped.spend_micros))
    return sorted((one for one in found if one.share < TELLING_SHARE), key=lambda one: one.share)


def curve_bids(landscape: Landscape, terms: Terms, bid_micros: Micros) -> list[Micros]:
    """Bids worth comparing, rising; the bid itself is one of them when there is one."""
    scale = 1000 if terms.pricing is PricingModel.CPM else 1
    needs = sorted(step.most * scale for step in landscape.steps if isfinite(step.most))
    dearest = needs[-1] if needs else 0.0
    bid = float(bid_micros) or dearest or 1_000_000.0
    low = bid / WIDEST
    middle = needs[len(needs) // 2] if needs else 0.0
    high = max(min(dearest * 1.1, max(bid * WIDEST**2, middle * 1.5)), bid * WIDEST / 2)
    ratio = (high / low) ** (1 / (CURVE_POINTS - 1))
    found = {_rounded(low * ratio**step) for step in range(CURVE_POINTS)}
    return sorted(found | ({bid_micros} if bid_micros else set()))


def event_bid(item: LineItem) -> Micros:
    """The bid for one billable event: for CPM one impression, in whole micros, rounded down."""
    return _event_bid(item.pricing, item.bid_micros)


def _event_bid(pricing: PricingModel, bid: Micros) -> Micros:
    return bid_per_impression(bid) if pricing is PricingModel.CPM else bid


def _free(landscape: Landscape, terms: Terms, bid_micros: Micros) -> Point:
    """As if neither caps nor budgets were set."""
    bid = _event_bid(terms.pricing, bid_micros)
    a_day = landscape.one_in / terms.days if terms.days else 0.0
    won = shown = clicks = spend = 0.0
    for step in landscape.steps:
        share = share_won(step, bid)
        won += share * step.requests
        shown += share * step.shown
        clicks += share * step.clicks
        spend += share * _cost(step, bid, terms.pricing)
    rate = won / landscape.looked_at if landscape.looked_at else 0.0
    return Point(bid_micros, rate, shown * a_day, clicks * a_day, Micros(round(spend * a_day)))


def share_won(step: Step, bid: Micros) -> float:
    """The part of a step's requests that a bid for one event wins; a tie with a rival is lost."""
    if bid > step.most or (step.floor and bid >= step.most):
        return 1.0
    if bid <= step.least or step.most <= step.least:
        return 0.0
    return (bid - step.least) / (step.most - step.least)


def _cost(step: Step, bid: Micros, pricing: PricingModel) -> float:
    if pricing is PricingModel.CPS:
        return 0.0
    return (bid * step.quality if step.first else step.priced) / 1000


def _capped(landscape: Landscape, terms: Terms, bid_micros: Micros) -> Point:
    free = _free(landscape, terms, bid_micros)
    asked = landscape.looked_at * landscape.one_in / terms.days if terms.days else 0.0
    return _scaled(free, terms.kept(free.impressions / asked) if asked else 1.0)


def _afforded(point: Point, purse: Purse) -> Point:
    money = [each for each in (purse.daily_micros, purse.of_total_micros) if each is not None]
    if not money or point.spend_micros <= min(money):
        return point
    return replace(
        _scaled(point, min(money) / point.spend_micros), spend_micros=max(min(money), NO_MONEY)
    )


def _scaled(point: Point, share: float) -> Point:
    return replace(
        point,
        impressions=point.impressions * share,
        clicks=point.clicks * share,
        spend_micros=Micros(round(point.spend_micros * share)),
    )


def _why_lost(landscape: Landscape, terms: Terms, bid_micros: Micros) -> LimitKind:
    """Whether more is lost to floors than to rivals."""
    bid = _event_bid(terms.pricing, bid_micros)
    lost = {True: 0.0, False: 0.0}
    for step in landscape.steps:
        lost[step.floor] += (1 - share_won(step, bid)) * step.requests
    return LimitKind.FLOOR if lost[True] > lost[False] else LimitKind.BID


def _rounded(micros: float) -> Micros:
    """To three digits, as a person would write it."""
    digits = max(len(str(int(micros))) - 3, 0)
    return Micros(max(round(micros / 10**digits) * 10**digits, 1))


def spread(counts: Sequence[int]) -> float:
    """How much whole days differ from each other: the standard deviation over the mean.

    Fewer than three days do not tell; then it is what a quiet and a busy weekday differ by.
    """
    if len(counts) < 3 or not sum(counts):
        return 0.35
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / (len(counts) - 1)
    return float(variance**0.5 / mean)
