"""People who follow affiliates' links to shops, and some of whom buy.

Never here: what a shop does with an order (`shop`). The surprising fact: nobody tells the followers
what a link leads to; they read the shop and the product out of the page they land on.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import numpy as np

from loadtest.http_client import HttpClient
from loadtest.shop import ShopDesk
from loadtest.simulate import PERSON

BUYS = 0.25
USES_COUPON = 0.15


@dataclass(frozen=True, slots=True)
class Campaigner:
    """An affiliate: the codes of its links with merchant and SKU, and its coupons by merchant."""

    partner_id: str
    codes: Sequence[tuple[str, str, str]]
    coupons: Mapping[str, str] = field(default_factory=dict)


async def follow(
    client: HttpClient, desk: ShopDesk, partners: Sequence[Campaigner], clicks: int, seed: int
) -> Counter[str]:
    """So many clicks on the partners' links; answers what happened, by name."""
    rng = np.random.default_rng((seed, 11))
    seen: Counter[str] = Counter()
    for number in range(clicks):
        partner = partners[int(rng.integers(len(partners)))]
        code, merchant_id, sku = partner.codes[int(rng.integers(len(partner.codes)))]
        target = f"/r/{code}?sub1=post{number % 7}&sub2={partner.partner_id}"
        answer = await client.get(target, f"User-Agent: {PERSON}\r\n")
        seen[f"http_{answer.status}"] += 1
        location = answer.header(b"location").decode()
        click_id = parse_qs(urlsplit(location).query).get("click_id", [""])[0]
        if click_id and rng.random() < BUYS:
            coupon = partner.coupons.get(merchant_id, "") if rng.random() < USES_COUPON else ""
            desk.sell(merchant_id, sku, click_id, partner.partner_id, coupon)
            seen["bought"] += 1
    return seen
