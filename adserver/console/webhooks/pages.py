"""The pages of an owner's webhooks: all of them, and one with what it was sent.

Never here: REST (`calls`). The one surprising fact: the signing secret is shown whenever somebody
looks, for it is derived and nobody could keep it from the owner anyway.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection

from adserver.console.desk import Desk
from adserver.console.owners import require_owner
from adserver.console.web.exchange import Call, Html, Reply, See
from adserver.console.web.language import N_
from adserver.console.webhooks.owned import delivery_of, owner_of, path_of, webhook_of
from adserver.marketplace.problem import CatalogError
from adserver.stores import database, webhooks
from adserver.stores.webhooks import DELIVERED, FAILED, WAITING, Webhook
from adserver.webhooks import registering
from adserver.webhooks.delivering import secret_of
from adserver.webhooks.kinds import KINDS, TEST

_ALL, _ONE = "webhooks/all.html", "webhooks/one.html"
_A_PAGE = 50
_MOST_DIGITS = 18
KIND_NAMES = {
    "creative.reviewed": N_("A creative was approved or rejected"),
    "line_item.ended": N_("A line item has ended"),
    "budget.used_80": N_("80 % of a budget is used"),
    "budget.used_100": N_("A budget is used up"),
    "top_up.confirmed": N_("A top-up was confirmed"),
    "commission.changed": N_("Commissions have changed"),
    "statement.closed": N_("A statement is there"),
    "payout.made": N_("A payout was sent to the bank"),
    "payout.paid": N_("A payout was paid"),
    "payout.failed": N_("A payout has failed"),
    TEST: N_("Test"),
}
STATES = {
    DELIVERED: (N_("Delivered"), "ok"),
    WAITING: (N_("Waiting"), "warn"),
    FAILED: (N_("Given up"), "bad"),
}
MADE = N_("The webhook is made. Try it with the test button.")
SAVED = N_("Saved.")
REMOVED = N_("The webhook is removed.")
TESTED = N_("A test is on its way; reload the page in a second to see how it went.")
REPLAYED = N_("It is being sent again.")
ROTATED = N_("The webhook has a new secret; calls are signed with it from now on.")


def show_all(desk: Desk, call: Call) -> Html:
    """`GET .../webhooks`."""
    require_owner(desk, call)
    with database.reading(desk.engine) as connection:
        return _all(connection, call)


def make(desk: Desk, call: Call) -> Reply:
    """`POST .../webhooks`."""
    require_owner(desk, call)
    role, owner = owner_of(call)
    url, kinds = call.form.get("url", ""), call.form.getall("kinds", [])
    wanted = registering.blank(role, owner, url, kinds, call.now)
    try:
        with database.writing(desk.engine) as connection:
            made = registering.make(connection, wanted, call.identity, private=_private(desk))
    except CatalogError as error:
        refused = {"url": url, "chosen": kinds, "errors": _errors(call, error)}
        with database.reading(desk.engine) as connection:
            return _all(connection, call, refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    return See(f"{path_of(call)}/{made.webhook_id}", MADE)


def show(desk: Desk, call: Call) -> Html:
    """`GET .../webhooks/{webhook_id}`."""
    with database.reading(desk.engine) as connection:
        return _one(desk, connection, call, webhook_of(connection, call))


def take(desk: Desk, call: Call) -> Reply:
    """`POST .../webhooks/{webhook_id}`: address, kinds, on or off."""
    url, kinds = call.form.get("url", ""), call.form.getall("kinds", [])
    try:
        with database.writing(desk.engine) as connection:
            before = webhook_of(connection, call)
            after = replace(
                before, url=url, kinds=tuple(kinds), active=bool(call.form.get("active"))
            )
            registering.edit(
                connection, before, after, call.identity, call.now, private=_private(desk)
            )
    except CatalogError as error:
        with database.reading(desk.engine) as connection:
            before = webhook_of(connection, call)
            refused = {"url": url, "chosen": kinds, "errors": _errors(call, error)}
            return _one(desk, connection, call, before, refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    return See(call.path, SAVED)


def remove(desk: Desk, call: Call) -> See:
    """`POST .../webhooks/{webhook_id}/remove`."""
    with database.writing(desk.engine) as connection:
        registering.remove(connection, webhook_of(connection, call), call.identity, call.now)
    return See(path_of(call), REMOVED)


def rotate(desk: Desk, call: Call) -> See:
    """`POST .../webhooks/{webhook_id}/rotate`: another signing secret."""
    with database.writing(desk.engine) as connection:
        before = webhook_of(connection, call)
        after = replace(before, key_generation=before.key_generation + 1)
        registering.edit(connection, before, after, call.identity, call.now, private=_private(desk))
    return See(f"{path_of(call)}/{before.webhook_id}", ROTATED)


def test(desk: Desk, call: Call) -> Reply:
    """`POST .../webhooks/{webhook_id}/test`: sends a made-up event."""
    try:
        with database.writing(desk.engine) as connection:
            webhook = webhook_of(connection, call)
            registering.test(connection, webhook, call.identity, call.now)
    except CatalogError as error:
        return _refused(desk, call, error)
    return See(f"{path_of(call)}/{webhook.webhook_id}", TESTED)


def replay(desk: Desk, call: Call) -> Reply:
    """`POST .../webhooks/{webhook_id}/deliveries/{event_id}/replay`."""
    try:
        with database.writing(desk.engine) as connection:
            webhook = webhook_of(connection, call)
            one = delivery_of(connection, call, webhook)
            registering.replay(connection, webhook, one, call.identity, call.now)
    except CatalogError as error:
        return _refused(desk, call, error)
    return See(f"{path_of(call)}/{webhook.webhook_id}", REPLAYED)


def _private(desk: Desk) -> bool:
    return bool(desk.settings.webhook_private_addresses)


def _errors(call: Call, error: CatalogError) -> dict[str, str]:
    return {problem.field: call._(problem.message) for problem in error.problems}


def _refused(desk: Desk, call: Call, error: CatalogError) -> Html:
    with database.reading(desk.engine) as connection:
        webhook = webhook_of(connection, call)
        shown = {"errors": _errors(call, error)}
        return _one(desk, connection, call, webhook, shown, HTTPStatus.UNPROCESSABLE_ENTITY)


def _kinds(call: Call) -> list[tuple[str, str]]:
    role, _ = owner_of(call)
    return [(kind, call._(KIND_NAMES[kind])) for kind in KINDS[role]]


def _all(
    connection: Connection,
    call: Call,
    shown: dict[str, Any] | None = None,
    status: int = HTTPStatus.OK,
) -> Html:
    kinds = _kinds(call)
    values = {
        "webhooks": webhooks.of_owner(connection, *owner_of(call)),
        "path": path_of(call),
        "kinds": kinds,
        "url": "",
        "chosen": [kind for kind, _ in kinds],
        "errors": {},
    }
    return Html(_ALL, values | (shown or {}), status)


def _one(
    desk: Desk,
    connection: Connection,
    call: Call,
    webhook: Webhook,
    shown: dict[str, Any] | None = None,
    status: int = HTTPStatus.OK,
) -> Html:
    before = call.query.get("before", "")
    is_number = before.isascii() and before.isdecimal() and len(before) <= _MOST_DIGITS
    seq = int(before) if is_number else 0
    found = webhooks.deliveries(connection, webhook.webhook_id, seq, _A_PAGE + 1)
    path = f"{path_of(call)}/{webhook.webhook_id}"
    lines = [
        (one, call._(KIND_NAMES.get(one.kind, one.kind)), call._(STATES[one.state][0]))
        for one in found[:_A_PAGE]
    ]
    values = {
        "webhook": webhook,
        "path": path,
        "back": path_of(call),
        "kinds": _kinds(call),
        "url": webhook.url,
        "chosen": list(webhook.kinds),
        "secret": secret_of(desk.keyring, webhook),
        "lines": lines,
        "badges": {state: badge for state, (_, badge) in STATES.items()},
        "more": f"{path}?before={found[_A_PAGE - 1].seq}" if len(found) > _A_PAGE else "",
        "errors": {},
    }
    return Html(_ONE, values | (shown or {}), status)
