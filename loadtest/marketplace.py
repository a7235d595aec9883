"""A market from nothing: advertisers, line items, creatives as real pictures, apps and placements.

Written as `catalog.yaml` plus PNG files, which is all that the server ever sees of it. Never here:
how people like any of it (`click_model`). The one surprising fact: amounts are strings such as
"0.62", because a price is never a float, not even in a demo.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from loadtest import pictures
from loadtest.population import CITIES, GENDERS, MAKES, REGIONS
from loadtest.themes import THEMES

ADVERTISERS = 40
LINE_ITEMS = 400
SIZES = {
    "splash": (1080, 1920),
    "banner": (640, 100),
    "native": (690, 388),
    "interstitial": (1080, 1620),
    "rewarded_video": (1280, 720),
}
IN_APP = ("banner", "native", "interstitial", "rewarded_video")
DURATION_MS = {"splash": 5_000, "rewarded_video": 15_000}
APPS = (
    ("reader", "Paper Lamp", "IAB1-1", ("splash", "banner", "native")),
    ("weather", "Clear Sky", "IAB15-10", ("splash", "banner", "native")),
    ("chess", "Quiet Chess", "IAB9-30", ("splash", "interstitial", "rewarded_video")),
    ("recipes", "Steam and Spice", "IAB8", ("splash", "native", "interstitial")),
    ("runner", "Sky Runner", "IAB9-30", ("interstitial", "rewarded_video", "banner")),
    ("news", "Morning Post", "IAB12", ("splash", "native", "banner", "interstitial")),
)
FLOORS = {"splash": "8.00", "banner": "1.50", "native": "3.00",
          "interstitial": "4.00", "rewarded_video": "4.00"}  # fmt: skip
PARTS = ("advertisers", "campaigns", "line_items", "creatives", "apps", "placements")
TRAFFIC_SHARE = {"splash": 0.32, "banner": 0.16, "native": 0.24,
                 "interstitial": 0.14, "rewarded_video": 0.14}  # fmt: skip


@dataclass
class Market:
    """The market as its makers know it.

    `document` is what goes into `catalog.yaml`; themes are by creative id.
    """

    document: dict[str, list[dict[str, Any]]]
    theme_of: dict[str, int]

    def placements(self) -> list[dict[str, Any]]:
        return self.document["placements"]

    def creatives(self) -> list[dict[str, Any]]:
        return self.document["creatives"]


def make_market(seed: int, now: datetime, pictures_dir: Path, base_url: str) -> Market:
    """Draws the market and writes its pictures. `base_url` is where they will be fetched from."""
    rng = np.random.default_rng((seed, 3))
    market = empty_market()
    for _ in fill(market, rng, now, pictures_dir, base_url):
        pass
    return market


def empty_market() -> Market:
    """A market with nothing in it yet."""
    return Market({part: [] for part in PARTS}, {})


def fill(
    market: Market, rng: np.random.Generator, now: datetime, pictures_dir: Path, base_url: str
) -> Iterator[str]:
    """Adds everything to an empty market, one line item at a time; yields each one's id."""
    pictures_dir.mkdir(parents=True, exist_ok=True)
    _add_apps(market)
    for number in range(ADVERTISERS):
        _add_advertiser(market, number)
    for number in range(LINE_ITEMS):
        theme, advertiser = _owner(market, number)
        line_item = _line_item(rng, number, advertiser, theme, now)
        market.document["line_items"].append(line_item)
        for creative in _creatives(rng, line_item, theme, pictures_dir, base_url):
            market.document["creatives"].append(creative)
            market.theme_of[creative["creative_id"]] = theme
        yield line_item["line_item_id"]


