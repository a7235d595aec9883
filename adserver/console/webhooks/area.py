"""The webhook area's pages, REST calls and menu entries, the same for each role that has webhooks.

Never here: what they do.
"""

from collections.abc import Iterator

from adserver.accounts.identity import Role
from adserver.console.web.language import N_
from adserver.console.web.routes import Area, Endpoint, MenuEntry, Page
from adserver.console.webhooks import calls, pages

_OWNERS = {
    Role.ADVERTISER: "/advertisers/{advertiser_id}/webhooks",
    Role.PARTNER: "/partners/{partner_id}/webhooks",
}


def _pages(path: str) -> Iterator[Page]:
    one = f"{path}/{{webhook_id}}"
    yield Page("GET", path, pages.show_all)
    yield Page("POST", path, pages.make)
    yield Page("GET", one, pages.show)
    yield Page("POST", one, pages.take)
    yield Page("POST", f"{one}/remove", pages.remove)
    yield Page("POST", f"{one}/rotate", pages.rotate)
    yield Page("POST", f"{one}/test", pages.test)
    yield Page("POST", f"{one}/deliveries/{{event_id}}/replay", pages.replay)


def _calls(path: str) -> Iterator[Endpoint]:
    path = f"/api/v1{path}"
    one = f"{path}/{{webhook_id}}"
    view, sent = calls.WebhookView, calls.DeliveryView
    yield Endpoint("GET", path, "The webhooks", calls.list_all, answer=view, listed=True)
    yield Endpoint(
        "POST", path, "Make a webhook", calls.make, body=calls.MakeWebhook, answer=view, status=201
    )
    yield Endpoint("GET", one, "A webhook and its signing secret", calls.show, answer=view)
    yield Endpoint(
        "PATCH", one, "Change a webhook, switch it on or off", calls.edit,
        body=calls.ChangeWebhook, answer=view,
    )  # fmt: skip
    yield Endpoint("DELETE", one, "Remove a webhook", calls.remove, status=204)
    yield Endpoint("POST", f"{one}/rotate", "Another signing secret", calls.rotate, answer=view)
    yield Endpoint("POST", f"{one}/test", "Send a test event", calls.test, status=204)
    yield Endpoint(
        "GET", f"{one}/deliveries", "What it was sent, the newest first", calls.list_deliveries,
        answer=sent, listed=True,
    )  # fmt: skip
    yield Endpoint(
        "POST", f"{one}/deliveries/{{event_id}}/replay", "Send an event again", calls.replay,
        answer=sent,
    )  # fmt: skip


AREA = Area(
    "webhooks",
    pages=tuple(page for path in _OWNERS.values() for page in _pages(path)),
    endpoints=tuple(call for path in _OWNERS.values() for call in _calls(path)),
    menu=tuple(
        MenuEntry(role, f"/{role.value}s/{{owner}}/webhooks", N_("Webhooks"), 920)
        for role in _OWNERS
    ),
)
