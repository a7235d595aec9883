"""What on an advertiser's desk needs somebody: in sentences, the worst first.

Never here: how to fix it; each sentence leads to the page where that is done. The one surprising
fact: what is paused on purpose is not brought up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adserver.console.advertisers.money import Runway
from adserver.console.advertisers.status import State
from adserver.console.web.language import N_
from adserver.reports.delivery import Figures
from adserver.stores.advertiser_money import Purse
from adserver.stores.buyers import Holdings
from models.domain.campaign import LineItem, Review

SOON = timedelta(days=2)
LITTLE_DAYS = 3
NEARLY_PPM = 980_000
_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Matter:
    """A sentence with its values, how bad it is (bad, warn, info), and where it is dealt with."""

    text: str
    kind: str
    href: str
    action: str
    values: Mapping[str, Any] = field(default_factory=dict)


def of_money(held: Holdings, purse: Purse, runway: Runway) -> list[Matter]:
    """Nothing left, or little."""
    href = f"/advertisers/{held.advertiser.advertiser_id}/balance"
    if held.advertiser.prepaid and purse.left <= 0:
        text = N_("The balance is used up, so nothing is shown. It goes on as soon as money is in.")
        return [Matter(text, "bad", href, N_("Top up"))]
    if held.advertiser.prepaid and runway.days is not None and runway.days < LITTLE_DAYS:
        text = N_("At the pace of the last week the balance lasts for less than three days.")
        return [Matter(text, "warn", href, N_("Top up"))]
    return []


def of_line_items(
    held: Holdings,
    states: Mapping[str, State],
    today: Mapping[str, Figures] | None,
    now: datetime,
) -> list[Matter]:
    """Line items that wait for something, are near an end, or have spent today's money."""
    found = []
    for item in held.line_items:
        state = states[item.line_item_id]
        found += _of_state(held, item, state)
        if state is State.RUNNING:
            found += _of_running(held, item, (today or {}).get(item.line_item_id), now)
    order = {"bad": 0, "warn": 1, "info": 2}
    return sorted(found, key=lambda matter: order[matter.kind])


def _of_state(held: Holdings, item: LineItem, state: State) -> list[Matter]:
    owner, name = held.advertiser.advertiser_id, {"name": item.name}
    page = f"/advertisers/{owner}/line-items/{item.line_item_id}"
    matters = {
        State.NO_CREATIVE: (N_("%(name)s has no creative yet, so there is nothing to show."),
                            "warn", page, N_("Add a creative")),
        State.REJECTED: (N_("Every creative of %(name)s was rejected."), "bad", page,
                         N_("See why")),
        State.IN_REVIEW: (N_("%(name)s waits for the review of its creatives."), "info", page,
                          N_("Look")),
    }  # fmt: skip
    found = matters.get(state)
    if found is not None:
        return [Matter(*found, name)]
    reviews = [one.review for one in held.creatives_of(item.line_item_id) if one.active]
    if state is State.RUNNING and Review.REJECTED in reviews:
        text = N_("A creative of %(name)s was rejected; the others run.")
        return [Matter(text, "warn", page, N_("See why"), name)]
    return []


def _of_running(
    held: Holdings, item: LineItem, today: Figures | None, now: datetime
) -> list[Matter]:
    owner, name = held.advertiser.advertiser_id, {"name": item.name}
    page = f"/advertisers/{owner}/line-items/{item.line_item_id}"
    found = []
    budget = item.daily_budget_micros
    if today is not None and budget and today.charged_micros * _PPM >= budget * NEARLY_PPM:
        text = N_("%(name)s has spent its budget of today and rests until midnight.")
        found.append(Matter(text, "info", page, N_("Look"), name))
    if item.ends_at is not None and item.ends_at - now <= SOON:
        text = N_("%(name)s ends within two days.")
        found.append(Matter(text, "info", f"{page}/edit", N_("Change the end"), name))
    return found
