"""The forecast as a panel of a form: `forecast_panel` makes it, one template shows it.

A form that wants a forecast does this, in its handler and in its template:

    values["forecast"] = forecast_panel(desk, call, item)
    {% if forecast %}{% include "insight/forecast_panel.html" %}{% endif %}

`item` need not be saved: its `line_item_id` may be "", its name anything. Without creatives of its
own it is told what creatives of every format could get. Never here: how a forecast is made
(`adserver.reports.forecast`). The one surprising fact: it never raises. While the event log is away
the panel says so, and the form around it goes on working.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from adserver.console.desk import Desk
from adserver.console.insight import forecast_words as words
from adserver.console.insight.owned import log_of, slots_of
from adserver.console.web import figures, plots
from adserver.console.web.exchange import Call
from adserver.console.web.plots import Frame
from adserver.ports import StatementRefusedError, StoreAwayError
from adserver.reports.bidding import Limit, Point
from adserver.reports.fitting import Draft, Shape, shapes_of
from adserver.reports.forecast import Between, Forecast, Trouble, forecast
from adserver.stores import database, promotion
from models.domain.campaign import Advertiser, Creative, LineItem, PricingModel
from models.domain.marketplace import Marketplace
from models.domain.money import PPM
from models.domain.placement import Format

MINUTES_A_DAY = 24 * 60
IN_PANEL = 300
"""How wide a plot is in a panel beside a form, so that its labels can be read there."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What the template shows, in the reader's language.

    `stats` are (label, value, note), `limits` (what it does, what would help), `notes` sentences,
    `rows` the curve as cells under `head`.
    """

    stats: list[tuple[str, str, str]] = field(default_factory=list)
    limits: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    impressions: Markup = plots.NOTHING_DRAWN
    spend: Markup = plots.NOTHING_DRAWN
    head: list[str | tuple[str, str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def forecast_panel(desk: Desk, call: Call, item: LineItem, formats: Iterable[Format] = ()) -> Panel:
    """The panel for a line item of the advertiser in the path, saved or not.

    `formats` are what it would show where it has no creatives yet (none named: every format).
    """
    advertiser = desk.catalog.get(Advertiser, call.params["advertiser_id"])
    try:
        told, assumed = told_of(desk, call, advertiser, item, formats)
    except StoreAwayError:
        return Panel(notes=[call._(words.AWAY)])
    return _panel(call, desk.settings.currency, item, told, assumed=assumed)


def told_of(
    desk: Desk, call: Call, advertiser: Advertiser, item: LineItem, formats: Iterable[Format] = ()
) -> tuple[Forecast, bool]:
    """The forecast, and whether its formats were assumed for want of creatives.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    own: list[Creative] = []
    if item.line_item_id:
        own = desk.catalog.find(Creative, item.line_item_id)
    shapes = shapes_of(own) or frozenset(Shape(one) for one in formats or Format)
    draft = Draft(advertiser, _priced(desk, call, item), shapes)
    try:
        return forecast(log_of(desk), slots_of(desk), draft, call.now), not own
    except StatementRefusedError as refusal:
        raise StoreAwayError(str(refusal)) from refusal


def _priced(desk: Desk, call: Call, item: LineItem) -> LineItem:
    """A CPS line item bids what a sale is expected to pay, as it does when it is published."""
    if item.pricing is not PricingModel.CPS:
        return item
    with database.reading(desk.engine) as connection:
        found = promotion.promotions_of(
            connection, [item.product], desk.settings.currency, call.now
        )
    return promotion.filled(Marketplace(line_items=(item,)), found).line_items[0]


def _panel(call: Call, currency: str, item: LineItem, told: Forecast, *, assumed: bool) -> Panel:
    notes = [call._(words.ASSUMED)] if assumed else []
    notes += [_trouble(call, trouble, told) for trouble in told.troubles]
    if not told.says_something:
        return Panel(notes=notes)
    return Panel(
        stats=_stats(call, currency, told),
        limits=_limits(call, told.limits),
        notes=[*notes, *_grounds(call, told)],
        impressions=_curve(call, item, told, currency),
        spend=_spend_curve(call, item, told, currency),
        head=_head(call, item),
        rows=[_row(point, currency) for point in told.curve],
    )


