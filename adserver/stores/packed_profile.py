"""A user profile as bytes: 44 or fewer for 24 features, which is what makes 8 M users fit a GiB.

Both directions and nothing else. The surprising fact: 44 is a cliff. Redis keeps a value of up to
44 bytes together with its header in one 64-byte block; one byte more costs another block.

    20 bytes  8 small numbers (gender, then `_SMALL`), 6 of two bytes each (`_WIDE`)
     3 bytes  how many interests, how many recent categories, how many custom features and
              how wide those are (1, 2 or 4 bytes each)
     rest     interests and recent categories, 2 bytes each; custom features

With eight one-byte custom features, six interests or recent categories fill 43 bytes.
"""

from functools import lru_cache
from struct import Struct, calcsize, error, pack, unpack_from

from models.domain.user import CUSTOM_FEATURES, UserProfile

_GENDERS = ("", "F", "M", "O")
_SMALL = [
    "device_price_band",
    "city_tier",
    "activity_level",
    "purchase_power",
    "education_level",
    "income_band",
    "household",
]
_WIDE = ["birth_year", "tenure_months", "sessions_7d", "sessions_30d", "app_count", "orders_90d"]
_HEAD = Struct("<8B6H3B")
_MOST_SEGMENTS = 255
_WIDTHS = "BHI"
NOBODY = UserProfile()


def packed(profile: UserProfile) -> bytes:
    """The profile's bytes.

    Raises:
        ValueError: a feature out of its range; the message names it.
    """
    if profile.gender not in _GENDERS:
        raise ValueError(f"gender {profile.gender!r} is not F, M, O or empty")
    small = [_checked(profile, name, 0xFF) for name in _SMALL]
    wide = [_checked(profile, name, 0xFFFF) for name in _WIDE]
    interests = _checked_list("interests", profile.interests, _MOST_SEGMENTS, 0xFFFF)
    recent = _checked_list("recent_categories", profile.recent_categories, _MOST_SEGMENTS, 0xFFFF)
    custom = _checked_list("custom", profile.custom, CUSTOM_FEATURES, 0xFFFFFFFF)
    width = 0 if max(custom, default=0) <= 0xFF else 1 if max(custom) <= 0xFFFF else 2
    head = _HEAD.pack(
        _GENDERS.index(profile.gender),
        *small,
        *wide,
        *(len(interests), len(recent), len(custom) | width << 4),
    )
    return head + pack(
        f"<{len(interests) + len(recent)}H{len(custom)}{_WIDTHS[width]}",
        *interests,
        *recent,
        *custom,
    )


@lru_cache(maxsize=16_384)
def unpacked(value: bytes) -> UserProfile:
    """The profile of these bytes; bytes of another making are nobody's profile."""
    try:
        gender, *numbers, interests, recent, custom = _HEAD.unpack_from(value)
        segments = interests + recent
        tail = f"<{segments}H{custom & 15}{_WIDTHS[custom >> 4]}"
        if len(value) != _HEAD.size + calcsize(tail):
            return NOBODY
        rest = unpack_from(tail, value, _HEAD.size)
        return UserProfile(
            gender=_GENDERS[gender],
            **dict(zip(_SMALL, numbers, strict=False)),
            **dict(zip(_WIDE, numbers[len(_SMALL) :], strict=True)),
            interests=rest[:interests],
            recent_categories=rest[interests:segments],
            custom=rest[segments:],
        )
    except (error, IndexError):
        return NOBODY


def _checked(profile: UserProfile, name: str, most: int) -> int:
    number: int = getattr(profile, name)
    if not 0 <= number <= most:
        raise ValueError(f"{name} {number} is not in 0..{most}")
    return number


def _checked_list(
    name: str, numbers: tuple[int, ...], most_numbers: int, most: int
) -> tuple[int, ...]:
    if len(numbers) > most_numbers:
        raise ValueError(f"{name} has {len(numbers)} entries, more than {most_numbers}")
    if numbers and not (min(numbers) >= 0 and max(numbers) <= most):
        raise ValueError(f"{name} has an entry that is not in 0..{most}")
    return numbers
