"""Where ads appear: apps and their placements (slots), and the formats a slot can have."""

from dataclasses import dataclass
from enum import StrEnum

from models.domain.ids import AdvertiserId, AppId, PartnerId, PlacementId
from models.domain.money import NO_MONEY, Micros


class Format(StrEnum):
    """What an ad looks like in the app."""

    SPLASH = "splash"
    BANNER = "banner"
    NATIVE = "native"
    INTERSTITIAL = "interstitial"
    REWARDED_VIDEO = "rewarded_video"


class AuctionType(StrEnum):
    """How the winner's price is found; `ranking.auction` does it."""

    SECOND_PRICE = "second_price"
    FIRST_PRICE = "first_price"


@dataclass(frozen=True, slots=True)
class App:
    """A mobile app that asks for ads.

    Its X-App-Key is derived from the house's secret and `key_generation`, and kept nowhere.
    """

    app_id: AppId
    name: str
    bundle: str
    category: str
    key_generation: int = 1
    partner_id: PartnerId | None = None
    blocked_categories: frozenset[str] = frozenset()
    blocked_advertisers: frozenset[AdvertiserId] = frozenset()
    active: bool = True


@dataclass(frozen=True, slots=True)
class Placement:
    """A slot in an app.

    A creative fits when its format is the same and its size is one of `sizes` (none listed: any).
    """

    placement_id: PlacementId
    app_id: AppId
    name: str
    format: Format
    sizes: tuple[tuple[int, int], ...] = ()
    floor_cpm_micros: Micros = NO_MONEY
    auction: AuctionType = AuctionType.SECOND_PRICE
    max_ads: int = 1
    blocked_categories: frozenset[str] = frozenset()
    blocked_advertisers: frozenset[AdvertiserId] = frozenset()
    active: bool = True
