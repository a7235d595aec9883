"""Every route of every area, tried by everybody it is not for: 401 or 404, no data, no change.

Never here: what a route does for those it is for. The one surprising fact: the routes are read from
the areas themselves, so a new one is tried the day it is added.
"""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from sqlalchemy import func, select

from adserver.accounts.identity import Role
from adserver.console.areas import AREAS
from adserver.console.desk import Desk
from adserver.console.web import guard
from adserver.console.web.routes import EVERYBODY, OWNERS, Endpoint, Page
from adserver.stores.account_tables import AUDIT_LOG
from tests.adserver.console.made_bodies import made_body
from tests.adserver.console.routed import MINE, THEIRS, routed_desk
from tests.adserver.console.web.people import browser_of, program_of
from tests.adserver.console.web.running import Browser, Reply, listening

FORM = "application/x-www-form-urlencoded"
DECISION = "reference=B1&reason=why"
"""What a form needs in which somebody decides something; other forms are sent empty."""
Route = Page | Endpoint
ROUTES: list[Route] = [
    route
    for area in AREAS
    for route in (*area.pages, *area.endpoints)
    if not (isinstance(route, Page) and route.public)
]
OWNED = [route for route in ROUTES if any(f"{{{name}}}" in route.path for name in OWNERS)]
HOUSE = [route for route in ROUTES if route not in OWNED and route.roles != EVERYBODY]
NESTED = [route for route in OWNED if len(re.findall(r"\{", route.path)) > 1]


def name_of(route: Route) -> str:
    return f"{type(route).__name__} {route.method} {route.path}"


def filled(path: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(:[^}]*)?\}", lambda found: values.get(found[1], "x1"), path)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A house with two owners of each kind; all that there is belongs to the first of them."""
    with routed_desk(tmp_path_factory.mktemp("routes")) as desk:
        yield desk


@pytest.fixture(scope="module")
def port(desk: Desk) -> Iterator[int]:
    with listening(desk) as port:
        yield port


@pytest.fixture(scope="module")
def callers(desk: Desk, port: int) -> dict[str, tuple[Browser, Browser]]:
    """A browser and a program of everybody."""
    who = {
        "adv1": (Role.ADVERTISER, "adv1"),
        "adv2": (Role.ADVERTISER, "adv2"),
        "p1": (Role.PARTNER, "p1"),
        "p2": (Role.PARTNER, "p2"),
        "m1": (Role.MERCHANT, "m1"),
        "m2": (Role.MERCHANT, "m2"),
    }
    return {
        name: (browser_of(desk, port, *one), program_of(desk, port, *one))
        for name, one in who.items()
    }


@pytest.fixture(scope="module")
def operator(desk: Desk, port: int) -> tuple[Browser, Browser]:
    """A browser and a program of the house."""
    return browser_of(desk, port, Role.OPERATOR), program_of(desk, port, Role.OPERATOR)


def tried(desk: Desk, route: Route, path: str, caller: tuple[Browser, Browser]) -> Reply:
    """The route called with a form token or a key of the caller's own; a program's body is good."""
    browser, program = caller
    if isinstance(route, Endpoint):
        body = None if route.body is None else json.dumps(made_body(route.body)).encode()
        return program.call(route.method, path, body, Content_Type="application/json")
    token = guard.form_token(desk.keyring, browser.cookies)
    body = None if route.method == "GET" else f"csrf={token}&{DECISION}".encode()
    return browser.call(route.method, path, body, Content_Type=FORM)


def written(desk: Desk) -> tuple[int, int]:
    """What has changed so far: lines of the audit log, revisions of the catalog."""
    with desk.engine.connect() as connection:
        lines = connection.execute(select(func.count()).select_from(AUDIT_LOG)).scalar_one()
    return int(lines), desk.catalog.revision()


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_stranger_is_let_in_nowhere(desk: Desk, port: int, route: Route) -> None:
    before = written(desk)
    reply = tried(desk, route, filled(route.path, MINE), (Browser(port), Browser(port)))
    if isinstance(route, Endpoint):
        assert reply.status == HTTPStatus.UNAUTHORIZED
    else:
        assert reply.status == HTTPStatus.SEE_OTHER
        assert reply.headers["Location"].startswith("/sign-in?next=/")
    assert written(desk) == before


@pytest.mark.parametrize("route", OWNED, ids=name_of)
def test_what_is_somebody_elses_is_as_good_as_none(
    desk: Desk, callers: dict[str, tuple[Browser, Browser]], route: Route
) -> None:
    before = written(desk)
    (name,) = [name for name in OWNERS if f"{{{name}}}" in route.path]
    for caller, pair in callers.items():
        if caller != MINE[name]:
            reply = tried(desk, route, filled(route.path, MINE), pair)
            assert reply.status == HTTPStatus.NOT_FOUND, caller
    assert written(desk) == before


@pytest.mark.parametrize("route", HOUSE, ids=name_of)
def test_the_house_is_for_operators(
    desk: Desk, callers: dict[str, tuple[Browser, Browser]], route: Route
) -> None:
    before = written(desk)
    for caller, pair in callers.items():
        reply = tried(desk, route, filled(route.path, MINE), pair)
        assert reply.status == HTTPStatus.NOT_FOUND, caller
    assert written(desk) == before


NOBODY = dict.fromkeys(OWNERS, "nobody")


@pytest.mark.parametrize("route", OWNED, ids=name_of)
def test_an_owner_that_is_not_there_is_not_there_for_operators_either(
    desk: Desk, operator: tuple[Browser, Browser], route: Route
) -> None:
    before = written(desk)
    reply = tried(desk, route, filled(route.path, NOBODY), operator)
    assert reply.status == HTTPStatus.NOT_FOUND, reply.body[:500]
    assert written(desk) == before


@pytest.mark.parametrize("route", [one for one in HOUSE if "{" in one.path], ids=name_of)
def test_what_nobody_has_made_is_not_there_for_operators_either(
    desk: Desk, operator: tuple[Browser, Browser], route: Route
) -> None:
    before = written(desk)
    reply = tried(desk, route, filled(route.path, {}), operator)
    assert reply.status == HTTPStatus.NOT_FOUND, reply.body[:500]
    assert written(desk) == before


FOREIGN = {
    "campaign_id": "cmp1",
    "line_item_id": "li1",
    "creative_id": "cr1",
    "app_id": "app1",
    "placement_id": "pl1",
}
"""Things of adv1 and p1; everything else that a path may name is somebody's, or nobody's."""


@pytest.mark.parametrize("route", NESTED, ids=name_of)
def test_a_foreign_thing_under_the_own_name_is_not_there(
    desk: Desk, callers: dict[str, tuple[Browser, Browser]], route: Route
) -> None:
    before = written(desk)
    (name,) = [name for name in OWNERS if f"{{{name}}}" in route.path]
    path = filled(route.path, {**FOREIGN, **THEIRS})
    reply = tried(desk, route, path, callers[THEIRS[name]])
    assert reply.status == HTTPStatus.NOT_FOUND, reply.body[:500]
    assert written(desk) == before
