"""A fair chance for the new: which ad takes each place, drawn with probabilities that are known.

The policy, place by place, over the ads whose advertiser has no place yet: with probability
1 - epsilon the highest eCPM (a tie is drawn evenly), with probability epsilon one of the `top_k`
highest, creatives with few impressions more often. Prices are the auction's. Every ad here is
above the floor and affordable, explored ones too. The one surprising fact: a propensity is the
probability of this ad at this place given the places before it, ties included, so that over the
ads that could have come there it sums to 1.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.domain.ad_request import AdRequest
from ranking import chance
from ranking.slate import Floats, Rows, Slate


@dataclass(frozen=True, slots=True)
class ExplorationPolicy:
    """How much is tried out. A creative counts as new below `new_impressions`.

    Among the explored, a creative without any impression is drawn `1 + newness` times as often as
    one that is no longer new, and in between in proportion.
    """

    epsilon: float = 0.05
    top_k: int = 10
    new_impressions: int = 1_000
    newness: float = 9.0

    def weights(self, impressions: NDArray[np.int64]) -> Floats:
        """How often each creative is drawn among the explored, relative to each other."""
        shown = impressions / max(self.new_impressions, 1)
        return 1.0 + self.newness * np.maximum(1.0 - shown, 0.0)


NO_EXPLORATION = ExplorationPolicy(epsilon=0.0)


@dataclass(frozen=True, slots=True)
class Chances:
    """The policy for one catalog: the advertiser and the weight among the explored of each ad."""

    policy: ExplorationPolicy
    advertiser: Rows
    weight: Floats


Field = tuple[Rows, Floats, Rows, Floats]
"""Who runs: `ads` of the slate and their `ecpm`; `advertiser` and `weight` of all ads."""


def lift(slate: Slate, chances: Chances, request: AdRequest, lot: np.uint64) -> Slate:
    """Fills the places that the request asks for and the placement has, each with a propensity."""
    policy, count = chances.policy, min(request.count, request.placement.max_ads)
    field = (slate.ads, slate.ecpm, chances.advertiser, chances.weight)
    slate.places, slate.propensity = _fill(field, policy.epsilon, policy.top_k, count, lot)
    return slate


@njit(cache=True)
def _fill(
    field: Field, epsilon: float, top_k: int, count: int, lot: np.uint64
) -> tuple[Rows, Floats]:
    ads, _, advertiser, _ = field
    open_ = np.ones(ads.shape[0], np.bool_)
    places, propensity = np.empty(count, np.int32), np.empty(count)
    for place in range(count):
        odds = probabilities(field, open_, epsilon, top_k)
        picked = _draw(odds, chance.uniform(lot, place))
        if picked < 0:
            return places[:place], propensity[:place]
        places[place], propensity[place] = picked, odds[picked]
        winner = advertiser[ads[picked]]
        for i in range(open_.shape[0]):
            open_[i] &= advertiser[ads[i]] != winner
    return places, propensity


@njit(cache=True)
def probabilities(field: Field, open_: NDArray[np.bool_], epsilon: float, top_k: int) -> Floats:
    """The policy itself: the probability of each ad to take the next place; 0 where not open."""
    ads, ecpm, _, weight = field
    odds = np.zeros(ads.shape[0])
    highest, least = _highest(ecpm, open_, top_k)
    ties, weights = 0, 0.0
    for i in range(odds.shape[0]):
        if open_[i] and ecpm[i] >= least:
            ties += ecpm[i] == highest
            weights += weight[ads[i]]
    for i in range(odds.shape[0]):
        if open_[i] and ecpm[i] >= least:
            odds[i] = epsilon * weight[ads[i]] / weights
            if ecpm[i] == highest:
                odds[i] += (1.0 - epsilon) / ties
    return odds


@njit(cache=True)
def _highest(ecpm: Floats, open_: NDArray[np.bool_], top_k: int) -> tuple[float, float]:
    """The highest and the `top_k`-th highest eCPM of those that are open."""
    best, n = np.empty(max(top_k, 1)), 0
    for i in range(ecpm.shape[0]):
        if not open_[i] or (n == best.shape[0] and ecpm[i] <= best[n - 1]):
            continue
        n = min(n + 1, best.shape[0])
        at = n - 1
        while at > 0 and best[at - 1] < ecpm[i]:
            best[at] = best[at - 1]
            at -= 1
        best[at] = ecpm[i]
    if n == 0:
        return 0.0, 0.0
    return best[0], best[n - 1]


@njit(cache=True)
def _draw(odds: Floats, uniform: float) -> int:
    """The ad in whose stretch of [0, 1) the draw falls; -1 when nothing has a chance."""
    picked, reached = -1, 0.0
    for i in range(odds.shape[0]):
        if odds[i] > 0.0:
            picked = i
            reached += odds[i]
            if uniform < reached:
                return picked
    return picked
