"""An organisation's own page: name, time zone, people, invitations. And all of them, for operators.

Never here: what an organisation owns. The one surprising fact: operators use the same handlers
under `/house/organisations/{organisation_id}`; without an id in the path it is the caller's own.
"""

from http import HTTPStatus
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import Connection

from adserver.accounts import invitations, organisations, users
from adserver.accounts.identity import Role
from adserver.accounts.organisations import Organisation
from adserver.accounts.users import User
from adserver.api.problems import NotFoundError
from adserver.console.account.words import (
    LANGUAGE_NAMES,
    NOTHING_THERE,
    ROLES,
    errors_of,
    organisation_of,
)
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html, Reply, See
from adserver.console.web.language import N_
from adserver.marketplace.problem import CatalogError
from adserver.stores import database

OWN, HOUSE = "/account/organisation", "/house/organisations"
_PAGE, _LIST = "account/organisation.html", "account/organisations.html"

SAVED = N_("Saved.")
WITHDRAWN = N_("The invitation is withdrawn.")
SHUT_OUT = N_("The account is disabled and signed out everywhere.")
LET_IN = N_("The account is enabled.")


def show(desk: Desk, call: Call) -> Html:
    """`GET /account/organisation`."""
    with database.reading(desk.engine) as connection:
        return _page(connection, call, organisation_of(connection, call))


def take(desk: Desk, call: Call) -> Reply:
    """`POST /account/organisation`: name, time zone, language."""
    given = {name: call.form.get(name, "").strip() for name in ("name", "time_zone", "language")}
    try:
        with database.writing(desk.engine) as connection:
            before = organisation_of(connection, call)
            organisations.edit(connection, before, given, call.identity, call.now)
    except CatalogError as error:
        return _refused(desk, call, error, {"given": given})
    return See(_path(call), SAVED)


def invite(desk: Desk, call: Call) -> Reply:
    """`POST .../invitations`: answers the page with the link, which is shown this once."""
    email = call.form.get("email", "")
    try:
        with database.writing(desk.engine) as connection:
            house = organisation_of(connection, call)
            _, token = invitations.invite(
                connection, house.organisation_id, email, call.identity, call.now
            )
            shown = {"link": link_of(desk, token), "link_for": email.strip()}
            return _page(connection, call, house, shown)
    except CatalogError as error:
        return _refused(desk, call, error, {"email": email})


def withdraw(desk: Desk, call: Call) -> See:
    """`POST .../invitations/{invitation_id}/withdraw`."""
    with database.writing(desk.engine) as connection:
        house, wanted = organisation_of(connection, call), call.params["invitation_id"]
        done = invitations.withdraw(
            connection, house.organisation_id, wanted, call.identity, call.now
        )
    if done is None:
        raise NotFoundError(NOTHING_THERE)
    return See(_path(call), WITHDRAWN)


def disable(desk: Desk, call: Call) -> Reply:
    """`POST .../users/{user_id}/disable`: shuts somebody out at once."""
    return _set_disabled(desk, call, disabled=True)


def enable(desk: Desk, call: Call) -> Reply:
    """`POST .../users/{user_id}/enable`."""
    return _set_disabled(desk, call, disabled=False)


def reset(desk: Desk, call: Call) -> Html:
    """`POST /house/organisations/{organisation_id}/users/{user_id}/reset`: a link, shown once."""
    with database.writing(desk.engine) as connection:
        house = organisation_of(connection, call)
        user = member(connection, call, house)
        _, token = invitations.reset(connection, user, call.identity, call.now)
        shown = {"link": link_of(desk, token), "link_for": user.email}
        return _page(connection, call, house, shown)


def show_all(desk: Desk, call: Call) -> Html:
    """`GET /house/organisations`: everybody who may sign in, by organisation."""
    with database.reading(desk.engine) as connection:
        return _list(connection, call, {})


def invite_owner(desk: Desk, call: Call) -> Reply:
    """`POST /house/organisations`: the first person of an owner; its organisation is made."""
    given = {name: call.form.get(name, "").strip() for name in ("role", "owner", "email")}
    role = Role(given["role"]) if given["role"] in set(Role) else Role.PARTNER
    owner = "" if role is Role.OPERATOR else given["owner"]
    try:
        with database.writing(desk.engine) as connection:
            house = organisations.ensure(connection, role, owner, call.identity, call.now)
            _, token = invitations.invite(
                connection, house.organisation_id, given["email"], call.identity, call.now
            )
            shown = {"link": link_of(desk, token), "link_for": given["email"]}
            return _list(connection, call, shown)
    except CatalogError as error:
        with database.reading(desk.engine) as connection:
            refused = {"given": given, "errors": errors_of(call, error)}
            return _list(connection, call, refused, HTTPStatus.UNPROCESSABLE_ENTITY)


def member(connection: Connection, call: Call, house: Organisation) -> User:
    """The user in the path, of this organisation.

    Raises:
        NotFoundError: it has none of that id.
    """
    user = users.find(connection, call.params["user_id"])
    if user is None or user.organisation_id != house.organisation_id:
        raise NotFoundError(NOTHING_THERE)
    return user


def link_of(desk: Desk, token: str) -> str:
    """Where an invitation leads."""
    return f"{desk.settings.console_address}/invitations/{token}"


def _set_disabled(desk: Desk, call: Call, *, disabled: bool) -> Reply:
    try:
        with database.writing(desk.engine) as connection:
            user = member(connection, call, organisation_of(connection, call))
            users.set_disabled(connection, user, disabled, call.identity, call.now)
    except CatalogError as error:
        return _refused(desk, call, error, {})
    return See(_path(call), SHUT_OUT if disabled else LET_IN)


def _refused(desk: Desk, call: Call, error: CatalogError, shown: dict[str, Any]) -> Html:
    with database.reading(desk.engine) as connection:
        house = organisation_of(connection, call)
        shown = shown | {"errors": errors_of(call, error)}
        return _page(connection, call, house, shown, HTTPStatus.UNPROCESSABLE_ENTITY)


def _path(call: Call) -> str:
    """The page that the form was on."""
    return f"{HOUSE}/{call.params['organisation_id']}" if "organisation_id" in call.params else OWN


def _page(
    connection: Connection,
    call: Call,
    house: Organisation,
    shown: dict[str, Any] | None = None,
    status: int = HTTPStatus.OK,
) -> Html:
    own = {"name": house.name, "time_zone": house.time_zone, "language": house.language}
    usual = {"given": own, "email": "", "errors": {}, "link": "", "link_for": ""}
    values = {
        "house": house,
        "role": call._(ROLES[house.role]),
        "path": _path(call),
        "users": users.of_organisation(connection, house.organisation_id),
        "invitations": invitations.open_of(connection, house.organisation_id, call.now),
        "zones": [(name, name) for name in sorted(available_timezones())],
        "languages": LANGUAGE_NAMES,
        "may_reset": call.identity.is_operator,
    }
    return Html(_PAGE, values | usual | (shown or {}), status)


def _list(
    connection: Connection, call: Call, shown: dict[str, Any], status: int = HTTPStatus.OK
) -> Html:
    usual = {
        "given": {"role": Role.PARTNER.value, "owner": "", "email": ""},
        "errors": {},
        "link": "",
        "link_for": "",
    }
    rows = [
        (house, call._(ROLES[house.role]), users.of_organisation(connection, house.organisation_id))
        for house in organisations.everyone(connection)
    ]
    roles = [(role.value, call._(text)) for role, text in ROLES.items()]
    return Html(_LIST, {"rows": rows, "roles": roles, "path": HOUSE} | usual | shown, status)
