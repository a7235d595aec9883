"""The whole catalog as one value.

What `catalog.yaml` holds, what SQL stores, what the console publishes to the workers.
"""

from dataclasses import dataclass

from models.domain.campaign import Advertiser, Campaign, Creative, LineItem
from models.domain.placement import App, Placement


@dataclass(frozen=True, slots=True)
class Marketplace:
    """Every advertiser with what it buys, every app with what it sells, ordered by id."""

    advertisers: tuple[Advertiser, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    line_items: tuple[LineItem, ...] = ()
    creatives: tuple[Creative, ...] = ()
    apps: tuple[App, ...] = ()
    placements: tuple[Placement, ...] = ()
