"""What each winner pays, and who was outbid.

Second price, weighted by quality (GSP, Edelman, Ostrovsky, Schwarz 2007): an ad pays the least that
keeps it above the best ad of another advertiser that ranks below it for the same place, at least
the floor, never more than its own bid. First price: its own bid. A CPS ad pays nothing: its sales
do. Places are given by `exploration`.
The one surprising fact: an explored ad pays by its own rank and not by the place it was lifted to,
so being tried out costs nobody more than winning would have.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from models.domain.ad_request import AdRequest
from models.domain.campaign import PricingModel
from models.domain.money import NO_MONEY, Micros, from_expected
from models.domain.placement import AuctionType
from ranking.catalog import Ad, Catalog, event_bid
from ranking.slate import CODES, WON, Exits, Floats, NoAdReason, Rows, Slate, leave

LEAST_PRICE = Micros(1)
_SAME_ADVERTISER = CODES[NoAdReason.SAME_ADVERTISER]
_OUTBID = CODES[NoAdReason.OUTBID]


class Cleared(NamedTuple):
    """A place of the answer. `price_micros` is for one billable event.

    `reserved_micros` is what the offer is expected to cost; for CPM that is its price. `at` is its
    position in the slate.
    """

    ad: Ad
    at: int
    price_micros: Micros
    reserved_micros: Micros


def clear(slate: Slate, request: AdRequest, catalog: Catalog) -> list[Cleared]:
    """Prices the places, best place first; everything else leaves the slate."""
    below = _runners_up(slate.ads, slate.ecpm, catalog.ad_advertiser, slate.places, slate.exits)
    slate.funnel.append((WON, len(slate.places)))
    return [
        _cleared(slate, request, catalog, at, threshold)
        for at, threshold in zip(slate.places.tolist(), below.tolist(), strict=True)
    ]


@njit(cache=True)
def _runners_up(ads: Rows, ecpm: Floats, advertiser: Rows, places: Rows, exits: Exits) -> Floats:
    """For each place the highest eCPM, not above the winner's, that competed with it (or 0)."""
    below = np.zeros(places.shape[0])
    taken_at = np.full(ads.shape[0], places.shape[0])
    for place in range(places.shape[0]):
        winner = places[place]
        for i in range(ads.shape[0]):
            if taken_at[i] < place:
                continue
            if advertiser[ads[i]] == advertiser[ads[winner]]:
                taken_at[i] = place
            elif ecpm[i] <= ecpm[winner]:
                below[place] = max(below[place], ecpm[i])
    left = np.ones(ads.shape[0], np.bool_)
    left[places] = False
    for i in range(ads.shape[0]):
        if left[i]:
            taken = taken_at[i] < places.shape[0]
            leave(ads[i], _SAME_ADVERTISER if taken else _OUTBID, exits)
    return below


def _cleared(
    slate: Slate, request: AdRequest, catalog: Catalog, at: int, threshold: float
) -> Cleared:
    ad = catalog.ads[slate.ads[at]]
    if ad.line_item.pricing is PricingModel.CPS:
        return Cleared(ad, at, NO_MONEY, NO_MONEY)
    bid = event_bid(ad.line_item)
    quality = float(slate.quality[at])
    price = bid
    if request.placement.auction is AuctionType.SECOND_PRICE:
        price = second_price(
            bid, quality, max(threshold, float(request.placement.floor_cpm_micros))
        )
    return Cleared(ad, at, price, from_expected(price * quality / 1000))


def second_price(bid: Micros, quality: float, threshold_ecpm: float) -> Micros:
    """The least price of an event at which `quality` x price reaches the threshold.

    `quality` is events expected of 1,000 impressions; the price is never above the bid, and never
    nothing.
    """
    return max(LEAST_PRICE, min(bid, from_expected(threshold_ecpm / quality)))
