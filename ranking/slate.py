"""The slate: the ads still in the running for one request, and why the others left.

Every reason an ad can leave has its name here, in the order in which it is asked; no stage decides
anything here. The one surprising fact: reasons travel as small numbers (their place in
`NoAdReason`, counted from 1) inside the kernels, and 0 means that the ad stays.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.ctr.encoder import EncodedRequest

Rows = NDArray[np.int32]
Floats = NDArray[np.float64]
Bitmap = NDArray[np.uint64]


class NoAdReason(StrEnum):
    """Why an ad left the slate, in the order in which the stages ask; a kill switch comes last."""

    PLACEMENT_INACTIVE = "placement_inactive"
    FORMAT = "format"
    SIZE = "size"
    BLOCKED_ADVERTISER = "blocked_advertiser"
    BLOCKED_CATEGORY = "blocked_category"
    COUNTRY = "country"
    REGION = "region"
    CITY = "city"
    OS = "os"
    OS_VERSION = "os_version"
    MAKE = "make"
    DEVICE_TYPE = "device_type"
    CONNECTION = "connection"
    CARRIER = "carrier"
    LANGUAGE = "language"
    GENDER = "gender"
    AGE = "age"
    INTEREST = "interest"
    APP_CATEGORY = "app_category"
    PLACEMENT = "placement"
    FLIGHT = "flight"
    HOUR_OF_WEEK = "hour_of_week"
    USER_UNKNOWN = "user_unknown"
    USER_NOT_LOADED = "user_not_loaded"
    FREQUENCY_CAP = "frequency_cap"
    SPEND_UNKNOWN = "spend_unknown"
    DAILY_BUDGET = "daily_budget"
    TOTAL_BUDGET = "total_budget"
    PACING = "pacing"
    FLOOR = "floor"
    UNAFFORDABLE = "unaffordable"
    SAME_ADVERTISER = "same_advertiser"
    OUTBID = "outbid"
    NOTHING_LIVE = "nothing_live"
    SWITCHED_OFF = "switched_off"


STAYS = 0
WON = "won"

_ORDER = tuple(NoAdReason)


def _between(first: NoAdReason, last: NoAdReason) -> tuple[NoAdReason, ...]:
    return _ORDER[_ORDER.index(first) : _ORDER.index(last) + 1]


STAGES: dict[str, tuple[NoAdReason, ...]] = {
    "live": (
        *_between(NoAdReason.PLACEMENT_INACTIVE, NoAdReason.BLOCKED_CATEGORY),
        NoAdReason.SWITCHED_OFF,
    ),
    "targeting": _between(NoAdReason.COUNTRY, NoAdReason.HOUR_OF_WEEK),
    "frequency_cap": _between(NoAdReason.USER_UNKNOWN, NoAdReason.FREQUENCY_CAP),
    "pacing": _between(NoAdReason.SPEND_UNKNOWN, NoAdReason.PACING),
    "floor": (NoAdReason.FLOOR,),
    "affordable": (NoAdReason.UNAFFORDABLE,),
    WON: _between(NoAdReason.SAME_ADVERTISER, NoAdReason.OUTBID),
}
"""The funnel: what each stage refuses for. Between two stages exactly these are counted."""
REASONS: tuple[str, ...] = (WON, *NoAdReason)
CODES: dict[NoAdReason, int] = {reason: code for code, reason in enumerate(NoAdReason, 1)}

NO_ROWS: Rows = np.empty(0, np.int32)
NO_MICROS: NDArray[np.int64] = np.empty(0, np.int64)
NO_FLOATS: Floats = np.empty(0)
NO_FATE: NDArray[np.uint8] = np.empty(0, np.uint8)


Exits = tuple[NDArray[np.int64], NDArray[np.uint8]]
"""Who left, as kernels take it: `tally` and `fate` of the slate.

Kernels are given plain tuples and unpack them first. A NamedTuple would cost half a microsecond
more on the way in, and looking inside a tuple in a loop counts references for every array of it.
"""


@dataclass(slots=True)
class Slate:
    """What is left for one request: stages change it and hand it on. `encoded` is for the models.

    `live` is the bitmap of ads that fit the placement, before targeting lists them as `ads` (row
    numbers of the catalog). From scoring on, `pctr`, `pcvr`, `quality` (billable events expected
    of 1,000 impressions) and `ecpm` (micros) run parallel to `ads`. After the lift, `places` are
    positions in `ads`, best place first, each picked with its `propensity`. `tally` counts who
    left by reason code; `fate` is the code of each ad of the catalog if the slate is traced, else
    empty.
    """

    live: Bitmap
    tally: NDArray[np.int64]
    fate: NDArray[np.uint8]
    funnel: list[tuple[str, int]]
    ads: Rows = field(default_factory=lambda: NO_ROWS)
    left: NDArray[np.int64] = field(default_factory=lambda: NO_MICROS)
    pctr: Floats = field(default_factory=lambda: NO_FLOATS)
    pcvr: Floats = field(default_factory=lambda: NO_FLOATS)
    quality: Floats = field(default_factory=lambda: NO_FLOATS)
    ecpm: Floats = field(default_factory=lambda: NO_FLOATS)
    encoded: EncodedRequest | None = None
    places: Rows = field(default_factory=lambda: NO_ROWS)
    propensity: Floats = field(default_factory=lambda: NO_FLOATS)

    @property
    def exits(self) -> Exits:
        """Where kernels write down who leaves."""
        return self.tally, self.fate

    @property
    def rejected(self) -> tuple[tuple[NoAdReason, int], ...]:
        """How many ads left, by reason in their order; reasons that took none are not listed."""
        counts = self.tally.tolist()
        return tuple([pair for pair in zip(_ORDER, counts[1:], strict=True) if pair[1]])

    def passed(self, stage: str, ads: Rows) -> "Slate":
        """This slate after a stage that left only `ads`."""
        self.ads = ads
        self.funnel.append((stage, len(ads)))
        return self


def new_tally() -> NDArray[np.int64]:
    """A count for every reason code, all 0."""
    return np.zeros(len(REASONS), np.int64)


@njit(cache=True)
def leave(ad: int, code: int, exits: Exits) -> None:
    """Counts an ad that leaves for the reason `code`, and writes its fate down if asked to."""
    tally, fate = exits
    tally[code] += 1
    if fate.shape[0]:
        fate[ad] = code
