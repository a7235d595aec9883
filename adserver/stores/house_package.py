"""Apps' own ads as they travel to the workers: one JSON file, published when one of them changes.

Never here: which are approved (`house_ads`), or when one is shown (`adserver.api.house_ads`). The
one surprising fact: it is a publication of its own. The catalog of paid ads never hears of them.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from adserver import publication
from adserver.publication import PublicationError
from models.domain.campaign import Asset, Creative
from models.domain.ids import AppId, CreativeId, LineItemId
from models.domain.placement import Format

DIRECTORY = Path("published", "house-ads")
FILE = "house_ads.json"
HOUSE = "adunion-house"
VERSIONS_KEPT = 3


class Travelling(msgspec.Struct, frozen=True):
    """An approved ad of an app. `name` is the app's, shown where an advertiser's would be."""

    house_ad_id: str
    app_id: str
    name: str
    format: Format
    w: int
    h: int
    title: str
    description: str
    cta: str
    landing_url: str
    asset_url: str
    asset_mime: str
    asset_bytes: int
    asset_sha256: str

    def creative(self) -> Creative:
        """The ad as all creatives are."""
        assets: tuple[Asset, ...] = ()
        if self.asset_url:
            role = "video" if self.asset_mime.startswith("video/") else "image"
            picture = (role, self.asset_url, self.w, self.h, self.asset_mime, self.asset_bytes)
            assets = (Asset(*picture, self.asset_sha256),)
        return Creative(
            creative_id=CreativeId(self.house_ad_id),
            line_item_id=LineItemId(HOUSE),
            format=self.format,
            landing_url=self.landing_url,
            w=self.w,
            h=self.h,
            title=self.title,
            description=self.description,
            cta=self.cta,
            assets=assets,
        )

    @property
    def place(self) -> tuple[AppId, Format]:
        """Where it may be shown."""
        return AppId(self.app_id), self.format


def publish(data_dir: Path, ads: Sequence[Travelling]) -> str:
    """Makes these the ads in force; answers the version, named by its bytes."""
    content = msgspec.json.encode(sorted(ads, key=lambda one: one.house_ad_id))
    version = f"h{hashlib.blake2b(content, digest_size=12).hexdigest()}"
    root = data_dir / DIRECTORY
    if publication.current(root) != version:
        publication.publish(root, version, {FILE: content})
        publication.keep_last(root, VERSIONS_KEPT)
    return version


def read(root: Path, version: str) -> list[Travelling]:
    """The ads of a version.

    Raises:
        PublicationError: it is not there, or not of this kind.
    """
    try:
        return msgspec.json.decode(publication.read(root, version)[FILE], type=list[Travelling])
    except (msgspec.MsgspecError, KeyError) as error:
        raise PublicationError(f"version {version} cannot be read: {error}") from error