def _stats(call: Call, currency: str, told: Forecast) -> list[tuple[str, str, str]]:
    point = told.point
    low, high = (figures.micros(round(end)) for end in (told.spend.low, told.spend.high))
    return [
        (
            call._("Requests that match, a day"),
            _about(told.eligible_a_day),
            call._(words.WON) % {"share": share_text(point.win_rate)},
        ),
        (call._("Impressions a day"), _about(point.impressions), _range(call, told.impressions)),
        (call._("Clicks a day"), _about(point.clicks), _range(call, told.clicks)),
        (
            call._("Spend a day"),
            figures.micros(point.spend_micros, currency),
            call._(words.EXPECTED) % {"low": low, "high": high},
        ),
    ]


def _about(value: float) -> str:
    """What is small with a decimal, what is large without."""
    return figures.number(value, 1) if 0 < value < 10 else figures.number(round(value))


def _range(call: Call, between: Between) -> str:
    return call._(words.EXPECTED) % {"low": _about(between.low), "high": _about(between.high)}


def share_text(share: float) -> str:
    """A share as per cent; what is little is not called nothing."""
    ppm = round(share * PPM)
    return f"< {figures.percent(1_000)}" if 0 < ppm < 1_000 else figures.percent(ppm)


def _limits(call: Call, limits: Iterable[Limit]) -> list[tuple[str, str]]:
    said = [
        (
            call._(words.LIMITS[limit.kind]) % {"share": share_text(limit.share)},
            call._(words.ADVICE[limit.kind]),
        )
        for limit in limits
    ]
    return said or [(call._(words.NO_LIMIT), "")]


def _trouble(call: Call, trouble: Trouble, told: Forecast) -> str:
    values: Mapping[str, str] = {
        "hours": figures.number(max(round(told.days * 24), 1)),
        "requests": figures.number(told.looked_at),
        "clicks": figures.number(told.clicks_known),
    }
    return call._(words.TROUBLES[trouble]) % values


def _grounds(call: Call, told: Forecast) -> list[str]:
    seen = {
        "days": figures.number(told.days, 1),
        "minutes": figures.number(math.ceil(told.days * MINUTES_A_DAY)),
        "as_of": figures.instant(told.as_of, call.zone),
    }
    notes = [call._(words.RESTS_ON if told.days >= 1 else words.RESTS_ON_LESS) % seen]
    if told.one_in > 1:
        notes.append(call._(words.SAMPLED) % {"one_in": figures.number(round(told.one_in))})
    if told.total_lasts_days is not None:
        days = figures.number(round(told.total_lasts_days))
        notes.append(call._(words.LASTS) % {"days": days})
    return notes


def _curve(call: Call, item: LineItem, told: Forecast, currency: str) -> Markup:
    rows = [{"bid": point.bid_micros, "y": round(point.impressions, 1)} for point in told.curve]
    frame = Frame(
        call._(words.CURVE_TITLE),
        call._(words.CURVE_SAYS),
        bid_title(call, item),
        x_unit=f"micros:{currency}",
        width=IN_PANEL,
        height=190,
    )
    return plots.curve(rows, "bid", "y", _here(told), frame)


def _spend_curve(call: Call, item: LineItem, told: Forecast, currency: str) -> Markup:
    if not any(point.spend_micros for point in told.curve):
        return plots.NOTHING_DRAWN
    rows = [{"bid": point.bid_micros, "y": point.spend_micros} for point in told.curve]
    frame = Frame(
        call._(words.SPEND_TITLE),
        call._(words.CURVE_SAYS),
        bid_title(call, item),
        unit=f"micros:{currency}",
        x_unit=f"micros:{currency}",
        width=IN_PANEL,
        height=190,
    )
    return plots.curve(rows, "bid", "y", _here(told), frame)


def _here(told: Forecast) -> float | None:
    return float(told.point.bid_micros) or None


def bid_title(call: Call, item: LineItem) -> str:
    """What the line item bids for."""
    return call._(words.BIDS.get(item.pricing, words.OTHER_BID))


def _head(call: Call, item: LineItem) -> list[str | tuple[str, str]]:
    return [
        (bid_title(call, item), "num"),
        (call._("Win rate"), "num"),
        (call._("Impressions a day"), "num"),
        (call._("Clicks a day"), "num"),
        (call._("Spend a day"), "num"),
    ]


def _row(point: Point, currency: str) -> list[str]:
    return [
        figures.micros(point.bid_micros, currency),
        share_text(point.win_rate),
        _about(point.impressions),
        _about(point.clicks),
        figures.micros(point.spend_micros, currency),
    ]
