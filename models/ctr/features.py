"""What the model sees: every feature with its kind and its half, once, for training and serving.

How a value becomes numbers is `models.ctr.encoding`; who reads values from a request and from the
catalog is `models.ctr.encoder`. Neither the data nor a model is known here.

The one surprising fact: the order in which features are written does not matter. A schema puts its
slots in order of half, then kind, so that the halves of a row are slices, and so that a request is
encoded kind by kind without a loop in Python.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

ENCODING = 1
"""Raise it when the same value begins to encode to another number: the schema's hash follows."""


class Half(StrEnum):
    """Whose feature it is: of the request (user, device, place, time), of the ad, or of both."""

    REQUEST = "request"
    AD = "ad"
    PAIR = "pair"


class Kind(StrEnum):
    """How values become slots (`encoding` says exactly how)."""

    CATEGORY = "category"
    NUMBER = "number"
    MULTI_CATEGORY = "multi-category"
    HISTORY = "history"


_HALF_ORDER = tuple(Half)
_KIND_ORDER = tuple(Kind)
HISTORY_SLOTS = ("rate", "log_impressions")


class SchemaError(ValueError):
    """A schema that cannot be used; the message names the feature and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature.

    `width` is its number of slots (a history has always two: rate and log impressions). `of` says
    where it comes from: a column of a file, an attribute of the request or the ad, and for a
    history the columns whose combination is counted. Empty: from what is called as it is.
    """

    name: str
    kind: Kind
    half: Half = Half.REQUEST
    width: int = 1
    of: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the values come from, never empty."""
        return self.of or (self.name,)

    @property
    def slot_names(self) -> tuple[str, ...]:
        """One name for each slot."""
        if self.kind is Kind.HISTORY:
            return tuple(f"{self.name}.{part}" for part in HISTORY_SLOTS)
        if self.width == 1:
            return (self.name,)
        return tuple(f"{self.name}[{place}]" for place in range(self.width))


@dataclass(frozen=True)
class FeatureSchema:
    """All features of a model, ordered by half, then kind, then as they were given.

    `time_zone` (an IANA name) is whose clock `hour` and `weekday` are read off.

    Raises:
        SchemaError: two features of one name, a width below 1, a source missing or too many.
    """

    features: tuple[Feature, ...]
    time_zone: str = "UTC"
    slots: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Checks the features and puts them in order."""
        ordered = tuple(sorted(map(_checked, self.features), key=_order))
        names = [feature.name for feature in ordered]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise SchemaError(f"feature {twice!r} appears twice")
        object.__setattr__(self, "features", ordered)
        slots = tuple(slot for feature in ordered for slot in feature.slot_names)
        object.__setattr__(self, "slots", slots)

    @cached_property
    def hash(self) -> str:
        """Hex digest of all that a row's meaning depends on. Equal hash: rows may be exchanged."""
        features = [asdict(feature) for feature in self.features]
        told = json.dumps([ENCODING, self.time_zone, features])
        return hashlib.blake2b(told.encode(), digest_size=12).hexdigest()

    def half(self, half: Half) -> tuple[Feature, ...]:
        """The features of one half, in slot order."""
        return tuple(feature for feature in self.features if feature.half is half)

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        widths = [sum(len(f.slot_names) for f in self.half(half)) for half in _HALF_ORDER]
        return (0, widths[0], widths[0] + widths[1], sum(widths))

    def range_of(self, half: Half) -> slice:
        """Where the half lies in a row."""
        place = _HALF_ORDER.index(half)
        return slice(self._ends[place], self._ends[place + 1])

    def width_of(self, half: Half) -> int:
        """How many slots the half has."""
        place = _HALF_ORDER.index(half)
        return self._ends[place + 1] - self._ends[place]

    @cached_property
    def slot_of(self) -> Mapping[str, slice]:
        """Feature name -> its slots in a row."""
        ranges, begin = {}, 0
        for feature in self.features:
            end = begin + len(feature.slot_names)
            ranges[feature.name] = slice(begin, end)
            begin = end
        return ranges

    @cached_property
    def slot_kinds(self) -> tuple[Kind, ...]:
        """The kind of each slot; histories and numbers are both read as numbers by a forest."""
        return tuple(f.kind for f in self.features for _ in f.slot_names)

    def to_toml(self) -> str:
        """The time zone and [[feature]] tables, which `from_toml` reads back."""
        zone = f"time_zone = {_toml_value(self.time_zone)}\n"
        return "\n".join([zone, *map(_toml, self.features)])

    @staticmethod
    def from_toml(text: str) -> "FeatureSchema":
        """Reads [[feature]] tables (name, kind, and optionally half, width, of) and `time_zone`.

        Raises:
            SchemaError: not TOML, or a feature that is not one.
        """
        try:
            told = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SchemaError(f"not TOML: {error}") from None
        tables, zone = told.get("feature", []), told.get("time_zone", "UTC")
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            raise SchemaError("features are written as [[feature]] tables")
        if not isinstance(zone, str):
            raise SchemaError("time_zone is the name of a time zone")
        return FeatureSchema(FeatureSchema.from_tables(tables).features, zone)

    @staticmethod
    def from_tables(tables: Iterable[Mapping[str, Any]]) -> "FeatureSchema":
        """The same from tables that are already parsed."""
        return FeatureSchema(tuple(map(_feature, tables)))


