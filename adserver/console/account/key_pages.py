"""`/account/keys`: an organisation's API keys.

Never here: keys of apps, postbacks and orders. The one surprising fact: the page that answers the
form is the only one that ever shows the key, so it is no redirect.
"""

from http import HTTPStatus

from adserver.accounts import keys
from adserver.api.problems import NotFoundError
from adserver.console.account.words import NOTHING_THERE, errors_of
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html, See
from adserver.console.web.language import N_
from adserver.marketplace.problem import CatalogError
from adserver.stores import database

PATH = "/account/keys"
_PAGE = "account/keys.html"
REVOKED = N_("The key is revoked; calls with it are refused from now on.")


def show(desk: Desk, call: Call) -> Html:
    """`GET /account/keys`."""
    return _page(desk, call)


def take(desk: Desk, call: Call) -> Html:
    """`POST /account/keys`: makes a key and shows it, this once."""
    name = call.form.get("name", "")
    try:
        _, text = keys.make(
            desk.engine, call.identity.organisation_id, name, call.identity, call.now
        )
    except CatalogError as error:
        return _page(
            desk, call, name=name, errors=errors_of(call, error),
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
        )  # fmt: skip
    return _page(desk, call, made=text)


def revoke(desk: Desk, call: Call) -> See:
    """`POST /account/keys/{key_id}/revoke`."""
    who, key_id = call.identity, call.params["key_id"]
    if keys.revoke(desk.engine, who.organisation_id, key_id, who, call.now) is None:
        raise NotFoundError(NOTHING_THERE)
    return See(PATH, REVOKED)


def _page(
    desk: Desk,
    call: Call,
    *,
    made: str = "",
    name: str = "",
    errors: dict[str, str] | None = None,
    status: int = HTTPStatus.OK,
) -> Html:
    with database.reading(desk.engine) as connection:
        records = keys.list_of(connection, call.identity.organisation_id)
    values = {
        "records": records,
        "made": made,
        "name": name,
        "errors": errors or {},
        "address": desk.settings.console_address,
    }
    return Html(_PAGE, values, status)
