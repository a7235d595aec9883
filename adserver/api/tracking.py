"""Beacons: impression, viewable and click, by the token that the answer carried.

Never here: whether an event is a duplicate or a burst (`stores.bookkeeper`) or how it becomes
durable (`eventlog.counting`). The one surprising fact: an event found doubtful at the door gets an
id of its own, so that a crawler's call never takes the place of the person's call that follows.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID

import msgspec

from adserver import metrics
from adserver.api import house_ad
from adserver.api.answer import UrlWithClickId
from adserver.api.exchange import Answer, Request
from adserver.api.problems import BadRequestError, NotFoundError, UnavailableError
from adserver.api.serving import Serving
from adserver.api.signing import ForgedTokenError
from adserver.api.traffic import address_key, sender_address
from adserver.eventlog.house_events import TABLE as HOUSE_EVENTS, house_event_row
from adserver.ports import OutboxFullError
from adserver.stores.house_package import HOUSE
from affiliate.order import Touch, TouchKind
from models.domain.campaign import PricingModel
from models.domain.event import Booked, EventKind, Offer, Tracked, Verdict, event_id
from models.domain.ids import (
    AdvertiserId,
    AppId,
    CampaignId,
    CreativeId,
    LineItemId,
    PlacementId,
)
from models.domain.money import NO_MONEY
from models.domain.placement import Format

RETRY_LATER = (("Retry-After", "5"),)
SHOWN_TOKEN_CHARS = 64
CPS = PricingModel.CPS
NOWHERE = UrlWithClickId(())
EARNING = frozenset({Verdict.COUNTED, Verdict.DEFERRED, Verdict.DUPLICATE})
"""A second tap is the same person's as the first: its receipt tells of the same touch."""


class VerdictOut(msgspec.Struct, omit_defaults=True):
    """What `?f=j` answers: whether it was counted, and if not, why."""

    counted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Beacon:
    """One call of a beacon URL: what it claims, and from where, and when it came."""

    kind: EventKind
    token: str
    user_agent: str
    address: str
    received_ms: int


async def impression(serving: Serving, request: Request) -> Answer:
    """`/e/i/{token}`."""
    return await _plain(serving, request, EventKind.IMPRESSION)


async def viewable(serving: Serving, request: Request) -> Answer:
    """`/e/v/{token}`."""
    return await _plain(serving, request, EventKind.VIEWABLE)


async def click(serving: Serving, request: Request) -> Answer:
    """`/e/c/{token}`: 302 to the creative's landing page, never anywhere else.

    The click id of an ad for a product is a receipt, which its order brings back.

    Raises:
        BadRequestError: a forged token.
        NotFoundError: the creative has left the catalog, so nobody knows where it led.
        UnavailableError: the outbox is full, or no catalog is loaded yet.
    """
    beacon = beacon_of(serving, request, EventKind.CLICK)
    offer = _offer(serving, beacon)
    destination = landing(serving, offer) if offer else NOWHERE
    verdict = await count(serving, beacon, offer)
    if wants_verdict(request):
        return verdict_answer(verdict)
    if offer is None:
        raise BadRequestError("this click was not signed here")
    if not destination.pieces:
        raise NotFoundError("the advertiser has taken this creative away")
    location = destination.filled(click_id(serving, beacon, offer, verdict))
    return Answer(302, headers=(("Location", location),))


async def _plain(serving: Serving, request: Request, kind: EventKind) -> Answer:
    beacon = beacon_of(serving, request, kind)
    verdict = await count(serving, beacon, _offer(serving, beacon))
    return verdict_answer(verdict) if wants_verdict(request) else Answer(204)


def beacon_of(serving: Serving, request: Request, kind: EventKind) -> Beacon:
    """The call as a beacon. The token is the last step of the path, taken as it is spelled."""
    proxies = serving.settings.trusted_proxies
    return Beacon(
        kind=kind,
        token=request.path.rpartition("/")[2],
        user_agent=request.headers.get("User-Agent", ""),
        address=sender_address(request.address, request.headers, proxies),
        received_ms=int(datetime.now(UTC).timestamp() * 1000),
    )


def wants_verdict(request: Request) -> bool:
    """Whether the caller asked for the verdict by `f=j`."""
    return "f=j" in request.query.split("&")


def verdict_answer(verdict: Verdict) -> Answer:
    """The verdict as JSON."""
    counted = verdict is Verdict.COUNTED
    out = VerdictOut(counted, "" if counted else verdict)
    return Answer(200, msgspec.json.encode(out))


def _offer(serving: Serving, beacon: Beacon) -> Offer | None:
    try:
        return serving.signer.verify(beacon.token)
    except ForgedTokenError:
        return None


async def count(serving: Serving, beacon: Beacon, offer: Offer | None) -> Verdict:
    """The verdict on a beacon; whatever must be kept is on disk when it is known.

    Raises:
        UnavailableError: the outbox is full.
    """
    if offer is not None and offer.test:
        return Verdict.TEST
    event = tracked(serving, beacon, offer)
    if event.offer.advertiser_id == HOUSE:
        return event.doubt or await count_house_ad(serving, event)
    if event.doubt is None:
        return await durable(serving, event)
    if serving.suspects.take(monotonic()):
        await durable(serving, event)
    else:
        metrics.DROPPED.add("suspect")
    return event.doubt


