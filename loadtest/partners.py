"""The partners of the made-up market: owners of its apps, and affiliates with links and coupons.

Written as the file that `adunion partner import` takes. Never here: what they earn. The surprising
fact: the owners of apps get more than advertisers pay, for a fund adds to their share.
"""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from loadtest.link_followers import Campaigner
from loadtest.merchants import GIFT_CARD, Shop

FUND, FUND_AMOUNT = "developers", "1500.00"
COUPON_RATE = "6%"
SINCE = "2026-01-01 00:00"


class Person(NamedTuple):
    """A partner and the terms of its contract, as they are written."""

    partner_id: str
    name: str
    terms: dict[str, Any]


OWNERS = (
    Person("p_lamp", "Paper Lamp Studio",
           {"ad_share": "70%", "commission_share": "90%", "subsidy": f"{FUND}:40%"}),
    Person("p_sky", "Steam and Sky Ltd",
           {"ad_share": "75%", "commission_share": "90%", "guaranteed_ecpm": "6.00"}),
    Person("p_play", "Morning Play",
           {"ad_share": "65%", "commission_share": "85%", "subsidy": f"{FUND}:50%",
            "subsidy_cap": "400.00"}),
)  # fmt: skip
AFFILIATES = (
    Person("p_blog", "The Slow Kitchen", {"commission_share": "90%"}),
    Person("p_deals", "Deals at Dawn", {"commission_share": "80%", "minimum_payout": "50.00"}),
)


def campaigners(shops: list[Shop]) -> list[Campaigner]:
    """The affiliates with links to every shop and to two products of each, and their coupons."""
    found = []
    for person in AFFILIATES:
        codes = []
        for shop in shops:
            codes.append((f"{person.partner_id}~{shop.merchant_id}", shop.merchant_id, ""))
            for sku in shop.wares.skus[:2]:
                code = f"{person.partner_id}~{shop.merchant_id}~{sku}"
                codes.append((code, shop.merchant_id, sku))
        coupons = {shop.merchant_id: _coupon(person, shop) for shop in shops}
        found.append(Campaigner(person.partner_id, codes, coupons))
    return found


def _coupon(person: Person, shop: Shop) -> str:
    return f"{person.partner_id[2:]}{shop.merchant_id[2:]}".upper()


def write_partners(shops: list[Shop], path: Path) -> None:
    """Merchants, partners, contracts and coupons as one file."""
    everybody = (*OWNERS, *AFFILIATES)
    document = {
        "merchants": [
            {
                "merchant_id": shop.merchant_id,
                "name": shop.name,
                "home_url": shop.home_url,
                "default_rate": shop.rate,
                "category_rates": [f"{name}={rate}" for name, rate in shop.category_rates.items()],
                "gift_categories": [GIFT_CARD],
                "trusted": at == 0,
            }
            for at, shop in enumerate(shops)
        ],
        "partners": [
            {
                "partner_id": person.partner_id,
                "name": person.name,
                "standing": "approved",
                "bank_account": f"62220000{at:04d}",
                "account_holder": person.name,
            }
            for at, person in enumerate(everybody)
        ],
        "contracts": [
            {
                "contract_id": f"c_{person.partner_id[2:]}",
                "partner_id": person.partner_id,
                "starts_at": SINCE,
                **person.terms,
            }
            for person in everybody
        ],
        "coupons": [
            {
                "code": _coupon(person, shop),
                "merchant_id": shop.merchant_id,
                "partner_id": person.partner_id,
                "starts_at": SINCE,
                "rate": COUPON_RATE,
            }
            for person in AFFILIATES
            for shop in shops
        ],
    }
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))


def write_feed(shop: Shop, path: Path) -> None:
    """The shop's products as a CSV feed."""
    lines = ["sku,title,url,price,category"]
    for at, sku in enumerate(shop.wares.skus):
        price = shop.wares.prices_minor[at]
        units = f"{price // 100}.{price % 100:02d}"
        lines.append(
            f"{sku},{shop.titles[at]},{shop.page(at)},{units} CNY,{shop.wares.categories[at]}"
        )
    path.write_text("\n".join(lines) + "\n")


def write_deposits(advertisers: list[str], path: Path) -> None:
    """What the advertisers have paid in, as their bank lists it."""
    lines = ["advertiser,amount,reference"]
    lines += [f"{name},2000.00,B{at:03d}" for at, name in enumerate(advertisers, 1)]
    path.write_text("\n".join(lines) + "\n")
