"""An app's own ads: shown free where the auction had none, counted, never billed.

Never here: the auction, or the test ad (`house_ad`). The one surprising fact: their events go to a
table of their own, so nothing that counts money, learns or reports delivery can ever meet them.
"""

import asyncio
import logging
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zlib import crc32

from adserver.api.answer import Face
from adserver.reload import Watched
from adserver.stores.house_package import DIRECTORY, HOUSE, Travelling, read
from models.domain.ad_request import AdRequest
from models.domain.campaign import PricingModel
from models.domain.event import NO_PARTNER, Offer, offer_id
from models.domain.ids import AdvertiserId, AppId, CampaignId, CreativeId, LineItemId
from models.domain.money import NO_MONEY
from models.domain.placement import Format

LOOK_S = 0.25
REMEMBERED = 65_536

log = logging.getLogger(__name__)

Place = tuple[AppId, Format]
"""Where an ad may be shown."""


class HouseBook:
    """The apps' own ads in force, by app and format. Look-ups never wait."""

    def __init__(self) -> None:
        self._ads: dict[Place, list[Travelling]] = {}
        self._faces: dict[str, Face] = {}
        self._seen: OrderedDict[UUID, None] = OrderedDict()

    def take_up(self, ads: list[Travelling]) -> None:
        """From here on these are in force."""
        by_place: dict[Place, list[Travelling]] = {}
        for one in ads:
            by_place.setdefault(one.place, []).append(one)
        self._faces = {one.house_ad_id: Face.of(one.creative(), one.name) for one in ads}
        self._ads = by_place

    def pick(self, request: AdRequest) -> Face | None:
        """The ad for a request, always the same for the same request; None where none fits."""
        placement = request.placement
        own = self._ads.get((request.app.app_id, placement.format))
        if not own:
            return None
        fitting = [one for one in own if not placement.sizes or (one.w, one.h) in placement.sizes]
        if not fitting:
            return None
        return self._faces[fitting[crc32(request.request_id.encode()) % len(fitting)].house_ad_id]

    def face(self, creative_id: CreativeId) -> Face | None:
        """The ad of an id, while it is in force."""
        return self._faces.get(creative_id)

    def is_first(self, event: UUID) -> bool:
        """Whether this worker has not counted the event lately."""
        if event in self._seen:
            return False
        self._seen[event] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    async def run(self, data_dir: Path) -> None:
        """Looks for publications until cancelled. A failure is logged, and the loop goes on."""
        watched = Watched("house ads", data_dir / DIRECTORY, read)
        taken = "none"
        while True:
            try:
                await asyncio.to_thread(watched.look)
                if watched.version != taken:
                    taken = watched.version
                    self.take_up(watched.content or [])
            except Exception:
                log.exception("house ads could not be loaded; those in force go on")
            await asyncio.sleep(LOOK_S)


def offer_of(request: AdRequest, face: Face) -> Offer:
    """The offer of a house ad: worth nothing, to nobody's account."""
    return Offer(
        offer_id=offer_id(request.app.app_id, request.request_id, 0),
        served_ms=int(datetime.now(UTC).timestamp() * 1000),
        app_id=request.app.app_id,
        placement_id=request.placement.placement_id,
        format=request.placement.format,
        advertiser_id=AdvertiserId(HOUSE),
        campaign_id=CampaignId(HOUSE),
        line_item_id=LineItemId(HOUSE),
        creative_id=face.creative.creative_id,
        pricing=PricingModel.CPM,
        price_micros=NO_MONEY,
        reserved_micros=NO_MONEY,
        utc_offset_s=0,
        user_key=None,
        partner_id=request.app.partner_id or NO_PARTNER,
    )
