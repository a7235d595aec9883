"""The fields of what is sold: apps and their placements.

Never here: advertisers' side (`buying`).
"""

from collections.abc import Iterator

from adserver.marketplace.buying import ACTIVE, KEY_GENERATION
from adserver.marketplace.fields import Field, Kind
from adserver.marketplace.list_notation import list_of, set_of, size
from adserver.marketplace.notation import amount, choice, identifier, text, token, whole_number
from models.domain.placement import App, AuctionType, Format, Placement

MOST_ADS = 20


def _advertisers(value: frozenset[str]) -> Iterator[tuple[str, str]]:
    for advertiser in sorted(value):
        yield "advertiser", advertiser


BLOCKED_CATEGORIES = Field(
    "blocked_categories", set_of(token(), 500), "Advertisers of these categories never appear."
)
BLOCKED_ADVERTISERS = Field(
    "blocked_advertisers",
    set_of(identifier(), 5_000),
    "These advertisers never appear.",
    refers_to=_advertisers,
)

APP = Kind(
    "app",
    "apps",
    App,
    "app",
    (
        Field("app_id", identifier(), "Its id: letters, digits, _ and -.", option="id"),
        Field("name", text(200, least=1), "What people call it."),
        Field("bundle", text(255, least=1), "Its bundle or package name in the store."),
        Field("category", token(), "What it is about; line items may target it."),
        Field("partner_id", identifier(), "The partner it belongs to.", option="partner"),
        BLOCKED_CATEGORIES,
        BLOCKED_ADVERTISERS,
        KEY_GENERATION,
        ACTIVE,
    ),
)

PLACEMENT = Kind(
    "placement",
    "placements",
    Placement,
    "pl",
    (
        Field("placement_id", identifier(), "Its id: letters, digits, _ and -.", option="id"),
        Field(
            "app_id",
            identifier(),
            "The app it is a slot of.",
            option="app",
            refers_to=lambda value: iter([("app", value)]),
        ),
        Field("name", text(200, least=1), "What people call it."),
        Field("format", choice(Format), "What its ads look like."),
        Field(
            "sizes",
            list_of(size(), 50),
            "Sizes that creatives may have, such as 1080x1920; any when not given.",
            option="size",
        ),
        Field(
            "floor_cpm",
            amount(least=0),
            "The least a thousand impressions cost here.",
            attribute="floor_cpm_micros",
        ),
        Field("auction", choice(AuctionType), "How the price of the winner is found."),
        Field("max_ads", whole_number(1, MOST_ADS), "The most ads in one answer."),
        BLOCKED_CATEGORIES,
        BLOCKED_ADVERTISERS,
        ACTIVE,
    ),
    parent="app",
)
