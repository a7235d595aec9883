"""Marketplaces drawn by hypothesis: anything the rules allow, in any alphabet."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from adserver.marketplace.list_notation import MOST_PIXELS
from adserver.marketplace.notation import url
from adserver.marketplace.targeting_notation import CONNECTIONS, DEVICE_TYPES, check_value
from models.domain.campaign import (
    SOLD_PRICING_MODELS,
    Advertiser,
    Asset,
    Campaign,
    CapLevel,
    CapPeriod,
    Creative,
    FrequencyCap,
    LandingKind,
    LineItem,
    Pacing,
    PricingModel,
    Rule,
    Targeting,
)
from models.domain.marketplace import Marketplace
from models.domain.placement import App, AuctionType, Format, Placement

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Lisbon", "Australia/Lord_Howe", "UTC")
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True)
WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}", fullmatch=True)
LETTERS = st.characters(
    exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\ufeff\ufffe\uffff"
)
AMOUNTS = st.integers(1_000, 10**17)
PIXELS = st.integers(1, MOST_PIXELS)
SIZES = st.tuples(PIXELS, PIXELS)
INSTANTS = st.integers(946_900_000_000_000, 4_130_000_000_000_000).map(
    lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
)
PLAIN_URLS = st.from_regex(r"https?://[a-z0-9.-]{1,40}(/[!-~]{0,60})?", fullmatch=True)
ODD_URLS = st.from_regex(r"https?://[!-~\u0100-\u2200]{1,12}", fullmatch=True)
URLS = (PLAIN_URLS | ODD_URLS).filter(lambda address: not url(web_only=True).check(address))
CAPS = st.lists(
    st.builds(
        FrequencyCap,
        st.integers(1, 65_535),
        st.sampled_from(CapPeriod),
        st.sampled_from(CapLevel),
    ),
    max_size=4,
    unique_by=lambda cap: (cap.period, cap.level),
).map(tuple)
CATEGORIES = st.frozensets(WORDS, max_size=4)


def texts(most: int, least: int = 0, *, lines: bool = False) -> st.SearchStrategy[str]:
    letters = LETTERS | st.just("\n") if lines else LETTERS
    drawn = st.text(letters, min_size=least, max_size=most)
    return drawn.filter(lambda text: bool(text.strip()) or not least)


PRODUCTS = st.tuples(IDS, texts(128, 1)).map(lambda parts: f"{parts[0]}/{parts[1].strip() or '-'}")
VALUES: dict[str, st.SearchStrategy[str]] = {
    "country": st.from_regex(r"[A-Z]{3}", fullmatch=True),
    "os_version": st.sampled_from(["12..", "..9.1", "14.0..17.2.1", "7..7"]),
    "device_type": st.sampled_from([*DEVICE_TYPES, *map(str, range(1, 9))]),
    "connection": st.sampled_from([*CONNECTIONS, *map(str, range(8))]),
    "language": st.sampled_from(["zh", "en-GB", "pt-br"]),
    "gender": st.sampled_from("FMO"),
    "age": st.sampled_from(["18..24", "60..", "..12", "30..30"]),
    "interest": st.integers(1, 65_535).map(str),
    "hour_of_week": st.integers(0, 167).map(str),
}


def rules(name: str) -> st.SearchStrategy[Rule]:
    values = VALUES.get(name, texts(30, least=1)).filter(lambda value: not check_value(name, value))
    return st.tuples(st.frozensets(values, max_size=5), st.frozensets(values, max_size=5)).map(
        lambda sides: Rule(sides[0], _without(sides[1], sides[0]))
    )


def _without(values: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    lower = {other.lower() for other in others}
    return frozenset(value for value in values if value.lower() not in lower)


def targetings(placements: list[str]) -> st.SearchStrategy[Targeting]:
    names = [name for name in Targeting.__dataclass_fields__ if name != "placement"]
    drawn: dict[str, st.SearchStrategy[Rule]] = {
        name: st.just(Rule()) | rules(name) for name in names
    }
    if placements:
        drawn["placement"] = st.builds(Rule, st.frozensets(st.sampled_from(placements), max_size=2))
    return st.builds(Targeting, **drawn)


ASSETS = st.builds(
    Asset,
    role=WORDS,
    url=URLS,
    w=st.integers(0, MOST_PIXELS),
    h=st.integers(0, MOST_PIXELS),
    mime=st.sampled_from(["image/png", "video/mp4"]),
    bytes=st.integers(0, 2**40),
    sha256=st.just("") | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)


@st.composite
def marketplaces(draw: Callable[[Any], Any]) -> Marketplace:
    """A few of each kind, all references sound."""

    def some(strategy: st.SearchStrategy[Any], key: str) -> tuple[Any, ...]:
        drawn = draw(st.lists(strategy, max_size=3, unique_by=lambda entity: getattr(entity, key)))
        return tuple(sorted(drawn, key=lambda entity: str(getattr(entity, key))))

    active = st.booleans()
    generation = st.integers(1, 1_000_000)
    advertisers = some(
        st.builds(
            Advertiser, IDS, texts(20, 1), st.sampled_from(ZONES), CATEGORIES,
            st.sampled_from(["", "shop.example"]), generation, active,
        ), "advertiser_id",
    )  # fmt: skip
    buyers = [a.advertiser_id for a in advertisers]
    apps = some(
        st.builds(
            App, IDS, texts(20, 1), texts(20, 1), WORDS, generation, st.none() | IDS, CATEGORIES,
            _some_of(buyers), active,
        ), "app_id",
    )  # fmt: skip
    placements = () if not apps else some(
        st.builds(
            Placement, IDS, st.sampled_from([a.app_id for a in apps]), texts(20, 1),
            st.sampled_from(Format), st.lists(SIZES, max_size=3, unique=True).map(tuple),
            st.integers(0, 10**17), st.sampled_from(AuctionType), st.integers(1, 20), CATEGORIES,
            _some_of(buyers), active,
        ), "placement_id",
    )  # fmt: skip
    campaigns = () if not buyers else some(
        st.builds(Campaign, IDS, st.sampled_from(buyers), texts(20, 1), active), "campaign_id"
    )  # fmt: skip
    slots = [p.placement_id for p in placements]
    line_items = () if not campaigns else some(
        st.builds(
            LineItem, IDS, st.sampled_from([c.campaign_id for c in campaigns]), texts(20, 1),
            st.sampled_from(sorted(SOLD_PRICING_MODELS - {PricingModel.CPS})), INSTANTS, AMOUNTS,
            st.none(), st.none() | AMOUNTS, st.none(), st.sampled_from(Pacing), CAPS,
            targetings(slots), active=active,
        )
        | st.builds(
            LineItem, IDS, st.sampled_from([c.campaign_id for c in campaigns]), texts(20, 1),
            st.just(PricingModel.CPS), INSTANTS, caps=CAPS, product=PRODUCTS, active=active,
        ), "line_item_id",
    )  # fmt: skip
    creatives = () if not line_items else some(
        st.builds(
            Creative, IDS, st.sampled_from([i.line_item_id for i in line_items]),
            st.sampled_from(Format), URLS, landing_kind=st.sampled_from(LandingKind),
            title=texts(20), description=texts(40, lines=True), cta=texts(10),
            assets=st.lists(ASSETS, max_size=2).map(tuple), duration_ms=st.integers(0, 120_000),
            active=active,
        ), "creative_id",
    )  # fmt: skip
    return Marketplace(advertisers, campaigns, line_items, creatives, apps, placements)


def _some_of(ids: list[Any]) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(ids), max_size=2) if ids else st.just(frozenset())
