"""What can be targeted: how the text of a rule reads, and where a request says its value.

Both sides of an attribute stand on one line of a table. How line items are found by it is
`targeting`. Of a user who opted out, gender, age and interests are unknown, whoever told them. The
one surprising fact: a name may mean more than its number, since who excludes "cellular" does not
want to be seen on 5G either, and who excludes "zh" not in "zh-cn".
"""

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from models.domain.ad_request import AdRequest
from models.domain.campaign import Rule
from models.domain.user import UserState
from ranking.local_time import WEEK_HOURS
from ranking.slate import NoAdReason

Version = tuple[int, ...]

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")

DEVICE_TYPES = {
    "mobile": (1, 4, 5),
    "pc": (2,),
    "tv": (3,),
    "phone": (4,),
    "tablet": (5,),
    "connected_device": (6,),
    "set_top_box": (7,),
    "ooh": (8,),
}
"""OpenRTB `devicetype` by name. `mobile` means phones and tablets too; the number 1 only itself."""
CONNECTIONS = {
    "ethernet": (1,),
    "wifi": (2,),
    "cellular": (3, 4, 5, 6, 7),
    "2g": (4,),
    "3g": (5,),
    "4g": (6,),
    "5g": (7,),
}
"""OpenRTB `connectiontype` by name. `cellular` means every generation; the number 3 only itself."""


class Viewer(NamedTuple):
    """Whom a request is for, and when."""

    request: AdRequest
    user: UserState
    now: datetime


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute whose rules list values.

    `values` reads one entry of a rule (several where a name covers several); `of` reads the values
    of a request, unknown ones included.
    """

    reason: NoAdReason
    of: Callable[[Viewer], Iterable[Hashable]]
    values: Callable[[str], tuple[Hashable, ...]] = lambda text: (text.strip().lower(),)


@dataclass(frozen=True, slots=True)
class Range:
    """An attribute whose rules hold ranges "min..max"; `of` reads a request's value or None."""

    reason: NoAdReason
    of: Callable[[Viewer], Version | None]


def category_family(category: str) -> tuple[str, ...]:
    """An IAB category with the one above it ("iab7-3" is also "iab7"); any other by itself."""
    word = category.strip().lower()
    parent, dash, _ = word.partition("-")
    return (word, parent) if dash and parent.startswith("iab") else (word,)


def version(text: str) -> Version | None:
    """The number a version begins with, as comparable parts; None when there is none.

    Closing zeros do not count: 14 and 14.0 are equal.
    """
    found = _NUMBERS.match(text.strip())
    return _trimmed(_parts(found[0])) if found else None


_version_of = lru_cache(maxsize=4096)(version)


def half_open(text: str) -> tuple[Version, Version | None] | None:
    """The range "min..max" as [from, to); None for text that is no range.

    The upper end includes all that begins with it: 14.2 lies in "12..14".
    """
    low, dots, high = (part.strip() for part in text.partition(".."))
    high = high if dots else low
    if not all(_NUMBERS.fullmatch(end) for end in (low, high) if end or not dots):
        return None
    first = _trimmed(_parts(low)) if low else ()
    if not high:
        return first, None
    *upper, last = _parts(high)
    return first, _trimmed([*upper, last + 1])


def _parts(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


def _trimmed(parts: list[int]) -> Version:
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _numbers(text: str) -> tuple[Hashable, ...]:
    return (int(text),) if text.strip().isdecimal() else ()


def _device_types(text: str) -> tuple[Hashable, ...]:
    return DEVICE_TYPES.get(text.strip().lower()) or _numbers(text)


def _connections(text: str) -> tuple[Hashable, ...]:
    return CONNECTIONS.get(text.strip().lower()) or _numbers(text)


def _language(text: str) -> str:
    return text.strip().lower().replace("_", "-")


def _languages(viewer: Viewer) -> tuple[str, ...]:
    """zh-cn is also zh."""
    spoken = _language(viewer.request.language)
    primary, dash, _ = spoken.partition("-")
    return (spoken, primary) if dash else (spoken,)


def _gender(viewer: Viewer) -> tuple[str]:
    request, profile = viewer.request, viewer.user.profile
    return ((request.gender or profile.gender).lower() if request.personalized else "",)


def _age(viewer: Viewer) -> Version | None:
    request, profile = viewer.request, viewer.user.profile
    born = request.birth_year or profile.birth_year if request.personalized else 0
    return (viewer.now.year - born,) if born else None


def _interests(viewer: Viewer) -> tuple[int, ...]:
    request, profile = viewer.request, viewer.user.profile
    return request.segments + profile.interests if request.personalized else ()


ATTRIBUTES: tuple[Attribute | Range, ...] = (
    Attribute(NoAdReason.COUNTRY, lambda v: (v.request.country.lower(),)),
    Attribute(NoAdReason.REGION, lambda v: (v.request.region.lower(),)),
    Attribute(NoAdReason.CITY, lambda v: (v.request.city.lower(),)),
    Attribute(NoAdReason.OS, lambda v: (v.request.os.lower(),)),
    Range(NoAdReason.OS_VERSION, lambda v: _version_of(v.request.os_version)),
    Attribute(NoAdReason.MAKE, lambda v: (v.request.make.lower(),)),
    Attribute(NoAdReason.DEVICE_TYPE, lambda v: (v.request.device_type,), _device_types),
    Attribute(NoAdReason.CONNECTION, lambda v: (v.request.connection,), _connections),
    Attribute(NoAdReason.CARRIER, lambda v: (v.request.carrier.lower(),)),
    Attribute(NoAdReason.LANGUAGE, _languages, lambda text: (_language(text),)),
    Attribute(NoAdReason.GENDER, _gender),
    Range(NoAdReason.AGE, _age),
    Attribute(NoAdReason.INTEREST, _interests, _numbers),
    Attribute(NoAdReason.APP_CATEGORY, lambda v: category_family(v.request.app.category)),
    Attribute(NoAdReason.PLACEMENT, lambda v: (v.request.placement.placement_id.lower(),)),
)
"""In the order in which they are asked. A reason's text is the name of its rule in `Targeting`."""


def hours_mask(rule: Rule) -> list[int]:
    """The hours of the week that a rule allows, as three words of 64 bits."""
    every = range(WEEK_HOURS)
    wanted = {int(hour) for hour in rule.include if hour.strip().isdecimal()}
    allowed = wanted if rule.include else set(every)
    allowed -= {int(hour) for hour in rule.exclude if hour.strip().isdecimal()}
    bits = sum(1 << hour for hour in every if hour in allowed)
    return [bits >> (64 * word) & (2**64 - 1) for word in range(3)]