def _order(feature: Feature) -> tuple[int, int, bool]:
    return (
        _HALF_ORDER.index(feature.half),
        _KIND_ORDER.index(feature.kind),
        feature.width > 1,
    )


def _checked(feature: Feature) -> Feature:
    if not feature.name or not 1 <= feature.width <= 1024:
        raise SchemaError(f"feature {feature.name!r}: it needs a name and a width of 1 to 1024")
    if feature.kind is Kind.HISTORY:
        if feature.width != 1:
            raise SchemaError(f"feature {feature.name!r}: a history has no width")
    elif len(feature.of) > 1:
        raise SchemaError(f"feature {feature.name!r}: only a history is of several columns")
    if feature.kind is Kind.CATEGORY and feature.width != 1:
        raise SchemaError(f"feature {feature.name!r}: write multi-category for several values")
    return feature


def _feature(table: Mapping[str, Any]) -> Feature:
    name = table.get("name")
    unknown = table.keys() - {"name", "kind", "half", "width", "of"}
    if not isinstance(name, str) or unknown:
        raise SchemaError(f"feature {name!r}: keys are name, kind, half, width and of")
    of, width = table.get("of", ()), table.get("width", 1)
    sources = (of,) if isinstance(of, str) else of
    if not isinstance(sources, (list, tuple)) or not all(isinstance(s, str) for s in sources):
        raise SchemaError(f"feature {name!r}: of is a name or a list of names")
    if not isinstance(width, int):
        raise SchemaError(f"feature {name!r}: width is a whole number")
    try:
        kind, half = Kind(table.get("kind", "")), Half(table.get("half", Half.REQUEST))
    except ValueError as error:
        raise SchemaError(f"feature {name!r}: {error}") from None
    return Feature(name, kind, half, width, tuple(sources))


def _toml(feature: Feature) -> str:
    lines = [f"{key} = {_toml_value(value)}" for key, value in asdict(feature).items()]
    return "\n".join(["[[feature]]", *lines, ""])


