"""What lists of campaigns and line items share: how each stands, and its figures of some days.

Never here: a page. The one surprising fact: `found` is None when the event log did not answer; the
lists then show dashes and not zeros.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adserver.console.advertisers import money, reporting
from adserver.console.advertisers.status import BADGES, Badge, State, states_of
from adserver.console.buyer_desk import own, zone_of
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.reports.delivery import Figures
from adserver.stores.advertiser_money import Purse
from adserver.stores.buyers import Holdings
from models.domain.campaign import LineItem


@dataclass(frozen=True, slots=True)
class Overview:
    """An advertiser's things with their states; `days` is one of `reporting.SPANS`."""

    held: Holdings
    purse: Purse
    states: Mapping[str, State]
    days: str
    found: Mapping[str, Figures] | None
    currency: str
    begins: str = ""

    def figures(self, item: LineItem) -> Figures | None:
        """A line item's figures of the days; None when nobody could be asked."""
        return None if self.found is None else self.found.get(item.line_item_id, Figures())

    def sum_of(self, items: list[LineItem]) -> Figures | None:
        """The figures of several."""
        if self.found is None:
            return None
        return sum((self.found.get(one.line_item_id, Figures()) for one in items), Figures())

    def badge(self, item: LineItem) -> Badge:
        """How a line item stands."""
        return BADGES[self.states[item.line_item_id]]

    def values(self) -> dict[str, Any]:
        """What the templates of lists need of it."""
        return {
            "held": self.held,
            "advertiser": self.held.advertiser,
            "root": f"/advertisers/{self.held.advertiser.advertiser_id}",
            "currency": self.currency,
            "states": self.states,
            "badges": BADGES,
            "days": self.days,
            "begins": self.begins,
            "spans": [*reporting.SPANS],
            "away": self.found is None,
            "exhausted": not money.has_money(self.held.advertiser, self.purse),
        }


def overview_of(desk: Desk, call: Call) -> Overview:
    """The path's advertiser at a glance, over the days that the query chooses."""
    held = own(desk, call)
    owner = held.advertiser.advertiser_id
    chosen = call.query.get("days", "")
    days = chosen if chosen in reporting.SPANS else reporting.USUAL_SPAN
    purse = money.purse_of(desk, owner)
    states = states_of(held, call.now, has_money=money.has_money(held.advertiser, purse))
    zone = zone_of(held.advertiser)
    found = reporting.by_line_item(desk, owner, reporting.span_of(days, call.now, zone))
    begins = reporting.first_moment_of(call.now, zone)
    return Overview(held, purse, states, days, found, desk.settings.currency, begins)
