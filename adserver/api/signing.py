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
    PlacementId,
    UserKey,
)
from models.domain.money import Micros
from models.domain.placement import Format

TAG_BYTES = 16
MAX_TOKEN_CHARS = 4_096
SIGNATURE_AGE_S = 300

_Payload = tuple[
    bytes, int, str, str, Format, str, str, str, str, PricingModel, int, int, int, int | None, bool
]
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
        token = binascii.b2a_base64(self.prefix + tag + payload, newline=False)
        return token.translate(_URL_SAFE).rstrip(b"=").decode()

    def verify(self, token: str) -> Offer:
        """The offer in a token.

        Raises:
            ForgedTokenError: signed by nobody we know, or not even a token.
        """
        raw = _raw(token)
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


def _raw(token: str) -> bytes:
    """The bytes behind a token; b"" unless it is spelled the one way we would spell it."""
    try:
        text = token.encode("ascii")
        raw = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return b""
    same = base64.urlsafe_b64encode(raw).rstrip(b"=") == text
    return raw if same and len(token) <= MAX_TOKEN_CHARS else b""


def _pack(offer: Offer) -> bytes:
    return _encode(
        (
            offer.offer_id.bytes,
            offer.served_ms,
            offer.app_id,
            offer.placement_id,
            offer.format,
            offer.advertiser_id,
            offer.campaign_id,
            offer.line_item_id,
            offer.creative_id,
            offer.pricing,
            offer.price_micros,
            offer.reserved_micros,
            offer.utc_offset_s,
            offer.user_key,
            offer.test,
        )
    )


def _unpack(payload: bytes) -> Offer:
    row = _decode(payload)
    return Offer(
        offer_id=UUID(bytes=row[0]),
        served_ms=row[1],
        app_id=AppId(row[2]),
        placement_id=PlacementId(row[3]),
        format=row[4],
        advertiser_id=AdvertiserId(row[5]),
        campaign_id=CampaignId(row[6]),
        line_item_id=LineItemId(row[7]),
        creative_id=CreativeId(row[8]),
        pricing=row[9],
        price_micros=Micros(row[10]),
        reserved_micros=Micros(row[11]),
        utc_offset_s=row[12],
        user_key=None if row[13] is None else UserKey(row[13]),
        test=row[14],
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
