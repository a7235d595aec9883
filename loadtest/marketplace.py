"""A market from nothing: advertisers, campaigns, line items, creatives, apps and placements.

Written as `catalog.yaml` plus PNG files, which is all that the server ever sees of it. Never here:
what a single line item wants (`line_items`) or how people like it (`click_model`). The one
surprising fact: the market remembers each creative's theme, which the file does not say.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from loadtest.line_items import draw_line_item
from loadtest.merchants import Shop, advertiser_of, make_shops
from loadtest.pictures import PictureBook
from loadtest.themes import FLOORS, SIZES, THEMES

ADVERTISERS = 40
LINE_ITEMS_EACH = 10
PARTNERS = ("p_lamp", "p_sky", "p_play")  # the apps' owners, two apps each
APPS = (
    ("reader", "Paper Lamp", "IAB1-1", ("splash", "banner", "native")),
    ("weather", "Clear Sky", "IAB15-10", ("splash", "banner", "native")),
    ("chess", "Quiet Chess", "IAB9-30", ("splash", "interstitial", "rewarded_video")),
    ("recipes", "Steam and Spice", "IAB8", ("splash", "native", "interstitial")),
    ("runner", "Sky Runner", "IAB9-30", ("interstitial", "rewarded_video", "banner")),
    ("news", "Morning Post", "IAB12", ("splash", "native", "banner", "interstitial")),
)


class Ad(NamedTuple):
    """What its makers know of a creative."""

    creative_id: str
    line_item_id: str
    advertiser_id: str
    format: str
    theme: int


class Slot(NamedTuple):
    """What its makers know of a placement."""

    placement_id: str
    app_id: str
    format: str
    max_ads: int


class Market(NamedTuple):
    """`document` is what stands in `catalog.yaml`; `shops` are told of elsewhere."""

    document: dict[str, Any]
    ads: list[Ad]
    slots: list[Slot]
    shops: list[Shop]

    def owners(self) -> dict[str, str]:
        """The partner behind each app."""
        return {app["app_id"]: app["partner_id"] for app in self.document["apps"]}

    def promoted(self) -> dict[str, tuple[str, str]]:
        """Merchant and SKU of every line item that promotes a product."""
        return {
            item["line_item_id"]: tuple(item["product"].split("/", 1))
            for advertiser in self.document["advertisers"]
            for campaign in advertiser["campaigns"]
            for item in campaign["line_items"]
            if item["pricing"] == "cps"
        }

    def app_ids(self) -> list[str]:
        """All apps, in order."""
        return [app["app_id"] for app in self.document["apps"]]

    def advertiser_ids(self) -> list[str]:
        """All advertisers, in order."""
        return [advertiser["advertiser_id"] for advertiser in self.document["advertisers"]]


def make_market(
    seed: int,
    now: datetime,
    book: PictureBook,
    site_url: str,
    on_advertiser: Callable[[], object] = lambda: None,
) -> Market:
    """Draws the market and its pictures, which `site_url` will show beside landing pages.

    `on_advertiser` is called after each of the ADVERTISERS, for a progress bar.
    """
    rng = np.random.default_rng((seed, 3))
    market = Market(
        {"version": 1, "currency": "CNY", "advertisers": []}, [], [], make_shops(seed, site_url)
    )
    for number in range(ADVERTISERS):
        _join(market, _advertiser(rng, number, now, book, site_url), number % len(THEMES))
        on_advertiser()
    for shop in market.shops:
        _join(market, advertiser_of(shop, now, rng, book, site_url), shop.theme)
    market.document["apps"] = [
        _app(*app, partner=PARTNERS[number // 2]) for number, app in enumerate(APPS)
    ]
    market.slots.extend(
        Slot(slot["placement_id"], app["app_id"], slot["format"], slot["max_ads"])
        for app in market.document["apps"]
        for slot in app["placements"]
    )
    return market


def write_catalog(market: Market, path: Path) -> None:
    """`catalog.yaml`, as a person with much patience would have written it."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    with path.open("w", encoding="utf-8") as file:
        file.write("# A made-up market; everything in it was drawn from a seed.\n")
        yaml.dump(market.document, file, dumper, allow_unicode=True, sort_keys=False)


def _join(market: Market, advertiser: dict[str, Any], theme: int) -> None:
    market.document["advertisers"].append(advertiser)
    market.ads.extend(_ads(advertiser, theme))


def _advertiser(
    rng: np.random.Generator, number: int, now: datetime, book: PictureBook, site_url: str
) -> dict[str, Any]:
    theme = THEMES[number % len(THEMES)]
    brand = theme.brands[number // len(THEMES)]
    advertiser_id = f"adv_{number:02d}"
    campaigns: dict[str, list[dict[str, Any]]] = {"sales": [], "brand": []}
    for index in range(LINE_ITEMS_EACH):
        line_item = draw_line_item(rng, index * ADVERTISERS + number, theme, now, book, site_url)
        campaigns["brand" if line_item["pricing"] == "cpm" else "sales"].append(line_item)
    return {
        "advertiser_id": advertiser_id,
        "name": brand,
        "time_zone": "Asia/Tokyo" if number % 10 == 9 else "Asia/Shanghai",
        "categories": [theme.iab],
        "domain": f"{brand.lower().replace(' ', '-')}.example",
        "campaigns": [
            {
                "campaign_id": f"{advertiser_id}_{purpose}",
                "name": f"{brand}, {purpose}",
                "line_items": items,
            }
            for purpose, items in campaigns.items()
        ],
    }


def _ads(advertiser: dict[str, Any], theme: int) -> list[Ad]:
    return [
        Ad(
            creative["creative_id"],
            line_item["line_item_id"],
            advertiser["advertiser_id"],
            creative["format"],
            theme,
        )
        for campaign in advertiser["campaigns"]
        for line_item in campaign["line_items"]
        for creative in line_item["creatives"]
    ]


def _app(
    short: str, name: str, category: str, formats: tuple[str, ...], partner: str
) -> dict[str, Any]:
    return {
        "app_id": f"app_{short}",
        "name": name,
        "bundle": f"com.example.{short}",
        "category": category,
        "partner_id": partner,
        "blocked_categories": ["IAB13"] if short == "chess" else [],
        "placements": [
            {
                "placement_id": f"pl_{short}_{format_}",
                "name": f"{name}, {format_}",
                "format": format_,
                "sizes": ["x".join(map(str, SIZES[format_]))],
                "floor_cpm": FLOORS[format_],
                "auction": "first_price" if short == "weather" else "second_price",
                "max_ads": 3 if format_ == "native" else 1,
            }
            for format_ in formats
        ],
    }
