"""What this user is not tired of: at most N impressions a minute, hour, day or lifetime.

Caps are compiled and applied here; how impressions are counted is the user store's. A cap counts
over its line item, campaign or advertiser, and a line item must keep all of its own caps, so the
strictest wins. Days are days of the advertiser. The one surprising fact: who cannot be counted is
not shown: without a user id, or while the user store is away, capped line items are withheld.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.domain.campaign import Campaign, CapLevel, CapPeriod, LineItem
from models.domain.ids import CampaignId
from models.domain.user import Exposure, UserState
from ranking.eligibility import Rules
from ranking.local_time import HOUR_S, Zones, local_days
from ranking.records import Records
from ranking.slate import CODES, STAYS, Exits, NoAdReason, Rows, Slate, leave

STAGE = "frequency_cap"
NO_GROUP = -1
Key = tuple[CapLevel, str]

SEEN_COLUMNS = 3 + len(Exposure._fields)
_NOTHING_SEEN = np.empty((0, SEEN_COLUMNS), np.int64)
_LIFETIME_AT, _WINDOWS_AT = 3, 3 + Exposure._fields.index("day")
_PERIODS = {CapPeriod.DAY: 0, CapPeriod.HOUR: 1, CapPeriod.MINUTE: 2, CapPeriod.LIFETIME: 3}
"""As an exposure tells them: pairs of window number and count, days first."""
_LIFETIME = _PERIODS[CapPeriod.LIFETIME]
_CAPPED = CODES[NoAdReason.FREQUENCY_CAP]


CAP = np.dtype([("impressions", np.int64), ("group", np.int32), ("period", np.int32)])
"""A cap: how many impressions, of what is counted together (a line item, a campaign or an
advertiser has one number), in which period."""


@dataclass(frozen=True, slots=True)
class Caps:
    """All caps of a catalog, and for each line item that counts towards one, its three groups."""

    records: Records
    groups: dict[str, tuple[int, int, int]]


def build(
    live: Sequence[LineItem],
    everything: Iterable[LineItem],
    campaigns: dict[CampaignId, Campaign],
) -> tuple[Caps, NDArray[np.int32]]:
    """The caps of the live line items, and where those of each begin (one more than line items).

    Ended line items still count towards their campaign's caps and their advertiser's.
    """
    numbers: dict[Key, int] = {}
    begin, flat = [0], []
    for item in live:
        for cap in item.caps:
            group = numbers.setdefault(_keys(item, campaigns)[cap.level], len(numbers))
            flat.append((cap.impressions, group, _PERIODS[cap.period]))
        begin.append(len(flat))
    caps = Caps(np.array(flat, CAP), _counting(everything, campaigns, numbers))
    return caps, np.array(begin, np.int32)


def _keys(item: LineItem, campaigns: dict[CampaignId, Campaign]) -> dict[CapLevel, Key]:
    """What the impressions of a line item count towards."""
    campaign = campaigns.get(item.campaign_id)
    return {
        CapLevel.LINE_ITEM: (CapLevel.LINE_ITEM, item.line_item_id),
        CapLevel.CAMPAIGN: (CapLevel.CAMPAIGN, item.campaign_id),
        CapLevel.ADVERTISER: (CapLevel.ADVERTISER, campaign.advertiser_id if campaign else ""),
    }


def _counting(
    everything: Iterable[LineItem],
    campaigns: dict[CampaignId, Campaign],
    numbers: dict[Key, int],
) -> dict[str, tuple[int, int, int]]:
    groups: dict[str, tuple[int, int, int]] = {}
    for item in everything if numbers else ():
        a, b, c = (numbers.get(key, NO_GROUP) for key in _keys(item, campaigns).values())
        if max(a, b, c) != NO_GROUP:
            groups[item.line_item_id] = (a, b, c)
    return groups


def screen(slate: Slate, caps: Caps, rules: Rules, user: UserState, now: datetime) -> Slate:
    """Takes out what this user has seen often enough, or what cannot be counted."""
    if not len(caps.records):
        return slate.passed(STAGE, slate.ads)
    withheld = STAYS
    if not user.known:
        withheld = CODES[NoAdReason.USER_UNKNOWN]
    elif not user.loaded:
        withheld = CODES[NoAdReason.USER_NOT_LOADED]
    columns = (rules.ads, rules.items, caps.records, rules.zones)
    known = (_seen(caps, user), withheld, int(now.timestamp()))
    return slate.passed(STAGE, _within_caps(slate.ads, columns, known, slate.exits))


def _seen(caps: Caps, user: UserState) -> NDArray[np.int64]:
    """One row for each exposure that counts towards a cap: its groups, then the exposure."""
    if not user.exposures:
        return _NOTHING_SEEN
    groups, flat = caps.groups, list[int]()
    for name, exposure in user.exposures.items():
        if name in groups:
            flat += groups[name]
            flat += exposure
    return np.array(flat, np.int64).reshape(-1, SEEN_COLUMNS)


@njit(cache=True)
def _within_caps(
    ads: Rows,
    columns: tuple[Records, Records, Records, Zones],
    known: tuple[NDArray[np.int64], int, int],
    exits: Exits,
) -> Rows:
    of_ad, items, caps, zones = columns
    seen, withheld, now_s = known
    today, hour, minute = local_days(zones, now_s), now_s // HOUR_S, now_s // 60
    kept, n = np.empty_like(ads), 0
    for ad in ads:
        item, code = items[of_ad[ad].line_item], STAYS
        windows = (today[item.zone], hour, minute)
        for at in range(item.caps_from, item.caps_to):
            cap = caps[at]
            if withheld != STAYS:
                code = withheld
            elif _count(seen, cap.group, cap.period, windows) >= cap.impressions:
                code = _CAPPED
        if code == STAYS:
            kept[n] = ad
            n += 1
        else:
            leave(ad, code, exits)
    return kept[:n]


@njit(cache=True)
def _count(seen: NDArray[np.int64], group: int, period: int, windows: tuple[int, int, int]) -> int:
    """Impressions in a group, in the day, hour or minute that now is in, or ever."""
    total = 0
    for e in range(seen.shape[0]):
        if seen[e, 0] != group and seen[e, 1] != group and seen[e, 2] != group:
            continue
        if period == _LIFETIME:
            total += seen[e, _LIFETIME_AT]
        elif seen[e, _WINDOWS_AT + 2 * period] == windows[period]:
            total += seen[e, _WINDOWS_AT + 2 * period + 1]
    return total
