"""Why a line item does not deliver: what stands in its way, and what became of it.

One page and one REST call, told from the same `Why`. Never here: the words (`why_words`) or the
reasons (`reports.explaining`). The one surprising fact: while the event log is away the page still
tells what keeps a line item from running, since that is known without it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup
from msgspec import Struct

from adserver.api.problems import NotFoundError
from adserver.console.buyer_desk import campaign_of, own, own_line_item, zone_of
from adserver.console.desk import Desk
from adserver.console.insight import why_words as words
from adserver.console.insight.owned import has_money, is_switched_off, log_of, slots_of
from adserver.console.insight.paired import short
from adserver.console.insight.panel import share_text
from adserver.console.web import figures, plots
from adserver.console.web.exchange import Call, Html
from adserver.console.web.plots import HALF, Frame
from adserver.console.web.routes import Endpoint
from adserver.eventlog.queries import census_of
from adserver.ports import StatementRefusedError, StoreAwayError
from adserver.reports import delivery
from adserver.reports.delivery import Figures, Scope
from adserver.reports.explaining import Obstacle, Reason, Standing, Told, obstacles, told_by
from adserver.reports.span import BEGINNING, Span
from adserver.stores.buyers import Holdings
from models.domain.campaign import LineItem, PricingModel
from models.domain.money import PPM

LOOK_BACK = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7)}
USUAL = "24h"
MOST_BARS = 8


@dataclass(frozen=True, slots=True)
class Why:
    """What is known of one line item. `told` and the figures are None while the log is away."""

    held: Holdings
    item: LineItem
    stands: list[Obstacle]
    product: str
    last: str
    told: Told | None = None
    recent: Figures | None = None
    today: Figures | None = None
    ever: Figures | None = None


def why_of(desk: Desk, call: Call) -> Why:
    """Everything about the line item in the path.

    Raises:
        NotFoundError: it is not the advertiser's.
    """
    held = own(desk, call)
    item = own_line_item(held, call)
    last = call.query.get("last", USUAL)
    last = last if last in LOOK_BACK else USUAL
    told, recent, today, ever = _asked(desk, held, item, call.now, last)
    product = _product(desk, item, call.now)
    standing = Standing(
        held.advertiser,
        campaign_of(held, item),
        item,
        held.creatives_of(item.line_item_id),
        slots_of(desk),
        has_money(desk, held.advertiser),
        is_switched_off(desk, held.advertiser.advertiser_id, item),
        product,
        today,
        ever,
    )
    stands = obstacles(standing, call.now)
    return Why(held, item, stands, product, last, told, recent, today, ever)


Asked = tuple[Told | None, Figures | None, Figures | None, Figures | None]


def _asked(desk: Desk, held: Holdings, item: LineItem, now: datetime, last: str) -> Asked:
    zone = zone_of(held.advertiser)
    since = now - LOOK_BACK[last]
    bounds = [int(at.timestamp() * 1000) for at in (since, now + timedelta(minutes=1))]
    scope = Scope(line_item_id=item.line_item_id)
    spans = [Span(since, now), Span.last_days(1, now, zone), Span(BEGINNING, now)]
    try:
        store = log_of(desk)
        counts = census_of(store, item.line_item_id, bounds[0], bounds[1])
        recent, today, ever = (delivery.totals(store, scope, span) for span in spans)
    except (StoreAwayError, StatementRefusedError):
        return None, None, None, None
    return told_by(counts), recent, today, ever


def _product(desk: Desk, item: LineItem, now: datetime) -> str:
    if item.pricing is not PricingModel.CPS:
        return ""
    shown = desk.catalog.promotions(desk.settings.currency, now).get(item.product)
    return shown.obstacle if shown else item.product


def page(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/line-items/{line_item_id}/why`."""
    why = why_of(desk, call)
    root = f"/advertisers/{why.held.advertiser.advertiser_id}"
    values = {
        "item": why.item,
        "root": root,
        "own": f"{root}/line-items/{why.item.line_item_id}",
        "verdict": call._(words.CANNOT_RUN if why.stands else words.CAN_RUN),
        "stands": [_stand(call, why, one, root) for one in why.stands],
        "tabs": [
            (f"{call.path}?last={last}", call._(title), last == why.last)
            for last, title in words.SPANS.items()
        ],
        "why": why,
        "currency": desk.settings.currency,
        "bars": _bars(call, why),
        "rows": [_row(call, one) for one in (why.told.reasons if why.told else ())],
    }
    return Html("insight/why.html", values)


