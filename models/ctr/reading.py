"""Where features are found: the attributes of an ad, of a request and of its user.

The attribute names are what the schema's features are `of`. What a value becomes is `encoding`.

The one surprising fact: nothing of a user who opted out of personalisation gets past `RequestView`,
so no feature can forget to look.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from models.ctr import encoding
from models.ctr.encoding import MISSING
from models.ctr.features import Feature, Kind
from models.domain.ad_request import AdRequest
from models.domain.campaign import Advertiser, Creative, LineItem
from models.domain.user import UserProfile, UserState

_NO_PROFILE = UserProfile()


@dataclass(frozen=True, slots=True)
class AdAttributes:
    """What the model may know of one ad (a creative of a line item)."""

    line_item_id: str
    creative_id: str
    advertiser_id: str
    campaign_id: str
    category: str
    format: str
    pricing: str
    w: int
    h: int
    landing_kind: str
    landing_host: str
    duration_ms: int
    bid_micros: int
    title: str
    cta: str
    title_length: int
    description_length: int

    @staticmethod
    def of(advertiser: Advertiser, line_item: LineItem, creative: Creative) -> "AdAttributes":
        """The attributes as the catalog tells them."""
        return AdAttributes(
            line_item_id=line_item.line_item_id,
            creative_id=creative.creative_id,
            advertiser_id=advertiser.advertiser_id,
            campaign_id=line_item.campaign_id,
            category=min(advertiser.categories, default=""),
            format=creative.format,
            pricing=line_item.pricing,
            w=creative.w,
            h=creative.h,
            landing_kind=creative.landing_kind,
            landing_host=_host(creative.landing_url),
            duration_ms=creative.duration_ms,
            bid_micros=line_item.bid_micros,
            title=creative.title,
            cta=creative.cta,
            title_length=len(creative.title),
            description_length=len(creative.description),
        )


def _host(address: str) -> str:
    """Whom an address leads to; "" where it cannot be told: one bad link stops no catalog."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


@dataclass(slots=True)
class RequestView:
    """A request with its user, as the schema's attribute paths read it.

    When the request is not personalised, nothing of the user is in it: no profile, and neither the
    gender, the age nor the segments that the request itself carries. Not frozen, because that would
    cost every request a microsecond.
    """

    request: AdRequest
    profile: UserProfile
    gender: str
    age: float
    segments: tuple[int, ...]
    os_version: float
    app_version: float
    hour: int
    weekday: int

    @staticmethod
    def of(request: AdRequest, user: UserState, now: datetime, zone: tzinfo) -> "RequestView":
        """Puts together what the schema reads. `now` is aware; `zone` has the calendar."""
        local = now.astimezone(zone)
        personal = request.personalized
        profile = user.profile if personal else _NO_PROFILE
        born = (request.birth_year or profile.birth_year) if personal else 0
        return RequestView(
            request=request,
            profile=profile,
            gender=(request.gender or profile.gender) if personal else "",
            age=float(local.year - born) if born else MISSING,
            segments=request.segments if personal else (),
            os_version=_version(request.os_version),
            app_version=_version(request.app_version),
            hour=local.hour,
            weekday=local.weekday(),
        )


@lru_cache(maxsize=4096)
def _version(text: str) -> float:
    """ "14.1.2" as 14.01: major and minor as one ordered number."""
    major, _, rest = text.partition(".")
    whole = encoding.number(major)
    minor = encoding.number(rest.partition(".")[0])
    return whole if minor != minor else whole + min(minor, 99.0) / 100.0


class RequestReader:
    """The request half, kind by kind: one attribute getter a kind, one map over what it got."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._categories = _getter(f for f in features if f.kind is Kind.CATEGORY)
        self._numbers = _getter(f for f in features if f.kind is Kind.NUMBER and f.width == 1)
        wide = [f for f in features if f.width > 1]
        self._wide = _getter(wide)
        self._several = [_remembering(_WIDE[f.kind], f.width) for f in wide]

    def read(self, view: RequestView) -> list[float]:
        """All slots but the histories, in the order of the schema.

        Numbers of the nouns are numbers already.
        """
        slots = [*map(encoding.category, self._categories(view)), *self._numbers(view)]
        for values, encode in zip(self._wide(view), self._several, strict=True):
            slots += encode(values)
        return slots


_WIDE: dict[Kind, Callable[[Any, int], list[float]]] = {
    Kind.NUMBER: encoding.numbers,
    Kind.MULTI_CATEGORY: encoding.multi_category,
}


def _remembering(
    encode: Callable[[Any, int], list[float]], width: int
) -> Callable[[Hashable], list[float]]:
    """`encode` for one width. What it answers is kept, and must not be changed."""

    @lru_cache(maxsize=4096)
    def encoded(values: Hashable) -> list[float]:
        return encode(values, width)

    return encoded


def _getter(features: Iterable[Feature]) -> Callable[[object], tuple[Any, ...]]:
    paths = [feature.sources[0] for feature in features]
    read = attrgetter(*paths)
    return read if len(paths) > 1 else lambda view: (read(view),)
