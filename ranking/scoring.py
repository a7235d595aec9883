"""What every ad is worth here: probabilities, eCPM, and who is worth the floor and affordable.

How probabilities are made is `models.ctr`. The one surprising fact: a CPM bid counts in whole
micros an impression, rounded down, so that no price on the way can be above what was bid.
"""

from datetime import datetime

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.domain.ad_request import AdRequest
from models.domain.user import UserState
from ranking.records import CPA, CPM, CPS, Records
from ranking.slate import CODES, STAYS, Exits, Floats, NoAdReason, Rows, Slate, leave
from ranking.snapshot import Snapshot

PER_THOUSAND = 1000.0
_FLOOR = CODES[NoAdReason.FLOOR]
_UNAFFORDABLE = CODES[NoAdReason.UNAFFORDABLE]


Bids = tuple[Records, Records, NDArray[np.int64]]
"""`AD` and `ITEM` records; for each ad of the slate the micros that are left to pay it from."""

Worth = tuple[Floats, Floats, Floats, Floats]
"""Parallel to ads: `pctr`, `pcvr`, `quality` (billable events of 1,000 impressions), `ecpm`."""


def score(
    slate: Slate, request: AdRequest, user: UserState, snapshot: Snapshot, now: datetime
) -> Slate:
    """pCTR and pCVR of every ad that is left, its eCPM; what is below the floor leaves."""
    ads, rules = slate.ads, snapshot.catalog.rules
    pctr, pcvr, quality, ecpm = np.empty((4, len(ads)))
    if len(ads):
        slate.encoded = snapshot.features.encode(request, user, now)
        snapshot.ctr.score(ads, slate.encoded, pctr)
        snapshot.pcvr.score(ads, slate.encoded, pcvr)
    bids = (rules.ads, rules.items, slate.left)
    worth = (pctr, pcvr, quality, ecpm)
    kept = _weigh(ads, worth, bids, request.placement.floor_cpm_micros, slate.exits)
    n = len(kept)
    slate.pctr, slate.pcvr, slate.quality, slate.ecpm = pctr[:n], pcvr[:n], quality[:n], ecpm[:n]
    slate.funnel.append(("floor", len(ads) - int(slate.tally[_FLOOR])))
    return slate.passed("affordable", kept)


@njit(cache=True)
def _weigh(ads: Rows, worth: Worth, bids: Bids, floor: int, exits: Exits) -> Rows:
    """Fills quality and eCPM, and moves those that stay to the front of every column."""
    pctr, pcvr, qualities, ecpms = worth
    of_ad, items, left = bids
    kept, n = np.empty_like(ads), 0
    for i in range(ads.shape[0]):
        item = items[of_ad[ads[i]].line_item]
        quality = _quality(item.pricing, pctr[i], pcvr[i])
        ecpm = item.event_bid * quality
        code = _refusal(ecpm, floor, left[i])
        if code != STAYS:
            leave(ads[i], code, exits)
            continue
        kept[n], pctr[n], pcvr[n], qualities[n], ecpms[n] = ads[i], pctr[i], pcvr[i], quality, ecpm
        n += 1
    return kept[:n]


@njit(cache=True)
def _quality(pricing: int, pctr: float, pcvr: float) -> float:
    """Billable events (for CPS: sales) expected of 1,000 impressions."""
    if pricing == CPM:
        return PER_THOUSAND
    return PER_THOUSAND * pctr * (pcvr if pricing in (CPA, CPS) else 1.0)


@njit(cache=True)
def _refusal(ecpm: float, floor: int, left: int) -> int:
    """An ad must be worth something, the floor at least, and its offer must be payable."""
    if not (ecpm > 0.0 and ecpm >= floor):
        return _FLOOR
    return STAYS if ecpm / PER_THOUSAND <= left else _UNAFFORDABLE
