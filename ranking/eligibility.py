"""What may run here and now: targeting, flight and hour of the week.

Who is targeted by what is `targeting`; budgets and users' caps come later. The one surprising fact:
targeting costs a few words ANDed for all ads at once, so it comes before the flight, which is
looked at ad by ad for those that are left.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.domain.ad_request import AdRequest
from models.domain.user import UserState
from ranking.attributes import Viewer
from ranking.local_time import Zones, local_hours
from ranking.records import Records
from ranking.slate import CODES, Bitmap, Exits, NoAdReason, Rows, Slate, leave
from ranking.targeting import TargetingIndex

Flights = tuple[Records, Records, Zones]

STAGE = "targeting"
_FLIGHT = CODES[NoAdReason.FLIGHT]
_HOUR = CODES[NoAdReason.HOUR_OF_WEEK]


@dataclass(frozen=True, slots=True)
class Rules:
    """What `screen` needs of a catalog: `AD` and `ITEM` records, the zones, who targets whom."""

    targeting: TargetingIndex
    ads: Records
    items: Records
    zones: Zones


def screen(slate: Slate, rules: Rules, request: AdRequest, user: UserState, now: datetime) -> Slate:
    """Lists the ads whose line item targets this viewer and runs now."""
    targets = (rules.targeting.bitmaps, rules.targeting.program(Viewer(request, user, now)))
    flights = (rules.ads, rules.items, rules.zones)
    now_ms = int(now.timestamp() * 1000)
    return slate.passed(STAGE, _listed(slate.live, targets, flights, now_ms, slate.exits))


@njit(cache=True)
def _listed(
    live: Bitmap,
    targets: tuple[NDArray[np.uint64], Rows],
    flights: Flights,
    now_ms: int,
    exits: Exits,
) -> Rows:
    return _running(_targeted(live, targets[0], targets[1], exits), flights, now_ms, exits)


@njit(cache=True)
def _targeted(live: Bitmap, bitmaps: NDArray[np.uint64], program: Rows, exits: Exits) -> Bitmap:
    """Runs a `TargetingIndex.program` over the bitmap, and counts who leaves at what."""
    left, allowed = live.copy(), np.empty_like(live)
    step = 0
    while step < program.shape[0]:
        code = program[step]
        allowed[:] = bitmaps[program[step + 1]]
        step += 2
        while step < program.shape[0] and program[step] == code:
            row = program[step + 1]
            if row >= 0:
                allowed |= bitmaps[row]
            else:
                allowed &= ~bitmaps[~row]
            step += 2
        _keep(left, allowed, code, exits)
    return left


@njit(cache=True)
def _keep(left: Bitmap, allowed: Bitmap, code: int, exits: Exits) -> None:
    tally, fate = exits
    lost = 0
    for word in range(left.shape[0]):
        gone = left[word] & ~allowed[word]
        left[word] &= allowed[word]
        lost += popcount(gone)
        if fate.shape[0]:
            while gone:
                fate[word * 64 + lowest(gone)] = code
                gone &= gone - np.uint64(1)
    tally[code] += lost


@njit(cache=True)
def _running(live: Bitmap, flights: Flights, now_ms: int, exits: Exits) -> Rows:
    of_ad, items, zones = flights
    local = local_hours(zones, now_ms // 1000)
    found = 0
    for bits in live:
        found += popcount(bits)
    ads, n = np.empty(found, np.int32), 0
    for word in range(live.shape[0]):
        bits = live[word]
        while bits:
            ad = word * 64 + lowest(bits)
            bits &= bits - np.uint64(1)
            item = items[of_ad[ad].line_item]
            hour = local[item.zone]
            if not item.starts_ms <= now_ms < item.ends_ms:
                leave(ad, _FLIGHT, exits)
            elif not (item.hours[hour >> 6] >> np.uint64(hour & 63)) & np.uint64(1):
                leave(ad, _HOUR, exits)
            else:
                ads[n] = ad
                n += 1
    return ads[:n]


@njit(cache=True)
def popcount(word: np.uint64) -> int:
    """How many bits are set; LLVM knows this spelling and makes one instruction of it."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    low = np.uint64(0x3333333333333333)
    word = (word & low) + ((word >> np.uint64(2)) & low)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True)
def lowest(word: np.uint64) -> int:
    """The number of the lowest bit that is set."""
    return int(popcount(~word & (word - np.uint64(1))))
