"""Locust users for `make load`: apps that show ads, advertisers and shops that report purchases.

They read who they are from a file of keys (LOAD_KEYS, by default what `make demo` left behind in
var/demo/keys.json). Never here: the hidden click model; these people click at one fixed rate. The
one surprising fact: the users share a desk: what an app user buys, an advertiser user reports.
"""

import json
import os
import random
from collections import defaultdict, deque
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from locust import FastHttpUser, between, task

from loadtest.conversions import AdvertiserKeys, signed_header_lines

KEYS_VARIABLE, KEYS_FILE = "LOAD_KEYS", "var/demo/keys.json"
CLICK_RATE, PURCHASE_RATE = 0.03, 0.2
USERS = 20_000
BATCH = 100

CURRENCY = "CNY"

bought: defaultdict[str, deque[dict[str, Any]]] = defaultdict(deque)


@lru_cache
def keys() -> dict[str, Any]:
    """Apps, their placements and advertisers, each with its keys.

    Raises:
        FileNotFoundError: the file is not there; `make demo` writes one.
    """
    content: dict[str, Any] = json.loads(Path(os.environ.get(KEYS_VARIABLE, KEYS_FILE)).read_text())
    return content


class AppUser(FastHttpUser):
    """A phone: asks for an ad, shows it, now and then taps it."""

    weight = 50
    wait_time = between(0.5, 2)

    def on_start(self) -> None:
        """Who this is, and which slot they look at."""
        number = random.randrange(USERS)
        self.user_id = f"u{number:06d}"
        self.address = f"198.18.{number // 250 % 256}.{number % 250 + 1}"
        self.placement_id, app_id = random.choice(list(keys()["placements"].items()))
        self.app_key = keys()["apps"][app_id]

    @task
    def look(self) -> None:
        """One look at the slot."""
        asked = {
            "request_id": uuid4().hex,
            "placement_id": self.placement_id,
            "user": {"id": self.user_id},
            "device": {"os": "android", "osv": "14", "devicetype": 4, "language": "zh"},
            "geo": {"country": "CHN"},
        }
        answer = self.client.post("/v1/ads", json=asked, headers={"X-App-Key": self.app_key})
        for ad in answer.json()["ads"] if answer.status_code == 200 else []:
            self._call("impression", ad["trackers"]["impression"][0])
            if random.random() < CLICK_RATE:
                self._click(ad)

    def _click(self, ad: dict[str, Any]) -> None:
        landing = self._call("click", ad["trackers"]["click_through"])
        click_id = parse_qs(urlsplit(landing).query).get("click_id")
        owner = keys()["line_items"].get(ad["line_item_id"])
        if click_id and owner and random.random() < PURCHASE_RATE:
            bought[owner].append(
                {
                    "conversion_id": uuid4().hex,
                    "click_id": click_id[0],
                    "event": "purchase",
                    "value_minor": random.randint(1_000, 30_000),
                    "currency": "CNY",
                    "occurred_at": datetime.now(UTC).isoformat(),
                }
            )

    def _call(self, name: str, url: str) -> str:
        """A beacon, under one name in the statistics; answers where it leads."""
        parts = urlsplit(url)
        answer = self.client.get(
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            name=f"/e/{name}",
            headers={"X-Forwarded-For": self.address},
            allow_redirects=False,
        )
        return str(answer.headers.get("Location", "") if answer.headers else "")


class AdvertiserUser(FastHttpUser):
    """An advertiser's server: reports what was bought, signed, in batches."""

    weight = 1
    wait_time = between(1, 3)

    @task
    def report(self) -> None:
        """The oldest purchases of one advertiser."""
        waiting = [owner for owner, purchases in bought.items() if purchases]
        if not waiting:
            return
        owner = random.choice(waiting)
        batch = [bought[owner].popleft() for _ in range(min(BATCH, len(bought[owner])))]
        body = json.dumps({"conversions": batch})
        secrets = AdvertiserKeys(*keys()["advertisers"][owner])
        headers = dict(signed_header_lines(secrets, body.encode(), datetime.now(UTC)))
        headers["Content-Type"] = "application/json"
        self.client.post("/v1/conversions", data=body, headers=headers)


class ShopperUser(FastHttpUser):
    """People who follow affiliates' links to a shop and buy there, and the shop's server.

    Every purchase is reported as paid with the next batch, and as received with the one after.
    """

    weight = 2
    wait_time = between(0.5, 2)

    def on_start(self) -> None:
        """Which shop this is, and the links that lead to it."""
        self.merchant_id, secrets = random.choice(list(keys()["merchants"].items()))
        self.secrets = AdvertiserKeys(*secrets)
        self.links = [code for code, owner, _ in keys()["links"] if owner == self.merchant_id]
        self.waiting: list[dict[str, Any]] = []

    @task(10)
    def shop(self) -> None:
        """A click on a link, and an order."""
        answer = self.client.get(
            f"/r/{random.choice(self.links)}", name="/r", allow_redirects=False
        )
        location = str(answer.headers.get("Location", "") if answer.headers else "")
        click_id = parse_qs(urlsplit(location).query).get("click_id")
        if click_id:
            self.waiting.append(
                {
                    "order_id": uuid4().hex,
                    "line_id": "1",
                    "version": 1,
                    "status": "paid",
                    "quantity": 1,
                    "paid_minor": random.randint(1_000, 30_000),
                    "currency": CURRENCY,
                    "click_id": click_id[0],
                }
            )

    @task
    def report(self) -> None:
        """What was bought since the last report, and what has arrived meanwhile."""
        if not self.waiting:
            return
        batch, self.waiting = self.waiting[:BATCH], self.waiting[BATCH:]
        now = datetime.now(UTC)
        body = json.dumps({"orders": [one | {"occurred_at": now.isoformat()} for one in batch]})
        headers = dict(signed_header_lines(self.secrets, body.encode(), now))
        headers["Content-Type"] = "application/json"
        self.client.post("/v1/orders", data=body, headers=headers)
        paid = [one for one in batch if one["status"] == "paid"]
        self.waiting += [one | {"version": 2, "status": "received"} for one in paid]