async def count_house_ad(serving: Serving, event: Tracked) -> Verdict:
    """Counts an event of an app's own ad, in a table of its own; nobody is billed.

    Raises:
        UnavailableError: the outbox is full.
    """
    if not serving.house.is_first(event.event_id):
        return Verdict.DUPLICATE
    row = house_event_row(event.offer, event.kind, event.received_ms)
    try:
        await serving.clicks.append_row(HOUSE_EVENTS, row)
    except OutboxFullError:
        raise UnavailableError("the event queue is full", headers=RETRY_LATER) from None
    return Verdict.COUNTED


async def durable(serving: Serving, event: Tracked) -> Verdict:
    """Counts the event once, and gives back what its offer had reserved.

    Raises:
        UnavailableError: the outbox is full.
    """
    try:
        booked: Booked = await serving.counting.count(event)
    except OutboxFullError:
        raise UnavailableError("the event queue is full", headers=RETRY_LATER) from None
    if event.kind is event.offer.billable and booked.verdict is Verdict.COUNTED:
        serving.spend.release(event.offer, booked.charged_micros)
    return booked.verdict


def tracked(serving: Serving, beacon: Beacon, offer: Offer | None) -> Tracked:
    """The event that a beacon tells of, with the doubts that can be had at the door."""
    sender = address_key(beacon.address, serving.keyring.secret_key)
    if offer is None:
        return _forged(beacon, sender)
    doubt, detail = _doubt(serving, beacon, offer)
    return Tracked(
        event_id=event_id(offer.offer_id, beacon.kind, f"|{doubt}" if doubt else ""),
        kind=beacon.kind,
        offer=offer,
        occurred_ms=beacon.received_ms,
        received_ms=beacon.received_ms,
        address_key=sender,
        doubt=doubt,
        detail=detail,
    )


def _doubt(serving: Serving, beacon: Beacon, offer: Offer) -> tuple[Verdict | None, str]:
    settings = serving.settings
    limit_s = settings.ad_expires_s
    if beacon.kind is EventKind.CLICK:
        limit_s += settings.click_window_s
    if beacon.received_ms - offer.served_ms > limit_s * 1000:
        return Verdict.EXPIRED, ""
    why = serving.traffic.doubt(beacon.user_agent, beacon.address)
    return (Verdict.INVALID_TRAFFIC, why) if why else (None, "")


def _forged(beacon: Beacon, sender: int) -> Tracked:
    """A suspect without an offer: what a forged token says is not believed, not even as a claim."""
    digest = hashlib.blake2b(beacon.token.encode("utf-8", "replace"), digest_size=16)
    token_id = UUID(bytes=digest.digest())
    return Tracked(
        event_id=event_id(token_id, beacon.kind, f"|{Verdict.BAD_SIGNATURE}"),
        kind=beacon.kind,
        offer=Offer(
            offer_id=token_id,
            served_ms=beacon.received_ms,
            app_id=AppId(""),
            placement_id=PlacementId(""),
            format=Format.SPLASH,
            advertiser_id=AdvertiserId(""),
            campaign_id=CampaignId(""),
            line_item_id=LineItemId(""),
            creative_id=CreativeId(""),
            pricing=PricingModel.CPM,
            price_micros=NO_MONEY,
            reserved_micros=NO_MONEY,
            utc_offset_s=0,
            user_key=None,
        ),
        occurred_ms=beacon.received_ms,
        received_ms=beacon.received_ms,
        address_key=sender,
        doubt=Verdict.BAD_SIGNATURE,
        detail=ascii(beacon.token[:SHOWN_TOKEN_CHARS])[1:-1],
    )


def landing(serving: Serving, offer: Offer) -> UrlWithClickId:
    """Where the click leads; nowhere when the catalog does not know the creative.

    Raises:
        UnavailableError: no catalog is loaded yet.
    """
    if offer.line_item_id == house_ad.HOUSE:
        return UrlWithClickId((house_ad.LANDING_URL,))
    if offer.advertiser_id == HOUSE:
        own = serving.house.face(offer.creative_id)
        return own.landing if own else NOWHERE
    snapshot = serving.live().snapshot
    creative = snapshot.catalog.creatives.get(offer.creative_id)
    if creative is None:
        return NOWHERE
    advertiser = snapshot.catalog.advertisers.get(offer.advertiser_id)
    face = serving.faces.of(creative, advertiser.name if advertiser else "", snapshot.version)
    return face.landing


def click_id(serving: Serving, beacon: Beacon, offer: Offer, verdict: Verdict) -> str:
    """What the landing page is told of this click: the token, or for a product a receipt of it."""
    promoting = serving.live().snapshot.catalog.promoting if offer.pricing is CPS else {}
    item = promoting.get(offer.line_item_id)
    if item is None:
        return beacon.token
    touch = Touch(
        touch_id=event_id(offer.offer_id, EventKind.CLICK).hex,
        kind=TouchKind.AD,
        clicked_at=datetime.fromtimestamp(beacon.received_ms / 1000, UTC),
        partner_id=offer.partner_id,
        merchant_id=item.merchant_id,
        sku=item.sku,
        app_id=offer.app_id,
        placement_id=offer.placement_id,
        line_item_id=offer.line_item_id,
        invalid="" if verdict in EARNING else verdict.value,
    )
    return serving.receipts.sign(touch)
