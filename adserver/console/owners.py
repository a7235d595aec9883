"""Whether the owner that a path names is there at all, for handlers that ask nothing else of it.

Never here: whether the caller may see its things (`web.guard`). The one surprising fact: only
operators can name an owner that is not there; anybody else's own name is in its session or key.
"""

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.marketplace.problem import CatalogError
from adserver.stores import database, partners
from models.domain.campaign import Advertiser
from models.domain.ids import PartnerId


def require_owner(desk: Desk, call: Call) -> None:
    """Returns when the path's advertiser or partner is there, archived or not.

    Raises:
        NotFoundError: there is none of that id.
    """
    if "advertiser_id" in call.params:
        require_advertiser(desk, call)
    else:
        require_partner(desk, call)


def require_advertiser(desk: Desk, call: Call) -> None:
    """Returns when the path's advertiser is there; raises as `require_owner`."""
    try:
        desk.catalog.get(Advertiser, call.params["advertiser_id"])
    except CatalogError:
        raise NotFoundError("there is no such advertiser") from None


def require_partner(desk: Desk, call: Call) -> None:
    """Returns when the path's partner is there; raises as `require_owner`."""
    wanted = PartnerId(call.params["partner_id"])
    with database.reading(desk.engine) as connection:
        if not partners.partners_of(connection, [wanted]):
            raise NotFoundError("there is no such partner")
