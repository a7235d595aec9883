"""What can be targeted: how a rule lists it, and where a request says its value.

Both sides of an attribute stand on one line of a table; what the texts of rules mean is
`models.domain.rule_words`, how line items are found is `targeting`. The one surprising fact: of a
user who opted out, gender, age and interests are unknown, whoever told them.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from models.domain.ad_request import AdRequest
from models.domain.campaign import Rule
from models.domain.rule_words import (
    Version,
    category_family,
    connections,
    device_types,
    language,
    numbers,
    version,
    word,
)
from models.domain.user import UserState
from ranking.local_time import WEEK_HOURS
from ranking.slate import NoAdReason


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
    values: Callable[[str], tuple[Hashable, ...]] = lambda text: (word(text),)


@dataclass(frozen=True, slots=True)
class Range:
    """An attribute whose rules hold ranges "min..max"; `of` reads a request's value or None."""

    reason: NoAdReason
    of: Callable[[Viewer], Version | None]


_version_of = lru_cache(maxsize=4096)(version)


def _languages(viewer: Viewer) -> tuple[str, ...]:
    """zh-cn is also zh."""
    spoken = language(viewer.request.language)
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
    Attribute(NoAdReason.DEVICE_TYPE, lambda v: (v.request.device_type,), device_types),
    Attribute(NoAdReason.CONNECTION, lambda v: (v.request.connection,), connections),
    Attribute(NoAdReason.CARRIER, lambda v: (v.request.carrier.lower(),)),
    Attribute(NoAdReason.LANGUAGE, _languages, lambda text: (language(text),)),
    Attribute(NoAdReason.GENDER, _gender),
    Range(NoAdReason.AGE, _age),
    Attribute(NoAdReason.INTEREST, _interests, numbers),
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
