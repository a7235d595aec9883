"""The merchants' servers: what is bought, paid, delivered, cancelled and sent back, as orders.

Reported to `POST /v1/orders`, signed, in batches, now and then twice. Never here: who comes to the
shop (`simulate`, `link_followers`). The surprising fact: a shop remembers every order it made, so
the demo can hold the shop's own books against the statements.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from loadtest.conversions import AdvertiserKeys, signed_header_lines
from loadtest.http_client import HttpClient

BATCH = 200
TOLD_TWICE = 0.1
FATES = ("received", "cancelled", "refunded", "partly refunded")
CHANCES = (0.80, 0.06, 0.06, 0.08)


@dataclass(slots=True)
class Order:
    """One line as its shop has it; `fate` is what becomes of it, "" while it is only paid for.

    `brought_by` is the partner who sent the customer, which only the simulator knows.
    """

    merchant_id: str
    number: int
    sku: str
    category: str
    quantity: int
    paid_minor: int
    click_id: str
    coupon: str
    customer_ref: str
    brought_by: str
    fate: str = ""
    refunded_minor: int = 0
    version: int = 0


@dataclass(slots=True)
class Wares:
    """What a shop sells: SKU, category and price in minor units, position by position."""

    skus: list[str]
    categories: list[str]
    prices_minor: list[int]


@dataclass
class ShopDesk:
    """All shops: sells to whoever comes, and reports."""

    client: HttpClient
    keys: Mapping[str, AdvertiserKeys]
    wares: Mapping[str, Wares]
    rng: np.random.Generator
    currency: str = "CNY"
    orders: list[Order] = field(default_factory=list)

    def sell(
        self, merchant_id: str, sku: str, click_id: str, brought_by: str, coupon: str = ""
    ) -> Order:
        """An order for one to three pieces of a product, or ("") of whatever the shop has."""
        wares = self.wares[merchant_id]
        at = wares.skus.index(sku) if sku else int(self.rng.integers(len(wares.skus)))
        quantity = int(self.rng.integers(1, 4))
        order = Order(
            merchant_id=merchant_id,
            number=len(self.orders) + 1,
            sku=wares.skus[at],
            category=wares.categories[at],
            quantity=quantity,
            paid_minor=quantity * wares.prices_minor[at],
            click_id=click_id,
            coupon=coupon,
            customer_ref=f"customer-{len(self.orders) + 1}",
            brought_by=brought_by,
        )
        self.orders.append(order)
        return order

    async def report_paid(self) -> Counter[str]:
        """Reports every order that has not been told of yet; answers the verdicts."""
        return await self._report([(o, "paid") for o in self.orders if not o.version])

    async def report_fates(self) -> Counter[str]:
        """Decides what becomes of each paid order, and reports that."""
        told = [(order, self._fate(order)) for order in self.orders if not order.fate]
        return await self._report(told)

    def _fate(self, order: Order) -> str:
        order.fate = str(self.rng.choice(FATES, p=CHANCES))
        if order.fate == "refunded":
            order.refunded_minor = order.paid_minor
        elif order.fate == "partly refunded":
            order.refunded_minor = int(order.paid_minor * self.rng.uniform(0.1, 0.9))
        return "received" if order.fate == "partly refunded" else order.fate

    async def _report(self, told: list[tuple[Order, str]]) -> Counter[str]:
        items: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for order, status in told:
            order.version += 1
            items[order.merchant_id].append(self._item(order, status))
        verdicts: Counter[str] = Counter()
        for merchant_id, orders in items.items():
            for start in range(0, len(orders), BATCH):
                batch = orders[start : start + BATCH]
                verdicts += await self._post(merchant_id, batch)
                if self.rng.random() < TOLD_TWICE:
                    again = await self._post(merchant_id, batch)
                    verdicts["told again"] += len(batch)
                    verdicts["counted again"] += len(batch) - again["duplicate"]
        return verdicts

    @property
    def told(self) -> int:
        """How many orders were reported."""
        return sum(order.version > 0 for order in self.orders)

    def _item(self, order: Order, status: str) -> dict[str, Any]:
        return {
            "order_id": f"{order.merchant_id}-{order.number}",
            "line_id": "1",
            "version": order.version,
            "status": status,
            "sku": order.sku,
            "category": order.category,
            "quantity": order.quantity,
            "paid_minor": order.paid_minor,
            "refunded_minor": order.refunded_minor if status in ("received", "refunded") else 0,
            "currency": self.currency,
            "occurred_at": datetime.now(UTC).isoformat(),
            "click_id": order.click_id,
            "coupon": order.coupon or None,
            "customer_ref": order.customer_ref,
        }

    async def _post(self, merchant_id: str, batch: list[dict[str, Any]]) -> Counter[str]:
        body = msgspec.json.encode({"orders": batch})
        lines = signed_header_lines(self.keys[merchant_id], body, datetime.now(UTC))
        headers = "".join(f"{name}: {value}\r\n" for name, value in lines)
        answer = await self.client.post_json("/v1/orders", body, headers)
        if answer.status != 200:
            return Counter({f"http_{answer.status}": len(batch)})
        return Counter(result["verdict"] for result in msgspec.json.decode(answer.body)["results"])
