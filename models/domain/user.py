"""What we know of a user.

The profile (up to 24 features) and what this user has already been shown.

The one surprising fact: only line-item counters are kept. Caps at campaign and advertiser level are
sums over them, made when a request is decided.

Nobody changes a profile or a state; they are not frozen, because every request makes them.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

CUSTOM_FEATURES = 8


@dataclass(slots=True, unsafe_hash=True)
class UserProfile:
    """24 features: 0, "" and () mean unknown.

    Bands and tiers are small ordered integers, segments are ids in 1..65535.

    `custom` has room for features of the operator's own, as small integers (0 unknown).
    """

    gender: str = ""
    birth_year: int = 0
    interests: tuple[int, ...] = ()
    recent_categories: tuple[int, ...] = ()
    device_price_band: int = 0
    city_tier: int = 0
    activity_level: int = 0
    purchase_power: int = 0
    tenure_months: int = 0
    sessions_7d: int = 0
    sessions_30d: int = 0
    app_count: int = 0
    orders_90d: int = 0
    education_level: int = 0
    income_band: int = 0
    household: int = 0
    custom: tuple[int, ...] = ()


class Exposure(NamedTuple):
    """Impressions of one line item on one user. Counts belong to the window numbers beside them.

    An older window counts 0. A tuple, because a request makes dozens (0.2 us each, not 1.4 us).

    `minute` and `hour` are Unix time / 60 and / 3600; `day` is the day number in the advertiser's
    time zone ((Unix time + offset) / 86400).
    """

    lifetime: int
    day: int
    in_day: int
    hour: int
    in_hour: int
    minute: int
    in_minute: int
    last_seen_s: int


@dataclass(slots=True, unsafe_hash=True)
class UserState:
    """What one trip to the user store brings back: exposures by line item id.

    `known` is False when the request names no user; `loaded` is False when the store did not answer
    in time, and then the exposures are not to be trusted: capped line items must be withheld.
    """

    profile: UserProfile = field(default_factory=UserProfile)
    exposures: dict[str, Exposure] = field(default_factory=dict)
    known: bool = False
    loaded: bool = True
