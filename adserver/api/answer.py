"""The bytes of an ad answer.

What a creative looks like to an app, with its beacons and landing page.

Never here: which ad it is. The one surprising fact: everything about a creative that does not
change from answer to answer (its `Face`) is made once per snapshot, on first use; an answer adds
the token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Struct, UnsetType

from models.domain.campaign import Asset, Creative, LandingKind, PricingModel
from models.domain.event import Offer
from models.domain.placement import Format

CLICK_ID_MACRO = "{click_id}"
URL_CHARACTERS = "%/:=&?~#+!$,;'@()*[]"
LABELS = {"": "广告", "zh": "广告", "ja": "広告", "ko": "광고", "de": "Anzeige", "fr": "Publicité"}
LABEL_ELSEWHERE = "Ad"


class AssetOut(Struct, frozen=True):
    """A file to show."""

    role: str
    url: str
    w: int
    h: int
    mime: str
    bytes: int
    sha256: str


class Show(Struct, frozen=True):
    """How long it may stay. A splash can be closed at any moment: `close_delay_ms` is always 0."""

    duration_ms: int
    close_delay_ms: int = 0


class Landing(Struct, gc=False):
    """Where a tap leads, with the click id in place."""

    kind: LandingKind
    url: str
    fallback_url: str


class Trackers(Struct, gc=False):
    """Opaque URLs to call when it happens; `click_through` counts and redirects."""

    impression: tuple[str, ...]
    viewable: tuple[str, ...]
    click: tuple[str, ...]
    click_through: str


class AdOut(Struct, gc=False):
    """One ad. The label must be shown with it."""

    ad_id: str
    line_item_id: str
    creative_id: str
    format: Format
    label: str
    advertiser: str
    assets: tuple[AssetOut, ...]
    title: str
    description: str
    cta: str
    show: Show
    expires_in_s: int
    landing: Landing
    trackers: Trackers


class Debug(Struct, gc=False):
    """What happened on the way: how many ads each stage left, and why the others left."""

    funnel: dict[str, int]
    rejected: dict[str, int]
    snapshot: str
    model: str


class AdsAnswer(Struct, gc=False):
    """The body of a 200 of `POST /v1/ads`."""

    request_id: str
    ads: list[AdOut]
    debug: Debug | UnsetType = UNSET


encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class UrlWithClickId:
    """A URL cut where the click id goes; no pieces at all where there is no URL."""

    pieces: tuple[str, ...]

    @classmethod
    def of(cls, url: str) -> "UrlWithClickId":
        """Cuts at every `{click_id}`; without one, the id becomes the last query parameter."""
        if not url:
            return cls(())
        if CLICK_ID_MACRO not in url:
            front, hash_sign, fragment = url.partition("#")
            url = f"{front}{'&' if '?' in front else '?'}click_id={CLICK_ID_MACRO}"
            url += hash_sign + fragment
        return cls(tuple(quote(piece, URL_CHARACTERS) for piece in url.split(CLICK_ID_MACRO)))

    def filled(self, token: str) -> str:
        """The URL for this click: ASCII, without spaces or line breaks, safe in a header."""
        return token.join(self.pieces)


@dataclass(frozen=True, slots=True)
class Face:
    """What all answers with this creative have in common."""

    creative: Creative
    advertiser: str
    assets: tuple[AssetOut, ...]
    show: Show
    landing: UrlWithClickId
    fallback: UrlWithClickId

    @classmethod
    def of(cls, creative: Creative, advertiser: str) -> "Face":
        """The face of a creative; `advertiser` is the name people read."""
        return cls(
            creative=creative,
            advertiser=advertiser,
            assets=tuple(map(_asset, creative.assets)),
            show=Show(creative.duration_ms),
            landing=UrlWithClickId.of(creative.landing_url),
            fallback=UrlWithClickId.of(creative.fallback_url),
        )


def _asset(asset: Asset) -> AssetOut:
    return AssetOut(asset.role, asset.url, asset.w, asset.h, asset.mime, asset.bytes, asset.sha256)


class Faces:
    """Faces by creative id, for one snapshot at a time, made on first use."""

    def __init__(self) -> None:
        self._version = ""
        self._faces: dict[str, Face] = {}

    def of(self, creative: Creative, advertiser: str, version: str) -> Face:
        """The face of a creative in the snapshot `version`; `advertiser` is the name to show."""
        if version != self._version:
            self._version, self._faces = version, {}
        face = self._faces.get(creative.creative_id)
        if face is None:
            face = self._faces[creative.creative_id] = Face.of(creative, advertiser)
        return face


@dataclass(frozen=True, slots=True)
class Setting:
    """What all ads of one answer share."""

    base_url: str
    language: str
    expires_s: int


def ad_out(face: Face, offer: Offer, token: str, setting: Setting) -> AdOut:
    """One ad of an answer, with the token in its beacons and its landing page.

    A product's page is reached through us, because its click id can only be made by the click.
    """
    creative, base_url = face.creative, setting.base_url
    click = f"{base_url}/e/c/{token}"
    return AdOut(
        ad_id=offer.offer_id.hex,
        line_item_id=offer.line_item_id,
        creative_id=creative.creative_id,
        format=creative.format,
        label=LABELS.get(setting.language[:2], LABEL_ELSEWHERE),
        advertiser=face.advertiser,
        assets=face.assets,
        title=creative.title,
        description=creative.description,
        cta=creative.cta,
        show=face.show,
        expires_in_s=setting.expires_s,
        landing=Landing(
            creative.landing_kind,
            click if offer.pricing is PricingModel.CPS else face.landing.filled(token),
            face.fallback.filled(token),
        ),
        trackers=Trackers(
            (f"{base_url}/e/i/{token}",), (f"{base_url}/e/v/{token}",), (click,), click
        ),
    )


def encode(request_id: str, ads: Sequence[AdOut], debug: Debug | UnsetType) -> bytes:
    """The whole body."""
    return encoder.encode(AdsAnswer(request_id, list(ads), debug))
