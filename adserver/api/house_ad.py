"""The house's own test ad: what `test.

1` is answered with when nothing of the catalog may be shown.

Never here: an advertiser's creative. The one surprising fact: its pictures are drawn by this module
(a grey field, one bit a pixel), so that a first integration sees an ad on an empty marketplace.
"""

import hashlib
import struct
import zlib
from functools import cache

from adserver.api.exchange import Answer, Request
from adserver.api.problems import NotFoundError
from models.domain.ad_request import AdRequest
from models.domain.campaign import Asset, Creative, PricingModel
from models.domain.event import Offer, offer_id
from models.domain.ids import AdvertiserId, CampaignId, CreativeId, LineItemId
from models.domain.money import NO_MONEY
from models.domain.placement import Format

HOUSE = "adunion-test"
ADVERTISER_NAME = "adunion"
PATH = "/test-ads/"
LANDING_URL = "https://example.com/"
SIZES = {
    Format.SPLASH: (1080, 1920),
    Format.BANNER: (320, 50),
    Format.NATIVE: (1200, 627),
    Format.INTERSTITIAL: (1080, 1920),
    Format.REWARDED_VIDEO: (1280, 720),
}


def offer(request: AdRequest, served_ms: int) -> Offer:
    """The offer of the test ad: worth nothing, marked as a test."""
    return Offer(
        offer_id=offer_id(request.app.app_id, request.request_id, 0),
        served_ms=served_ms,
        app_id=request.app.app_id,
        placement_id=request.placement.placement_id,
        format=request.placement.format,
        advertiser_id=AdvertiserId(HOUSE),
        campaign_id=CampaignId(HOUSE),
        line_item_id=LineItemId(HOUSE),
        creative_id=CreativeId(f"{HOUSE}-{request.placement.format}"),
        pricing=PricingModel.CPM,
        price_micros=NO_MONEY,
        reserved_micros=NO_MONEY,
        utc_offset_s=0,
        user_key=None,
        test=True,
    )


def creative(form: Format, base_url: str) -> Creative:
    """The test ad in one format."""
    picture, (w, h) = picture_of(form), SIZES[form]
    url = f"{base_url}{PATH}{form}.png"
    sha256 = hashlib.sha256(picture).hexdigest()
    return Creative(
        creative_id=CreativeId(f"{HOUSE}-{form}"),
        line_item_id=LineItemId(HOUSE),
        format=form,
        landing_url=LANDING_URL,
        w=w,
        h=h,
        title="Test ad",
        description="Your integration works. Nobody is billed for this ad.",
        cta="OK",
        assets=(Asset("image", url, w, h, "image/png", len(picture), sha256),),
    )


@cache
def picture_of(form: Format) -> bytes:
    """A PNG of the format's size: checks of black and white, which look grey."""
    w, h = SIZES[form]
    row = b"\x00" + b"\x55" * ((w + 7) // 8)
    other = b"\x00" + b"\xaa" * ((w + 7) // 8)
    rows = zlib.compress(b"".join((row, other)[y % 2] for y in range(h)), 9)
    header = struct.pack(">IIBBBBB", w, h, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", rows)
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


async def picture(request: Request) -> Answer:
    """`GET /test-ads/{format}.png`."""
    name = request.path.removeprefix(PATH).removesuffix(".png")
    if name not in set(Format) or not request.path.endswith(".png"):
        raise NotFoundError("there is one test picture per format, such as splash.png")
    return Answer(200, picture_of(Format(name)), "image/png")
