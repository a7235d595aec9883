"""Click ids of CPS clicks: a touch, signed, so that the order that brings it back is believed.

Never here: what a touch earns (`affiliate`). The one surprising fact: the receipt *is* the touch. A
merchant's order finds its partner without asking any store, even when the click log is away or the
click has only just happened.

A receipt is base64url(key id length, key id, 128-bit keyed BLAKE2b, MessagePack of the touch). The
keys are those of beacon tokens, the hash is made for receipts alone: neither passes for the other.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from adserver.api.signing import TAG_BYTES, ForgedTokenError, raw_of_token, token_of_raw
from adserver.keyring import Keyring
from affiliate.link import Target, plain_code
from affiliate.order import Touch, TouchKind
from models.domain.ids import (
    AppId,
    LineItemId,
    LinkCode,
    MerchantId,
    PartnerId,
    PlacementId,
    Sku,
)

MAX_RECEIPT_CHARS = 1_500
EVENT_ID_BYTES = 16
_PURPOSE = b"adunion receipt"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class ReceiptTooLongError(ValueError):
    """A touch whose texts do not fit into a receipt: its sub-ids must be shorter."""


class _Payload(msgspec.Struct, array_like=True):
    """Fields are only ever added at the end, with a default: receipts live for months."""

    event_id: bytes  # the touch's id where it is 16 bytes in hex, as all that we make are
    touch_id: str  # any other
    kind: TouchKind
    clicked_ms: int
    partner_id: str
    merchant_id: str
    sku: str
    link_code: str | None  # None for the code that partner, merchant and SKU make
    subs: tuple[str, str, str, str, str] | None
    place: tuple[str, str, str] | None
    customer_ref: str
    invalid: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Payload).decode


@dataclass(frozen=True, slots=True)
class ReceiptSigner:
    """Signs touches with the keyring's first token key and reads what any of its keys signed."""

    key: bytes
    prefix: bytes
    keys: dict[bytes, bytes]

    @classmethod
    def of(cls, keyring: Keyring) -> "ReceiptSigner":
        """The signer for this house's keys."""
        keys = {key_id.encode(): key[:64] for key_id, key in keyring.token_keys.items()}
        key_id, key = next(iter(keys.items()))
        return cls(key, bytes([len(key_id)]) + key_id, keys)

    def sign(self, touch: Touch) -> str:
        """The touch as a click id, safe in URLs and logs; its time is kept to the millisecond.

        Raises:
            ReceiptTooLongError: it would have more than `MAX_RECEIPT_CHARS`.
        """
        payload = _encode(_packed(touch))
        receipt = token_of_raw(self.prefix + _tag(payload, self.key) + payload)
        if len(receipt) > MAX_RECEIPT_CHARS:
            raise ReceiptTooLongError("the sub-ids and references of this click are too long")
        return receipt

    def read(self, text: str) -> Touch:
        """The touch in a click id.

        Raises:
            ForgedTokenError: signed by nobody we know, or not even a receipt.
        """
        raw = raw_of_token(text) if len(text) <= MAX_RECEIPT_CHARS else b""
        start = 1 + raw[0] if raw else 0
        tag, payload = raw[start : start + TAG_BYTES], raw[start + TAG_BYTES :]
        key = self.keys.get(raw[1:start])
        if key is None:
            raise ForgedTokenError("signed with no key of ours")
        if not hmac.compare_digest(_tag(payload, key), tag):
            raise ForgedTokenError("not signed by us")
        try:
            return _unpacked(_decode(payload))
        except (ValueError, OverflowError, msgspec.DecodeError):
            raise ForgedTokenError("signed by us, for another kind of payload") from None


def _tag(payload: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=TAG_BYTES, key=key, person=_PURPOSE).digest()


def _packed(touch: Touch) -> _Payload:
    plain = plain_code(Target(touch.partner_id, touch.merchant_id, touch.sku))
    place = (touch.app_id, touch.placement_id, touch.line_item_id)
    event_id = _event_id(touch.touch_id)
    return _Payload(
        event_id=event_id,
        touch_id="" if event_id else touch.touch_id,
        kind=touch.kind,
        clicked_ms=(touch.clicked_at - _EPOCH) // _MILLISECOND,
        partner_id=touch.partner_id,
        merchant_id=touch.merchant_id,
        sku=touch.sku,
        link_code=None if touch.link_code == plain else touch.link_code,
        subs=touch.subs if any(touch.subs) else None,
        place=place if any(place) else None,
        customer_ref=touch.customer_ref,
        invalid=touch.invalid,
    )


def _unpacked(packed: _Payload) -> Touch:
    app, placement, line_item = packed.place or ("", "", "")
    target = Target(PartnerId(packed.partner_id), MerchantId(packed.merchant_id), Sku(packed.sku))
    code = plain_code(target) if packed.link_code is None else LinkCode(packed.link_code)
    return Touch(
        touch_id=packed.event_id.hex() or packed.touch_id,
        kind=packed.kind,
        clicked_at=_EPOCH + packed.clicked_ms * _MILLISECOND,
        partner_id=target.partner_id,
        merchant_id=target.merchant_id,
        sku=target.sku,
        link_code=code,
        subs=packed.subs or ("", "", "", "", ""),
        app_id=AppId(app),
        placement_id=PlacementId(placement),
        line_item_id=LineItemId(line_item),
        customer_ref=packed.customer_ref,
        invalid=packed.invalid,
    )


def _event_id(touch_id: str) -> bytes:
    try:
        raw = bytes.fromhex(touch_id)
    except ValueError:
        return b""
    return raw if len(raw) == EVENT_ID_BYTES and raw.hex() == touch_id else b""
