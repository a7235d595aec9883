"""What advertisers ask for: price, budgets, caps, targeting and creatives of one line item.

Never here: who the advertiser is. The one surprising fact: amounts are strings such as "0.62",
because a price is never a float, not even in a made-up market.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from loadtest.pictures import PictureBook
from loadtest.population import CITIES, GENDERS, MAKES, REGIONS
from loadtest.themes import IN_APP, SIZES, Theme

DURATION_MS = {"splash": 5_000, "rewarded_video": 15_000}
SPLASH_EVERY = 3
CLICK_PRICE = 0.60
BID_SPREAD = 0.30
CLICKS_PER_THOUSAND = {True: 45, False: 18}
CLICKS_PER_PURCHASE = 10


def draw_line_item(
    rng: np.random.Generator,
    number: int,
    theme: Theme,
    now: datetime,
    book: PictureBook,
    site_url: str,
) -> dict[str, Any]:
    """Mostly paid by click; a few are over, not begun, nearly out of money, or shown evenly."""
    pricing = str(rng.choice(("cpc", "cpm", "cpa"), p=(0.80, 0.15, 0.05)))
    splash = number // 40 % SPLASH_EVERY == 0
    starts = now + timedelta(days=7 if number % 50 == 49 else -1)
    ends = now + (timedelta(minutes=-5) if number % 50 == 48 else timedelta(days=30))
    return {
        "line_item_id": f"li_{number:03d}",
        "name": f"{theme.name} {number:03d}, {'splash' if splash else 'in-app'}",
        "pricing": pricing,
        "bid": _bid(rng, pricing, splash=splash),
        "starts_at": _text(starts),
        "ends_at": _text(ends),
        **_budgets(rng, number),
        "caps": _caps(rng, number),
        "targeting": _targeting(rng, theme),
        "creatives": _creatives(rng, number, theme, book, site_url, splash=splash),
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _bid(rng: np.random.Generator, pricing: str, *, splash: bool) -> str:
    """Around CLICK_PRICE a click, and its equal in the other units at the formats' click rates."""
    units = {"cpc": 1, "cpm": CLICKS_PER_THOUSAND[splash], "cpa": CLICKS_PER_PURCHASE}
    return f"{CLICK_PRICE * float(np.exp(rng.normal(0, BID_SPREAD))) * units[pricing]:.2f}"


def _budgets(rng: np.random.Generator, number: int) -> dict[str, str]:
    if number % 12 == 5:
        return {"total_budget": f"{rng.uniform(1, 4):.2f}", "pacing": "asap"}
    if number % 12 == 7:
        return {"daily_budget": f"{rng.uniform(800, 3000):.2f}", "pacing": "even"}
    if number % 4 == 0:
        return {"pacing": "asap"}
    return {"daily_budget": "5000.00", "total_budget": "50000.00", "pacing": "asap"}


def _caps(rng: np.random.Generator, number: int) -> list[str]:
    """Every second line item has one: a few a day, two a minute, a dozen ever of one advertiser."""
    if number % 2:
        return []
    caps = [f"{rng.integers(4, 9)}/day"]
    if number % 4 == 0:
        caps.append("2/minute")
    if number % 6 == 0:
        caps.append("20/lifetime/advertiser")
    return caps


def _targeting(rng: np.random.Generator, theme: Theme) -> dict[str, Any]:
    """Six line items in ten are for everybody; the others name one or two attributes."""
    choices: list[tuple[str, Any]] = [
        ("region", [str(name) for name in rng.choice(REGIONS, 4, replace=False)]),
        ("city", {"exclude": [str(rng.choice(CITIES))]}),
        ("make", {"exclude": [str(rng.choice(MAKES))]}),
        ("os", ["android"]),
        ("os_version", ["12.."]),
        ("gender", [str(rng.choice(GENDERS))]),
        ("age", [f"{rng.integers(18, 30)}..{rng.integers(40, 60)}"]),
        ("interest", [str(theme.segment)]),
        ("connection", ["wifi", "5g", "4g"]),
        ("device_type", ["phone"]),
        ("app_category", {"exclude": ["IAB12"]}),
        ("hour_of_week", {"exclude": [str(hour) for hour in range(3, 6)]}),
    ]
    how_many = int(rng.choice((0, 1, 2), p=(0.6, 0.3, 0.1)))
    wanted = rng.choice(len(choices), size=how_many, replace=False)
    return dict(choices[int(index)] for index in sorted(wanted))


def _creatives(
    rng: np.random.Generator,
    number: int,
    theme: Theme,
    book: PictureBook,
    site_url: str,
    *,
    splash: bool,
) -> list[dict[str, Any]]:
    """One for the splash screen, or two of different formats inside the app."""
    formats = ["splash"] if splash else sorted(rng.choice(IN_APP, 2, replace=False))
    creatives = []
    for letter, format_ in zip("ab", formats, strict=False):
        creative_id, (width, height) = f"cr_{number:03d}{letter}", SIZES[str(format_)]
        picture = book.draw(creative_id, width, height, rng)
        creatives.append(
            {
                "creative_id": creative_id,
                "format": str(format_),
                "w": width,
                "h": height,
                "landing_url": f"{site_url}/landing/{creative_id}?click_id={{click_id}}",
                "title": theme.offer,
                "description": f"{theme.offer}: {theme.cta.lower()}.",
                "cta": theme.cta,
                "duration_ms": DURATION_MS.get(str(format_), 5_000),
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
        )
    return creatives
