"""A user's exposures as bytes, read here and written by expose.lua.

The surprising fact: records first and names after them, instead of pairs, so that both halves are
taken apart by one call each: 20 exposures cost 5 us, and pairs would cost 20.

    1 byte           how many line items, at most 128, the one seen last in front
    26 bytes each    lifetime, day, in_day, hour, in_hour, minute, in_minute, last_seen_s
    the rest         the line items' ids, one to a line
"""

from itertools import starmap
from struct import Struct

from models.domain.user import Exposure

_RECORD = Struct("<IiHIHIHI")


def unpacked(value: bytes) -> dict[str, Exposure]:
    """Exposures by line item id; none for bytes of another making."""
    if not value:
        return {}
    names_at = 1 + _RECORD.size * value[0]
    names = value[names_at:].decode(errors="replace").split("\n")
    if len(names) != value[0]:
        return {}
    return dict(zip(names, starmap(Exposure, _RECORD.iter_unpack(value[1:names_at])), strict=True))
