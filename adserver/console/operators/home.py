"""The operators' first page: what waits for a decision, and what is not as it should be.

Never here: any of those decisions. The one surprising fact: every count is asked of the database at
each load; nothing is kept, so the page is as true as the pages it leads to.
"""

from dataclasses import dataclass

from msgspec import Struct
from sqlalchemy import func, select

from adserver.accounting import top_ups
from adserver.console import loops
from adserver.console.desk import Desk
from adserver.console.operators import (
    customers,
    model_pages,
    month_pages,
    months,
    payout_pages,
    people,
    switches,
    top_up_pages,
)
from adserver.console.operators.house import zone_of
from adserver.console.web.exchange import Call, Html
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.stores import database, house_ads
from adserver.stores.partner_tables import PARTNERS
from adserver.stores.tables import CREATIVES
from affiliate.partner import Standing
from affiliate.payout import State
from models.domain.campaign import Review

PATH = "/house"
REVIEW = "/house/review"
OWN_ADS = "/house/house-ads"


class HouseWaiting(Struct):
    """What waits for an operator, and what is wrong."""

    creatives_to_review: int
    own_ads_to_review: int
    top_ups: int
    partner_applications: int
    months_to_close: int
    payouts_on_their_way: int
    payouts_failed: int
    switched_off: int
    failing_loops: list[str]


@dataclass(frozen=True, slots=True)
class Task:
    """A line of the page: how many of what wait, where to decide."""

    count: int
    title: str
    text: str
    href: str


def waiting(desk: Desk, call: Call) -> HouseWaiting:
    """Counts of now."""
    with database.reading(desk.engine) as connection:
        pending = select(func.count()).where(
            CREATIVES.c.review == Review.PENDING.value,
            CREATIVES.c.removed_at.is_(None),
            CREATIVES.c.archived_at.is_(None),
        )
        applied = select(func.count()).where(PARTNERS.c.standing == Standing.APPLIED.value)
        creatives = int(connection.execute(pending).scalar_one())
        own_ads = house_ads.count_waiting(connection)
        applications = int(connection.execute(applied).scalar_one())
    states = months.payouts_by_state(desk)
    return HouseWaiting(
        creatives,
        own_ads,
        top_ups.count_pending(desk.engine),
        applications,
        sum(
            month.may_close(call.now)
            for currency in months.currencies(desk)
            for month in months.everything(desk, currency, call.now)
        ),
        states[State.PENDING],
        states[State.FAILED],
        len(switches.all_off(desk)),
        [one.loop for one in loops.failing()],
    )


def page(desk: Desk, call: Call) -> Html:
    """`GET /house`."""
    found = waiting(desk, call)
    values = {
        "tasks": [task for task in _tasks(found) if task.count],
        "failing": loops.failing(),
        "places": _PLACES,
        "zone": zone_of(desk).key,
    }
    return Html("operators/home.html", values)


def _tasks(found: HouseWaiting) -> list[Task]:
    settle, off = month_pages.PATH, switches.PATH
    return [
        Task(found.switched_off, N_("Switched off"),
             N_("It is shown to nobody until you switch it on again."), off),
        Task(found.creatives_to_review, N_("Creatives to review"),
             N_("They are shown once they are approved."), REVIEW),
        Task(found.own_ads_to_review, N_("Apps' own ads to approve"),
             N_("They are shown free in their own app once they are approved."), OWN_ADS),
        Task(found.top_ups, N_("Top-ups to confirm"),
             N_("Advertisers say that they have paid; look at the bank."), top_up_pages.PATH),
        Task(found.partner_applications, N_("Partner applications"),
             N_("They earn nothing before you approve them."),
             f"{people.PATH}?standing={Standing.APPLIED}"),
        Task(found.months_to_close, N_("Months to close"),
             N_("Their day has come; partners wait for their statements."), settle),
        Task(found.payouts_on_their_way, N_("Payouts to confirm"),
             N_("The bank has them; say what it answered."),
             f"{payout_pages.PATH}?state={State.PENDING}"),
        Task(found.payouts_failed, N_("Payouts that failed"),
             N_("Try them again once the account is right."),
             f"{payout_pages.PATH}?state={State.FAILED}"),
    ]  # fmt: skip


_PLACES = (
    (N_("Live"), N_("Requests, latencies, workers"), "/house/live"),
    (N_("Advertisers"), N_("Who buys, and a new one"), customers.ADVERTISERS),
    (N_("Apps"), N_("Who shows, and whose they are"), customers.APPS),
    (N_("Partners"), N_("Who earns, and who waits"), people.PATH),
    (N_("Settlement"), N_("Months, statements, payouts"), month_pages.PATH),
    (N_("Models"), N_("What predicts clicks"), model_pages.PATH),
)


def get(desk: Desk, call: Call) -> HouseWaiting:
    """`GET /api/v1/house`."""
    return waiting(desk, call)


PAGES = (Page("GET", PATH, page, OPERATORS),)
ENDPOINTS = (
    Endpoint(
        "GET", "/api/v1/house", "What waits for an operator", get, OPERATORS, answer=HouseWaiting
    ),
)
