"""Webhooks of an owner: made, changed, removed, tried, replayed; each with its line in the log.

Never here: sending. The one surprising fact: a webhook that is switched on again begins with a
clean record, and what failed meanwhile is sent again only when somebody asks for it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from adserver.accounts.identity import Identity
from adserver.accounts.refusal import refusal
from adserver.stores import audit, webhooks
from adserver.stores.webhooks import Delivery, Webhook
from adserver.webhooks import address
from adserver.webhooks.kinds import KINDS, TEST

MOST = 20
_KIND = "webhook"

NO_KINDS = "choose at least one thing to be told of"
TOO_MANY = "an owner has at most 20 webhooks; remove one first"
REPLAYED_LATER = "the webhook is switched off; switch it on first"


def make(
    connection: Connection, wanted: Webhook, who: Identity, *, private: bool = False
) -> Webhook:
    """Adds a webhook; its id, and when and by whom it was made, are set here.

    Raises:
        CatalogError: an address or kinds that cannot be, or too many webhooks.
    """
    if len(webhooks.of_owner(connection, wanted.role, wanted.owner)) >= MOST:
        raise refusal(_KIND, "", TOO_MANY)
    made = replace(
        wanted,
        webhook_id=webhooks.make_id("wh"),
        kinds=_sound_kinds(wanted.role, wanted.kinds),
        made_by=who.actor,
    )
    _require_address(made.url, private=private)
    webhooks.add(connection, made)
    audit.record(connection, who, "add", _KIND, made.webhook_id, None, made, made.made_at)
    return made


def blank(role: str, owner: str, url: str, kinds: Iterable[str], now: datetime) -> Webhook:
    """A webhook as `make` takes it."""
    return Webhook("", role, owner, url.strip(), tuple(kinds), True, "", 0, 1, "", now, None)


def edit(
    connection: Connection, before: Webhook, after: Webhook, who: Identity, now: datetime,
    *, private: bool = False,
) -> Webhook:  # fmt: skip
    """Changes address, kinds, whether it is on, and its secret's generation.

    Raises:
        CatalogError: as `make`.
    """
    after = replace(after, url=after.url.strip(), kinds=_sound_kinds(before.role, after.kinds))
    _require_address(after.url, private=private)
    if after.active and not before.active:
        after = replace(after, failures=0, why_inactive="")
    if after == before:
        return before
    names = ("url", "active", "why_inactive", "failures", "key_generation")
    values = {name: getattr(after, name) for name in names}
    webhooks.change(connection, before.webhook_id, values | {"kinds": list(after.kinds)})
    audit.record(connection, who, "edit", _KIND, before.webhook_id, before, after, now)
    return after


def remove(connection: Connection, before: Webhook, who: Identity, now: datetime) -> None:
    """Removes a webhook; what waits is not sent any more."""
    values = {"removed_at": now, "active": False}
    webhooks.change(connection, before.webhook_id, values)
    webhooks.give_up(connection, before.webhook_id, "the webhook was removed")
    audit.record(connection, who, "remove", _KIND, before.webhook_id, before, None, now)


def test(connection: Connection, webhook: Webhook, who: Identity, now: datetime) -> None:
    """Sends a made-up event, whatever the webhook asked for.

    Raises:
        CatalogError: it is switched off.
    """
    _require_on(webhook)
    data = {"message": "This is a test.", "asked_by": who.actor}
    webhooks.put(connection, webhook, (TEST, ""), data, now)


def replay(
    connection: Connection, webhook: Webhook, one: Delivery, who: Identity, now: datetime
) -> None:
    """Sends something again, under the same event id.

    Raises:
        CatalogError: the webhook is switched off.
    """
    _require_on(webhook)
    webhooks.replay(connection, one, now)
    audit.record(
        connection, who, "replay", _KIND, webhook.webhook_id, None, {"event_id": one.event_id}, now
    )


def _require_on(webhook: Webhook) -> None:
    if not webhook.active:
        raise refusal(_KIND, webhook.webhook_id, REPLAYED_LATER)


def _sound_kinds(role: str, kinds: Iterable[str]) -> tuple[str, ...]:
    wanted = set(kinds)
    known = tuple(kind for kind in KINDS.get(role, ()) if kind in wanted)
    if not known or wanted - set(known):
        raise refusal(_KIND, "", NO_KINDS, "kinds")
    return known


def _require_address(url: str, *, private: bool) -> None:
    if fault := address.fault_of(url, private=private):
        raise refusal(_KIND, "", fault, "url")
