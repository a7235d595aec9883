"""The forecast over REST: `POST /api/v1/advertisers/{advertiser_id}/forecasts`.

Never here: how a forecast is made (`adserver.reports.forecast`). The one surprising fact: nothing
is created. It is a POST because a targeting does not fit into an address.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field, structs

from adserver.api.problems import NotFoundError, UnprocessableError
from adserver.console.buyer_desk import line_item_of, own
from adserver.console.desk import Desk
from adserver.console.insight.panel import told_of
from adserver.console.web.exchange import Call
from adserver.console.web.problems import pointer
from adserver.console.web.routes import Endpoint
from adserver.marketplace import rules
from adserver.marketplace.kinds import KINDS
from adserver.marketplace.notation import MOST_MICROS
from adserver.marketplace.problem import NotationError, spell_path
from adserver.marketplace.targeting_notation import read_targeting
from adserver.reports.bidding import LimitKind, Point
from adserver.reports.forecast import Between, Forecast, Trouble
from adserver.stores.buyers import Holdings
from models.domain.campaign import (
    CapLevel,
    CapPeriod,
    FrequencyCap,
    LineItem,
    PricingModel,
    Targeting,
)
from models.domain.ids import CampaignId, LineItemId
from models.domain.money import PPM
from models.domain.placement import Format

PATH = "/api/v1/advertisers/{advertiser_id}/forecasts"
_UNSAVED = LineItemId("forecast")
FOR_THE_HOUSE = "is booked by the house: ask your contact"


Amount = Annotated[int, Meta(ge=0, le=MOST_MICROS)]
Moment = Annotated[datetime, Meta(tz=True)]
Value = Annotated[str, Meta(max_length=200)]
Values = Annotated[list[Value], Meta(max_length=5_000)]


class ForecastCap(Struct):
    """At most so many impressions a user and period, over all line items of the level."""

    impressions: Annotated[int, Meta(ge=1, le=65_535)]
    period: CapPeriod
    level: CapLevel = CapLevel.LINE_ITEM


class ForecastRule(Struct):
    """Who may see it, who may not; values are written as in the catalog file."""

    include: Values = field(default_factory=list)
    exclude: Values = field(default_factory=list)


class ForecastBody(Struct):
    """A line item to look ahead for; with `line_item_id`, what is not named is as it is there.

    `formats` are what it would show while it has no creatives; none named: every format.
    """

    line_item_id: Value = ""
    formats: Annotated[list[Format], Meta(max_length=10)] = field(default_factory=list)
    pricing: PricingModel | UnsetType = UNSET
    bid_micros: Amount | UnsetType = UNSET
    product: Value | UnsetType = UNSET
    starts_at: Moment | UnsetType = UNSET
    ends_at: Moment | UnsetType | None = UNSET
    daily_budget_micros: Amount | UnsetType | None = UNSET
    total_budget_micros: Amount | UnsetType | None = UNSET
    caps: Annotated[list[ForecastCap], Meta(max_length=12)] | UnsetType = UNSET
    targeting: dict[Value, ForecastRule] | UnsetType = UNSET


class Range(Struct):
    """Where four of five days should lie."""

    low: float
    high: float


class LimitView(Struct):
    """What holds it back, and the share of what comes to it that it lets through."""

    kind: LimitKind
    share_ppm: int


class PointView(Struct):
    """What a bid brings a day, after caps and budgets; the win rate is before them."""

    bid_micros: int
    win_rate_ppm: int
    impressions: float
    clicks: float
    spend_micros: int


class ForecastView(Struct):
    """A day of the line item, from the last `days` days of the log.

    `troubles` say why it says nothing or little. `one_in`: one request in so many was looked at.
    """

    as_of: datetime
    currency: str
    days: float
    placements: int
    one_in: float
    requests_looked_at: int
    fitting_requests_a_day: float
    eligible_requests_a_day: float
    expected: PointView
    impressions: Range
    clicks: Range
    spend_low_micros: int
    spend_high_micros: int
    total_budget_lasts_days: float | None
    formats_assumed: bool
    limits: list[LimitView]
    troubles: list[Trouble]
    curve: list[PointView]


def make_forecast(desk: Desk, call: Call) -> ForecastView:
    """The forecast of a line item, saved or not.

    Raises:
        NotFoundError: the advertiser or its line item is not there.
        UnprocessableError: no line item could be like this.
        StoreAwayError: the event log does not answer.
    """
    held = own(desk, call)
    body: ForecastBody = call.data
    item = _item(held, call, body)
    _require_sound(item)
    told, assumed = told_of(desk, call, held.advertiser, item, body.formats)
    return _view(told, desk.settings.currency, assumed=assumed)


def _require_sound(item: LineItem) -> None:
    named = replace(item, line_item_id=item.line_item_id or _UNSAVED)
    for problem in rules.problems_of(named, lambda *_: True):
        known = KINDS[problem.kind].by_name.get(problem.field)
        name = known.attribute_name if known else problem.field
        raise UnprocessableError(problem.message, pointer(name))


def _item(held: Holdings, call: Call, body: ForecastBody) -> LineItem:
    before = _blank(call.now)
    if body.line_item_id:
        before = line_item_of(held, body.line_item_id)
    given = _given(body)
    sells = given.get("pricing") is PricingModel.CPS and before.pricing is not PricingModel.CPS
    if sells and not call.identity.is_operator:
        raise UnprocessableError(FOR_THE_HOUSE, "/pricing")
    return replace(before, **given)


def _blank(now: datetime) -> LineItem:
    return LineItem(LineItemId(""), CampaignId("forecast"), "-", PricingModel.CPM, now)


def _given(body: ForecastBody) -> dict[str, Any]:
    """What the body names, as the domain has it."""
    names = {one.name for one in structs.fields(ForecastBody)} - {"line_item_id", "formats"}
    given = {name: value for name in names if (value := getattr(body, name)) is not UNSET}
    if "caps" in given:
        given["caps"] = tuple(
            FrequencyCap(one.impressions, one.period, one.level) for one in given["caps"]
        )
    if "targeting" in given:
        given["targeting"] = _targeting(given["targeting"])
    return given


def _targeting(said: dict[str, ForecastRule]) -> Targeting:
    written: dict[str, Any] = {
        name: {"include": [*rule.include], "exclude": [*rule.exclude]}
        for name, rule in said.items()
    }
    try:
        return read_targeting(written)
    except NotationError as error:
        raise UnprocessableError(
            str(error), pointer(spell_path("targeting", *error.path))
        ) from None


def _view(told: Forecast, currency: str, *, assumed: bool) -> ForecastView:
    return ForecastView(
        as_of=told.as_of,
        currency=currency,
        days=round(told.days, 3),
        placements=told.placements,
        one_in=round(told.one_in, 1),
        requests_looked_at=told.looked_at,
        fitting_requests_a_day=round(told.fitting_a_day, 1),
        eligible_requests_a_day=round(told.eligible_a_day, 1),
        expected=_point(told.point),
        impressions=_range(told.impressions),
        clicks=_range(told.clicks),
        spend_low_micros=round(told.spend.low),
        spend_high_micros=round(told.spend.high),
        total_budget_lasts_days=told.total_lasts_days,
        formats_assumed=assumed,
        limits=[LimitView(limit.kind, round(limit.share * PPM)) for limit in told.limits],
        troubles=[*told.troubles],
        curve=_points(told.curve),
    )


def _range(between: Between) -> Range:
    return Range(round(between.low, 2), round(between.high, 2))


def _points(points: Sequence[Point]) -> list[PointView]:
    return [_point(point) for point in points]


def _point(point: Point) -> PointView:
    return PointView(
        bid_micros=point.bid_micros,
        win_rate_ppm=round(point.win_rate * PPM),
        impressions=round(point.impressions, 2),
        clicks=round(point.clicks, 2),
        spend_micros=point.spend_micros,
    )


ENDPOINT = Endpoint(
    "POST",
    PATH,
    "Forecast what a line item would get a day",
    make_forecast,
    body=ForecastBody,
    answer=ForecastView,
    problems=(NotFoundError.status, 503),
)
