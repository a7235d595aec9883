"""Shops with products, and the ads that promote some of them for a share of what they sell.

Never here: who buys (`simulate`, `link_followers`) and what shops report (`shop`). The surprising
fact: an ad of a product has no price; the server works out what a sale of it is worth.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from loadtest.pictures import PictureBook
from loadtest.shop import Wares
from loadtest.themes import SIZES

PRODUCTS = 12
PROMOTED = 5
AD_FORMATS = ("native", "interstitial", "banner")
FOOD, SHOPPING = 4, 1  # positions in THEMES
GIFT_CARD = "gift-card"


class Shop(NamedTuple):
    """A merchant. Rates are percents as an operator writes them; `theme` is what its fans like."""

    merchant_id: str
    name: str
    home_url: str
    theme: int
    rate: str
    category_rates: dict[str, str]
    wares: Wares
    titles: list[str]

    def page(self, at: int) -> str:
        """Where a product is sold."""
        return f"{self.home_url}/{self.wares.skus[at]}"


class Sign(NamedTuple):
    """What hangs over a shop's door."""

    merchant_id: str
    name: str
    theme: int
    rate: str
    category_rates: dict[str, str]
    categories: tuple[str, str]


SIGNS = (
    Sign("m_leaf", "Leaf and Kettle", FOOD, "10%", {"pots": "14%"}, ("green tea", "pots")),
    Sign("m_loft", "The Loft", SHOPPING, "8%", {"lamps": "12%"}, ("lamps", "chairs")),
    Sign("m_trail", "Trail Goods", SHOPPING, "9%", {}, ("tents", "boots")),
)


def make_shops(seed: int, site_url: str) -> list[Shop]:
    """The shops of this seed, on the advertisers' own web site."""
    rng = np.random.default_rng((seed, 9))
    return [_shop(rng, sign, f"{site_url}/shop/{sign.merchant_id}") for sign in SIGNS]


def _shop(rng: np.random.Generator, sign: Sign, home_url: str) -> Shop:
    """Twelve products of two categories, one of them a gift card, which earns nobody anything."""
    kinds = [sign.categories[at % 2] for at in range(PRODUCTS - 1)] + [GIFT_CARD]
    short = sign.merchant_id.removeprefix("m_").upper()
    skus = [f"{short}-{at + 1:02d}" for at in range(PRODUCTS)]
    prices = [int(rng.integers(90, 480)) * 100 - 10 for _ in range(PRODUCTS)]
    return Shop(
        sign.merchant_id,
        sign.name,
        home_url,
        sign.theme,
        sign.rate,
        sign.category_rates,
        Wares(skus, kinds, prices),
        [f"{sign.name}: {kind} no. {at + 1}" for at, kind in enumerate(kinds)],
    )


def advertiser_of(
    shop: Shop, now: datetime, rng: np.random.Generator, book: PictureBook, site_url: str
) -> dict[str, Any]:
    """The shop as it stands in `catalog.yaml`, with an ad for each of its first products."""
    return {
        "advertiser_id": f"adv_{shop.merchant_id[2:]}",
        "name": shop.name,
        "campaigns": [
            {
                "campaign_id": f"cmp_{shop.merchant_id[2:]}",
                "name": f"{shop.name}, products",
                "line_items": [
                    _line_item(shop, at, now, rng, book, site_url) for at in range(PROMOTED)
                ],
            }
        ],
    }


def _line_item(
    shop: Shop, at: int, now: datetime, rng: np.random.Generator, book: PictureBook, site_url: str
) -> dict[str, Any]:
    sku = shop.wares.skus[at]
    format_ = AD_FORMATS[at % len(AD_FORMATS)]
    width, height = SIZES[format_]
    creative_id = f"cr_{sku.lower()}"
    picture = book.draw(creative_id, width, height, rng)
    begun = (now - timedelta(days=1)).astimezone(UTC).isoformat(timespec="seconds")
    return {
        "line_item_id": f"li_{sku.lower()}",
        "name": shop.titles[at],
        "pricing": "cps",
        "product": f"{shop.merchant_id}/{sku}",
        "starts_at": begun,
        "creatives": [
            {
                "creative_id": creative_id,
                "format": format_,
                "w": width,
                "h": height,
                "landing_url": shop.page(at),
                "title": shop.titles[at],
                "cta": "See it",
                "assets": [
                    {
                        "role": "image",
                        "url": f"{site_url}/creatives/{picture.name}",
                        "w": width,
                        "h": height,
                        "mime": "image/png",
                        "bytes": picture.bytes,
                        "sha256": picture.sha256,
                    }
                ],
            }
        ],
    }