def _stand(call: Call, why: Why, obstacle: Obstacle, root: str) -> tuple[str, str, str]:
    """The sentence, what the link says, and where it leads; both "" where nothing can be done."""
    said = words.OBSTACLES[obstacle]
    text = call._(said.text)
    if obstacle is Obstacle.NO_PRODUCT:
        text = f"{text} {why.product}"
    own_page = f"{root}/line-items/{why.item.line_item_id}"
    href = {
        "": own_page,
        "edit": f"{own_page}/edit",
        "campaign": f"{root}/campaigns/{why.item.campaign_id}",
    }.get(said.target, f"{root}{said.target}")
    return text, call._(said.action) if said.action else "", href


def _bars(call: Call, why: Why) -> Markup:
    reasons = why.told.reasons[:MOST_BARS] if why.told else []
    rows = [
        {
            "what": short(call._(words.REASONS.get(one.name, one.name))),
            "share": round(one.share * PPM),
        }
        for one in reasons
    ]
    title = call._("What became of it in the sampled requests")
    return plots.bars(rows, "what", "share", frame=Frame(title, unit="percent", width=HALF))


def _row(call: Call, reason: Reason) -> list[str]:
    return [
        call._(words.REASONS.get(reason.name, reason.name)),
        share_text(reason.share),
        figures.number(reason.requests),
        _advice(call, reason.name),
    ]


def _advice(call: Call, name: str) -> str:
    if name in words.ADVICE:
        return call._(words.ADVICE[name])
    return call._(words.TARGETING_ADVICE) if name in words.TARGETED else ""


class ObstacleView(Struct):
    """Something that keeps it from running, as a name and in words."""

    name: Obstacle
    text: str


class ReasonView(Struct):
    """What became of it in so many sampled requests; `share_ppm` is of those it could fit."""

    name: str
    text: str
    requests: int
    share_ppm: int
    advice: str


class WhyView(Struct):
    """Why a line item does or does not deliver.

    Requests are a sample, about one a second and worker; what was delivered is counted. `elsewhere`
    of them came from placements that its creatives do not fit. Null: the event log is away.
    """

    line_item_id: str
    as_of: datetime
    last: str
    can_run: bool
    obstacles: list[ObstacleView]
    sampled: int | None
    elsewhere: int | None
    reasons: list[ReasonView]
    served: int | None
    impressions: int | None
    clicks: int | None
    charged_micros: int | None
    currency: str


def tell(desk: Desk, call: Call) -> WhyView:
    """The same over REST; texts are in the language of the call."""
    why = why_of(desk, call)
    told, recent = why.told, why.recent
    return WhyView(
        line_item_id=why.item.line_item_id,
        as_of=call.now,
        last=why.last,
        can_run=not why.stands,
        obstacles=[ObstacleView(one, call._(words.OBSTACLES[one].text)) for one in why.stands],
        sampled=told.sampled if told else None,
        elsewhere=told.elsewhere if told else None,
        reasons=[_reason_view(call, one) for one in (told.reasons if told else ())],
        served=recent.served if recent else None,
        impressions=recent.impressions if recent else None,
        clicks=recent.clicks if recent else None,
        charged_micros=recent.charged_micros if recent else None,
        currency=desk.settings.currency,
    )


def _reason_view(call: Call, reason: Reason) -> ReasonView:
    return ReasonView(
        name=reason.name,
        text=call._(words.REASONS.get(reason.name, reason.name)),
        requests=reason.requests,
        share_ppm=round(reason.share * PPM),
        advice=_advice(call, reason.name),
    )


ENDPOINT = Endpoint(
    "GET",
    "/api/v1/advertisers/{advertiser_id}/line-items/{line_item_id}/why",
    "Why a line item does or does not deliver",
    tell,
    answer=WhyView,
    query={
        "last": ({"type": "string", "enum": [*LOOK_BACK]}, "How far to look back; 24h if unsaid")
    },
    problems=(NotFoundError.status,),
)
