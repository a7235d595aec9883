"""Whose webhooks a call is about, and that they are its own.

Never here: a page.
"""

from sqlalchemy import Connection

from adserver.accounts.identity import Role
from adserver.api.problems import NotFoundError
from adserver.console.web.exchange import Call
from adserver.stores import webhooks
from adserver.stores.webhooks import Delivery, Webhook

NOTHING_THERE = "nothing lives at this path"


def owner_of(call: Call) -> tuple[str, str]:
    """The role and id of the owner in the path."""
    if "advertiser_id" in call.params:
        return Role.ADVERTISER.value, call.params["advertiser_id"]
    return Role.PARTNER.value, call.params["partner_id"]


def path_of(call: Call) -> str:
    """The page of the owner's webhooks."""
    role, owner = owner_of(call)
    return f"/{role}s/{owner}/webhooks"


def webhook_of(connection: Connection, call: Call) -> Webhook:
    """The webhook in the path.

    Raises:
        NotFoundError: the owner in the path has none of that id.
    """
    found = webhooks.find(connection, call.params["webhook_id"])
    if found is None or (found.role, found.owner) != owner_of(call):
        raise NotFoundError(NOTHING_THERE)
    return found


def delivery_of(connection: Connection, call: Call, webhook: Webhook) -> Delivery:
    """The delivery in the path.

    Raises:
        NotFoundError: the webhook was sent no such event.
    """
    found = webhooks.delivery(connection, webhook.webhook_id, call.params["event_id"])
    if found is None:
        raise NotFoundError(NOTHING_THERE)
    return found
