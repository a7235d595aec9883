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
from operator import attrgetter
from struct import Struct, calcsize, error, pack, unpack_from

from models.domain.user import CUSTOM_FEATURES, UserProfile

_GENDERS = ("", "F", "M", "O")
_SMALL = (
    *("device_price_band", "city_tier", "activity_level", "purchase_power"),
    *("education_level", "income_band", "household"),
)
_WIDE = ("birth_year", "tenure_months", "sessions_7d", "sessions_30d", "app_count", "orders_90d")
_numbers = attrgetter(*_SMALL, *_WIDE)
_HEAD = Struct("<8B6H3B")
_WIDTHS = "BHI"
_MOST_SEGMENTS = 255
NOBODY = UserProfile()


def packed(profile: UserProfile) -> bytes:
    """The profile's bytes.

    Raises:
        ValueError: a feature out of its range; the message names it.
    """
    interests, recent, custom = profile.interests, profile.recent_categories, profile.custom
    largest = max(custom, default=0)
    width = 0 if largest <= 0xFF else 1 if largest <= 0xFFFF else 2
    try:
        return pack(
            f"<8B6H3B{len(interests) + len(recent)}H{len(custom)}{_WIDTHS[width]}",
            _GENDERS.index(profile.gender),
            *_numbers(profile),
            *(len(interests), len(recent), _checked_count(custom) | width << 4),
            *interests,
            *recent,
            *custom,
        )
    except (ValueError, error):
        raise ValueError(_trouble(profile)) from None


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
            **dict(zip(_SMALL + _WIDE, numbers, strict=True)),
            interests=rest[:interests],
            recent_categories=rest[interests:segments],
            custom=rest[segments:],
        )
    except (error, IndexError):
        return NOBODY


def _checked_count(custom: tuple[int, ...]) -> int:
    if len(custom) > CUSTOM_FEATURES:
        raise ValueError("too many")
    return len(custom)


def _trouble(profile: UserProfile) -> str:
    """What is wrong with a profile that could not be packed."""
    if profile.gender not in _GENDERS:
        return f"gender {profile.gender!r} is not F, M, O or empty"
    limits = dict.fromkeys(_SMALL, 0xFF) | dict.fromkeys(_WIDE, 0xFFFF)
    for name, most in limits.items():
        number = getattr(profile, name)
        if not 0 <= number <= most:
            return f"{name} {number} is not in 0..{most}"
    lists = {
        "interests": (profile.interests, _MOST_SEGMENTS, 0xFFFF),
        "recent_categories": (profile.recent_categories, _MOST_SEGMENTS, 0xFFFF),
        "custom": (profile.custom, CUSTOM_FEATURES, 0xFFFFFFFF),
    }
    for name, (entries, most_entries, most) in lists.items():
        if len(entries) > most_entries:
            return f"{name} has {len(entries)} entries, more than {most_entries}"
        if any(not 0 <= entry <= most for entry in entries):
            return f"{name} has an entry that is not in 0..{most}"
    return "a feature has another type than it should"
