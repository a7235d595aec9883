"""REST calls about webhooks.

Never here: pages.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from adserver.console.desk import Desk
from adserver.console.owners import require_owner
from adserver.console.web.exchange import Call, Listed
from adserver.console.webhooks.owned import delivery_of, owner_of, webhook_of
from adserver.stores import database, webhooks
from adserver.stores.webhooks import Delivery, Webhook
from adserver.webhooks import registering
from adserver.webhooks.delivering import secret_of

Url = Annotated[str, Meta(min_length=1, max_length=2_048)]
KindName = Annotated[str, Meta(max_length=32)]
KindList = Annotated[list[KindName], Meta(max_length=20)]
_MOST_DIGITS = 18


class WebhookView(Struct):
    """An address that is told. `signing_secret` signs X-Signature; see the docs of webhooks."""

    webhook_id: str
    url: str
    kinds: list[str]
    active: bool
    why_inactive: str
    failures: int
    signing_secret: str
    made_by: str
    made_at: datetime

    @classmethod
    def of(cls, desk: Desk, one: Webhook) -> "WebhookView":
        """As it is."""
        return cls(
            one.webhook_id, one.url, list(one.kinds), one.active, one.why_inactive, one.failures,
            secret_of(desk.keyring, one), one.made_by, one.made_at,
        )  # fmt: skip


class MakeWebhook(Struct):
    """Where to, and of what."""

    url: Url
    kinds: KindList


class ChangeWebhook(Struct):
    """What is left out stays as it is."""

    url: Url | UnsetType = UNSET
    kinds: KindList | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class DeliveryView(Struct):
    """An event for one webhook. `state` is waiting, delivered or failed; `status` 0: no answer."""

    event_id: str
    kind: str
    state: str
    attempts: int
    status: int
    said: str
    took_ms: int
    made_at: datetime
    tried_at: datetime | None
    due_at: datetime | None
    body: str

    @classmethod
    def of(cls, one: Delivery) -> "DeliveryView":
        """As it is."""
        return cls(
            one.event_id, one.kind, one.state, one.attempts, one.status, one.said, one.took_ms,
            one.made_at, one.tried_at, one.due_at, one.body,
        )  # fmt: skip


def list_all(desk: Desk, call: Call) -> Listed:
    """`GET .../webhooks`: an owner has at most 20."""
    require_owner(desk, call)
    with database.reading(desk.engine) as connection:
        found = webhooks.of_owner(connection, *owner_of(call))
    later = sorted((one for one in found if one.webhook_id > call.cursor), key=_id_of)
    shown = later[: call.limit]
    more = shown[-1].webhook_id if len(later) > call.limit else ""
    return Listed([WebhookView.of(desk, one) for one in shown], more)


def make(desk: Desk, call: Call) -> WebhookView:
    """`POST .../webhooks`."""
    require_owner(desk, call)
    role, owner = owner_of(call)
    data: MakeWebhook = call.data
    wanted = registering.blank(role, owner, data.url, data.kinds, call.now)
    with database.writing(desk.engine) as connection:
        made = registering.make(connection, wanted, call.identity, private=_private(desk))
    return WebhookView.of(desk, made)


def show(desk: Desk, call: Call) -> WebhookView:
    """`GET .../webhooks/{webhook_id}`."""
    with database.reading(desk.engine) as connection:
        return WebhookView.of(desk, webhook_of(connection, call))


def edit(desk: Desk, call: Call) -> WebhookView:
    """`PATCH .../webhooks/{webhook_id}`."""
    data: ChangeWebhook = call.data
    with database.writing(desk.engine) as connection:
        before = webhook_of(connection, call)
        after = replace(
            before,
            url=before.url if data.url is UNSET else data.url,
            kinds=before.kinds if data.kinds is UNSET else tuple(data.kinds),
            active=before.active if data.active is UNSET else data.active,
        )
        after = registering.edit(
            connection, before, after, call.identity, call.now, private=_private(desk)
        )
    return WebhookView.of(desk, after)


def remove(desk: Desk, call: Call) -> None:
    """`DELETE .../webhooks/{webhook_id}`."""
    with database.writing(desk.engine) as connection:
        registering.remove(connection, webhook_of(connection, call), call.identity, call.now)


def rotate(desk: Desk, call: Call) -> WebhookView:
    """`POST .../webhooks/{webhook_id}/rotate`."""
    with database.writing(desk.engine) as connection:
        before = webhook_of(connection, call)
        after = replace(before, key_generation=before.key_generation + 1)
        after = registering.edit(
            connection, before, after, call.identity, call.now, private=_private(desk)
        )
    return WebhookView.of(desk, after)


def test(desk: Desk, call: Call) -> None:
    """`POST .../webhooks/{webhook_id}/test`."""
    with database.writing(desk.engine) as connection:
        registering.test(connection, webhook_of(connection, call), call.identity, call.now)


def list_deliveries(desk: Desk, call: Call) -> Listed:
    """`GET .../webhooks/{webhook_id}/deliveries`, newest first."""
    cursor = call.cursor
    is_number = cursor.isascii() and cursor.isdecimal() and len(cursor) <= _MOST_DIGITS
    with database.reading(desk.engine) as connection:
        webhook = webhook_of(connection, call)
        found = webhooks.deliveries(
            connection, webhook.webhook_id, int(cursor) if is_number else 0, call.limit + 1
        )
    shown = found[: call.limit]
    more = str(shown[-1].seq) if len(found) > call.limit else ""
    return Listed([DeliveryView.of(one) for one in shown], more)


def replay(desk: Desk, call: Call) -> DeliveryView:
    """`POST .../webhooks/{webhook_id}/deliveries/{event_id}/replay`."""
    with database.writing(desk.engine) as connection:
        webhook = webhook_of(connection, call)
        one = delivery_of(connection, call, webhook)
        registering.replay(connection, webhook, one, call.identity, call.now)
        return DeliveryView.of(delivery_of(connection, call, webhook))


def _id_of(one: Webhook) -> str:
    return one.webhook_id


def _private(desk: Desk) -> bool:
    return bool(desk.settings.webhook_private_addresses)