def _toml_value(value: object) -> str:
    """JSON's strings, numbers and lists are TOML's, but for the one control character it keeps."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _all(half: Half, kind: Kind, *names: str) -> tuple[Feature, ...]:
    """One feature a name; "name=attribute" where the attribute is called otherwise."""
    split = (name.partition("=") for name in names)
    return tuple(Feature(name, kind, half, 1, (of,) if of else ()) for name, _, of in split)


_REQUEST, _AD, _PAIR = Half.REQUEST, Half.AD, Half.PAIR

_USER = (
    *_all(_REQUEST, Kind.CATEGORY, "user_gender=gender"),
    *_all(
        _REQUEST,
        Kind.NUMBER,
        "user_age=age",
        "user_device_price_band=profile.device_price_band",
        "user_city_tier=profile.city_tier",
        "user_activity_level=profile.activity_level",
        "user_purchase_power=profile.purchase_power",
        "user_tenure_months=profile.tenure_months",
        "user_sessions_7d=profile.sessions_7d",
        "user_sessions_30d=profile.sessions_30d",
        "user_app_count=profile.app_count",
        "user_orders_90d=profile.orders_90d",
        "user_education_level=profile.education_level",
        "user_income_band=profile.income_band",
        "user_household=profile.household",
    ),
    Feature("user_interests", Kind.MULTI_CATEGORY, _REQUEST, 4, ("profile.interests",)),
    Feature("user_recent", Kind.MULTI_CATEGORY, _REQUEST, 4, ("profile.recent_categories",)),
    Feature("user_segments", Kind.MULTI_CATEGORY, _REQUEST, 2, ("segments",)),
    Feature("user_custom", Kind.NUMBER, _REQUEST, 8, ("profile.custom",)),
)

_DEVICE_AND_PLACE = (
    *_all(
        _REQUEST,
        Kind.CATEGORY,
        "device_os=request.os",
        "device_make=request.make",
        "device_model=request.model",
        "device_type=request.device_type",
        "device_connection=request.connection",
        "device_carrier=request.carrier",
        "device_language=request.language",
        "geo_country=request.country",
        "geo_region=request.region",
        "geo_city=request.city",
        "app=request.app.app_id",
        "app_category=request.app.category",
        "placement=request.placement.placement_id",
        "placement_format=request.placement.format",
    ),
    *_all(
        _REQUEST,
        Kind.NUMBER,
        "device_os_version=os_version",
        "device_screen_w=request.screen_w",
        "device_screen_h=request.screen_h",
        "app_version",
        "placement_floor=request.placement.floor_cpm_micros",
        "placement_ads=request.placement.max_ads",
        "hour",
        "weekday",
    ),
    Feature("placement_history", Kind.HISTORY, _REQUEST, 1, ("placement",)),
)

_ADS = (
    *_all(
        _AD,
        Kind.CATEGORY,
        "line_item=line_item_id",
        "creative=creative_id",
        "advertiser=advertiser_id",
        "campaign=campaign_id",
        "ad_category=category",
        "ad_format=format",
        "ad_pricing=pricing",
        "ad_title=title",
        "ad_cta=cta",
        "ad_landing_kind=landing_kind",
        "ad_landing_host=landing_host",
    ),
    *_all(
        _AD,
        Kind.NUMBER,
        "ad_w=w",
        "ad_h=h",
        "ad_bid=bid_micros",
        "ad_duration_ms=duration_ms",
        "ad_title_length=title_length",
        "ad_description_length=description_length",
    ),
    Feature("line_item_history", Kind.HISTORY, _AD, 1, ("line_item",)),
    Feature("creative_history", Kind.HISTORY, _AD, 1, ("creative",)),
    Feature("advertiser_history", Kind.HISTORY, _AD, 1, ("advertiser",)),
    Feature("campaign_history", Kind.HISTORY, _AD, 1, ("campaign",)),
)

_PAIRS = (
    *_all(_PAIR, Kind.NUMBER, "seen_times", "seen_this_hour", "seen_hours_ago"),
    Feature("line_item_in_placement", Kind.HISTORY, _PAIR, 1, ("line_item", "placement")),
    Feature("creative_in_placement", Kind.HISTORY, _PAIR, 1, ("creative", "placement")),
)


@lru_cache
def serving_schema(time_zone: str) -> FeatureSchema:
    """What is encoded, scored and logged for every ad that a house of this time zone serves."""
    return FeatureSchema((*_USER, *_DEVICE_AND_PLACE, *_ADS, *_PAIRS), time_zone)


SERVING_SCHEMA = serving_schema("Asia/Shanghai")
"""That of a house with the default settings."""
