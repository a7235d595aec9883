"""Beacon tokens and signed server-to-server calls: what makes a sender's word worth something.

Never here: what a token is good for (`api.tracking`). The one surprising fact: the token *is* the
offer. It carries everything counting and billing need, so a beacon finds its way home after any
restart, and there is nothing to look up.

A token is base64url(key id length, key id, 128-bit keyed BLAKE2b, MessagePack of the offer).
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

import msgspec

from adserver.keyring import Keyring
from models.domain.campaign import PricingModel
from models.domain.event import Offer
from models.domain.ids import (
    AdvertiserId,
    AppId,
    CampaignId,
    CreativeId,
    LineItemId,
    PartnerId,
    PlacementId,
    UserKey,
)
from models.domain.money import Micros
from models.domain.placement import Format

TAG_BYTES = 16
MAX_TOKEN_CHARS = 4_096
SIGNATURE_AGE_S = 300

_Ids = tuple[str, str, str, str, str, str, str]
_Payload = tuple[bytes, int, _Ids, Format, PricingModel, int, int, int, int | None, bool]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Payload).decode


class ForgedTokenError(Exception):
    """A token that this house did not sign. Nothing it says is believed, not even as a claim."""


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Signs offers with the keyring's first token key and verifies with all of them."""

    key: bytes
    prefix: bytes
    keys: dict[bytes, bytes]

    @classmethod
    def of(cls, keyring: Keyring) -> "TokenSigner":
        """The signer for this house's keys."""
        keys = {key_id.encode(): key[:64] for key_id, key in keyring.token_keys.items()}
        key_id, key = next(iter(keys.items()))
        return cls(key, bytes([len(key_id)]) + key_id, keys)

    def sign(self, offer: Offer) -> str:
        """The offer as a token that is safe in URLs and logs."""
        payload = _pack(offer)
        tag = hashlib.blake2b(payload, digest_size=TAG_BYTES, key=self.key).digest()
        return token_of_raw(self.prefix + tag + payload)

    def verify(self, token: str) -> Offer:
        """The offer in a token.

        Raises:
            ForgedTokenError: signed by nobody we know, or not even a token.
        """
        raw = raw_of_token(token)
        start = 1 + raw[0] if raw else 0
        tag, payload = raw[start : start + TAG_BYTES], raw[start + TAG_BYTES :]
        key = self.keys.get(raw[1:start])
        if key is None:
            raise ForgedTokenError("signed with no key of ours")
        real = hashlib.blake2b(payload, digest_size=TAG_BYTES, key=key).digest()
        if not hmac.compare_digest(real, tag):
            raise ForgedTokenError("not signed by us")
        try:
            return _unpack(payload)
        except (ValueError, msgspec.DecodeError):
            raise ForgedTokenError("signed by us, for another kind of payload") from None


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def token_of_raw(raw: bytes) -> str:
    """Bytes as a token that is safe in URLs and logs."""
    token = binascii.b2a_base64(raw, newline=False)
    return token.translate(_URL_SAFE).rstrip(b"=").decode()


def raw_of_token(token: str) -> bytes:
    """The bytes behind a token; b"" unless it is spelled the one way we would spell it."""
    try:
        text = token.encode("ascii")
        raw = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return b""
    same = base64.urlsafe_b64encode(raw).rstrip(b"=") == text
    return raw if same and len(token) <= MAX_TOKEN_CHARS else b""


def _pack(offer: Offer) -> bytes:
    ids = (
        offer.app_id,
        offer.placement_id,
        offer.advertiser_id,
        offer.campaign_id,
        offer.line_item_id,
        offer.creative_id,
        offer.partner_id,
    )
    return _encode(
        (
            offer.offer_id.bytes,
            offer.served_ms,
            ids,
            offer.format,
            offer.pricing,
            offer.price_micros,
            offer.reserved_micros,
            offer.utc_offset_s,
            offer.user_key,
            offer.test,
        )
    )


def _unpack(payload: bytes) -> Offer:
    offer_id, served_ms, ids, form, pricing, price, reserved, offset, user, test = _decode(payload)
    app, placement, advertiser, campaign, line_item, creative, partner = ids
    return Offer(
        offer_id=UUID(bytes=offer_id),
        served_ms=served_ms,
        app_id=AppId(app),
        placement_id=PlacementId(placement),
        format=form,
        advertiser_id=AdvertiserId(advertiser),
        campaign_id=CampaignId(campaign),
        line_item_id=LineItemId(line_item),
        creative_id=CreativeId(creative),
        pricing=pricing,
        price_micros=Micros(price),
        reserved_micros=Micros(reserved),
        utc_offset_s=offset,
        user_key=None if user is None else UserKey(user),
        test=test,
        partner_id=PartnerId(partner),
    )


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The X-Signature header of a server-to-server call: `t=<unix>,v1=<hex HMAC-SHA256>`."""
    tag = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={tag.hexdigest()}"


def signature_fault(header: str, secret: str, body: bytes, now_s: float) -> str:
    """Why an X-Signature header is not believed; "" when it is. Old means more than 5 minutes."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(",")[:8])
    timestamp = parts.get("t", "")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return "X-Signature is written t=<unix seconds>,v1=<hex>"
    if abs(now_s - int(timestamp)) > SIGNATURE_AGE_S:
        return f"X-Signature is more than {SIGNATURE_AGE_S} seconds away from our clock"
    expected = signature(secret, int(timestamp), body).partition("v1=")[2]
    given = parts.get("v1", "").encode("utf-8", "replace")
    return "" if hmac.compare_digest(expected.encode(), given) else "X-Signature does not match"
