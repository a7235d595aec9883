"""How often an ad of a line item would be shown, clicked and followed by a sale, slot by slot.

Rates are shrunk: a placement's towards the network's, and then the advertiser's and the line item's
own record moves them all by one factor each. Never here: the engine's model, which knows the user.
The one surprising fact: with an empty log there are rates too, the priors below, and `clicks` says
that they rest on nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from adserver.ports import EventStore
from adserver.reports.delivery import EVERYTHING, Dimension, Figures, Scope, by
from adserver.reports.fitting import Draft
from adserver.reports.span import Span
from models.domain.ids import PlacementId

PRIOR_CTR = 0.01
PRIOR_CVR = 0.02
PRIOR_SHOWN = 0.9
NETWORK_DOUBT = 100.0
"""Impressions, clicks or served ads that the priors are worth."""
PLACEMENT_DOUBT = 1_000.0
"""Impressions that the network's rate is worth in a placement."""
FACTOR_DOUBT = 10.0
"""Clicks expected that "as everybody else" is worth for an advertiser, and for its line item."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Of one ad served in a placement: the share shown; of those, clicked; of those, converted."""

    shown: float
    ctr: float
    cvr: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """Rates by placement, the clicks that they rest on, and the ads served there."""

    rates: Mapping[PlacementId, Rates]
    clicks: int
    served: Mapping[PlacementId, int] = field(default_factory=dict)


def expected(
    store: EventStore, draft: Draft, placements: Collection[PlacementId], span: Span
) -> Expectation:
    """What a line item may expect in these placements, by all that happened in the span.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    everybody = _by_placement(store, EVERYTHING, span)
    records = [_by_placement(store, Scope(advertiser_id=draft.advertiser.advertiser_id), span)]
    if draft.item.line_item_id:
        scope = Scope(line_item_id=draft.item.line_item_id)
        records.append(_by_placement(store, scope, span))
    return shrunk(everybody, records, placements)


def shrunk(
    everybody: Mapping[str, Figures],
    records: Iterable[Mapping[str, Figures]],
    placements: Collection[PlacementId],
) -> Expectation:
    """Rates from figures by placement: everybody's, and then of narrower and narrower owners."""
    network = sum(everybody.values(), Figures())
    shown = _rate(network.impressions, network.served, PRIOR_SHOWN, NETWORK_DOUBT)
    ctr = _rate(network.clicks, network.impressions, PRIOR_CTR, NETWORK_DOUBT)
    cvr = _rate(network.conversions, network.clicks, PRIOR_CVR, NETWORK_DOUBT)

    def of(figures: Figures) -> Rates:
        return Rates(
            _rate(figures.impressions, figures.served, shown, NETWORK_DOUBT),
            _rate(figures.clicks, figures.impressions, ctr, PLACEMENT_DOUBT),
            cvr,
        )

    rates = {name: of(everybody.get(name, Figures())) for name in {*placements, *everybody}}
    more_clicks, more_sales = 1.0, 1.0
    for record in records:
        clicks = sum(own.impressions * rates[name].ctr for name, own in record.items())
        sales = sum(own.clicks * cvr for own in record.values())
        came = sum(record.values(), Figures())
        more_clicks = _factor(came.clicks, clicks, more_clicks)
        more_sales = _factor(came.conversions, sales, more_sales)
    return Expectation(
        {
            name: Rates(
                rates[name].shown,
                min(rates[name].ctr * more_clicks, 1.0),
                min(cvr * more_sales, 1.0),
            )
            for name in placements
        },
        sum(everybody.get(name, Figures()).clicks for name in placements),
        {name: everybody.get(name, Figures()).served for name in placements},
    )


def _factor(came: int, hoped: float, before: float) -> float:
    """How many times more came than was hoped for, doubted towards the wider owner's factor."""
    return (came + FACTOR_DOUBT * before) / (hoped + FACTOR_DOUBT)


def _rate(events: int, of: int, prior: float, doubt: float) -> float:
    return min((events + prior * doubt) / (of + doubt), 1.0)


def _by_placement(store: EventStore, scope: Scope, span: Span) -> dict[str, Figures]:
    return {found.key: found.figures for found in by(store, Dimension.PLACEMENT, scope, span)}
