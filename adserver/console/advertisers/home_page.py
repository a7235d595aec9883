"""An advertiser's first page: money, what runs, and what needs somebody.

Never here: the figures' arithmetic. The one surprising fact: days here are the advertiser's own,
as its budgets are; only the account on the balance page is kept in the house's days.
"""

from collections.abc import Mapping

from adserver.console.advertisers import attention, charts, money, reporting
from adserver.console.advertisers.status import BADGES, State, states_of
from adserver.console.buyer_desk import own, zone_of
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html
from adserver.reports.delivery import Figures, Scope
from adserver.reports.span import Span
from adserver.stores.buyers import Holdings
from models.domain.campaign import LineItem

DRAWN_DAYS = 14
LISTED = 8


def home(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}`."""
    held = own(desk, call)
    advertiser, zone = held.advertiser, zone_of(held.advertiser)
    purse = money.purse_of(desk, advertiser.advertiser_id)
    states = states_of(held, call.now, has_money=money.has_money(advertiser, purse))
    today = reporting.by_line_item(
        desk, advertiser.advertiser_id, Span.last_days(1, call.now, zone)
    )
    days = reporting.by_day(
        desk,
        Scope(advertiser_id=advertiser.advertiser_id),
        Span.last_days(DRAWN_DAYS, call.now, zone),
    )
    runway = money.runway_of(desk, advertiser.advertiser_id, purse, call.now)
    matters = attention.of_money(held, purse, runway)
    matters += attention.of_line_items(held, states, today, call.now)
    values = {
        "held": held,
        "purse": purse,
        "runway": runway,
        "currency": desk.settings.currency,
        "begins": reporting.first_moment_of(call.now, zone),
        "matters": matters,
        "today": sum((today or {}).values(), Figures()) if today is not None else None,
        "running": sum(state is State.RUNNING for state in states.values()),
        "days": days,
        "drawn": charts.spend_by_day(days or [], desk.settings.currency, call._),
        "busiest": busiest(held, today or {}, states),
        "badges": BADGES,
        "states": states,
    }
    return Html("advertisers/home.html", values)


def busiest(
    held: Holdings, today: Mapping[str, Figures], states: dict[str, State]
) -> list[tuple[LineItem, Figures]]:
    """The line items that run or did something today, the most charged first."""
    shown = [
        (item, today.get(item.line_item_id, Figures()))
        for item in held.line_items
        if item.line_item_id in today or states[item.line_item_id] is State.RUNNING
    ]
    ordered = sorted(shown, key=lambda pair: (-pair[1].charged_micros, -pair[1].impressions))
    return ordered[:LISTED]
