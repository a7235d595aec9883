"""The made-up world on disk: catalog file, user profiles, pictures; and who the simulator plays.

Never here: drawing any of it (`loadtest`). The one surprising fact: the server is told about this
world through the same files and commands that an operator would use.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from adserver.keyring import Keyring
from adserver.marketplace.reading import read_catalog
from loadtest.click_model import HiddenClickModel, make_click_model
from loadtest.conversions import AdvertiserKeys
from loadtest.marketplace import Market, make_market, write_catalog
from loadtest.partners import campaigners
from loadtest.pictures import PictureBook
from loadtest.population import GENDERS, Population, make_population, write_profiles
from models.domain.marketplace import Marketplace
from models.domain.user import UserProfile

USERS = 20_000


@dataclass(frozen=True, slots=True)
class World:
    """Everybody and everything, and the hidden truth about them."""

    seed: int
    people: Population
    market: Market
    truth: HiddenClickModel
    catalog_file: Path
    users_file: Path
    pictures: Path


def make_world(
    seed: int,
    directory: Path,
    site_url: str,
    now: datetime,
    on_advertiser: Callable[[], object] = lambda: None,
) -> World:
    """Draws the world of this seed and writes its files. `site_url` will show its pictures."""
    directory.mkdir(parents=True, exist_ok=True)
    pictures = directory / "creatives"
    market = make_market(seed, now, PictureBook(pictures), site_url, on_advertiser)
    people = make_population(USERS, seed)
    world = World(
        seed=seed,
        people=people,
        market=market,
        truth=make_click_model(people, market, seed),
        catalog_file=directory / "catalog.yaml",
        users_file=directory / "users.parquet",
        pictures=pictures,
    )
    write_catalog(market, world.catalog_file)
    write_profiles(people, world.users_file, seed)
    return world


def app_keys(world: World, keyring: Keyring) -> dict[str, str]:
    """The X-App-Key of every app, as `adunion app key` prints it."""
    return {app_id: keyring.api_key("app", app_id, 1) for app_id in world.market.app_ids()}


def advertiser_keys(world: World, keyring: Keyring) -> dict[str, AdvertiserKeys]:
    """What every advertiser's server was given for reporting conversions."""
    return {
        owner: AdvertiserKeys(
            keyring.api_key("advertiser", owner, 1), keyring.signing_secret("advertiser", owner, 1)
        )
        for owner in world.market.advertiser_ids()
    }


def merchant_keys(world: World, keyring: Keyring) -> dict[str, AdvertiserKeys]:
    """What every shop's server was given for reporting orders."""
    return {
        owner: AdvertiserKeys(
            keyring.api_key("merchant", owner, 1), keyring.signing_secret("merchant", owner, 1)
        )
        for owner in (shop.merchant_id for shop in world.market.shops)
    }


def write_keys(world: World, keyring: Keyring, path: Path) -> None:
    """All keys in one file, for `make load`; readable by its owner alone."""
    content = {
        "apps": app_keys(world, keyring),
        "placements": {slot.placement_id: slot.app_id for slot in world.market.slots},
        "advertisers": advertiser_keys(world, keyring),
        "line_items": world.truth.advertiser_of,
        "merchants": merchant_keys(world, keyring),
        "links": [code for one in campaigners(world.market.shops) for code in one.codes],
    }
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(content))


def catalog_of(world: World) -> Marketplace:
    """The world's catalog file as the server reads it."""
    return read_catalog(world.catalog_file.read_bytes(), world.market.document["currency"])


def profile_of(people: Population, user: int) -> UserProfile:
    """What targeting may ask of a user's profile."""
    return UserProfile(
        gender=GENDERS[int(people.gender[user])],
        birth_year=int(people.birth_year[user]),
        interests=people.interests[user],
    )
