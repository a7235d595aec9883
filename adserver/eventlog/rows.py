"""Events as rows, and rows as bytes: the values of `schema`'s columns, in their order.

Never here: SQL types (each store casts its own way) or files. The one surprising fact: a tracked
event has two shapes on disk. While it waits for its verdict it is kept whole, so that it can be
booked again after a crash; then it becomes a row, and a row never changes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any

import msgspec

from adserver.eventlog.schema import BY_NAME, TABLES, Table
from models.domain.ad_request import AdRequest
from models.domain.event import (
    NO_PARTNER,
    AdServed,
    Booked,
    Census,
    Decided,
    EventKind,
    Offer,
    Tracked,
    Verdict,
)
from models.domain.user import UserProfile

Row = tuple[Any, ...]

TABLE_OF = {
    EventKind.IMPRESSION: "impressions",
    EventKind.VIEWABLE: "viewables",
    EventKind.CLICK: "clicks",
    EventKind.CONVERSION: "conversions",
}
DAY_MS = 86_400_000
_UINT8_MAX = 2**8 - 1
_UINT32_MAX = 2**32 - 1
_CHECKED: dict[str, Any] = {
    "UUID": Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)],
    "UInt8": Annotated[int, msgspec.Meta(ge=0, le=255)],
    "UInt32": Annotated[int, msgspec.Meta(ge=0, le=_UINT32_MAX)],
    "UInt64": Annotated[int, msgspec.Meta(ge=0)],  # MessagePack has no larger ones
    "Int32": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
    "Int64": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "Float64": float,
    "String": str,
    "Bytes": bytes,
    "Array(String)": list[str],
    "Array(UInt32)": list[Annotated[int, msgspec.Meta(ge=0, le=_UINT32_MAX)]],
}
_EMPTY: dict[str, Any] = {
    "UUID": bytes(16),
    "UInt8": 0,
    "UInt32": 0,
    "UInt64": 0,
    "Int32": 0,
    "Int64": 0,
    "Float64": 0.0,
    "String": "",
    "Bytes": b"",
    "Array(String)": [],
    "Array(UInt32)": [],
}

_encoder = msgspec.msgpack.Encoder()
_tracked_decoder = msgspec.msgpack.Decoder(Tracked)


def pack_tracked(event: Tracked) -> bytes:
    """A waiting event, whole."""
    return _encoder.encode(event)


def unpack_tracked(body: bytes) -> Tracked:
    """The waiting event again. Raises `msgspec.DecodeError` when the bytes are not one."""
    return _tracked_decoder.decode(body)


def pack_rows(rows: Sequence[Row]) -> bytes:
    """Rows of one table, in order and turned into columns; the same rows make the same bytes."""
    return _encoder.encode(list(zip(*rows, strict=True)))


def unpack_columns(table: str, bodies: Iterable[bytes]) -> dict[str, list[Any]]:
    """Packed rows as columns.

    Rows of an older release lack the last columns and get defaults there.

    Raises:
        msgspec.DecodeError: a body that is not packed rows, or has values the columns cannot hold.
    """
    decoder = _decoders[table]
    columns: dict[str, list[Any]] = {name: [] for name in BY_NAME[table].names}
    kinds = {column.name: column.kind for column in BY_NAME[table].columns}
    for body in bodies:
        packed = decoder.decode(body)
        rows = len(packed.event_id)
        for name, values in columns.items():
            found = getattr(packed, name)
            if found is None:
                found = [_EMPTY[kinds[name]]] * rows
            if len(found) != rows:
                raise msgspec.ValidationError(f"{name} has {len(found)} values for {rows} rows")
            values.extend(found)
    return columns


def _decoder(table: Table) -> msgspec.msgpack.Decoder[Any]:
    """Checks each value against its column while decoding, which is faster than not checking."""
    first, *others = (
        (column.name, GenericAlias(list, (_CHECKED[column.kind],))) for column in table.columns
    )
    fields: list[Any] = [first, *((name, kind | None, None) for name, kind in others)]
    return msgspec.msgpack.Decoder(msgspec.defstruct(table.name, fields, array_like=True))


def settled_row(event: Tracked, booked: Booked) -> tuple[str, Row] | None:
    """The table and row that a booked event becomes: its own table when it counts, else `suspects`.

    None for a duplicate, whose first copy has a row already.
    """
    if booked.verdict is Verdict.DUPLICATE:
        return None
    row = (
        *_offer_values(event.event_id.bytes, event.occurred_ms, event.received_ms, event.offer),
        event.address_key,
        event.value_micros,
        booked.charged_micros,
        event.detail,
    )
    if booked.verdict is Verdict.COUNTED:
        return TABLE_OF[event.kind], row
    return "suspects", (*row, event.kind.value, booked.verdict.value)


def served_row(served: AdServed) -> Row:
    """The `ads_served` row.

    Its id tells apart two ads that retries of one request put in one position.
    """
    offer = served.offer
    event_id = hashlib.blake2b(
        offer.offer_id.bytes, digest_size=16, key=offer.creative_id.encode()[:64]
    ).digest()
    return (
        *_offer_values(event_id, offer.served_ms, offer.served_ms, offer),
        served.request.request_id,
        served.position,
        served.bid_micros,
        served.ecpm_micros,
        served.pctr,
        served.pcvr,
        served.propensity,
        served.features,
        served.schema_hash,
        served.snapshot_version,
        served.model_version,
        *_place(served.request),
        *_person(served.request, served.profile, offer.served_ms),
    )


def decided_row(decided: Decided, worker: str = "") -> Row:
    """The `decisions` row."""
    request = decided.request
    return (
        decided.event_id.bytes,
        decided.occurred_ms,
        decided.occurred_ms,
        request.app.app_id,
        request.app.partner_id or NO_PARTNER,
        request.placement.placement_id,
        request.placement.format.value,
        request.request_id,
        decided.ads,
        decided.no_ad_reason,
        [stage for stage, _ in decided.funnel],
        [count for _, count in decided.funnel],
        [reason for reason, _ in decided.rejected],
        [count for _, count in decided.rejected],
        min(max(decided.latency_us, 0), _UINT32_MAX),
        decided.snapshot_version,
        decided.model_version,
        decided.experiment_arms,
        int(decided.user_known),
        int(decided.profile_loaded),
        int(request.test),
        *_asked(decided),
        request.placement.floor_cpm_micros,
        decided.top_ecpm_micros,
        worker,
    )


def _asked(decided: Decided) -> Row:
    """Who asked, and from where. Of a user who opted out only what every request tells."""
    request, profile = decided.request, decided.profile
    personal = request.personalized
    segments = {*request.segments, *profile.interests} if personal else ()
    return (
        *_place(request),
        request.os_version,
        request.make,
        request.carrier,
        request.language,
        int(personal),
        *_person(request, profile, decided.occurred_ms),
        [*map(str, sorted(segments))],
        (request.user_key or 0) if personal else 0,
    )


def _place(request: AdRequest) -> Row:
    return (
        request.country,
        request.region,
        request.city,
        request.os,
        _byte(request.device_type),
        _byte(request.connection),
    )


def _person(request: AdRequest, profile: UserProfile, at_ms: int) -> Row:
    """Gender and age, as targeting understands them."""
    if not request.personalized:
        return "", 0
    born = request.birth_year or profile.birth_year
    age = _byte(_year(at_ms // DAY_MS) - born) if born else 0
    return (request.gender or profile.gender).lower(), age


@lru_cache(maxsize=16)
def _year(day: int) -> int:
    """The UTC year of a day since 1970."""
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).year


def _byte(number: int) -> int:
    """What is out of a byte's range is unknown."""
    return number if 0 <= number <= _UINT8_MAX else 0


def census_row(census: Census) -> Row:
    """The `census` row."""
    return (
        census.event_id.bytes,
        census.minute_ms,
        census.placement_id,
        census.line_item_id,
        census.reason,
        census.requests,
    )


def _offer_values(event_id: bytes, occurred_ms: int, received_ms: int, offer: Offer) -> Row:
    return (
        event_id,
        max(occurred_ms, 0),  # an advertiser's clock may say anything
        received_ms,
        offer.app_id,
        offer.partner_id,
        offer.placement_id,
        offer.format.value,
        offer.offer_id.bytes,
        offer.served_ms,
        offer.advertiser_id,
        offer.campaign_id,
        offer.line_item_id,
        offer.creative_id,
        offer.pricing.value,
        offer.price_micros,
        offer.reserved_micros,
        offer.utc_offset_s,
        offer.user_key or 0,
        int(offer.test),
    )


_decoders = {table.name: _decoder(table) for table in TABLES}
