"""`POST /v1/conversions`: what happened after the click, told by the advertiser's server.

Never here: whether the click was counted or how a conversion is billed (`stores.bookkeeper`). The
one surprising fact: a conversion's id follows from the advertiser and its own `conversion_id`, so
the same id is counted once even when it comes again under another click.
"""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from adserver.api import wire
from adserver.api.exchange import Answer, Request
from adserver.api.problems import UnauthorizedError
from adserver.api.serving import Serving
from adserver.api.signing import MAX_TOKEN_CHARS, ForgedTokenError, signature_fault
from adserver.api.tracking import durable
from models.domain.campaign import Advertiser
from models.domain.event import EventKind, Offer, Tracked, Verdict, event_id
from models.domain.ids import AdvertiserId
from models.domain.money import LARGEST_MINOR, micros_of

MAX_CONVERSIONS = 1_000
AT_ONCE = 100
FOREIGN_CURRENCY = "currency"

Moment = Annotated[datetime, Meta(tz=True)]


class Conversion(Struct):
    """One conversion.

    `value_minor` is in the currency's smallest unit, 0 when there is no price.
    """

    conversion_id: wire.Id
    click_id: Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN_CHARS)]
    event: wire.Text = ""
    value_minor: Annotated[int, Meta(ge=0, le=LARGEST_MINOR)] = 0
    currency: Annotated[str, Meta(max_length=3)] = ""
    occurred_at: Moment | None = None


class ConversionsRequest(Struct):
    """The body of `POST /v1/conversions`."""

    conversions: Annotated[list[Conversion], Meta(min_length=1, max_length=MAX_CONVERSIONS)]


class ConversionResult(Struct, omit_defaults=True):
    """The verdict on one conversion, in the order they were sent."""

    conversion_id: str
    counted: bool
    reason: str = ""


class ConversionsAnswer(Struct):
    """The body of a 200 of `POST /v1/conversions`."""

    results: list[ConversionResult]


decoder = msgspec.json.Decoder(ConversionsRequest)


async def receive(serving: Serving, request: Request) -> Answer:
    """Counts a batch; every item has its own verdict.

    Raises:
        Problem: key, signature or body are not as they must be; the outbox is full.
    """
    now = datetime.now(UTC)
    advertiser = _sender(serving, request, now)
    conversions = wire.parse(request, decoder).conversions
    results: list[ConversionResult] = []
    for at in range(0, len(conversions), AT_ONCE):
        batch = conversions[at : at + AT_ONCE]
        outcomes = [_judged(serving, advertiser, conversion, now) for conversion in batch]
        results += await asyncio.gather(*outcomes)
    return Answer(200, msgspec.json.encode(ConversionsAnswer(results)))


def _sender(serving: Serving, request: Request, now: datetime) -> Advertiser:
    advertiser = serving.advertiser(request.headers.get("Authorization"), serving.live())
    secret = serving.keyring.signing_secret(
        "advertiser", advertiser.advertiser_id, advertiser.key_generation
    )
    header = request.headers.get("X-Signature", "")
    if fault := signature_fault(header, secret, request.body, now.timestamp()):
        raise UnauthorizedError(fault)
    return advertiser


async def _judged(
    serving: Serving, advertiser: Advertiser, conversion: Conversion, now: datetime
) -> ConversionResult:
    reason = await _reason(serving, advertiser, conversion, now)
    return ConversionResult(conversion.conversion_id, not reason, reason)


async def _reason(
    serving: Serving, advertiser: Advertiser, conversion: Conversion, now: datetime
) -> str:
    """Why a conversion does not count; "" when it does. A foreign click is no click of ours."""
    currency = serving.settings.currency
    if conversion.currency not in ("", currency):
        return FOREIGN_CURRENCY
    try:
        offer = serving.signer.verify(conversion.click_id)
    except ForgedTokenError:
        return Verdict.BAD_SIGNATURE
    if offer.advertiser_id != advertiser.advertiser_id:
        return Verdict.BAD_SIGNATURE
    if offer.test:
        return Verdict.TEST
    event = tracked(conversion, offer, now, currency)
    settings = serving.settings
    limit_s = settings.ad_expires_s + settings.click_window_s + settings.conversion_window_s
    if event.occurred_ms - offer.served_ms > limit_s * 1000:
        return Verdict.EXPIRED
    verdict = await durable(serving, event)
    return "" if verdict is Verdict.COUNTED else verdict


def tracked(conversion: Conversion, offer: Offer, now: datetime, currency: str) -> Tracked:
    """The conversion as an event. It cannot have happened before its ad, nor after now."""
    now_ms = int(now.timestamp() * 1000)
    told = conversion.occurred_at or now
    return Tracked(
        event_id=conversion_event_id(offer.advertiser_id, conversion.conversion_id),
        kind=EventKind.CONVERSION,
        offer=offer,
        occurred_ms=min(max(int(told.timestamp() * 1000), offer.served_ms), now_ms),
        received_ms=now_ms,
        detail=conversion.event,
        value_micros=micros_of(conversion.value_minor, currency),
    )


def conversion_event_id(advertiser_id: AdvertiserId, conversion_id: str) -> UUID:
    """The same for every report of this advertiser's conversion."""
    text = f"{advertiser_id}\x1f{conversion_id}".encode()
    owner = UUID(bytes=hashlib.blake2b(text, digest_size=16).digest())
    return event_id(owner, EventKind.CONVERSION)
