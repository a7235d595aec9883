"""How apps of a category do: fill, eCPM and click rate by category and format, over all partners.

    industry(store, slots, span) -> [Cell]

Never here: which cells a partner may see; each `Cell` knows that of itself (`tells_...`). The one
surprising fact: there are no totals, because a total less what is shown would tell what is not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from adserver.ports import EventStore
from adserver.reports.delivery import EVERYTHING, Dimension, Figures, by
from adserver.reports.requests import AskedBy, Requests, RequestScope, requests_by
from adserver.reports.span import Span
from adserver.reports.suppression import largest_share, may_be_told
from models.domain.ids import PartnerId
from models.domain.marketplace import Marketplace
from models.domain.placement import App, Format, Placement

HOUSE = PartnerId("")


@dataclass(frozen=True, slots=True)
class Done:
    """What was asked and what was shown."""

    requests: Requests = field(default_factory=Requests)
    figures: Figures = field(default_factory=Figures)

    def __add__(self, other: "Done") -> "Done":
        """Both together."""
        return Done(self.requests + other.requests, self.figures + other.figures)


@dataclass(frozen=True, slots=True)
class Cell:
    """One category and format, by the partners who own its apps; the house counts as one."""

    category: str
    format: Format
    by_partner: Mapping[PartnerId, Done] = field(default_factory=dict)

    @property
    def done(self) -> Done:
        """All partners together."""
        return sum(self.by_partner.values(), Done())

    @property
    def partners(self) -> int:
        """How many partners' apps asked."""
        return sum(done.requests.requests > 0 for done in self.by_partner.values())

    @property
    def largest_share(self) -> float:
        """The largest share that one partner has of requests, impressions or revenue."""
        return max(largest_share(amounts) for amounts in self._amounts())

    @property
    def tells_fill(self) -> bool:
        """Whether a partner may see the share of requests that were filled."""
        return may_be_told(self._amounts()[0])

    @property
    def tells_ctr(self) -> bool:
        """Whether a partner may see the click rate."""
        return may_be_told(self._amounts()[1])

    @property
    def tells_ecpm(self) -> bool:
        """Whether a partner may see what a thousand impressions bring."""
        return self.tells_ctr and may_be_told(self._amounts()[2])

    def _amounts(self) -> list[list[int]]:
        every = list(self.by_partner.values())
        return [
            [done.requests.requests for done in every],
            [done.figures.impressions for done in every],
            [done.figures.charged_micros for done in every],
        ]


def industry(store: EventStore, slots: Marketplace, span: Span) -> list[Cell]:
    """Every category and format that apps asked for, by category.

    `slots` holds the apps and placements, archived ones too.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    asked = requests_by(store, AskedBy.PLACEMENT, RequestScope(), span)
    shown = by(store, Dimension.PLACEMENT, EVERYTHING, span)
    done: dict[str, Done] = {}
    for line in asked:
        done[line.key] = Done(line.requests)
    for told in shown:
        done[told.key] = done.get(told.key, Done()) + Done(figures=told.figures)
    return cells_of(slots, done)


def cells_of(slots: Marketplace, done: Mapping[str, Done]) -> list[Cell]:
    """Cells from what was done by placement."""
    apps = {app.app_id: app for app in slots.apps}
    found: dict[tuple[str, Format], dict[PartnerId, Done]] = {}
    for app, placement in _owned(apps.values(), slots.placements):
        what = done.get(placement.placement_id)
        if what is None:
            continue
        partner = app.partner_id or HOUSE
        cell = found.setdefault((app.category.strip().lower(), placement.format), {})
        cell[partner] = cell.get(partner, Done()) + what
    return [Cell(*kind, own) for kind, own in sorted(found.items())]


def _owned(apps: Iterable[App], placements: Iterable[Placement]) -> Iterable[tuple[App, Placement]]:
    known = {app.app_id: app for app in apps}
    return ((known[one.app_id], one) for one in placements if one.app_id in known)