def write_catalog(market: Market, path: Path) -> None:
    """`catalog.yaml`, as a person would have written it by hand with much patience."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    with path.open("w", encoding="utf-8") as file:
        file.write("# A made-up market; everything in it was drawn from a seed.\n")
        yaml.dump(market.document, file, dumper, allow_unicode=True, sort_keys=False)


def _add_apps(market: Market) -> None:
    for short, name, category, formats in APPS:
        app_id = f"app_{short}"
        market.document["apps"].append({
            "app_id": app_id, "name": name, "bundle": f"com.example.{short}", "category": category,
            "blocked_categories": ["IAB13"] if short == "chess" else [],
        })  # fmt: skip
        for format_ in formats:
            placement_id = f"pl_{short}_{format_}"
            market.document["placements"].append({
                "placement_id": placement_id, "app_id": app_id, "name": f"{name}, {format_}",
                "format": format_, "sizes": [list(SIZES[format_])],
                "floor_cpm": FLOORS[format_], "max_ads": 3 if format_ == "native" else 1,
                "auction": "first_price" if short == "weather" else "second_price",
            })  # fmt: skip


def _add_advertiser(market: Market, number: int) -> None:
    theme = THEMES[number % len(THEMES)]
    brand = theme.brands[number // len(THEMES) % len(theme.brands)]
    advertiser_id = f"adv_{number:02d}"
    market.document["advertisers"].append({
        "advertiser_id": advertiser_id, "name": brand, "categories": [theme.iab],
        "time_zone": "Asia/Tokyo" if number % 10 == 9 else "Asia/Shanghai",
        "domain": f"{brand.lower().replace(' ', '-')}.example",
    })  # fmt: skip
    for purpose in ("brand", "sales"):
        market.document["campaigns"].append({
            "campaign_id": f"{advertiser_id}_{purpose}", "advertiser_id": advertiser_id,
            "name": f"{brand}, {purpose}",
        })  # fmt: skip


def _owner(market: Market, number: int) -> tuple[int, dict[str, Any]]:
    advertiser = market.document["advertisers"][number % ADVERTISERS]
    return number % ADVERTISERS % len(THEMES), advertiser


def _line_item(
    rng: np.random.Generator, number: int, advertiser: dict[str, Any], theme: int, now: datetime
) -> dict[str, Any]:
    """Mostly paid by click; a few are over, not begun, nearly out of money or shown evenly."""
    starts = now - timedelta(days=1) if number % 50 != 49 else now + timedelta(days=7)
    ends = now + timedelta(days=30) if number % 50 != 48 else now - timedelta(minutes=5)
    pricing = str(rng.choice(("cpc", "cpm", "cpa"), p=(0.8, 0.14, 0.06)))
    purpose = "brand" if pricing == "cpm" else "sales"
    item = {
        "line_item_id": f"li_{number:03d}",
        "campaign_id": f"{advertiser['advertiser_id']}_{purpose}",
        "name": f"{advertiser['name']}, {THEMES[theme].name} {number:03d}",
        "pricing": pricing,
        "bid": _bid(rng, pricing, number),
        "starts_at": _text(starts),
        "ends_at": _text(ends),
        **_budgets(rng, number),
        "caps": _caps(rng, number),
        "targeting": _targeting(rng, theme),
    }
    return {name: value for name, value in item.items() if value not in ([], {}, None)}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _is_splash(number: int) -> bool:
    return number // ADVERTISERS % 3 == 0


def _bid(rng: np.random.Generator, pricing: str, number: int) -> str:
    """Around 0.60 a click and its equal in the other units at the click rates of the formats."""
    click = 0.60 * float(np.exp(rng.normal(0, 0.2)))
    clicks_per_thousand = 60 if _is_splash(number) else 25
    unit = {"cpc": 1.0, "cpm": clicks_per_thousand, "cpa": 10.0}[pricing]
    return f"{click * unit:.2f}"


def _budgets(rng: np.random.Generator, number: int) -> dict[str, str]:
    if number % 12 == 5:
        return {"total_budget": f"{rng.uniform(0.5, 2.5):.2f}", "pacing": "asap"}
    if number % 12 == 7:
        return {"daily_budget": f"{rng.uniform(800, 3000):.2f}", "pacing": "even"}
    return {"daily_budget": "5000.00", "total_budget": "50000.00", "pacing": "asap"}


def _caps(rng: np.random.Generator, number: int) -> list[dict[str, Any]]:
    if number % 2:
        return []
    caps: list[dict[str, Any]] = [{"impressions": int(rng.integers(3, 9)), "period": "day"}]
    if number % 4 == 0:
        caps.append({"impressions": 2, "period": "minute"})
    if number % 6 == 0:
        caps.append({"impressions": 12, "period": "lifetime", "level": "advertiser"})
    return caps


def _targeting(rng: np.random.Generator, theme: int) -> dict[str, Any]:
    """Six line items in ten are for everybody; the others name one or two attributes."""
    choices: list[tuple[str, dict[str, list[str]]]] = [
        ("region", {"include": [str(name) for name in rng.choice(REGIONS, 4, replace=False)]}),
        ("city", {"exclude": [str(rng.choice(CITIES))]}),
        ("make", {"exclude": [str(rng.choice(MAKES))]}),
        ("os", {"include": ["android"]}),
        ("os_version", {"include": ["12.."]}),
        ("gender", {"include": [str(rng.choice(GENDERS))]}),
        ("age", {"include": [f"{rng.integers(18, 30)}..{rng.integers(40, 60)}"]}),
        ("interest", {"include": [str(THEMES[theme].segment)]}),
        ("connection", {"include": ["wifi", "5g", "4g"]}),
        ("device_type", {"include": ["phone"]}),
        ("app_category", {"exclude": ["IAB12"]}),
        ("hour_of_week", {"exclude": ["0", "1", "2", "3"]}),
    ]
    how_many = int(rng.choice((0, 1, 2), p=(0.6, 0.3, 0.1)))
    wanted = rng.choice(len(choices), size=how_many, replace=False)
    return dict(choices[int(index)] for index in wanted)


def _creatives(
    rng: np.random.Generator, line_item: dict[str, Any], theme: int, directory: Path, base_url: str
) -> Iterator[dict[str, Any]]:
    """One splash creative, or two of different formats inside the app."""
    number = int(line_item["line_item_id"].removeprefix("li_"))
    formats = ["splash"] if _is_splash(number) else list(rng.choice(IN_APP, 2, replace=False))
    for letter, format_ in zip("ab", formats, strict=False):
        creative = _creative(line_item, f"cr_{number:03d}{letter}", str(format_), theme)
        creative["duration_ms"] += 500 * int(rng.integers(0, 3))
        creative["assets"] = [_picture(rng, creative, directory, base_url)]
        yield creative


def _creative(
    line_item: dict[str, Any], creative_id: str, format_: str, theme: int
) -> dict[str, Any]:
    width, height = SIZES[format_]
    return {
        "creative_id": creative_id,
        "line_item_id": line_item["line_item_id"],
        "format": format_,
        "w": width,
        "h": height,
        "landing_url": f"https://shop.example/{creative_id}?from=adunion&click_id={{click_id}}",
        "title": line_item["name"],
        "description": THEMES[theme].offer,
        "cta": THEMES[theme].cta,
        "duration_ms": DURATION_MS.get(format_, 5_000),
    }


def _picture(
    rng: np.random.Generator, creative: dict[str, Any], directory: Path, base_url: str
) -> dict[str, Any]:
    """Draws the creative's picture into the directory; answers it as an asset of the catalog."""
    name = f"{creative['creative_id']}.png"
    content = pictures.draw(creative["w"], creative["h"], rng)
    (directory / name).write_bytes(content)
    return {
        "role": "image",
        "url": f"{base_url}/{name}",
        "w": creative["w"],
        "h": creative["h"],
        "mime": "image/png",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
