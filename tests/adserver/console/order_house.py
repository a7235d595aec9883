"""A worker, a console behind it and a merchant who reports orders, over real sockets and SQLite.

Never here: a test. The one surprising fact: the books are looked at directly, beside the console
that writes them, as any command of the machine could.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adserver.accounts import keys as api_keys, organisations
from adserver.accounts.identity import Identity, Role
from adserver.api.receipts import ReceiptSigner
from adserver.api.signing import signature
from adserver.config import Settings
from adserver.keyring import Keyring, load
from adserver.stores import database
from tests.adserver.accounting.shop import Shop, opened
from tests.adserver.api.running import Client, Reply, Worker, running, settings_in, unique
from tests.adserver.console.running import running_console
from tests.affiliate.sales import touch
from tests.builders import small_marketplace
from tests.engines import free_port

COMMAND = Identity(Role.OPERATOR, "", "command", "")


@dataclass
class House:
    """A worker, the console behind it, and its books."""

    worker: Worker
    console: Client
    shop: Shop
    keys: Keyring
    partner_keys: dict[str, str] = field(default_factory=dict)

    def item(self, **fields: Any) -> dict[str, Any]:
        """A paid line after Ann's click."""
        now = datetime.now(UTC)
        clicked = touch(touch_id=unique("t"), clicked_at=now - timedelta(hours=2))
        plain = {
            "order_id": unique("o"),
            "line_id": "1",
            "version": 1,
            "status": "paid",
            "sku": "s1",
            "paid_minor": 10_000,
            "currency": "CNY",
            "occurred_at": now.isoformat(),
            "click_id": ReceiptSigner.of(self.keys).sign(clicked),
        }
        return plain | fields

    def send(self, items: Any, merchant: str = "m1", **headers: str) -> Reply:
        """Sends a signed batch; `headers` take the place of what would be sent."""
        body = items if isinstance(items, bytes) else json.dumps({"orders": items}).encode()
        secret = self.keys.signing_secret("merchant", merchant, 1)
        given = {
            "Content_Type": "application/json",
            "Authorization": f"Bearer {self.keys.api_key('merchant', merchant, 1)}",
            "X_Signature": signature(secret, int(datetime.now(UTC).timestamp()), body),
        }
        return self.worker.clients[0].call("POST", "/v1/orders", body, **(given | headers))

    def verdicts(self, items: Any) -> list[str]:
        reply = self.send(items)
        assert reply.status == 200, reply
        return [result["verdict"] for result in reply.json["results"]]

    def pull(self, partner: str = "ann", query: str = "", **headers: str) -> Reply:
        key = {"Authorization": f"Bearer {self.partner_key(partner)}"}
        path = f"/api/v1/partners/{partner}/commissions{query}"
        return self.console.call("GET", path, **(key | headers))

    def partner_key(self, partner: str) -> str:
        """An API key of the partner's organisation, made once."""
        if partner not in self.partner_keys:
            now = datetime.now(UTC)
            with database.writing(self.shop.engine) as connection:
                own = organisations.ensure(connection, Role.PARTNER, partner, COMMAND, now)
            made = api_keys.make(self.shop.engine, own.organisation_id, "pull", COMMAND, now)
            self.partner_keys[partner] = made[1]
        return self.partner_keys[partner]


@pytest.fixture(scope="module")
def house_settings(redis_embedded_url: str) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="ad-", ignore_cleanup_errors=True) as name:
        yield settings_in(Path(name), redis_embedded_url, console_port=free_port())


@pytest.fixture(scope="module")
def house(house_settings: Settings) -> Iterator[House]:
    """One worker and console with Ann, Bob and the merchants m1 and m2."""
    settings = house_settings
    with opened(f"sqlite:///{settings.data_dir / 'catalog.sqlite'}") as shop:
        shop.furnish()
        with running_console(settings) as console, running(settings, small_marketplace()) as worker:
            worker.client()
            yield House(worker, console, shop, load(settings))
