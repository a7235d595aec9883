"""What the account pages have in common: errors at their fields, whose organisation is looked at.

Never here: a page.
"""

from sqlalchemy import Connection

from adserver.accounts import organisations
from adserver.accounts.identity import Role
from adserver.accounts.organisations import Organisation
from adserver.api.problems import NotFoundError
from adserver.console.web.exchange import Call
from adserver.console.web.language import N_
from adserver.marketplace.problem import CatalogError

NOTHING_THERE = "nothing lives at this path"
ROLES = {
    Role.ADVERTISER: N_("Advertiser"),
    Role.PARTNER: N_("Partner"),
    Role.MERCHANT: N_("Merchant"),
    Role.OPERATOR: N_("Operator"),
}
LANGUAGE_NAMES = [("en", "English"), ("zh", "中文")]


def errors_of(call: Call, error: CatalogError) -> dict[str, str]:
    """What was refused, by field ("": the form as a whole), in the caller's language."""
    return {problem.field: call._(problem.message) for problem in error.problems}


def organisation_of(connection: Connection, call: Call) -> Organisation:
    """The organisation in the path, which only operators' paths name; else the caller's own.

    Raises:
        NotFoundError: there is none.
    """
    wanted = call.params.get("organisation_id", call.identity.organisation_id)
    found = organisations.find(connection, wanted)
    if found is None:
        raise NotFoundError(NOTHING_THERE)
    return found


def start_of(call: Call) -> str:
    """Where somebody's work begins."""
    who = call.identity
    return "/house" if who.is_operator else f"/{who.role.value}s/{who.owner}"
