"""Advertisers and apps, all of them; a new advertiser with its organisation and first invitation.

Never here: one advertiser (`customer_pages`), or what an advertiser or partner does on its own
pages, which operators use as well. The one surprising fact: one form makes three things in one
transaction, the catalog's; where the invitation is refused, there is no advertiser either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from adserver.accounts import invitations, organisations
from adserver.accounts.identity import Identity, Role
from adserver.console.account.people import link_of
from adserver.console.desk import Desk
from adserver.console.operators.house import sheet, text
from adserver.console.operators.paging import Order, Place, paged, part_of
from adserver.console.operators.refusals import Errors, errors_of
from adserver.console.web.exchange import Call, Download, Html, Listed
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.buying import ADVERTISER
from adserver.marketplace.fields import Kind
from adserver.marketplace.problem import CatalogError
from adserver.stores import advertiser_money, audit, database
from adserver.stores.catalog import SqlCatalog, make_id
from models.domain.campaign import Advertiser
from models.domain.ids import AdvertiserId
from models.domain.money import Micros
from models.domain.placement import App, Placement

ADVERTISERS = "/house/advertisers"
APPS = "/house/apps"
NAMES = ("name", "time_zone", "categories", "domain", "prepaid", "email")


class HouseAdvertiser(Struct):
    """An advertiser as the house sees it; the balance in micros, below 0 what it owes."""

    advertiser_id: str
    name: str
    active: bool
    prepaid: bool
    time_zone: str
    domain: str
    categories: list[str]
    balance_micros: int
    currency: str


class NewAdvertiser(Struct):
    """An advertiser to be made; with `email`, somebody is invited to its pages."""

    name: str
    time_zone: str = ""
    domain: str = ""
    categories: list[str] = []
    prepaid: bool = True
    email: str = ""


class MadeAdvertiser(Struct):
    """An advertiser that was made. `invitation` is the link for its first person, shown once."""

    advertiser_id: str
    invitation: str


class HouseApp(Struct):
    """An app, its partner ("" for the house), and how many placements it has."""

    app_id: str
    name: str
    bundle: str
    category: str
    partner_id: str
    active: bool
    placements: int


@dataclass(frozen=True, slots=True)
class Customer:
    """An advertiser and its account."""

    advertiser: Advertiser
    balance: Micros


def _place(one: Customer) -> Place:
    return not one.advertiser.active, one.advertiser.name, one.advertiser.advertiser_id


def _place_of_app(pair: tuple[App, int]) -> Place:
    return not pair[0].active, pair[0].name, pair[0].app_id


IN_USE_FIRST = Order(_place)
APPS_IN_USE_FIRST = Order(_place_of_app)
_BY_ID: Order[Customer] = Order(lambda one: (one.advertiser.advertiser_id,))
_APPS_BY_ID: Order[tuple[App, int]] = Order(lambda pair: (pair[0].app_id,))


def advertisers(desk: Desk) -> list[Customer]:
    """All advertisers, those in use first."""
    known = with_balances(desk, desk.catalog.find(Advertiser, archived=True))
    return IN_USE_FIRST.sorted(known)


def with_balances(desk: Desk, found: Sequence[Advertiser]) -> list[Customer]:
    """These advertisers and what is booked for each."""
    ids = [one.advertiser_id for one in found]
    with database.reading(desk.engine) as connection:
        held = advertiser_money.purses(connection, ids, desk.settings.currency)
    return [Customer(one, held[one.advertiser_id].booked) for one in found]


def apps(desk: Desk) -> list[tuple[App, int]]:
    """All apps with their number of placements in use."""
    counts: dict[str, int] = {}
    for placement in desk.catalog.find(Placement):
        counts[placement.app_id] = counts.get(placement.app_id, 0) + 1
    found = desk.catalog.find(App, archived=True)
    return APPS_IN_USE_FIRST.sorted((one, counts.get(one.app_id, 0)) for one in found)


def make(desk: Desk, who: Identity, given: NewAdvertiser, now: datetime) -> tuple[Advertiser, str]:
    """An advertiser, its organisation, and with an e-mail a link for its first person; or nothing.

    Raises:
        CatalogError: a field is not as it must be, or somebody has the address.
    """
    advertiser = Advertiser(
        advertiser_id=AdvertiserId(make_id(ADVERTISER)),
        name=given.name,
        time_zone=given.time_zone or desk.settings.time_zone,
        categories=frozenset(given.categories),
        domain=given.domain,
        prepaid=given.prepaid,
    )
    tokens: list[str] = []

    def witness(
        connection: Connection, _: Kind | None, _before: Any, after: Any, now: datetime
    ) -> None:
        owner = advertiser.advertiser_id
        audit.record(connection, who, "add", ADVERTISER.name, owner, None, after, now)
        house = organisations.ensure(connection, Role.ADVERTISER, owner, who, now)
        if given.email:
            made = invitations.invite(connection, house.organisation_id, given.email, who, now)
            tokens.append(made[1])

    SqlCatalog(desk.engine, witness).add(advertiser, now)
    return advertiser, link_of(desk, tokens[0]) if tokens else ""


def advertisers_page(desk: Desk, call: Call) -> Html:
    """`GET /house/advertisers`."""
    return _page(desk, call, {}, 200)


def add(desk: Desk, call: Call) -> Html:
    """`POST /house/advertisers`: shows the invitation's link, once."""
    given = NewAdvertiser(
        name=text(call, "name"),
        time_zone=text(call, "time_zone"),
        domain=text(call, "domain"),
        categories=text(call, "categories").replace(",", " ").split(),
        prepaid=bool(call.form.get("prepaid", "")),
        email=text(call, "email"),
    )
    try:
        made, link = make(desk, call.identity, given, call.now)
    except CatalogError as error:
        return _page(desk, call, errors_of(call, error), 422)
    return _page(desk, call, {}, 200, (made, link))


