"""One advertiser as operators see it: its fields, out of use and back, what is booked for it.

Never here: a new one (`customers`), or its campaigns, which are on its own pages. The one
surprising fact: an advertiser that is archived shows no ads any more, but its people still sign in
and its money stays where it is.
"""

from dataclasses import replace
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators import open_forms
from adserver.console.operators.customers import (
    ADVERTISERS,
    Customer,
    HouseAdvertiser,
    customer_out,
    with_balances,
)
from adserver.console.operators.house import text
from adserver.console.operators.refusals import Errors, errors_of
from adserver.console.web.exchange import Call, Html, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.problem import CatalogError
from adserver.stores import audit, database
from adserver.stores.audit import Line, Sought
from models.domain.campaign import Advertiser

ONE = f"{ADVERTISERS}/{{advertiser}}"
FIELDS = ("name", "time_zone", "domain", "categories", "prepaid")
LINES_SHOWN = 20


class AdvertiserFields(Struct):
    """What shall be otherwise; what is not given stays."""

    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    domain: str | UnsetType = UNSET
    categories: list[str] | UnsetType = UNSET
    prepaid: bool | UnsetType = UNSET


def find(desk: Desk, advertiser_id: str) -> Customer:
    """One advertiser, archived or not. Raises NotFoundError."""
    try:
        found = desk.catalog.get(Advertiser, advertiser_id)
    except CatalogError:
        raise NotFoundError("there is no such advertiser") from None
    return with_balances(desk, [found])[0]


def change(desk: Desk, call: Call, values: dict[str, Any]) -> Advertiser:
    """Gives the path's advertiser other fields. Raises NotFoundError, CatalogError."""
    advertiser_id = find(desk, call.params["advertiser"]).advertiser.advertiser_id
    catalog = desk.catalog.acting_for(call.identity)
    return catalog.edit(Advertiser, advertiser_id, lambda one: replace(one, **values), call.now)


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/advertisers/{advertiser}`."""
    return _page(desk, call, {}, 200)


def edit(desk: Desk, call: Call) -> Reply:
    """`POST /house/advertisers/{advertiser}`."""
    before = find(desk, call.params["advertiser"]).advertiser
    try:
        values: dict[str, Any] = {**open_forms.meant(call, _sent(call), _written(before))}
        if "categories" in values:
            values["categories"] = _words(values["categories"])
        if "prepaid" in values:
            values["prepaid"] = bool(values["prepaid"])
        changed = change(desk, call, values)
    except CatalogError as error:
        return _page(desk, call, errors_of(call, error), 422)
    return See(f"{ADVERTISERS}/{changed.advertiser_id}", N_("The advertiser is changed."))


def put_away(desk: Desk, call: Call) -> Reply:
    """`POST /house/advertisers/{advertiser}/archive` and `/restore`."""
    changed = change(desk, call, {"active": _wants_active(call)})
    said = N_("The advertiser is archived: none of its ads is shown any more.")
    if changed.active:
        said = N_("The advertiser is in use again.")
    return See(f"{ADVERTISERS}/{changed.advertiser_id}", said)


def _wants_active(call: Call) -> bool:
    return call.path.endswith("/restore")


def _sent(call: Call) -> dict[str, str]:
    return {name: text(call, name) for name in FIELDS}


def _words(given: str) -> frozenset[str]:
    return frozenset(given.replace(",", " ").split())


def _page(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    customer = find(desk, call.params["advertiser"])
    one = customer.advertiser
    values = {
        "customer": customer,
        "advertiser": one,
        "currency": desk.settings.currency,
        "values": _written(one) | (open_forms.typed(call, _sent(call)) if errors else {}),
        "was": _written(one),
        "history": _history(desk, one),
        "errors": errors,
    }
    return Html("operators/advertiser.html", values, status)


def _written(one: Advertiser) -> dict[str, str]:
    plain = {name: getattr(one, name) for name in ("name", "time_zone", "domain")}
    categories = ", ".join(sorted(one.categories))
    return {**plain, "categories": categories, "prepaid": "1" if one.prepaid else ""}


def _history(desk: Desk, one: Advertiser) -> list[Line]:
    """What was done to the advertiser itself, newest first."""
    sought = Sought(kind="advertiser", entity_id=one.advertiser_id)
    with database.reading(desk.engine) as connection:
        return audit.lines(connection, sought, LINES_SHOWN)


def get(desk: Desk, call: Call) -> HouseAdvertiser:
    """`GET /api/v1/house/advertisers/{advertiser}`."""
    return customer_out(desk, find(desk, call.params["advertiser"]))


def patch(desk: Desk, call: Call) -> HouseAdvertiser:
    """`PATCH /api/v1/house/advertisers/{advertiser}`."""
    given = structs.asdict(call.data)
    values = {name: value for name, value in given.items() if value is not UNSET}
    if "categories" in values:
        values["categories"] = frozenset(values["categories"])
    change(desk, call, values)
    return get(desk, call)


def rest_put_away(desk: Desk, call: Call) -> HouseAdvertiser:
    """`POST /api/v1/house/advertisers/{advertiser}/archive` and `/restore`."""
    change(desk, call, {"active": _wants_active(call)})
    return get(desk, call)


PAGES = (
    Page("GET", ONE, page, OPERATORS),
    Page("POST", ONE, edit, OPERATORS),
    Page("POST", f"{ONE}/archive", put_away, OPERATORS),
    Page("POST", f"{ONE}/restore", put_away, OPERATORS),
)
_API = "/api/v1/house/advertisers/{advertiser}"
ENDPOINTS = (
    Endpoint("GET", _API, "One advertiser", get, OPERATORS, answer=HouseAdvertiser),
    Endpoint("PATCH", _API, "Change an advertiser", patch, OPERATORS, body=AdvertiserFields,
             answer=HouseAdvertiser),
    Endpoint("POST", f"{_API}/archive", "Take an advertiser out of use, with all its ads",
             rest_put_away, OPERATORS, answer=HouseAdvertiser),
    Endpoint("POST", f"{_API}/restore", "Use an advertiser again", rest_put_away, OPERATORS,
             answer=HouseAdvertiser),
)  # fmt: skip