def _page(
    desk: Desk,
    call: Call,
    errors: Errors,
    status: int,
    made: tuple[Advertiser, str] | None = None,
) -> Html:
    given = {name: "" if made else text(call, name) for name in NAMES}
    if call.method == "GET" or made:
        given |= {"prepaid": "1", "time_zone": desk.settings.time_zone}
    some, further = part_of(call, ADVERTISERS, advertisers(desk), IN_USE_FIRST)
    values = {
        "customers": some,
        "next": further,
        "currency": desk.settings.currency,
        "made": made,
        "values": given,
        "errors": errors,
    }
    return Html("operators/advertisers.html", values, status)


def advertisers_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/advertisers.csv`."""
    rows = (customer_out(desk, one) for one in advertisers(desk))
    return sheet("advertisers", HouseAdvertiser, rows)


def apps_page(desk: Desk, call: Call) -> Html:
    """`GET /house/apps`."""
    some, further = part_of(call, APPS, apps(desk), APPS_IN_USE_FIRST)
    return Html("operators/apps.html", {"apps": some, "next": further})


def apps_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/apps.csv`."""
    return sheet("apps", HouseApp, (_app_out(*pair) for pair in apps(desk)))


def list_advertisers(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/advertisers`, by id."""
    return paged(call, advertisers(desk), _BY_ID, partial(customer_out, desk))


def post(desk: Desk, call: Call) -> MadeAdvertiser:
    """`POST /api/v1/house/advertisers`."""
    made, link = make(desk, call.identity, call.data, call.now)
    return MadeAdvertiser(made.advertiser_id, link)


def list_apps(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/apps`, by id."""
    return paged(call, apps(desk), _APPS_BY_ID, lambda pair: _app_out(*pair))


def customer_out(desk: Desk, customer: Customer) -> HouseAdvertiser:
    """An advertiser as programs see it."""
    one = customer.advertiser
    return HouseAdvertiser(
        one.advertiser_id,
        one.name,
        one.active,
        one.prepaid,
        one.time_zone,
        one.domain,
        sorted(one.categories),
        customer.balance,
        desk.settings.currency,
    )


def _app_out(app: App, placements: int) -> HouseApp:
    return HouseApp(
        app.app_id,
        app.name,
        app.bundle,
        app.category,
        app.partner_id or "",
        app.active,
        placements,
    )


PAGES = (
    Page("GET", ADVERTISERS, advertisers_page, OPERATORS),
    Page("POST", ADVERTISERS, add, OPERATORS),
    Page("GET", f"{ADVERTISERS}.csv", advertisers_csv, OPERATORS),
    Page("GET", APPS, apps_page, OPERATORS),
    Page("GET", f"{APPS}.csv", apps_csv, OPERATORS),
)
_API = "/api/v1/house"
ENDPOINTS = (
    Endpoint("GET", f"{_API}/advertisers", "All advertisers", list_advertisers, OPERATORS,
             answer=HouseAdvertiser, listed=True),
    Endpoint("POST", f"{_API}/advertisers", "Make an advertiser, its organisation and an "
             "invitation", post, OPERATORS, body=NewAdvertiser, answer=MadeAdvertiser, status=201),
    Endpoint("GET", f"{_API}/apps", "All apps", list_apps, OPERATORS, answer=HouseApp, listed=True),
)  # fmt: skip
